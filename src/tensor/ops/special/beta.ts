import { lift, type TensorLike } from "../../leaves.ts";
import { asFloat, defineOp } from "../../op.ts";
import { broadcastShapes } from "../../shape.ts";
import type { Emitter, Tensor, Value } from "../../tensor.ts";
import { broadcastReference, mul } from "../binary.ts";
import { unbroadcast } from "../shape.ts";
import { neg } from "../unary.ts";
import { arithmetic } from "./arithmetic.ts";
import { HALF_LOG_TWO_PI, lgammaReference, lowerLgamma, lowerStirlingTail } from "./gamma.ts";
import { differenceReference, digammaDifference, lowerDifference } from "./gamma-difference.ts";
import { lowerLog1p } from "./logs.ts";
import { FAR, LGAMMA_SERIES, seriesIn } from "./zeta.ts";

/**
 * With p ≤ q: log Γ(p) − (log Γ(q + p) − log Γ(q)), p < 4; else Stirling's formula for all three (Didonato & Morris 1992):
 * ½ log 2π − ½ log q − (p − ½) log(1 + q/p) − q log(1 + p/q) + S(p) + S(q) − S(p + q).
 */
function lowerLbeta(emit: Emitter, [a, b]: readonly Value[]): Value {
  const { add, sub, mul, div, log, min, max, less, where } = arithmetic(emit);
  const [p, q] = [min(a, b), max(a, b)];
  const small = sub(lowerLgamma(emit, p), lowerDifference(emit, q, p, -1));
  const left = mul(sub(p, 0.5), lowerLog1p(emit, div(q, p)));
  const right = mul(q, lowerLog1p(emit, div(p, q)));
  const [ofP, ofQ, ofBoth] = [p, q, add(p, q)].map((x) => lowerStirlingTail(emit, x));
  const tails = sub(add(ofP, ofQ), ofBoth);
  const large = sub(add(sub(HALF_LOG_TWO_PI, mul(log(q), 0.5)), tails), add(left, right));
  return where(less(p, 4), small, large);
}

function lbetaReference(a: number, b: number): number {
  const [p, q] = [Math.min(a, b), Math.max(a, b)];
  if (p < FAR) return lgammaReference(p) - differenceReference(-1, q, p);
  const tail = (x: number): number => seriesIn(LGAMMA_SERIES, 1 / (x * x)) * x;
  const powers = (p - 0.5) * Math.log1p(q / p) + q * Math.log1p(p / q);
  return HALF_LOG_TWO_PI - 0.5 * Math.log(q) - powers + tail(p) + tail(q) - tail(p + q);
}

const shape = [4, 9];
const ends = [1e-30, 1e-10, 1e-5, 1e-3, 0.1, 0.5, 1, 2, 3.9, 4.1, 10, 100, 1e3, 1e4, 1e5, 1e6];

const lbetaOp = defineOp<Record<string, never>, "float">({
  name: "lbeta",
  infer: ([a, b]) => ({ shape: broadcastShapes("lbeta", asFloat(a).shape, asFloat(b).shape), dtype: "float" }),
  lower: lowerLbeta,
  gradient: ({ inputs }, upstream) => {
    const [a, b] = inputs.map(asFloat);
    const slope = (x: Tensor, other: Tensor): Tensor =>
      unbroadcast(neg(mul(upstream, digammaDifference(x, other))), x.shape);
    return [slope(a, b), slope(b, a)];
  },
  reference: (inputs, _attributes, bound) => broadcastReference(inputs, bound, lbetaReference),
  // 0 along a curve through (1, 1): there the error is absolute, relative to log B(½, ½) = 1.14
  conditioning: (inputs) => inputs.map(({ data, shape: own }) => ({ data: data.map(() => 0.5), shape: own })),
  cases: [
    {
      name: "alike",
      inputs: [
        { shape, low: 0.01, high: 12, edges: ends },
        { shape, low: 0.01, high: 12, edges: ends },
      ],
      attributes: {},
    },
    {
      name: "far apart",
      inputs: [
        { shape, low: 0.01, high: 4, edges: ends },
        { shape, low: 10, high: 80, edges: ends.toReversed() },
      ],
      attributes: {},
    },
    {
      name: "column and row",
      inputs: [
        { shape: [3, 1], low: 0.1, high: 9 },
        { shape: [4], low: 0.1, high: 9 },
      ],
      attributes: {},
    },
  ],
});

/** log B(a, b) = log Γ(a) + log Γ(b) − log Γ(a + b) for a, b > 0: accurate relative to max(1, |value|). */
export function lbeta(a: TensorLike, b: TensorLike): Tensor {
  return lbetaOp([lift(a), lift(b)], {});
}
