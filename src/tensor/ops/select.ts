import { ShapeError } from "../../errors.ts";
import { lift, type TensorLike } from "../leaves.ts";
import { asFloat, type Case, defineOp, forEachIndex, magnitudes, type Op } from "../op.ts";
import { broadcastShapes, resolveAxis, type Shape, show, staticShape } from "../shape.ts";
import type { AnyTensor, DType, Tensor } from "../tensor.ts";
import { broadcastReference } from "./binary.ts";
import { stridesOf, unbroadcast } from "./shape.ts";
import { abs } from "./unary.ts";

type None = Record<string, never>;
const none: None = {};
const whole = { low: -3, high: 3, integers: true };

function comparison(
  name: string,
  onnx: string,
  compare: (a: number, b: number) => boolean,
): (a: TensorLike, b: TensorLike) => Tensor<"bool"> {
  const op = defineOp<None, "bool">({
    name,
    infer: ([a, b]) => ({ shape: broadcastShapes(name, asFloat(a).shape, asFloat(b).shape), dtype: "bool" }),
    lower: (emit, inputs) => emit.node(onnx, inputs),
    reference: (inputs, _attributes, shape) => broadcastReference(inputs, shape, (a, b) => (compare(a, b) ? 1 : 0)),
    cases: [
      {
        name: "against a row",
        inputs: [
          { shape: [4, 5], ...whole },
          { shape: [5], ...whole },
        ],
        attributes: none,
      },
    ],
  });
  return (a, b) => op([lift(a), lift(b)], none);
}

/** a > b */
export const greater = comparison("greater", "Greater", (a, b) => a > b);
/** a < b */
export const less = comparison("less", "Less", (a, b) => a < b);
/** a ≥ b */
export const greaterEqual = comparison("greaterEqual", "GreaterOrEqual", (a, b) => a >= b);
/** a ≤ b */
export const lessEqual = comparison("lessEqual", "LessOrEqual", (a, b) => a <= b);
/** a = b */
export const equal = comparison("equal", "Equal", (a, b) => a === b);

/** Whether x is neither infinite nor NaN. */
export function finite(x: Tensor): Tensor<"bool"> {
  return less(abs(x), Number.POSITIVE_INFINITY);
}

const bool = { shape: [3, 4], low: 0, high: 1, integers: true, dtype: "bool" } as const;

function logical(
  name: string,
  onnx: string,
  compute: (...values: number[]) => boolean,
  arity: 1 | 2,
): (inputs: readonly Tensor<"bool">[]) => Tensor<"bool"> {
  const op = defineOp<None, "bool">({
    name,
    infer: (inputs) => ({ shape: broadcastShapes(name, ...inputs.map((input) => input.shape)), dtype: "bool" }),
    lower: (emit, inputs) => emit.node(onnx, inputs),
    reference: (inputs, _attributes, shape) =>
      broadcastReference(inputs, shape, (...values) => (compute(...values) ? 1 : 0)),
    cases: [{ name: "truth table", inputs: arity === 1 ? [bool] : [bool, bool], attributes: none }],
  });
  return (inputs) => op(inputs, none);
}

const andOp = logical("and", "And", (a, b) => a !== 0 && b !== 0, 2);
const orOp = logical("or", "Or", (a, b) => a !== 0 || b !== 0, 2);
const notOp = logical("not", "Not", (a) => a === 0, 1);

/** Both. */
export const and = (a: Tensor<"bool">, b: Tensor<"bool">): Tensor<"bool"> => andOp([a, b]);
/** Either. */
export const or = (a: Tensor<"bool">, b: Tensor<"bool">): Tensor<"bool"> => orOp([a, b]);
/** The opposite. */
export const not = (a: Tensor<"bool">): Tensor<"bool"> => notOp([a]);

const whereOp = defineOp<None, "float">({
  name: "where",
  infer: ([condition, a, b]) => ({
    shape: broadcastShapes("where", condition.shape, asFloat(a).shape, asFloat(b).shape),
    dtype: "float",
  }),
  lower: (emit, inputs) => emit.node("Where", inputs),
  gradient: (node, upstream) => {
    const [condition, a, b] = node.inputs;
    const chosen = (then: TensorLike, otherwise: TensorLike): Tensor =>
      whereOp([condition, lift(then), lift(otherwise)], none);
    return [null, unbroadcast(chosen(upstream, 0), a.shape), unbroadcast(chosen(0, upstream), b.shape)];
  },
  reference: (inputs, _attributes, shape) => broadcastReference(inputs, shape, (c, a, b) => (c !== 0 ? a : b)),
  cases: [
    {
      name: "matrix and row",
      inputs: [bool, { shape: [3, 4], low: -100, high: 100 }, { shape: [4], low: -100, high: 100 }],
      attributes: none,
    },
  ],
});

/** a where the condition holds, else b. Clean the *input* of what can be NaN with it, not the output. */
export function where(condition: Tensor<"bool">, a: TensorLike, b: TensorLike): Tensor {
  return whereOp([condition, lift(a), lift(b)], none);
}

const castOp = defineOp<None, "float">({
  name: "toFloat",
  infer: ([x]) => ({ shape: x.shape, dtype: "float" }),
  lower: (emit, [x]) => emit.cast(x, "float"),
  reference: ([x]) => x.data,
  cases: (["bool", "int", "uint8"] as const).map(
    (dtype): Case<None> => ({
      name: dtype,
      inputs: [{ shape: [3, 4], low: 0, high: dtype === "bool" ? 1 : 255, integers: true, dtype }],
      attributes: none,
    }),
  ),
});

/** Numbers of any kind as floats; no gradient passes. */
export function toFloat(x: Tensor<DType>): Tensor {
  return x.dtype === "float" ? asFloat(x) : castOp([x], none);
}

interface Axis {
  readonly [key: string]: number;
  readonly axis: number;
}

const table = { shape: [5, 3], low: -100, high: 100 };
const rows = { shape: [2, 4], low: 0, high: 4, integers: true, dtype: "int" } as const;

/** Walks a gather: every output element's offset in the table. */
function forEachGathered(
  tableShape: readonly number[],
  indices: { readonly data: Float64Array; readonly shape: readonly number[] },
  axis: number,
  visit: (flat: number, from: number) => void,
): void {
  const shape = [...tableShape.slice(0, axis), ...indices.shape, ...tableShape.slice(axis + 1)];
  const strides = stridesOf(tableShape);
  const zeros = indices.shape.map(() => 0);
  const direct = [...strides.slice(0, axis), ...zeros, ...strides.slice(axis + 1)];
  const lookup = [
    ...strides.slice(0, axis).map(() => 0),
    ...stridesOf(indices.shape),
    ...strides.slice(axis + 1).map(() => 0),
  ];
  forEachIndex(shape, [direct, lookup], (flat, [base, at]) => visit(flat, base + indices.data[at] * strides[axis]));
}

const gatherOp: Op<Axis, "float"> = defineOp<Axis, "float">({
  name: "gather",
  infer: ([x, indices], { axis }) => {
    if (indices.dtype !== "int") throw new ShapeError(`gather: indices must be int, got ${indices.dtype}`);
    return { shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], dtype: "float" };
  },
  lower: (emit, inputs, { attributes }) => emit.node("Gather", inputs, { axis: attributes.axis }),
  gradient: (node, upstream, { axis }) => {
    const [x, indices] = node.inputs;
    const [size] = staticShape("gather", [x.shape[axis]]);
    return [scatterOp([upstream, indices], { axis, size }), null];
  },
  reference: ([x, indices], { axis }, shape) => {
    const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
    forEachGathered(x.shape, indices, axis, (flat, from) => {
      out[flat] = x.data[from];
    });
    return out;
  },
  cases: [
    { name: "rows of a table", inputs: [table, rows], attributes: { axis: 0 } },
    {
      name: "columns",
      inputs: [table, { ...rows, shape: [4], high: 2 }],
      attributes: { axis: 1 },
    },
  ],
});

/** x's slices along `axis` at the given indices, whose axes take that axis's place. An index out of range is an error. */
export function gather(x: Tensor, indices: Tensor<"int">, axis = 0): Tensor {
  return gatherOp([x, indices], { axis: resolveAxis("gather", axis, x.shape.length) });
}

interface Scatter extends Axis {
  readonly size: number;
}

function scattered(shape: Shape, indices: AnyTensor, axis: number, size: number): Shape {
  return [...shape.slice(0, axis), size, ...shape.slice(axis + indices.shape.length)];
}

const scatterOp: Op<Scatter, "float"> = defineOp<Scatter, "float">({
  name: "scatterAdd",
  conditioning: magnitudes,
  infer: ([x, indices], { axis, size }) => {
    const spanned = x.shape.slice(axis, axis + indices.shape.length);
    if (show(spanned) !== show(indices.shape)) {
      throw new ShapeError(`scatterAdd: ${show(x.shape)} has no axes ${show(indices.shape)} at ${axis}`);
    }
    return { shape: scattered(x.shape, indices, axis, size), dtype: "float" };
  },
  // ScatterElements, as ScatterND loses updates on several threads: it wants one index for each element.
  lower: (emit, [x, at], { shape, inputs: [, indices], attributes: { axis } }) => {
    const count = indices.shape.reduce<number>((product, dim) => product * staticShape("scatterAdd", [dim])[0], 1);
    const flat = shape.map((dim, i) => (i === axis ? count : dim));
    const aligned = emit.node("Reshape", [at, emit.ints(shape.map((_, i) => (i === axis ? count : 1)))]);
    const everywhere = emit.node("Expand", [aligned, emit.shape(flat)]);
    const zeros = emit.node("Expand", [emit.floats([0], []), emit.shape(shape)]);
    const updates = emit.node("Reshape", [x, emit.shape(flat)]);
    return emit.node("ScatterElements", [zeros, everywhere, updates], { axis, reduction: "add" });
  },
  gradient: (node, upstream, { axis }) => [gatherOp([upstream, node.inputs[1]], { axis }), null],
  reference: ([x, indices], { axis }, shape) => {
    const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
    forEachGathered(shape, indices, axis, (flat, to) => {
      out[to] += x.data[flat];
    });
    return out;
  },
  cases: [
    { name: "rows", inputs: [{ ...table, shape: [2, 4, 3] }, rows], attributes: { axis: 0, size: 5 } },
    {
      name: "columns",
      inputs: [
        { ...table, shape: [3, 4] },
        { ...rows, shape: [4] },
      ],
      attributes: { axis: 1, size: 5 },
    },
  ],
});

/** The transpose of `gather`: x's slices added up at the given indices of an axis of `size` zeros. */
export function scatterAdd(x: Tensor, indices: Tensor<"int">, size: number, axis = 0): Tensor {
  return scatterOp([x, indices], { axis: resolveAxis("scatterAdd", axis, x.shape.length), size });
}
