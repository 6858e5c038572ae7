import { ShapeError } from "../../errors.ts";
import { lift, type TensorLike } from "../leaves.ts";
import { asFloat, broadcastStrides, defineOp, forEachIndex } from "../op.ts";
import {
  broadcastShapes,
  type Dim,
  multiply,
  resolveAxes,
  resolveAxis,
  resolveReshape,
  type Shape,
  sameShape,
  show,
  staticShape,
} from "../shape.ts";
import type { AnyTensor, Reference, Tensor } from "../tensor.ts";
import { sum } from "./reduce.ts";

const wide = { low: -100, high: 100 };

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): readonly number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, dim) => product * dim, 1));
}

const reshapeOp = defineOp<{ readonly shape: Shape }, "float">({
  name: "reshape",
  infer: ([x], { shape }) => ({ shape: resolveReshape(asFloat(x).shape, shape), dtype: "float" }),
  lower: (emit, [x], { attributes: { shape } }) => {
    const bound = emit.bind(shape);
    const symbolic = bound.filter((dim) => typeof dim === "string").length;
    const target = bound.map((dim) => (typeof dim === "string" ? -1 : dim));
    return emit.node("Reshape", [x, symbolic > 1 ? emit.shape(shape) : emit.ints(target)]);
  },
  gradient: (node, upstream) => [reshape(upstream, node.inputs[0].shape)],
  reference: ([x]) => x.data,
  cases: [{ name: "split an axis", inputs: [{ shape: [4, 6], ...wide }], attributes: { shape: [2, 2, -1] } }],
});

/** The same numbers in another shape; one axis may be −1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.shape, shape) ? x : reshapeOp([x], { shape: resolveReshape(x.shape, shape) });
}

const transposeOp = defineOp<{ readonly permutation: readonly number[] }, "float">({
  name: "transpose",
  infer: ([x], { permutation }) => {
    const axes = resolveAxes("transpose", permutation, x.shape.length);
    if (axes.length !== x.shape.length) {
      throw new ShapeError(`transpose: ${show(x.shape)} needs ${x.shape.length} axes, got ${show(permutation)}`);
    }
    return { shape: axes.map((axis) => x.shape[axis]), dtype: "float" };
  },
  lower: (emit, [x], { attributes }) => emit.node("Transpose", [x], { perm: attributes.permutation }),
  gradient: (_node, upstream, { permutation }) => [
    transpose(
      upstream,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  reference: ([x], { permutation }, shape) => {
    const strides = stridesOf(x.shape);
    const out = new Float64Array(x.data.length);
    forEachIndex(shape, [permutation.map((axis) => strides[axis])], (flat, [from]) => {
      out[flat] = x.data[from];
    });
    return out;
  },
  cases: [
    { name: "rotate three axes", inputs: [{ shape: [2, 3, 4], ...wide }], attributes: { permutation: [2, 0, 1] } },
  ],
});

/** Axes in another order; without one, the last two are exchanged. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  const rank = x.shape.length;
  const swapped = [...Array(Math.max(rank - 2, 0)).keys(), rank - 1, rank - 2];
  return transposeOp([x], { permutation: permutation ?? swapped });
}

const broadcastOp = defineOp<{ readonly shape: Shape }, "float">({
  name: "broadcastTo",
  infer: ([x], { shape }) => {
    if (!sameShape(broadcastShapes("broadcastTo", asFloat(x).shape, shape), shape)) {
      throw new ShapeError(`broadcastTo: ${show(x.shape)} cannot become ${show(shape)}`);
    }
    return { shape, dtype: "float" };
  },
  lower: (emit, [x], { shape }) => emit.node("Expand", [x, emit.shape(shape)]),
  gradient: (node, upstream) => [unbroadcast(upstream, node.inputs[0].shape)],
  reference: ([x], _attributes, shape) => {
    const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
    forEachIndex(shape, [broadcastStrides(x.shape, shape)], (flat, [from]) => {
      out[flat] = x.data[from];
    });
    return out;
  },
  cases: [{ name: "row and column", inputs: [{ shape: [3, 1], ...wide }], attributes: { shape: [2, 3, 4] } }],
});

/** Repeated along axes of size 1 and new leading axes. */
export function broadcastTo(x: TensorLike, shape: Shape): Tensor {
  const value = lift(x);
  return sameShape(value.shape, shape) ? value : broadcastOp([value], { shape });
}

/** The transpose of broadcasting: sums x over the axes along which `shape` would be repeated. */
export function unbroadcast(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.shape.length - shape.length;
  const axes = x.shape.flatMap((dim, axis) => (axis < lead || (shape[axis - lead] === 1 && dim !== 1) ? [axis] : []));
  // An upstream that is itself broadcast (a constant factor, say) may have fewer axes than the result it flows into.
  return lead < 0 ? broadcastTo(x, shape) : reshape(sum(x, axes), shape);
}

const concatOp = defineOp<{ readonly axis: number }, "float">({
  name: "concat",
  infer: (inputs, { axis }) => {
    const [first, ...rest] = inputs.map((input) => input.shape);
    for (const shape of rest) {
      if (shape.length !== first.length || shape.some((dim, i) => i !== axis && dim !== first[i])) {
        throw new ShapeError(`concat on axis ${axis}: ${show(first)} and ${show(shape)} differ elsewhere`);
      }
    }
    const extents = inputs.map((input) => input.shape[axis]);
    const total = inputs.length === 1 ? extents[0] : staticShape("concat", extents).reduce((a, b) => a + b, 0);
    return { shape: first.map((dim, i) => (i === axis ? total : dim)), dtype: "float" };
  },
  lower: (emit, inputs, { attributes }) => emit.node("Concat", inputs, { axis: attributes.axis }),
  gradient: (node, upstream, { axis }) => {
    let start = 0;
    return node.inputs.map((input) => {
      const [extent] = staticShape("concat", [input.shape[axis]]);
      start += extent;
      return slice(upstream, axis, start - extent, start);
    });
  },
  reference: (inputs, { axis }, shape) => {
    const outer = shape.slice(0, axis).reduce((product, dim) => product * dim, 1);
    const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
    let at = 0;
    for (let row = 0; row < outer; row++) {
      for (const { data } of inputs) {
        const block = data.length / outer;
        out.set(data.subarray(row * block, (row + 1) * block), at);
        at += block;
      }
    }
    return out;
  },
  cases: [
    {
      name: "middle axis",
      inputs: [
        { shape: [2, 1, 3], ...wide },
        { shape: [2, 4, 3], ...wide },
      ],
      attributes: { axis: 1 },
    },
  ],
});

/** Tensors one after another along an axis whose sizes are numbers. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  return concatOp(tensors, { axis: resolveAxis("concat", axis, tensors[0].shape.length) });
}

interface Range {
  readonly [key: string]: number;
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Offsets into the input for a slice: base and strides. */
function sliceView(x: Reference, { axis, start, step }: Range): { base: number; strides: readonly number[] } {
  const strides = stridesOf(x.shape);
  return { base: start * strides[axis], strides: strides.map((stride, i) => (i === axis ? stride * step : stride)) };
}

const sliceOp = defineOp<Range, "float">({
  name: "slice",
  infer: ([x], { axis, start, end, step }) => {
    const extent = x.shape[axis];
    const inside = typeof extent !== "number" || (step > 0 ? end <= extent : start < extent);
    if (!inside || start < 0 || (step > 0 ? start >= end : end >= start || end < -1)) {
      throw new ShapeError(`slice: ${start} to ${end} by ${step} is not within axis ${axis} of ${show(x.shape)}`);
    }
    const length = Math.ceil((end - start) / step);
    return { shape: x.shape.map((dim, i) => (i === axis ? length : dim)), dtype: "float" };
  },
  lower: (emit, [x], { attributes: { axis, start, end, step } }) => {
    const last = end < 0 ? -(2 ** 31) : end; // ONNX counts a negative end from the back
    return emit.node("Slice", [x, emit.ints([start]), emit.ints([last]), emit.ints([axis]), emit.ints([step])]);
  },
  gradient: (node, upstream, range) => {
    const { axis, start, step } = range;
    const extent = staticShape("slice", [node.inputs[0].shape[axis]])[0];
    const [length] = staticShape("slice", [node.shape[axis]]);
    if (step === 1) return [pad(upstream, axis, start, extent - start - length)];
    if (step === -1) {
      const flipped = slice(upstream, axis, length - 1, -1, -1);
      return [pad(flipped, axis, start - length + 1, extent - start - 1)];
    }
    throw new ShapeError(`slice: no gradient is known for steps of ${step}; use gather`);
  },
  reference: ([x], range, shape) => {
    const { base, strides } = sliceView(x, range);
    const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
    forEachIndex(shape, [strides], (flat, [from]) => {
      out[flat] = x.data[base + from];
    });
    return out;
  },
  cases: [
    { name: "inner", inputs: [{ shape: [3, 7], ...wide }], attributes: { axis: 1, start: 2, end: 6, step: 1 } },
    { name: "reversed", inputs: [{ shape: [3, 5], ...wide }], attributes: { axis: 1, start: 4, end: -1, step: -1 } },
  ],
});

/** x[…, start:end:step, …] on one axis; step −1 with end −1 reverses. */
export function slice(x: Tensor, axis: number, start: number, end: number, step = 1): Tensor {
  const at = resolveAxis("slice", axis, x.shape.length);
  return start === 0 && end === x.shape[at] && step === 1 ? x : sliceOp([x], { axis: at, start, end, step });
}

/** Splits an axis into parts of the given sizes. */
export function split(x: Tensor, axis: number, sizes: readonly number[]): readonly Tensor[] {
  const at = resolveAxis("split", axis, x.shape.length);
  const total = sizes.reduce((a, b) => a + b, 0);
  if (total !== x.shape[at]) {
    throw new ShapeError(`split: parts of ${show(sizes)} do not make up axis ${axis} of ${show(x.shape)}`);
  }
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return slice(x, at, start - size, start);
  });
}

interface Padding {
  readonly [key: string]: number;
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

const padOp = defineOp<Padding, "float">({
  name: "pad",
  infer: ([x], { axis, before, after }) => {
    const [extent] = staticShape("pad", [x.shape[axis]]);
    if (before < 0 || after < 0) throw new ShapeError(`pad: ${before} and ${after} must not be negative`);
    return { shape: x.shape.map((dim, i): Dim => (i === axis ? extent + before + after : dim)), dtype: "float" };
  },
  lower: (emit, [x], { shape, attributes: { axis, before, after } }) => {
    const at = (amount: number): readonly number[] => shape.map((_, i) => (i === axis ? amount : 0));
    return emit.node("Pad", [x, emit.ints([...at(before), ...at(after)]), emit.floats([0], [])]);
  },
  gradient: (node, upstream, { axis, before, after }) => {
    const [extent] = staticShape("pad", [node.shape[axis]]);
    return [slice(upstream, axis, before, extent - after)];
  },
  reference: ([x], { axis, before }, shape) => {
    const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
    const strides = stridesOf(shape);
    forEachIndex(x.shape, [strides], (flat, [to]) => {
      out[to + before * strides[axis]] = x.data[flat];
    });
    return out;
  },
  cases: [{ name: "both sides", inputs: [{ shape: [2, 3], ...wide }], attributes: { axis: 1, before: 2, after: 1 } }],
});

/** Zeros before and after along one axis. */
export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  const at = resolveAxis("pad", axis, x.shape.length);
  return before === 0 && after === 0 ? x : padOp([x], { axis: at, before, after });
}

/** All axes from `axis` on made one. */
export function flatten(x: Tensor, axis: number): Tensor {
  const at = resolveAxis("flatten", axis, x.shape.length);
  return reshape(x, [...x.shape.slice(0, at), multiply(...x.shape.slice(at))]);
}

/** The number of elements along an axis, as a float scalar; known only at run time where the axis is symbolic. */
export function extent(x: AnyTensor, axis: number): Tensor {
  return extentOp([x], { axis: resolveAxis("extent", axis, x.shape.length) });
}

const extentOp = defineOp<{ readonly axis: number }, "float">({
  name: "extent",
  infer: () => ({ shape: [], dtype: "float" }),
  lower: (emit, _inputs, { inputs: [x], attributes }) => emit.extent(x.shape[attributes.axis]),
  gradient: () => [null],
  reference: ([x], { axis }) => Float64Array.of(x.shape[axis]),
  cases: [{ name: "second axis", inputs: [{ shape: [2, 3], ...wide }], attributes: { axis: 1 } }],
});
