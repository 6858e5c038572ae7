import { asFloat, defineOp } from "../../op.ts";
import type { Emitter, Tensor, Value } from "../../tensor.ts";
import { add, mul } from "../binary.ts";
import { neg, unary } from "../unary.ts";
import { arithmetic } from "./arithmetic.ts";
import { erfCore, normalExcess, normalTail } from "./coefficients.ts";
import { lowerLog1p } from "./logs.ts";

const SQRT_TWO_PI = 2.5066282746310002;
/** Beyond it e^(−a²/2) is 0 in float64 too. */
const NOTHING = 40;

/** e^(−ca²) for a ≥ 0: a = h + l, h in sixteenths, so that h² is exact: e^(−ch²) e^(−c(a − h)(a + h)). */
function lowerGaussian(emit: Emitter, a: Value, c: number): Value {
  const { add, sub, mul, exp, min } = arithmetic(emit);
  const bounded = min(a, NOTHING);
  const h = mul(emit.node("Floor", [mul(bounded, 16)]), 1 / 16);
  const square = exp(mul(mul(h, h), -c));
  return mul(square, exp(mul(mul(sub(bounded, h), add(bounded, h)), -c)));
}

/** M(a) = e^(a²/2) Φ(−a) for a ≥ 0, as w G(w), w = 4/(a + 4) (the variable of Shepherd & Laframboise 1981). */
function lowerMills(emit: Emitter, a: Value): Value {
  const { add, mul, div, rational } = arithmetic(emit);
  const w = div(4, add(a, 4));
  return mul(w, rational(normalTail, w));
}

/** Φ(−a) for a ≥ 0. */
function lowerTail(emit: Emitter, a: Value): Value {
  return arithmetic(emit).mul(lowerGaussian(emit, a, 0.5), lowerMills(emit, a));
}

/** erfc |x| = 2 e^(−x²) M(√2 |x|) */
function lowerErfcOfSize(emit: Emitter, size: Value): Value {
  const { mul } = arithmetic(emit);
  return mul(mul(lowerGaussian(emit, size, 1), 2), lowerMills(emit, mul(size, Math.SQRT2)));
}

/** The engine's own in float32. In float64 x R(x²) below 1, 1 − erfc above. */
function lowerErf(emit: Emitter, x: Value): Value {
  if (emit.precision === "float32") return emit.node("Erf", [x]);
  const { sub, mul, abs, neg, less, where, polynomial } = arithmetic(emit);
  const size = abs(x);
  const far = sub(1, lowerErfcOfSize(emit, size));
  const near = mul(x, polynomial(erfCore.float64.numerator, mul(x, x)));
  return where(less(size, 1), near, where(less(x, 0), neg(far), far));
}

/** e^(−cx²) in float64, the rounding of x² given back. */
function gaussianReference(x: number, c: number): number {
  const bounded = Math.min(Math.abs(x), NOTHING);
  const h = Math.fround(bounded);
  return Math.exp(-c * h * h) * Math.exp(c * (h - bounded) * (h + bounded));
}

/** erf x = 2/√π e^(−x²) Σ 2ⁿx²ⁿ⁺¹/(2n + 1)!! (Abramowitz & Stegun 7.1.6): no term cancels another. */
function erfSeries(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * gaussianReference(x, 1) * sum;
}

/**
 * φ(a)/Φ(−a) − a = 1/(a + 2/(a + 3/(a + …))), a ≥ 2 (Laplace's continued fraction, Abramowitz & Stegun 26.2.14), begun
 * at what the rest would be with equal terms: r = a + k/r.
 */
function excessFraction(a: number): number {
  const terms = 20 + Math.ceil(400 / (a * a));
  let fraction = (a + Math.sqrt(a * a + 4 * terms)) / 2;
  for (let k = terms; k > 1; k--) fraction = a + k / fraction;
  return 1 / fraction;
}

/** e^(a²/2) Φ(−a) in float64, a ≥ 0. */
function millsReference(a: number): number {
  if (a >= 2) return 1 / (SQRT_TWO_PI * (a + excessFraction(a)));
  return (1 - erfSeries(a / Math.SQRT2)) / 2 / gaussianReference(a, 0.5);
}

/** Φ(x) in float64. */
function normalCdfReference(x: number): number {
  const a = Math.abs(x);
  const tail = gaussianReference(a, 0.5) * millsReference(a);
  return x < 0 ? tail : 1 - tail;
}

/** Φ(x) − ½ in float64, relative to itself. */
export function normalCentreReference(x: number): number {
  return erfSeries(x / Math.SQRT2) / 2;
}

/** log Φ(−a) and φ(a)/Φ(−a) in float64, a ≥ 0. */
export function normalTailReference(a: number): { readonly log: number; readonly hazard: number } {
  const mills = millsReference(a);
  return { log: Math.log(mills) - (a * a) / 2, hazard: 1 / (SQRT_TWO_PI * mills) };
}

function erfcReference(x: number): number {
  return x < 0 ? 2 - erfcReference(-x) : 2 * gaussianReference(x, 1) * millsReference(x * Math.SQRT2);
}

const erfReference = (x: number): number =>
  Math.abs(x) < 2 ? erfSeries(x) : Math.sign(x) * (1 - erfcReference(Math.abs(x)));

const gaussianOp = defineOp<{ readonly rate: number }, "float">({
  name: "gaussian",
  infer: ([x]) => ({ shape: asFloat(x).shape, dtype: "float" }),
  lower: (emit, [x], { attributes: { rate } }) => lowerGaussian(emit, arithmetic(emit).abs(x), rate),
  gradient: (y, upstream, { rate }) => [mul(upstream, mul(mul(asFloat(y.inputs[0]), y), -2 * rate))],
  reference: ([x], { rate }) => x.data.map((value) => gaussianReference(value, rate)),
  cases: [0.5, 1].map((rate) => ({
    name: `rate ${rate}`,
    inputs: [
      { shape: [4, 16], low: -9, high: 9, edges: [0, 100, -100, 1e-10, 1, -1, 9.3, -13 * Math.sqrt(0.5 / rate)] },
    ],
    attributes: { rate },
  })),
});

/** e^(−rate x²) for a rate of ½ or 1, accurate relative to itself: the rounding of x² is not magnified. */
function gaussian(x: Tensor, rate: number): Tensor {
  return gaussianOp([x], { rate });
}

const erfSlope = (x: Tensor, up: Tensor): Tensor => mul(up, mul(2 / Math.sqrt(Math.PI), gaussian(x, 1)));
const nearZero = [0, 1e-30, -1e-30, 1e-10, -1e-10, 1e-4, -1e-4, 0.1, -0.1, 0.5, -0.5];

/** erf x = 2/√π ∫₀ˣ e^(−t²) dt, accurate relative to itself. */
export const erf = unary({
  name: "erf",
  lower: lowerErf,
  reference: erfReference,
  gradient: (x, _y, up) => erfSlope(x, up),
  domain: { low: -4, high: 4, edges: [...nearZero, 100, -100, 0.999, 1, -1, 2, -2, 6, -6] },
});

/** erfc x = 1 − erf x, accurate relative to itself: to 9.2 in float32, where it goes below the smallest normal number. */
export const erfc = unary({
  name: "erfc",
  lower: (emit, x) => {
    const { sub, abs, less, where } = arithmetic(emit);
    const ofSize = lowerErfcOfSize(emit, abs(x));
    return where(less(x, 0), sub(2, ofSize), ofSize);
  },
  reference: erfcReference,
  gradient: (x, _y, up) => neg(erfSlope(x, up)),
  domain: { low: -4, high: 9.1, edges: [...nearZero, 100, -100, 1, 2, -2, 6, -6, 9.1] },
});

/** φ(x) = e^(−x²/2)/√(2π) */
const normalDensity = (x: Tensor): Tensor => mul(gaussian(x, 0.5), 1 / SQRT_TWO_PI);

/** Φ(x), the standard normal distribution function, accurate relative to itself: to −13.1 in float32. */
export const normalCdf = unary({
  name: "normalCdf",
  lower: (emit, x) => {
    const { sub, abs, less, where } = arithmetic(emit);
    const tail = lowerTail(emit, abs(x));
    return where(less(x, 0), tail, sub(1, tail));
  },
  reference: normalCdfReference,
  gradient: (x, _y, up) => mul(up, normalDensity(x)),
  domain: { low: -13, high: 6, edges: [...nearZero, 100, -100, 1, -1, 4, -4, 8, -8, -12.9] },
});

/** log Φ(x), accurate relative to itself on both sides: log M(−x) − x²/2 left of 0, log1p(−Φ(−x)) right of it. */
export const logNormalCdf = unary({
  name: "logNormalCdf",
  lower: (emit, x) => {
    const { sub, mul, log, abs, neg, less, where } = arithmetic(emit);
    const a = abs(x);
    const left = sub(log(lowerMills(emit, a)), mul(mul(a, a), 0.5));
    return where(less(x, 0), left, lowerLog1p(emit, neg(lowerTail(emit, a))));
  },
  reference: (x) => (x < 0 ? Math.log(millsReference(-x)) - (x * x) / 2 : Math.log1p(-normalCdfReference(-x))),
  gradient: (x, _y, up) => mul(up, inverseMills(x)),
  domain: { low: -80, high: 12, edges: [...nearZero, 12.9, -100, -1000, 1, -1, 4, -4, 8, -8, -1e6] },
});

/** φ(x)/Φ(x) = d log Φ(x)/dx, accurate relative to itself on both sides. */
export const inverseMills = unary({
  name: "inverseMills",
  lower: (emit, x) => {
    const { sub, mul, div, abs, less, where } = arithmetic(emit);
    const a = abs(x);
    const mills = lowerMills(emit, a);
    const bell = lowerGaussian(emit, a, 0.5);
    const left = mul(mills, SQRT_TWO_PI);
    const right = mul(sub(1, mul(bell, mills)), SQRT_TWO_PI);
    return div(where(less(x, 0), 1, bell), where(less(x, 0), left, right));
  },
  reference: inverseMillsReference,
  gradient: (x, y, up) => neg(mul(up, mul(y, millsExcess(x)))),
  domain: { low: -80, high: 12, edges: [...nearZero, 12.9, -100, -1000, 1, -1, 4, -4, 8, -8, -1e6] },
});

function inverseMillsReference(x: number): number {
  return x < 0
    ? 1 / (SQRT_TWO_PI * millsReference(-x))
    : gaussianReference(x, 0.5) / SQRT_TWO_PI / normalCdfReference(x);
}

/** x + φ(x)/Φ(x), accurate relative to itself also where the two cancel, far left: there it is about −1/x. */
export const millsExcess = unary({
  name: "millsExcess",
  lower: (emit, x) => {
    const { add, sub, mul, div, abs, less, where, rational } = arithmetic(emit);
    const a = abs(x);
    const w = div(4, add(a, 4));
    const tail = lowerTail(emit, a);
    const density = mul(lowerGaussian(emit, a, 0.5), 1 / SQRT_TWO_PI);
    return where(less(x, 0), mul(w, rational(normalExcess, w)), add(x, div(density, sub(1, tail))));
  },
  reference: (x) => (x <= -2 ? excessFraction(-x) : x + inverseMillsReference(x)),
  // (x + h)′ = 1 − h(x + h)
  gradient: (x, y, up) => mul(up, add(1, neg(mul(inverseMills(x), y)))),
  domain: { low: -80, high: 12, edges: [...nearZero, 12.9, -100, -1000, 1, -1, 4, -4, 8, -8, -1e6] },
});
