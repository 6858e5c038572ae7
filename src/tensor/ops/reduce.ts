import { ShapeError } from "../../errors.ts";
import { lift, type TensorLike } from "../leaves.ts";
import { asFloat, defineOp, forEachIndex, magnitudes } from "../op.ts";
import { resolveAxes, resolveAxis, type Shape, show } from "../shape.ts";
import type { Reference, Tensor } from "../tensor.ts";
import { add, div, mul, sub } from "./binary.ts";
import { customGradient, stopGradient } from "./custom.ts";
import { equal, finite, where } from "./select.ts";
import { broadcastTo, extent, reshape, slice, stridesOf } from "./shape.ts";
import { exp, log } from "./unary.ts";

const wide = { low: -100, high: 100 };

interface Axes {
  readonly [key: string]: readonly number[];
  readonly axes: readonly number[];
}

const without = (shape: Shape, axes: readonly number[]): Shape => shape.filter((_, axis) => !axes.includes(axis));

/** The shape with the given axes of size 1. */
function kept(shape: Shape, axes: readonly number[]): Shape {
  return shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
}

function reduceReference(
  x: Reference,
  axes: readonly number[],
  start: number,
  combine: (a: number, b: number) => number,
): Float64Array {
  const shape = x.shape.filter((_, axis) => !axes.includes(axis));
  const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1)).fill(start);
  const inner = stridesOf(shape);
  let next = 0;
  const strides = x.shape.map((_, axis) => (axes.includes(axis) ? 0 : inner[next++]));
  forEachIndex(x.shape, [strides], (flat, [to]) => {
    out[to] = combine(out[to], x.data[flat]);
  });
  return out;
}

const sumOp = defineOp<Axes, "float">({
  name: "sum",
  conditioning: magnitudes,
  infer: ([x], { axes }) => ({ shape: without(asFloat(x).shape, axes), dtype: "float" }),
  lower: (emit, [x], { attributes }) => emit.node("ReduceSum", [x, emit.ints(attributes.axes)], { keepdims: 0 }),
  gradient: (node, upstream, { axes }) => {
    const { shape } = node.inputs[0];
    return [broadcastTo(reshape(upstream, kept(shape, axes)), shape)];
  },
  reference: ([x], { axes }) => reduceReference(x, axes, 0, (a, b) => a + b),
  cases: [
    { name: "rows", inputs: [{ shape: [4, 7], ...wide }], attributes: { axes: [0] } },
    { name: "all", inputs: [{ shape: [3, 2, 4], ...wide }], attributes: { axes: [0, 1, 2] } },
  ],
});

type AxisList = number | readonly number[];

function axesOf(operation: string, x: Tensor, axes: AxisList | undefined): readonly number[] {
  if (axes === undefined) return x.shape.map((_, axis) => axis);
  return resolveAxes(operation, typeof axes === "number" ? [axes] : axes, x.shape.length);
}

/** The sum over the given axes, or over all; the axes vanish. */
export function sum(x: TensorLike, axes?: AxisList): Tensor {
  const value = lift(x);
  const over = axesOf("sum", value, axes);
  if (over.length === 0) return value;
  return sumOp([value], { axes: over });
}

/** The mean over the given axes, or over all; the axes vanish. */
export function mean(x: Tensor, axes?: AxisList): Tensor {
  return axesOf("mean", x, axes).reduce(
    (total, axis) => {
      const dim = x.shape[axis];
      return typeof dim === "number" ? mul(total, 1 / dim) : div(total, extent(x, axis));
    },
    sum(x, axes),
  );
}

const maxOp = defineOp<Axes, "float">({
  name: "max",
  infer: ([x], { axes }) => ({ shape: without(asFloat(x).shape, axes), dtype: "float" }),
  lower: (emit, [x], { attributes }) => emit.node("ReduceMax", [x], { axes: attributes.axes, keepdims: 0 }),
  gradient: (node, upstream, { axes }) => {
    const x = asFloat(node.inputs[0]);
    const largest = where(equal(x, reshape(node, kept(x.shape, axes))), 1, 0);
    const ties = reshape(sum(largest, axes), kept(x.shape, axes));
    return [mul(largest, div(reshape(upstream, kept(x.shape, axes)), ties))];
  },
  reference: ([x], { axes }) => reduceReference(x, axes, Number.NEGATIVE_INFINITY, Math.max),
  cases: [{ name: "rows", inputs: [{ shape: [4, 7], ...wide }], attributes: { axes: [1] }, kinks: "ties" }],
});

/** The largest value over the given axes, or over all; a tie shares the gradient. */
export function max(x: Tensor, axes?: AxisList): Tensor {
  return maxOp([x], { axes: axesOf("max", x, axes) });
}

const argmaxOp = defineOp<{ readonly axis: number }, "int">({
  name: "argmax",
  infer: ([x], { axis }) => ({ shape: without(asFloat(x).shape, [axis]), dtype: "int" }),
  lower: (emit, [x], { attributes }) =>
    emit.cast(emit.node("ArgMax", [x], { axis: attributes.axis, keepdims: 0 }), "int"),
  reference: ([x], { axis }) => {
    const best = reduceReference(x, [axis], Number.NEGATIVE_INFINITY, Math.max);
    const out = new Float64Array(best.length).fill(-1);
    const inner = stridesOf(x.shape.filter((_, i) => i !== axis));
    let next = 0;
    const strides = x.shape.map((_, i) => (i === axis ? 0 : inner[next++]));
    forEachIndex(x.shape, [strides], (flat, [to], index) => {
      if (out[to] < 0 && x.data[flat] === best[to]) out[to] = index[axis];
    });
    return out;
  },
  cases: [{ name: "columns", inputs: [{ shape: [4, 7], ...wide }], attributes: { axis: 0 } }],
});

/** The index of the largest value along an axis; the first one where several are. */
export function argmax(x: Tensor, axis: number): Tensor<"int"> {
  return argmaxOp([x], { axis: resolveAxis("argmax", axis, x.shape.length) });
}

const cumsumOp = defineOp<{ readonly axis: number }, "float">({
  name: "cumsum",
  conditioning: magnitudes,
  infer: ([x]) => ({ shape: asFloat(x).shape, dtype: "float" }),
  lower: (emit, [x], { attributes }) => emit.node("CumSum", [x, emit.ints([attributes.axis])]),
  gradient: (_node, upstream, { axis }) => [reverse(cumsum(reverse(upstream, axis), axis), axis)],
  reference: ([x], { axis }) => {
    const out = Float64Array.from(x.data);
    const stride = stridesOf(x.shape)[axis];
    forEachIndex(x.shape, [], (flat, _offsets, index) => {
      if (index[axis] > 0) out[flat] += out[flat - stride];
    });
    return out;
  },
  cases: [{ name: "columns", inputs: [{ shape: [3, 5], ...wide }], attributes: { axis: 1 } }],
});

/** The sums of all values up to and including each, along an axis. */
export function cumsum(x: Tensor, axis: number): Tensor {
  return cumsumOp([x], { axis: resolveAxis("cumsum", axis, x.shape.length) });
}

/** The values along an axis in the opposite order. */
export function reverse(x: Tensor, axis: number): Tensor {
  const size = x.shape[resolveAxis("reverse", axis, x.shape.length)];
  if (typeof size !== "number") throw new ShapeError(`reverse: axis ${axis} of ${show(x.shape)} must be a number`);
  return slice(x, axis, size - 1, -1, -1);
}

/** log Σ exp x over the given axes, guarded: rows of −∞ give −∞ with gradient 0, and a +∞ gives +∞. */
export function logsumexp(x: Tensor, axes?: AxisList): Tensor {
  const over = axesOf("logsumexp", x, axes);
  const open = (y: Tensor): Tensor => reshape(y, kept(x.shape, over));
  const largest = stopGradient(max(x, over));
  const shift = where(finite(largest), largest, 0);
  const value = add(log(sum(exp(sub(x, open(shift))), over)), shift);
  const safe = where(finite(value), value, 0);
  return customGradient(value, [x], (upstream) => [mul(open(upstream), exp(sub(x, open(safe))))]);
}

/** x − log Σ exp x along an axis: log-probabilities from logits. */
export function logSoftmax(x: Tensor, axis: number): Tensor {
  const at = resolveAxis("logSoftmax", axis, x.shape.length);
  return sub(x, reshape(logsumexp(x, at), kept(x.shape, [at])));
}
