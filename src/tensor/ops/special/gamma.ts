import { InputError } from "../../../errors.ts";
import { lift, type TensorLike } from "../../leaves.ts";
import { asFloat, defineOp } from "../../op.ts";
import type { Emitter, Tensor, Value } from "../../tensor.ts";
import { mul } from "../binary.ts";
import { unary } from "../unary.ts";
import { arithmetic } from "./arithmetic.ts";
import { digammaCore, digammaTail, lgammaCore, lgammaTail } from "./coefficients.ts";
import { DIGAMMA_SERIES, FAR, hurwitzZeta, LGAMMA_SERIES, seriesIn, zetaSeries } from "./zeta.ts";

export const HALF_LOG_TWO_PI = 0.9189385332046727;
const EULER = 0.5772156649015329;
const positive = [
  1e-30, 1e-10, 1e-5, 1e-3, 0.1, 0.4999, 0.5, 0.75, 1.5, 2.5, 3.999, 4, 8, 100, 1e3, 1e4, 1e5, 1e6, 1e9,
];
const around = (x: number): readonly number[] => [x, x - 1e-6, x + 1e-6, x - 1e-3, x + 1e-3, x - 0.1, x + 0.1];

/**
 * Below 4: log Γ(x) = (x − 1)(x − 2) R(x), whose factors are exact, with log Γ(x) = log Γ(x + 1) − log x below ½.
 * From 4 on Stirling's (x − ½)(log x − 1) + ½ log 2π − ½ + S(1/x²)/x.
 */
export function lowerLgamma(emit: Emitter, x: Value): Value {
  const { add, sub, mul, log, neg, less, where, rational } = arithmetic(emit);
  const logX = log(x);
  const small = less(x, 0.5);
  const d = where(small, x, sub(x, 1)); // from 1, shifted or not
  const core = mul(mul(d, sub(d, 1)), rational(lgammaCore, add(d, 1)));
  const stirling = add(mul(sub(x, 0.5), sub(logX, 1)), HALF_LOG_TWO_PI - 0.5);
  return where(less(x, 4), add(core, where(small, neg(logX), 0)), add(stirling, lowerStirlingTail(emit, x)));
}

/** S(x) = log Γ(x) − (x − ½) log x + x − ½ log 2π for x ≥ 4. */
export function lowerStirlingTail(emit: Emitter, x: Value): Value {
  const { div, mul, rational } = arithmetic(emit);
  const t = div(1, x);
  return mul(t, rational(lgammaTail, mul(t, t)));
}

/** (ζ(k) − 1)/k for k = 2, 3, … */
const ZETAS: readonly number[] = Array.from({ length: 34 }, (_, i) => hurwitzZeta(i + 2, 2) / (i + 2));

/** log Γ(2 + d) = (1 − γ)d + Σ (−1)ᵏ (ζ(k) − 1)dᵏ/k (Abramowitz & Stegun 6.1.33) */
function lgammaNearTwo(d: number): number {
  return ZETAS.reduceRight((sum, c) => (sum + c) * -d, 0) * -d + (1 - EULER) * d;
}

/** log Γ(x) in float64: the series around 1 and 2, the recurrence to there, Stirling's series from 20 on. */
export function lgammaReference(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  if (x < 0.5) return lgammaReference(x + 1) - Math.log(x);
  if (x < 1.5) return lgammaNearTwo(x - 1) - Math.log1p(x - 1);
  if (x < FAR) {
    let [product, y] = [1, x];
    for (; y >= 2.5; y--) product *= y - 1;
    return Math.log(product) + lgammaNearTwo(y - 2);
  }
  return (x - 0.5) * (Math.log(x) - 1) + (HALF_LOG_TWO_PI - 0.5) + seriesIn(LGAMMA_SERIES, 1 / (x * x)) * x;
}

/** log Γ(x) for x > 0, accurate relative to itself, also near its zeros 1 and 2. ∞ at 0, NaN below. */
export const lgamma = unary({
  name: "lgamma",
  lower: lowerLgamma,
  reference: lgammaReference,
  gradient: (x, _y, up) => mul(up, digamma(x)),
  domain: { low: 0.01, high: 12, edges: [...positive, ...around(1), ...around(2)] },
});

/** x₀ with ψ(x₀) = 0, in the halves that each precision can hold. */
const ZERO = {
  float32: [1.4616321325302124, 1.2438149882e-8],
  float64: [1.4616321449683622, 9.549995429965697e-17],
} as const;

/** Below 2: ψ(x) = (x − x₀) R(x), after ψ(x) = ψ(x + 1) − 1/x below 1. From 2 on log x − 1/2x − T(1/x²)/x². */
function lowerDigamma(emit: Emitter, x: Value): Value {
  const { add, sub, mul, div, log, less, where, rational } = arithmetic(emit);
  const [high, low] = ZERO[emit.precision];
  const t = div(1, x);
  const small = less(x, 1);
  const distance = sub(where(small, sub(x, high - 1), sub(x, high)), low);
  const core = mul(distance, rational(digammaCore, where(small, add(x, 1), x)));
  const u = mul(t, t);
  const tail = sub(log(x), add(mul(t, 0.5), mul(u, rational(digammaTail, u))));
  const shift = where(less(x, 0), Number.NaN, t);
  return where(less(x, 2), sub(core, where(small, shift, 0)), tail);
}

const [ZERO_HIGH, ZERO_LOW] = ZERO.float64;

/** ψ⁽ᵏ⁾(x₀)/k! for k = 1, 2, … */
const AT_ZERO: readonly number[] = Array.from({ length: 40 }, (_, i) => (-1) ** i * hurwitzZeta(i + 2, ZERO_HIGH));

function digammaReference(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  const distance = x - ZERO_HIGH - ZERO_LOW;
  if (Math.abs(distance) < 0.4) return seriesIn(AT_ZERO, distance);
  let [sum, a] = [0, x];
  for (; a < FAR; a++) sum += 1 / a;
  return Math.log(a) - 0.5 / a - seriesIn(DIGAMMA_SERIES, 1 / (a * a)) - sum;
}

/** ψ(x) = d log Γ(x)/dx for x > 0, accurate relative to itself, also near its zero 1.4616. −∞ at 0, NaN below. */
export const digamma = unary({
  name: "digamma",
  lower: lowerDigamma,
  reference: digammaReference,
  gradient: (x, _y, up) => mul(up, polygamma(1, x)),
  domain: { low: 0.01, high: 12, edges: [...positive, ...around(1), ...around(2), ...around(ZERO_HIGH)] },
});

interface Order {
  readonly [key: string]: number;
  readonly order: number;
}

/** How many terms a lowering sums before it goes over to the asymptotic series, and how long that is. */
export interface Split {
  readonly terms: number;
  readonly series: readonly number[];
}

const SERIES = { float32: 4, float64: 9 } as const;

/** The fewest terms after which what the series of ζ(s, ·) leaves out is below a quarter of the precision's rounding. */
export function splitFor(s: number, precision: "float32" | "float64"): Split {
  const all = zetaSeries(s);
  const length = SERIES[precision];
  const allowed = precision === "float32" ? 2 ** -26 : 2 ** -55;
  const left = (x: number, terms: number): number =>
    (Math.abs(all[length]) * (x + terms) ** (-1 - s - 2 * length)) / hurwitzZeta(s, x);
  const places = Array.from({ length: 40 }, (_, i) => 0.25 * 1.3 ** i); // to 7,000: it falls beyond
  let terms = 1;
  while (places.some((x) => left(x, terms) > allowed)) terms++;
  return { terms, series: all.slice(0, length) };
}

/** (−1)ⁿ⁺¹ n! */
export function factorialSign(order: number): number {
  let factorial = order % 2 === 0 ? -1 : 1;
  for (let i = 2; i <= order; i++) factorial *= i;
  return factorial;
}

const polygammaOp = defineOp<Order, "float">({
  name: "polygamma",
  infer: ([x]) => ({ shape: asFloat(x).shape, dtype: "float" }),
  // ζ(s, x) = Σ_(k<N) tₖˢ + Tˢ⁻¹(1/(s − 1) + T/2 + Σ cⱼT²ʲ), tₖ = 1/(x + k), T = t_N: every term but the last positive.
  lower: (emit, [x], { attributes: { order } }) => {
    const { add, mul, div, power, polynomial } = arithmetic(emit);
    const s = order + 1;
    const { terms, series } = splitFor(s, emit.precision);
    const inverse = (k: number): Value => div(1, k === 0 ? x : add(x, k));
    const t = inverse(terms);
    const u = mul(t, t);
    const bracket = add(add(mul(t, 0.5), 1 / (s - 1)), mul(u, polynomial(series, u)));
    let sum = mul(power(t, s - 1), bracket);
    for (let k = terms - 1; k >= 0; k--) sum = add(power(inverse(k), s), sum); // the small ones first
    return mul(sum, factorialSign(order));
  },
  gradient: ({ inputs: [x] }, upstream, { order }) => [mul(upstream, polygamma(order + 1, asFloat(x)))],
  reference: ([x], { order }) => x.data.map((value) => factorialSign(order) * hurwitzZeta(order + 1, value)),
  cases: [1, 2, 3, 6].map((order) => ({
    name: `order ${order}`,
    inputs: [{ shape: [4, 12], low: 0.01, high: 12, edges: positive }],
    attributes: { order },
  })),
});

/** ψ⁽ⁿ⁾(x) = dⁿψ/dxⁿ for n ≥ 1 and x > 0: (−1)ⁿ⁺¹ n! Σ (x + k)⁻ⁿ⁻¹, accurate relative to itself. */
export function polygamma(n: number, x: TensorLike): Tensor {
  if (!Number.isInteger(n) || n < 1) {
    throw new InputError(`polygamma: the order must be a whole number from 1, got ${n}; order 0 is digamma`);
  }
  return polygammaOp([lift(x)], { order: n });
}
