import { lift, type TensorLike } from "../leaves.ts";
import { asFloat, type Case, defineOp, type InputDomain } from "../op.ts";
import type { Emitter, Tensor, Value } from "../tensor.ts";
import { div, mul, sub } from "./binary.ts";

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

/** Declares an op of one float tensor, element by element. */
export function unary(declaration: UnaryDeclaration): (x: TensorLike) => Tensor {
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
