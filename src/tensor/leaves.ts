import { ShapeError } from "../errors.ts";
import { sizeOf } from "./ndarray.ts";
import { type Dim, type Shape, show, staticShape } from "./shape.ts";
import {
  type AnyTensor,
  type DType,
  type Initial,
  type Leaf,
  makeNode,
  type NoiseLaw,
  type Tensor,
  type Value,
} from "./tensor.ts";

function makeLeaf<D extends DType>(leaf: Leaf, shape: Shape, dtype: D): Tensor<D> {
  const unfed = (): never => {
    throw new Error(`the ${leaf.kind} leaf ${"name" in leaf ? leaf.name : ""} is fed, not computed`);
  };
  return makeNode({
    op: leaf.kind,
    inputs: [],
    attributes: {},
    shape,
    dtype,
    leaf,
    lower: unfed,
    pullback: () => [],
    reference: unfed,
  });
}

/** Values of the dataset, or anything else that the caller feeds at every run. */
export function data(name: string, shape: Shape): Tensor;
export function data<D extends DType>(name: string, shape: Shape, dtype: D): Tensor<D>;
export function data(name: string, shape: Shape, dtype: DType = "float"): AnyTensor {
  return makeLeaf({ kind: "data", name }, shape, dtype);
}

/**
 * Standard noise that somebody draws outside and feeds: N(0, 1) or U[0, 1).
 * Shape [batch, ...event], or [samples, batch, ...event] where `samples` is given. Two noise leaves are never merged.
 */
export function noise(
  name: string,
  law: NoiseLaw,
  shape: { readonly samples?: Dim; readonly batch: Dim; readonly event: Shape },
): Tensor {
  const sampled = shape.samples !== undefined;
  const axes = shape.samples === undefined ? [shape.batch] : [shape.samples, shape.batch];
  return makeLeaf({ kind: "noise", name, law, sampled }, [...axes, ...shape.event], "float");
}

/** A scheduled number, such as the weight of the KL term: a scalar fed at every run. */
export function hyper(name: string): Tensor {
  return makeLeaf({ kind: "hyper", name }, [], "float");
}

/** Trained values. The name is explicit and unique in its program: it keys the start, the checkpoint and the export. */
export function parameter(name: string, shape: readonly number[], initial: Initial): Tensor {
  staticShape(`parameter ${name}`, shape);
  return makeLeaf({ kind: "parameter", name, initial }, shape, "float");
}

/** Values that a program reads and gives updates of, such as a moving average; kept by the loop, not trained. */
export function state(name: string, shape: readonly number[], initial: Initial): Tensor {
  staticShape(`state ${name}`, shape);
  return makeLeaf({ kind: "state", name, initial }, shape, "float");
}

/**
 * Trained values of each example by itself: [batch, ...event]. The table of all examples never enters the program; the host gathers
 * the rows of a batch and updates them alone.
 */
export function local(name: string, event: readonly number[], initial: Initial): Tensor {
  staticShape(`local ${name}`, event);
  return makeLeaf({ kind: "local", name, initial }, ["batch", ...event], "float");
}

const scalars = new Map<number, WeakRef<Tensor>>();
const constantValues = new WeakMap<AnyTensor, ArrayLike<number>>();

function makeConstant<D extends DType>(values: ArrayLike<number>, shape: readonly number[], dtype: D): Tensor<D> {
  if (values.length !== sizeOf(shape)) {
    throw new ShapeError(`constant: ${values.length} values for the shape ${show(shape)} of ${sizeOf(shape)}`);
  }
  const node = makeNode({
    op: "constant",
    inputs: [],
    attributes: {},
    shape,
    dtype,
    leaf: { kind: "constant" },
    lower: (emit): Value => {
      const value = emit.floats(values, shape);
      return dtype === "float" ? value : emit.cast(value, dtype);
    },
    pullback: () => [],
    reference: () => Float64Array.from(values),
  });
  constantValues.set(node, values);
  return node;
}

/** A number, or an array of them with its shape, written into the program. */
export function constant(values: number | ArrayLike<number>, shape: readonly number[] = []): Tensor {
  if (typeof values !== "number") return makeConstant(values, shape, "float");
  const known = scalars.get(values)?.deref();
  if (known) return known;
  const made = makeConstant([values], [], "float");
  scalars.set(values, new WeakRef(made));
  return made;
}

/** Integers written into the program, as indices. */
export function indices(values: ArrayLike<number>, shape: readonly number[] = [values.length]): Tensor<"int"> {
  return makeConstant(values, shape, "int");
}

/** The value of a scalar constant; undefined for everything else. */
export function scalarValue(tensor: AnyTensor): number | undefined {
  return tensor.shape.length === 0 ? constantValues.get(tensor)?.[0] : undefined;
}

/** A tensor, or a number where a formula has one. */
export type TensorLike = Tensor | number;

export function lift(value: TensorLike): Tensor {
  return typeof value === "number" ? constant(value) : value;
}
