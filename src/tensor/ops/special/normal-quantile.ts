import { lift, type TensorLike } from "../../leaves.ts";
import { asFloat } from "../../op.ts";
import type { Emitter, Tensor, Value } from "../../tensor.ts";
import { div, minimum, mul, sub } from "../binary.ts";
import { customGradient } from "../custom.ts";
import { abs, neg, unary } from "../unary.ts";
import { arithmetic } from "./arithmetic.ts";
import { quantileCentre, quantileFar, quantileTail } from "./coefficients.ts";
import { inverseMills, normalCentreReference, normalTailReference } from "./normal.ts";

const CENTRE = 0.425;

/**
 * Φ⁻¹(½ + q), given its tail ½ − |q| too: q R(0.425² − q²) where |q| < 0.425, else a rational of r = √(−log tail) with q's sign
 * (the regions of Wichura 1988, AS 241). ±∞ where the tail is 0.
 */
function lowerQuantile(emit: Emitter, q: Value, tail: Value): Value {
  const { sub, mul, sqrt, log, neg, abs, less, where, rational } = arithmetic(emit);
  const r = sqrt(neg(log(tail)));
  const near = rational(quantileTail, sub(r, 1.6));
  const far = emit.precision === "float64" ? where(less(r, 5), near, rational(quantileFar.float64, sub(r, 5))) : near;
  const size = where(less(r, 28), far, r);
  return where(
    less(abs(q), CENTRE),
    mul(q, rational(quantileCentre, sub(CENTRE ** 2, mul(q, q)))),
    where(less(q, 0), neg(size), size),
  );
}

/** The same in float64 by Newton's method: on Φ(x) − ½ near the middle, on log Φ in the tails, where it is concave. */
function quantileReference(q: number, tail: number): number {
  if (!(tail > 0)) return tail === 0 ? Math.sign(q) * Number.POSITIVE_INFINITY : Number.NaN;
  if (Math.abs(q) < CENTRE) {
    return newton(0, (x) => (normalCentreReference(x) - q) * Math.sqrt(2 * Math.PI) * Math.exp((x * x) / 2));
  }
  const target = Math.log(tail);
  return (
    Math.sign(q) *
    newton(1.4, (a) => {
      const { log, hazard } = normalTailReference(a);
      return (target - log) / hazard;
    })
  );
}

/** x ← x − change(x) until rounding alone moves it. */
function newton(start: number, change: (x: number) => number): number {
  let x = start;
  for (let i = 0; i < 60; i++) {
    const by = change(x);
    x -= by;
    if (Math.abs(by) <= 1e-15 * Math.abs(x)) break;
  }
  return x;
}

/**
 * dx/dp = 1/φ(x) at x = Φ⁻¹(p), as 1/(tail · φ(x)/Φ(−|x|)), tail = min(p, 1 − p), which the rounding of x hardly moves.
 * d²x/dp² = x (dx/dp)².
 */
function slope(p: Tensor, tail: Tensor, x: Tensor): Tensor {
  const value = div(1, mul(tail, inverseMills(neg(abs(x)))));
  const made: Tensor = customGradient(value, [p], (upstream) => [mul(upstream, mul(x, mul(made, made)))]);
  return made;
}

const quantileOp = unary({
  name: "normalQuantile",
  lower: (emit, p) => {
    const { sub, min } = arithmetic(emit);
    return lowerQuantile(emit, sub(p, 0.5), min(p, sub(1, p)));
  },
  reference: (p) => quantileReference(p - 0.5, Math.min(p, 1 - p)),
  gradient: (p, x, up) => mul(up, slope(p, minimum(p, sub(1, p)), x)),
  domain: {
    low: 0.01,
    high: 0.95,
    edges: [1e-37, 1e-30, 1e-20, 1e-10, 1e-5, 1e-3, 0.0749, 0.0751, 0.4, 0.5, 0.6, 0.9],
  },
});

/** Φ⁻¹(p) for 0 ≤ p ≤ 1, accurate relative to itself; Φ⁻¹(Φ(x)) is x itself. ±∞ at the ends, NaN outside. */
export function normalQuantile(p: TensorLike): Tensor {
  const value = lift(p);
  return value.op === "normalCdf" ? asFloat(value.inputs[0]) : quantileOp(value);
}

/** erf⁻¹(y) = Φ⁻¹((1 + y)/2)/√2 for −1 ≤ y ≤ 1, accurate relative to itself. ±∞ at the ends, NaN outside. */
export const erfinv = unary({
  name: "erfinv",
  lower: (emit, y) => {
    const { sub, mul, abs } = arithmetic(emit);
    const quantile = lowerQuantile(emit, mul(y, 0.5), mul(sub(1, abs(y)), 0.5));
    return mul(quantile, Math.SQRT1_2);
  },
  reference: (y) => quantileReference(y / 2, (1 - Math.abs(y)) / 2) * Math.SQRT1_2,
  // p = (1 + y)/2, so d/dy = ½ d/dp; x is Φ⁻¹(p)/√2
  gradient: (y, x, up) => {
    const tail = mul(sub(1, abs(y)), 0.5);
    return mul(up, mul(slope(mul(y, 0.5), tail, mul(x, Math.SQRT2)), Math.SQRT1_2 / 2));
  },
  domain: { low: -0.95, high: 0.95, edges: [0, 1e-30, -1e-30, 1e-10, 1e-4, 0.1, 0.849, -0.851, 0.5, -0.5] },
});
