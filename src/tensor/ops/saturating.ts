import { ShapeError } from "../../errors.ts";
import { asFloat, defineOp } from "../op.ts";
import { staticShape } from "../shape.ts";
import type { Emitter, Tensor, Value } from "../tensor.ts";
import { mul, sub } from "./binary.ts";
import { reshape } from "./shape.ts";
import { lowerLog1p } from "./special/logs.ts";
import { exp, neg, unary } from "./unary.ts";

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
  // Not 1 divided by it: ONNX Runtime 1.30 fuses products of such quotients, and where one is used twice cannot load the graph.
  return emit.node("Reciprocal", [emit.node("Add", [one(emit), emit.node("Exp", [emit.node("Neg", [x])])])]);
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

/** No float64 Softplus exists: max(x, 0) + log1p(e^−|x|). */
function exactSoftplus(emit: Emitter, x: Value): Value {
  const tail = emit.node("Exp", [emit.node("Neg", [emit.node("Abs", [x])])]);
  return emit.node("Add", [emit.node("Relu", [x]), lowerLog1p(emit, tail)]);
}

/** As many factors of ½ and more have a product that float32 holds. */
const FACTORS = 64;

const softplusSumOp = defineOp<Record<string, never>, "float">({
  name: "softplusSum",
  infer: ([x]) => {
    if (x.shape.length === 0) throw new ShapeError("softplusSum: needs an axis to sum over, got one number");
    return { shape: x.shape.slice(0, -1), dtype: "float" };
  },
  // log(1 + eˣ) = max(x, 0) − log σ(|x|), and a sum of logs is the log of a product: one log for many numbers.
  lower: (emit, [x], { inputs: [{ shape }] }) => {
    const last = emit.ints([-1]);
    const total = (value: Value): Value => emit.node("ReduceSum", [value, last], { keepdims: 0 });
    if (emit.precision === "float64") return total(exactSoftplus(emit, x));
    const [length] = staticShape("softplusSum", shape.slice(-1));
    const group = largestDivisor(length, FACTORS);
    const tails = emit.node("Sigmoid", [emit.node("Abs", [x])]);
    const groups = emit.node("Reshape", [
      tails,
      emit.ints([...shape.slice(0, -1).map(() => 0), length / group, group]),
    ]);
    const products = emit.node("ReduceProd", [groups], { axes: [-1], keepdims: 0 });
    return emit.node("Sub", [total(emit.node("Relu", [x])), total(emit.node("Log", [products]))]);
  },
  gradient: ({ inputs: [input] }, upstream) => {
    const x = asFloat(input);
    return [mul(reshape(upstream, [...upstream.shape, 1]), fastSigmoid(x))];
  },
  reference: ([{ data, shape }], _attributes, lead) => {
    const length = shape[shape.length - 1];
    const out = new Float64Array(lead.reduce((product, dim) => product * dim, 1));
    for (const [i, x] of data.entries())
      out[Math.floor(i / length)] += Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    return out;
  },
  cases: [
    { name: "one group", inputs: [{ shape: [3, 7], low: -2, high: 100, edges: [0] }], attributes: {} },
    { name: "two groups", inputs: [{ shape: [3, 2 * FACTORS], low: -2, high: 2, edges: [0] }], attributes: {} },
    { name: "a prime length", inputs: [{ shape: [2, 67], low: -2, high: 100, edges: [0] }], attributes: {} },
  ],
});

/**
 * Σ log(1 + eˣ) over the last axis, with an *absolute* error of 1e-7 a term; five times as fast as summing `softplus`.
 */
export function softplusSum(x: Tensor): Tensor {
  return softplusSumOp([x], {});
}

function largestDivisor(n: number, limit: number): number {
  for (let divisor = limit; ; divisor--) if (n % divisor === 0) return divisor;
}

/** tanh x */
export const tanh = unary({
  name: "tanh",
  lower: "Tanh",
  reference: Math.tanh,
  gradient: (_x, y, up) => mul(up, sub(1, mul(y, y))),
  domain: { low: -4, high: 4, edges: [0, 100, -100] },
});
