import type { Shape } from "./shape.ts";
import {
  type AnyTensor,
  type Attributes,
  type DType,
  type Emitter,
  makeNode,
  type Reference,
  type Tensor,
  type Value,
} from "./tensor.ts";

/** Where one input of a test case is drawn from: uniform in [low, high], with `edges` put in first; `integers` rounds. */
export interface InputDomain {
  readonly shape: readonly number[];
  readonly low: number;
  readonly high: number;
  readonly edges?: readonly number[];
  readonly integers?: boolean;
  readonly dtype?: DType;
}

/** One set-up on which the contract tests hold an op's reference, lowering and gradients against each other. */
export interface Case<A extends Attributes> {
  readonly name: string;
  readonly inputs: readonly InputDomain[];
  readonly attributes: A;
  /** Relative float32 error allowed, where more than the usual 2e-6; with the reason. */
  readonly tolerance?: { readonly relative: number; readonly reason: string };
  /** Points where the op has a kink or a jump: finite differences stay this far away from integers. */
  readonly kinks?: "integers" | "ties";
}

/** All there is to say of an op, in one place. Adding an op is adding one of these. */
export interface Declaration<A extends Attributes, D extends DType> {
  readonly name: string;
  /** Checks the inputs and gives the result's shape and dtype. */
  readonly infer: (inputs: readonly AnyTensor[], attributes: A) => { readonly shape: Shape; readonly dtype: D };
  readonly lower: (emit: Emitter, inputs: readonly Value[], node: Node<A>) => Value;
  /** Contributions to the inputs' gradients, as tensors, so that they can be differentiated again. */
  readonly gradient?: (node: Tensor, upstream: Tensor, attributes: A) => readonly (Tensor | null)[];
  readonly reference: (inputs: readonly Reference[], attributes: A, shape: readonly number[]) => Float64Array;
  readonly cases: readonly Case<A>[];
  /** Where terms can cancel, rounding is relative to what the op gives at these inputs; else to the result itself. */
  readonly conditioning?: Conditioning;
}

type Conditioning = (inputs: readonly Reference[]) => readonly Reference[];

/** The conditioning of a sum of products of inputs: the same sum of their magnitudes. */
export const magnitudes: Conditioning = (inputs) =>
  inputs.map(({ data, shape }) => ({ data: data.map(Math.abs), shape }));

interface Node<A> {
  readonly shape: Shape;
  readonly inputs: readonly AnyTensor[];
  readonly attributes: A;
}

export interface Op<A extends Attributes = Attributes, D extends DType = DType> {
  readonly declaration: Declaration<A, D>;
  (inputs: readonly AnyTensor[], attributes: A): Tensor<D>;
}

/** What the contract tests see of an op: its cases with everything bound. */
export interface RegisteredOp {
  readonly name: string;
  readonly differentiable: boolean;
  readonly conditioning?: Conditioning;
  readonly cases: readonly (Omit<Case<Attributes>, "attributes"> & {
    readonly build: (inputs: readonly AnyTensor[]) => AnyTensor;
  })[];
}

const registry: RegisteredOp[] = [];

/** Every op that has been declared. */
export const registeredOps: readonly RegisteredOp[] = registry;

/** Nodes already made, by their first input, then by op, attributes and the other inputs: equal nodes are one node. */
const made = new WeakMap<AnyTensor, Map<string, WeakRef<object>>>();

function keyOf(name: string, inputs: readonly AnyTensor[], attributes: Attributes): string {
  return `${name} ${JSON.stringify(attributes)} ${inputs.map((input) => input.id).join(" ")}`;
}

/** Declares an op and returns the function that applies it. */
export function defineOp<A extends Attributes, D extends DType>(declaration: Declaration<A, D>): Op<A, D> {
  const { name } = declaration;
  const build = (inputs: readonly AnyTensor[], attributes: A): Tensor<D> => {
    const { shape, dtype } = declaration.infer(inputs, attributes);
    const node: Tensor<D> = makeNode({
      op: name,
      inputs,
      attributes,
      shape,
      dtype,
      lower: (emit, values) => declaration.lower(emit, values, { shape, inputs, attributes }),
      pullback: (upstream) => {
        if (!declaration.gradient) return inputs.map(() => null);
        return declaration.gradient(asFloat(node), upstream, attributes);
      },
      reference: (values, bound) => declaration.reference(values, attributes, bound),
    });
    return node;
  };
  const cache = new WeakMap<object, Tensor<D>>();
  const apply = (inputs: readonly AnyTensor[], attributes: A): Tensor<D> => {
    const first = inputs[0];
    const known = made.get(first) ?? new Map<string, WeakRef<object>>();
    const key = keyOf(name, inputs, attributes);
    const before = known.get(key)?.deref();
    const same = before && cache.get(before);
    if (same) return same;
    const node = build(inputs, attributes);
    cache.set(node, node);
    made.set(first, known.set(key, new WeakRef(node)));
    return node;
  };
  registry.push({
    name,
    differentiable: declaration.gradient !== undefined,
    conditioning: declaration.conditioning,
    cases: declaration.cases.map(({ attributes, ...rest }) => ({
      ...rest,
      build: (inputs) => apply(inputs, attributes),
    })),
  });
  return Object.assign(apply, { declaration });
}

/** The tensor itself where it is of floats; an op that has a gradient has a float result. */
export function asFloat(tensor: AnyTensor): Tensor {
  if (isFloat(tensor)) return tensor;
  throw new TypeError(`${tensor.op}: a gradient needs float values, got ${tensor.dtype}`);
}

export function isFloat(tensor: AnyTensor): tensor is Tensor {
  return tensor.dtype === "float";
}

/** Strides of a row-major array, 0 along axes that broadcast to `shape`. */
export function broadcastStrides(from: readonly number[], shape: readonly number[]): readonly number[] {
  const strides = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (let axis = from.length - 1; axis >= 0; axis--) {
    if (from[axis] !== 1) strides[axis + shape.length - from.length] = stride;
    stride *= from[axis];
  }
  return strides;
}

/** Visits every index of `shape` in order with the offsets that the given strides make of it. */
export function forEachIndex(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (flat: number, offsets: readonly number[], index: readonly number[]) => void,
): void {
  const total = shape.reduce((product, dim) => product * dim, 1);
  const index = new Array<number>(shape.length).fill(0);
  const offsets = new Array<number>(strides.length).fill(0);
  for (let flat = 0; flat < total; flat++) {
    visit(flat, offsets, index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] += 1;
      for (let i = 0; i < strides.length; i++) offsets[i] += strides[i][axis];
      if (index[axis] < shape[axis]) break;
      for (let i = 0; i < strides.length; i++) offsets[i] -= strides[i][axis] * shape[axis];
      index[axis] = 0;
    }
  }
}
