import type { Dim, Shape } from "./shape.ts";

/** `float` is the precision the program is compiled for; the others are what they say (`int` is 32 bits). */
export type DType = "float" | "int" | "bool" | "uint8";

/** A name in the lowered program. */
export type Value = string;

export type Precision = "float32" | "float64";

/** What an op's lowering may ask for: nodes and constants of the ONNX graph being written. */
export interface Emitter {
  readonly precision: Precision;
  /** One node of the default domain with one output. */
  node(type: string, inputs: readonly Value[], attributes?: Attributes): Value;
  /** Numbers in the program's own precision. */
  floats(values: ArrayLike<number>, shape: readonly number[]): Value;
  /** int64 numbers, as ONNX wants shapes, axes and indices. */
  ints(values: readonly number[]): Value;
  /** Whether an op of this name uses the tensor somewhere in the program. */
  usedBy(tensor: AnyTensor, op: string): boolean;
  /** The shape with the symbols that are already known replaced. */
  bind(shape: Shape): Shape;
  /** A shape as a one-dimensional int64 value, symbols read off the feeds at run time. */
  shape(shape: Shape): Value;
  /** A dimension as a scalar float. */
  extent(dim: Dim): Value;
  cast(value: Value, to: DType): Value;
  /** Computes `body` from `start` again and again; see `LoopBody`. */
  loop(start: Value, body: LoopBody): Value;
}

/** What is repeated: x ← next(x), at most `most` times, and as long as `again` of the last x and next is true. */
export interface LoopBody {
  /** Stands for x; nothing outside the body uses it. */
  readonly carried: AnyTensor;
  readonly next: AnyTensor;
  readonly again: AnyTensor;
  readonly most: number;
  /** What the body needs and is computed once, before: it does not depend on x. */
  readonly outside: ReadonlyMap<AnyTensor, Value>;
}

export type Attribute = number | string | boolean | readonly number[] | readonly Dim[];
export type Attributes = Readonly<Record<string, Attribute>>;

/** A value of the float64 reference: every dtype held in doubles. */
export interface Reference {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

/**
 * A node that *will* have a value: what computes it, from what, its shape and dtype. It holds no data.
 * The three functions are the op's own, bound to this node.
 */
export interface Tensor<D extends DType = "float"> {
  readonly id: number;
  readonly op: string;
  readonly inputs: readonly AnyTensor[];
  readonly attributes: Attributes;
  readonly shape: Shape;
  readonly dtype: D;
  /** Where it was made: the name scopes around it and a stack, formatted only when somebody asks. */
  readonly scope: string;
  readonly site: { readonly stack?: string };
  readonly leaf?: Leaf;
  lower(emit: Emitter, inputs: readonly Value[]): Value;
  /** The contributions to each input's gradient; null where there is none. */
  pullback(upstream: Tensor): readonly (Tensor | null)[];
  reference(
    inputs: readonly Reference[],
    shape: readonly number[],
    sizes?: Readonly<Record<string, number>>,
  ): Float64Array;
}

export type AnyTensor = Tensor<DType>;

/** How a leaf comes by its value. */
export type Leaf =
  | { readonly kind: "data"; readonly name: string }
  | {
      readonly kind: "noise";
      readonly name: string;
      readonly law: NoiseLaw;
      /** Whether the first axis counts samples; then the second counts examples, else the first does. */
      readonly sampled: boolean;
    }
  | { readonly kind: "hyper"; readonly name: string }
  | { readonly kind: "parameter"; readonly name: string; readonly initial: Initial }
  | { readonly kind: "state"; readonly name: string; readonly initial: Initial }
  /** Trained values of each example by itself, of which a step sees those of its batch. */
  | { readonly kind: "local"; readonly name: string; readonly initial: Initial }
  | { readonly kind: "constant" };

export type NoiseLaw = "normal" | "uniform";

/** How a parameter starts: what is to be drawn, not the drawing. */
export type { Initial } from "./initial.ts";

import type { Initial } from "./initial.ts";

let count = 0;
const scopes: string[] = [];

/** Names what is built inside, for `debug` and the graph's node names. */
export function scope<T>(name: string, build: () => T): T {
  scopes.push(name);
  try {
    return build();
  } finally {
    scopes.pop();
  }
}

/** Frames that a call site is looked for in: gradients of composed ops are built deep below the formula. */
const FRAMES = 16;

/** Makes a node. Only ops and leaves call this. */
export function makeNode<D extends DType>(parts: Omit<Tensor<D>, "id" | "scope" | "site">): Tensor<D> {
  const site: { stack?: string } = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  Error.captureStackTrace?.(site, makeNode);
  Error.stackTraceLimit = stackTraceLimit;
  count += 1;
  return { ...parts, id: count, scope: scopes.filter(Boolean).join("/"), site };
}

/** Every node that the outputs need, inputs before users; not what only nodes of `given` need. */
export function topological(
  outputs: Iterable<AnyTensor>,
  given?: { has(node: AnyTensor): boolean },
): readonly AnyTensor[] {
  const order: AnyTensor[] = [];
  const seen = new Set<AnyTensor>();
  const pending: { node: AnyTensor; ready: boolean }[] = [];
  for (const output of outputs) {
    pending.push({ node: output, ready: false });
    for (let top = pending.pop(); top; top = pending.pop()) {
      if (top.ready) order.push(top.node);
      else if (!seen.has(top.node)) {
        seen.add(top.node);
        pending.push({ node: top.node, ready: true });
        if (given?.has(top.node)) continue;
        for (const input of top.node.inputs) if (!seen.has(input)) pending.push({ node: input, ready: false });
      }
    }
  }
  return order;
}
