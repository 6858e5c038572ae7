import type { Emitter, Tensor, Value } from "../../tensor.ts";
import { add, div, mul, sub } from "../binary.ts";
import { less, where } from "../select.ts";
import { abs, neg, unary } from "../unary.ts";
import { arithmetic } from "./arithmetic.ts";
import { logI0Core, logI0Tail, ratioCore, ratioTail, slopeCore, slopeTail } from "./coefficients.ts";

const SPLIT = 8; // of the tables
const edges = [
  0, 1e-30, 1e-10, 1e-4, -1e-4, 0.01, 0.1, 0.5, -1, 2, 3.75, 7.999, 8, -8.001, 20, 100, 1e3, 1e4, 1e6, -1e6,
];
const domain = { low: -20, high: 80, edges };

/** A function of |x|: from x² below 8, from t = 1/|x| and s = 16t − 1 above. */
function pieces(
  emit: Emitter,
  x: Value,
  core: (square: Value) => Value,
  tail: (size: Value, t: Value, s: Value) => Value,
): Value {
  const { abs, sub, mul, div, max, less, where } = arithmetic(emit);
  const size = abs(x);
  const t = div(1, max(size, 1)); // 1/0 would be multiplied by 0
  return where(less(size, SPLIT), core(mul(x, x)), tail(size, t, sub(mul(t, 2 * SPLIT), 1)));
}

/** Σ (x²/4)ᵏ/k!² without its first term, 1, in float64; |x| < 20. */
function seriesReference(x: number): number {
  let [term, sum] = [1, 0];
  for (let k = 1; term > 1e-18 * sum; k++) {
    term *= (x * x) / (4 * k * k);
    sum += term;
  }
  return sum;
}

/** √(2πx) e⁻ˣ I₀(x) in float64, x ≥ 20 (Abramowitz & Stegun 9.7.1). */
function asymptoticReference(x: number): number {
  let [term, sum] = [1, 0];
  for (let k = 1; k < 2 * x && Math.abs(term) > 1e-18; k++) {
    sum += term;
    term *= (2 * k - 1) ** 2 / (8 * x * k);
  }
  return sum;
}

/** log I₀(x), I₀ the modified Bessel function: even, x²/4 near 0 and |x| − ½ log 2π|x| far out; accurate relative to itself. */
export const logI0 = unary({
  name: "logI0",
  lower: (emit, x) => {
    const { add, mul, log, sqrt, rational } = arithmetic(emit);
    return pieces(
      emit,
      x,
      (square) => mul(square, rational(logI0Core, square)),
      (size, t, s) => add(size, log(mul(sqrt(t), rational(logI0Tail, s)))),
    );
  },
  reference: (x) => {
    const size = Math.abs(x);
    if (size < 20) return Math.log1p(seriesReference(size));
    return size - 0.5 * Math.log(2 * Math.PI * size) + Math.log(asymptoticReference(size));
  },
  gradient: (x, _y, up) => mul(up, besselRatio(x)),
  domain,
});

/** Σ cᵢcⱼ over i + j = total, i and j from `first` on. */
function convolved(c: readonly number[], first: number, total: number): number {
  let sum = 0;
  for (let i = first; i <= total - first; i++) sum += c[i] * c[total - i];
  return sum;
}

/** aₖ of A(x) = Σ aₖ x⁻ᵏ far out, by A′ = 1 − A/x − A²: 1, −½, −⅛, … */
const FAR_SERIES = [1];
for (let k = 1; k <= 12; k++) FAR_SERIES.push(((k - 2) * FAR_SERIES[k - 1] - convolved(FAR_SERIES, 1, k)) / 2);

/** bₖ of A(x) = Σ bₖ x²ᵏ⁺¹ near 0, by the same equation: ½, −1/16, 1/96, … */
const NEAR_SERIES = [1 / 2];
for (let k = 1; k <= 6; k++) NEAR_SERIES.push(-convolved(NEAR_SERIES, 0, k - 1) / (2 * k + 2));

/** In float64: I₁/I₀ = x/(2 + x²/(4 + x²/(6 + …))) (Abramowitz & Stegun 9.1.73), the series from 100 on. */
function ratioReference(x: number): number {
  if (Math.abs(x) > 100) return Math.sign(x) * FAR_SERIES.reduceRight((sum, a) => sum / Math.abs(x) + a, 0);
  let denominator = 0;
  for (let k = 2 * Math.ceil(Math.abs(x)) + 40; k > 0; k--) denominator = 2 * k + (x * x) / (denominator || 1);
  return x / denominator;
}

/** A(x) = I₁(x)/I₀(x), odd and within (−1, 1): the mean of cos θ under the density ∝ e^(x cos θ); relative to itself. */
export const besselRatio = unary({
  name: "besselRatio",
  lower: (emit, x) => {
    const { mul, sub, neg, less, where, rational } = arithmetic(emit);
    return pieces(
      emit,
      x,
      (square) => mul(x, rational(ratioCore, square)),
      (_size, t, s) => {
        const ratio = sub(1, mul(t, rational(ratioTail, s)));
        return where(less(x, 0), neg(ratio), ratio);
      },
    );
  },
  reference: ratioReference,
  gradient: (x, _y, up) => mul(up, besselRatioSlope(x)),
  domain,
});

/** In float64 the variance of cos θ by the trapezoidal rule, exponentially exact for a period; the series from 100 on. */
function slopeReference(x: number): number {
  const size = Math.abs(x);
  if (size > 100) return FAR_SERIES.reduceRight((sum, a, k) => sum / size - k * a, 0) / size;
  const mean = ratioReference(size);
  let [weights, squares] = [0, 0];
  for (let i = 0; i < 512; i++) {
    const cosine = Math.cos((2 * Math.PI * i) / 512);
    const weight = Math.exp(size * (cosine - 1));
    weights += weight;
    squares += weight * (cosine - mean) ** 2;
  }
  return squares / weights;
}

/** A′(x) = 1 − A/x − A², without the subtraction: ½ at 0, 1/2x² far out. */
const besselRatioSlope = unary({
  name: "besselRatioSlope",
  lower: (emit, x) => {
    const { mul, rational } = arithmetic(emit);
    return pieces(
      emit,
      x,
      (square) => rational(slopeCore, square),
      (_size, t, s) => mul(mul(t, t), rational(slopeTail, s)),
    );
  },
  reference: slopeReference,
  gradient: (x, y, up) => mul(up, slopeOfSlope(x, y)),
  domain,
});

/** A″ = −2AA′ − (A′ − A/x)/x; near 0, where that is 0/0, by its series. */
function slopeOfSlope(x: Tensor, slope: Tensor): Tensor {
  const near = less(abs(x), 0.1);
  const apart = where(near, 1, x);
  const ratio = besselRatio(x);
  const far = neg(add(mul(2, mul(ratio, slope)), div(sub(slope, div(ratio, apart)), apart)));
  const square = mul(x, x);
  const terms = NEAR_SERIES.slice(1).map((b, i) => b * (2 * i + 3) * (2 * i + 2));
  const series = terms.reduceRight<Tensor>((sum, b) => add(mul(sum, square), b), mul(square, 0));
  return where(near, mul(x, series), far);
}
