import { lift, scalarValue, type TensorLike } from "../leaves.ts";
import { asFloat, broadcastStrides, type Case, defineOp, forEachIndex, type InputDomain, magnitudes } from "../op.ts";
import { broadcastShapes, sameShape } from "../shape.ts";
import type { Emitter, Tensor, Value } from "../tensor.ts";
import { unbroadcast } from "./shape.ts";

type None = Record<string, never>;
const none: None = {};

interface UnaryDeclaration {
  readonly name: string;
  readonly lower: string | ((emit: Emitter, x: Value) => Value);
  readonly reference: (x: number) => number;
  readonly gradient?: (x: Tensor, y: Tensor, upstream: Tensor) => Tensor;
  readonly domain: Omit<InputDomain, "shape">;
  readonly kinks?: Case<None>["kinks"];
  readonly tolerance?: Case<None>["tolerance"];
}

function unary(declaration: UnaryDeclaration): (x: TensorLike) => Tensor {
  const { name, lower, reference, gradient, domain, kinks, tolerance } = declaration;
  const op = defineOp<None, "float">({
    name,
    infer: ([x]) => ({ shape: asFloat(x).shape, dtype: "float" }),
    lower: (emit, [x]) => (typeof lower === "string" ? emit.node(lower, [x]) : lower(emit, x)),
    gradient: gradient && ((node, upstream) => [gradient(asFloat(node.inputs[0]), node, upstream)]),
    reference: ([x]) => x.data.map(reference),
    cases: [{ name: "elementwise", inputs: [{ shape: [4, 16], ...domain }], attributes: none, kinks, tolerance }],
  });
  return (x) => op([lift(x)], none);
}

/** −x */
export const neg = unary({
  name: "neg",
  lower: "Neg",
  reference: (x) => -x,
  gradient: (_x, _y, up) => neg(up),
  domain: { low: -100, high: 100, edges: [0] },
});

/** |x|; its gradient at 0 is 0. */
export const abs = unary({
  name: "abs",
  lower: "Abs",
  reference: Math.abs,
  gradient: (x, _y, up) => mul(up, sign(x)),
  domain: { low: -100, high: 100, edges: [0] },
  kinks: "integers",
});

/** eˣ */
export const exp = unary({
  name: "exp",
  lower: "Exp",
  reference: Math.exp,
  gradient: (_x, y, up) => mul(up, y),
  domain: { low: -87, high: 88, edges: [0, 100, -120] },
  tolerance: { relative: 1e-5, reason: "eˣ magnifies the rounding of x itself: |x| · 2⁻²⁴ ≤ 88 · 6e-8 = 5e-6" },
});

const logOp = unary({
  name: "log",
  lower: "Log",
  reference: Math.log,
  gradient: (x, _y, up) => div(up, x),
  domain: { low: 1e-3, high: 100, edges: [1e-30, 1, 1e30] },
});

/** log x; log eˣ is x itself. −∞ at 0, NaN below. */
export function log(x: TensorLike): Tensor {
  const value = lift(x);
  return value.op === "exp" ? asFloat(value.inputs[0]) : logOp(value);
}

/** √x */
export const sqrt = unary({
  name: "sqrt",
  lower: "Sqrt",
  reference: Math.sqrt,
  gradient: (_x, y, up) => div(up, mul(2, y)),
  domain: { low: 1e-3, high: 100, edges: [1e-30, 1e30] },
});

/** max(x, 0); its gradient at 0 is 0. */
export const relu = unary({
  name: "relu",
  lower: "Relu",
  reference: (x) => (x > 0 || Number.isNaN(x) ? x : 0),
  gradient: (_x, y, up) => mul(up, step(y)),
  domain: { low: -100, high: 100, edges: [0] },
  kinks: "integers",
});

/** 1 where x > 0, else 0. */
export const step = unary({
  name: "step",
  // HardSigmoid with a huge slope is one cheap pass where Greater and Cast are two; it has no float64 kernel.
  lower: (emit, x) =>
    emit.precision === "float32"
      ? emit.node("HardSigmoid", [x], { alpha: 3e38, beta: 0 })
      : emit.cast(emit.node("Greater", [x, emit.floats([0], [])]), "float"),
  reference: (x) => (x > 0 ? 1 : 0),
  domain: { low: -100, high: 100, edges: [0] },
  kinks: "integers",
});

/** −1, 0 or 1. */
export function sign(x: TensorLike): Tensor {
  return sub(step(x), step(neg(x)));
}

/** The largest integer ≤ x; no gradient passes. */
export const floor = unary({
  name: "floor",
  lower: "Floor",
  reference: Math.floor,
  domain: { low: -100, high: 100, edges: [0] },
  kinks: "integers",
});

const one = (emit: Emitter): Value => emit.floats([1], []);

/** 1/(1 + e⁻ˣ), accurate relative to itself: ONNX Runtime's own is 0 below about −18. */
export const sigmoid = unary({
  name: "sigmoid",
  lower: exactSigmoid,
  reference: (x) => 1 / (1 + Math.exp(-x)),
  gradient: (x, y, up) => mul(up, mul(y, sigmoid(neg(x)))),
  domain: { low: -87, high: 100, edges: [0] },
  tolerance: { relative: 1e-5, reason: "as exp: the rounding of x is magnified by |x| in the left tail" },
});

/** 1/(1 + e⁻ˣ) with an *absolute* error of 1e-7, twice as fast as `sigmoid`: for values that are added to others. */
export const fastSigmoid = unary({
  name: "fastSigmoid",
  lower: (emit, x) => (emit.precision === "float32" ? emit.node("Sigmoid", [x]) : exactSigmoid(emit, x)),
  reference: (x) => 1 / (1 + Math.exp(-x)),
  gradient: (_x, y, up) => mul(up, mul(y, sub(1, y))),
  domain: { low: -12, high: 100, edges: [0] },
  tolerance: { relative: 1e-2, reason: "absolute accuracy 1e-7 is the contract; at −12 the value is 6e-6" },
});

function exactSigmoid(emit: Emitter, x: Value): Value {
  return emit.node("Div", [one(emit), emit.node("Add", [one(emit), emit.node("Exp", [emit.node("Neg", [x])])])]);
}

/** log(1 + eˣ), accurate relative to itself, so that it can be a scale or be logged. */
export const softplus = unary({
  name: "softplus",
  lower: (emit, x) => (emit.precision === "float32" ? emit.node("Softplus", [x]) : exactSoftplus(emit, x)),
  reference: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  // σ(x) = eˣ⁻ˢ keeps the relative accuracy of s = softplus(x).
  gradient: (x, y, up) => mul(up, exp(sub(x, y))),
  domain: { low: -87, high: 100, edges: [0, -100] },
  tolerance: { relative: 1e-5, reason: "as exp: the rounding of x is magnified by |x| in the left tail" },
});

/** No float64 Softplus exists: max(x, 0) + log1p(t), t = e^−|x|, log1p by Kahan's t · log u / (u − 1), u = 1 + t. */
function exactSoftplus(emit: Emitter, x: Value): Value {
  const t = emit.node("Exp", [emit.node("Neg", [emit.node("Abs", [x])])]);
  const u = emit.node("Add", [one(emit), t]);
  const ratio = emit.node("Div", [emit.node("Mul", [t, emit.node("Log", [u])]), emit.node("Sub", [u, one(emit)])]);
  const log1p = emit.node("Where", [emit.node("Equal", [u, one(emit)]), t, ratio]);
  return emit.node("Add", [emit.node("Relu", [x]), log1p]);
}

/**
 * log(1 + eˣ) with an *absolute* error of 1e-7, 2.5 times as fast as `softplus`: for summed log-likelihoods only.
 */
export const fastSoftplus = unary({
  name: "fastSoftplus",
  lower: (emit, x) =>
    emit.precision === "float32"
      ? emit.node("Sub", [emit.node("Relu", [x]), emit.node("Log", [emit.node("Sigmoid", [emit.node("Abs", [x])])])])
      : exactSoftplus(emit, x),
  reference: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  gradient: (x, _y, up) => mul(up, fastSigmoid(x)),
  domain: { low: -2, high: 100, edges: [0] },
  tolerance: { relative: 2e-6, reason: "absolute accuracy 1e-7 is the contract; at −2 the value is 0.13" },
});

/** tanh x */
export const tanh = unary({
  name: "tanh",
  lower: "Tanh",
  reference: Math.tanh,
  gradient: (_x, y, up) => mul(up, sub(1, mul(y, y))),
  domain: { low: -4, high: 4, edges: [0, 100, -100] },
});

/** erf x = 2/√π ∫₀ˣ e^(−t²) dt; float32 only. */
export const erf = unary({
  name: "erf",
  lower: (emit, x) => {
    if (emit.precision === "float32") return emit.node("Erf", [x]);
    throw new TypeError("erf: the engine has no float64 kernel; compile this program for float32");
  },
  reference: errorFunction,
  gradient: (x, _y, up) => mul(up, mul(2 / Math.sqrt(Math.PI), exp(neg(mul(x, x))))),
  domain: { low: -4, high: 4, edges: [0, 100, -100] },
});

/** erf by its Maclaurin series below 3 and a continued fraction of erfc above (Abramowitz & Stegun 7.1.5, 7.1.14). */
function errorFunction(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / ((a + fraction) * Math.sqrt(Math.PI)));
}

interface BinaryDeclaration {
  readonly name: string;
  readonly onnx: string;
  readonly reference: (a: number, b: number) => number;
  readonly gradient: (a: Tensor, b: Tensor, y: Tensor, up: Tensor) => readonly [Tensor, Tensor];
  readonly domain: readonly [Omit<InputDomain, "shape">, Omit<InputDomain, "shape">];
  readonly conditioning?: typeof magnitudes;
  readonly kinks?: Case<None>["kinks"];
  readonly tolerance?: Case<None>["tolerance"];
}

/** An explicit broadcast is dropped where the operation broadcasts by itself. */
function loosen(x: Tensor, other: Tensor): Tensor {
  if (x.op !== "broadcastTo") return x;
  const source = asFloat(x.inputs[0]);
  const with_ = broadcastShapes("broadcast", source.shape, other.shape);
  return sameShape(with_, broadcastShapes("broadcast", x.shape, other.shape)) ? source : x;
}

/** Applies `visit` elementwise with broadcasting. */
export function broadcastReference(
  inputs: readonly { readonly data: Float64Array; readonly shape: readonly number[] }[],
  shape: readonly number[],
  compute: (...values: number[]) => number,
): Float64Array {
  const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
  const strides = inputs.map((input) => broadcastStrides(input.shape, shape));
  forEachIndex(shape, strides, (flat, offsets) => {
    out[flat] = compute(...inputs.map((input, i) => input.data[offsets[i]]));
  });
  return out;
}

const broadcasts = [
  {
    name: "equal shapes",
    shapes: [
      [3, 5],
      [3, 5],
    ],
  },
  { name: "row", shapes: [[3, 5], [5]] },
  {
    name: "column against row",
    shapes: [
      [3, 1],
      [1, 5],
    ],
  },
  { name: "scalar", shapes: [[], [2, 3]] },
];

function binary(declaration: BinaryDeclaration): (a: TensorLike, b: TensorLike) => Tensor {
  const { name, onnx, reference, gradient, domain, conditioning, kinks, tolerance } = declaration;
  const op = defineOp<None, "float">({
    name,
    conditioning,
    infer: ([a, b]) => ({ shape: broadcastShapes(name, asFloat(a).shape, asFloat(b).shape), dtype: "float" }),
    lower: (emit, inputs) => emit.node(onnx, inputs),
    gradient: (node, upstream) => {
      const [a, b] = node.inputs.map(asFloat);
      const [da, db] = gradient(a, b, node, upstream);
      return [unbroadcast(da, a.shape), unbroadcast(db, b.shape)];
    },
    reference: (inputs, _attributes, shape) => broadcastReference(inputs, shape, reference),
    cases: broadcasts.map(({ name: label, shapes }) => ({
      name: label,
      inputs: shapes.map((shape, i) => ({ shape, ...domain[i] })),
      attributes: none,
      kinks,
      tolerance,
    })),
  });
  return (a, b) => {
    const [x, y] = [lift(a), lift(b)];
    return op([loosen(x, y), loosen(y, x)], none);
  };
}

const wide = { low: -100, high: 100 };

const addOp = binary({
  name: "add",
  onnx: "Add",
  reference: (a, b) => a + b,
  gradient: (_a, _b, _y, up) => [up, up],
  domain: [wide, wide],
  conditioning: magnitudes,
});

/** a + b */
export function add(a: TensorLike, b: TensorLike): Tensor {
  if (isNumber(a, 0)) return lift(b);
  if (isNumber(b, 0)) return lift(a);
  return addOp(a, b);
}

/** a − b */
export const sub = binary({
  name: "sub",
  onnx: "Sub",
  reference: (a, b) => a - b,
  gradient: (_a, _b, _y, up) => [up, neg(up)],
  domain: [wide, wide],
  conditioning: (inputs) => {
    const [a, b] = magnitudes(inputs);
    return [a, { ...b, data: b.data.map((x) => -x) }];
  },
});

const mulOp = binary({
  name: "mul",
  onnx: "Mul",
  reference: (a, b) => a * b,
  gradient: (a, b, _y, up) => [mul(up, b), mul(up, a)],
  domain: [wide, wide],
});

/** Whether x is this scalar constant. */
function isNumber(x: TensorLike, value: number): boolean {
  return (typeof x === "number" ? x : scalarValue(x)) === value;
}

/** a · b */
export function mul(a: TensorLike, b: TensorLike): Tensor {
  if (isNumber(a, 1)) return lift(b);
  if (isNumber(b, 1)) return lift(a);
  return mulOp(a, b);
}

/** a / b */
export const div = binary({
  name: "div",
  onnx: "Div",
  reference: (a, b) => a / b,
  gradient: (_a, b, y, up) => [div(up, b), neg(div(mul(up, y), b))],
  domain: [wide, { low: 0.1, high: 100 }],
});

/** aᵇ for a > 0 */
export const pow = binary({
  name: "pow",
  onnx: "Pow",
  reference: (a, b) => a ** b,
  gradient: (a, b, y, up) => [mul(up, mul(b, pow(a, sub(b, 1)))), mul(up, mul(y, log(a)))],
  domain: [
    { low: 0.1, high: 10 },
    { low: -4, high: 4 },
  ],
  tolerance: { relative: 1e-5, reason: "aᵇ magnifies the rounding of b by b·log a ≤ 10, and of a by b" },
});

/** The larger of the two; where they are equal the gradient goes to b. */
export const maximum = binary({
  name: "maximum",
  onnx: "Max",
  reference: Math.max,
  gradient: (a, b, _y, up) => {
    const first = step(sub(a, b));
    return [mul(up, first), mul(up, sub(1, first))];
  },
  domain: [wide, wide],
  kinks: "ties",
});

/** The smaller of the two; where they are equal the gradient goes to b. */
export const minimum = binary({
  name: "minimum",
  onnx: "Min",
  reference: Math.min,
  gradient: (a, b, _y, up) => {
    const first = step(sub(b, a));
    return [mul(up, first), mul(up, sub(1, first))];
  },
  domain: [wide, wide],
  kinks: "ties",
});

/** x² */
export function square(x: TensorLike): Tensor {
  return mul(x, x);
}
