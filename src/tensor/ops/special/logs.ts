import type { Emitter, Value } from "../../tensor.ts";
import { add, div, mul } from "../binary.ts";
import { exp, unary } from "../unary.ts";
import { arithmetic } from "./arithmetic.ts";

/** log(1 + x) = log u + (x − (u − 1))/u with u = 1 + x as rounded: what rounding took from x is given back (Kahan). */
export function lowerLog1p(emit: Emitter, x: Value): Value {
  const { add, sub, div, log, equal, where } = arithmetic(emit);
  const u = add(x, 1);
  const rounded = sub(u, 1);
  const whole = log(u);
  return where(equal(rounded, x), whole, add(whole, div(sub(x, rounded), u)));
}

/** log(1 + x) for x > −1, accurate relative to itself. −∞ at −1, NaN below. */
export const log1p = unary({
  name: "log1p",
  lower: lowerLog1p,
  reference: Math.log1p,
  gradient: (x, _y, up) => div(up, add(x, 1)),
  domain: {
    low: -0.95,
    high: 80,
    edges: [0, 1e-30, -1e-30, 1e-9, -1e-9, 7e-8, -4e-8, 1e-4, -1e-4, 0.01, -0.01, 0.3, -0.3, 1, -0.99, 1e10, 3e38],
  },
});

/** eˣ − 1 = 2t/(1 − t), t = tanh x/2, which loses nothing near 0; eˣ − 1 as it stands where |x| ≥ 1. */
export function lowerExpm1(emit: Emitter, x: Value): Value {
  const { add, sub, mul, div, exp, abs, less, where } = arithmetic(emit);
  const t = emit.node("Tanh", [mul(x, 0.5)]);
  return where(less(abs(x), 1), div(add(t, t), sub(1, t)), sub(exp(x), 1));
}

/** eˣ − 1, accurate relative to itself. */
export const expm1 = unary({
  name: "expm1",
  lower: lowerExpm1,
  reference: Math.expm1,
  gradient: (x, _y, up) => mul(up, exp(x)),
  domain: {
    low: -20,
    high: 88,
    edges: [0, 1e-30, -1e-30, 1e-9, -1e-9, 1e-4, -1e-4, 0.01, -0.01, 0.3, -0.3, 0.999, -0.999, 1, -1, -100, 100],
  },
  tolerance: { relative: 1e-5, reason: "as exp: eˣ magnifies the rounding of x itself" },
});

/** log(1 − e⁻ˣ) = log(2t/(1 + t)), t = tanh x/2, below log 2; log1p(−e⁻ˣ) above (Mächler 2012). */
function lowerLog1mexp(emit: Emitter, x: Value): Value {
  const { add, mul, div, exp, neg, log, less, where } = arithmetic(emit);
  const t = emit.node("Tanh", [mul(x, 0.5)]);
  return where(less(x, Math.LN2), log(div(add(t, t), add(t, 1))), lowerLog1p(emit, neg(exp(neg(x)))));
}

/** log(1 − e⁻ˣ) for x > 0, accurate relative to itself. −∞ at 0, NaN below. */
export const log1mexp = unary({
  name: "log1mexp",
  lower: lowerLog1mexp,
  reference: (x) => (x < Math.LN2 ? Math.log(-Math.expm1(-x)) : Math.log1p(-Math.exp(-x))),
  gradient: (x, _y, up) => div(up, expm1(x)),
  domain: { low: 1e-3, high: 87, edges: [1e-30, 1e-10, 1e-4, 0.01, 0.5, 0.69, 0.7, 1, 5, 10, 16, 17, 18, 120] },
  tolerance: { relative: 1e-5, reason: "as exp: e⁻ˣ magnifies the rounding of x itself" },
});
