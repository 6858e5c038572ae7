import { InputError } from "../../../errors.ts";
import { lift, type TensorLike } from "../../leaves.ts";
import { asFloat, type Case, defineOp, type InputDomain } from "../../op.ts";
import { broadcastShapes } from "../../shape.ts";
import type { Emitter, Tensor, Value } from "../../tensor.ts";
import { add, broadcastReference, mul } from "../binary.ts";
import { unbroadcast } from "../shape.ts";
import { arithmetic } from "./arithmetic.ts";
import { digamma, factorialSign, polygamma, splitFor } from "./gamma.ts";
import { lowerLog1p } from "./logs.ts";
import { DIGAMMA_SERIES, FAR, LGAMMA_SERIES, zetaSeries } from "./zeta.ts";

/** −1 for log Γ, 0 for ψ, n for its nth derivative. */
interface Order {
  readonly [key: string]: number;
  readonly order: number;
}

/** t = 1/(x + k) and 1/(x + k + n): their difference is n times their product. */
interface Pair {
  readonly near: Value;
  readonly far: Value;
}

/** (q(near) − q(far))/(near − far) for q(t) = Σ cᵢtⁱ without the subtraction: Horner's rule for q and its quotient. */
function quotient(emit: Emitter, coefficients: readonly number[], { near, far }: Pair): Value {
  const { add, mul } = arithmetic(emit);
  let value = add(mul(near, coefficients[coefficients.length - 1]), coefficients[coefficients.length - 2]);
  let result = emit.floats([coefficients[coefficients.length - 1]], []);
  for (let i = coefficients.length - 3; i >= 0; i--) {
    result = add(mul(result, far), value);
    value = mul(value, near);
    if (coefficients[i] !== 0) value = add(value, coefficients[i]);
  }
  return result;
}

/** The polynomial in t, by powers from 0 on, that has these coefficients from the power `first` on, by steps of two. */
function everySecond(
  first: number,
  coefficients: readonly number[],
  others: readonly (readonly [number, number])[],
): readonly number[] {
  const dense = new Array<number>(first + 2 * coefficients.length - 1).fill(0);
  for (const [i, c] of coefficients.entries()) dense[first + 2 * i] = c;
  for (const [power, c] of others) dense[power] = c;
  return dense;
}

/**
 * With x′ = x + N, T = 1/x′, T′ = 1/(x′ + n), and (q(T) − q(T′)) = nTT′ · quotient, nothing is subtracted that is close:
 * log Γ: (x′ − ½) log(1 + n/x′) + n(log(x′ + n) − 1) + S(T′) − S(T) − Σ_(k<N) log(1 + n/(x + k));
 * ψ: Σ n/((x + k)(x + k + n)) + log(1 + n/x′) + g(T) − g(T′), g = t/2 + Σ B₂ⱼt²ʲ/2j; higher: ζ(s, x) term by term.
 */
export function lowerDifference(emit: Emitter, x: Value, n: Value, order: number): Value {
  const { add, sub, mul, div, log } = arithmetic(emit);
  const { terms, series } = splitFor(Math.max(order, 0) + 2, emit.precision);
  const pair = (k: number): Pair => {
    const a = k === 0 ? x : add(x, k);
    return { near: div(1, a), far: div(1, add(a, n)) };
  };
  // q(near) − q(far) = n · far · near · quotient; n · far first, as near · far may overflow
  const difference = (coefficients: readonly number[], at: Pair): Value =>
    mul(mul(mul(n, at.far), at.near), quotient(emit, coefficients, at));
  const sum = (values: readonly Value[]): Value => values.reduceRight((total, value) => add(total, value)); // small first
  const last = pair(terms);
  const shifts = Array.from({ length: terms }, (_, k) => k);
  if (order > 0) {
    const s = order + 1;
    const power = everySecond(s, [1], []);
    const own = zetaSeries(s).slice(0, series.length);
    const rest = everySecond(s + 1, own, [
      [s - 1, 1 / (s - 1)],
      [s, 1 / 2],
    ]);
    const parts = [...shifts.map((k) => difference(power, pair(k))), difference(rest, last)];
    return mul(sum(parts), -factorialSign(order));
  }
  const beyond = add(x, terms);
  const logRatio = lowerLog1p(emit, div(n, beyond));
  if (order === 0) {
    const near = shifts.map((k) => {
      const at = pair(k);
      return mul(mul(n, at.far), at.near);
    });
    const rest = everySecond(2, DIGAMMA_SERIES.slice(0, series.length), [[1, 1 / 2]]);
    return sum([...near, add(logRatio, difference(rest, last))]);
  }
  const main = add(mul(sub(beyond, 0.5), logRatio), mul(n, sub(log(add(beyond, n)), 1)));
  const rest = difference(everySecond(1, LGAMMA_SERIES.slice(0, series.length), []), last);
  // log Π (1 + rₖ) = log1p(q), q built without the 1; the first factor may be too large to multiply
  const ratios = shifts.map((k) => div(n, k === 0 ? x : add(x, k)));
  const product = ratios.slice(1).reduce((q, r) => add(q, mul(r, add(q, 1))));
  return sub(sub(main, rest), add(lowerLog1p(emit, ratios[0]), lowerLog1p(emit, product)));
}

/** (x + n)⁻ᵖ − x⁻ᵖ */
function changeOfPower(p: number, x: number, n: number): number {
  return x ** -p * Math.expm1(-p * Math.log1p(n / x));
}

/** In float64: every power's change by itself, from 20 on the series. */
export function differenceReference(order: number, x: number, n: number): number {
  let sum = 0;
  let a = x;
  for (; Math.min(a, a + n) < FAR; a++) {
    if (order < 0) sum -= Math.log1p(n / a);
    else if (order === 0) sum += n / a / (a + n);
    else sum += changeOfPower(order + 1, a, n);
  }
  const series = (first: number, coefficients: readonly number[]): number =>
    coefficients.reduceRight((total, c, i) => total + c * changeOfPower(first + 2 * i, a, n), 0);
  if (order < 0) return sum + (a - 0.5) * Math.log1p(n / a) + n * (Math.log(a + n) - 1) + series(1, LGAMMA_SERIES);
  if (order === 0) return sum + Math.log1p(n / a) + n / (2 * a) / (a + n) - series(2, DIGAMMA_SERIES);
  const s = order + 1;
  const change = sum + changeOfPower(s - 1, a, n) / (s - 1) + changeOfPower(s, a, n) / 2 + series(s + 1, zetaSeries(s));
  return factorialSign(order) * change;
}

const shape = [5, 9];
const small = [1e-30, 1e-10, 1e-5, 1e-3, 0.1, 1, 1.4616, 2];
const large = [10, 100, 1e3, 1e4, 1e5, 1e6, 1e9, 1e12];
const steps = [1, 1e-3, 0.5, 1e-10, 7, 1e-5, 2, 1e-7];
const domains: readonly (readonly [string, InputDomain, InputDomain])[] = [
  [
    "small steps",
    { shape, low: 0.01, high: 20, edges: [...small, ...large, ...large, ...small] },
    { shape, low: 0, high: 1, edges: [...steps, ...steps, 0, 0, 0, 0, 0, 0, 0, 0, ...steps.toReversed()] },
  ],
  [
    "large steps",
    { shape, low: 0.01, high: 20, edges: [...small, ...large] },
    { shape, low: 1, high: 80, edges: [...large, ...large.toReversed()] },
  ],
  ["steps back", { shape: [24], low: 2, high: 80 }, { shape: [24], low: -1.9, high: 0 }],
  ["a scalar and a row", { shape: [], low: 3, high: 4 }, { shape: [6], low: 0, high: 10 }],
];

const differenceOp = defineOp<Order, "float">({
  name: "polygammaDifference",
  infer: ([x, n]) => ({
    shape: broadcastShapes("polygammaDifference", asFloat(x).shape, asFloat(n).shape),
    dtype: "float",
  }),
  lower: (emit, [x, n], { attributes: { order } }) => lowerDifference(emit, x, n, order),
  gradient: ({ inputs }, upstream, { order }) => {
    const [x, n] = inputs.map(asFloat);
    const ahead = add(x, n);
    const slope = order < 0 ? digamma(ahead) : polygamma(order + 1, ahead);
    return [
      unbroadcast(mul(upstream, polygammaDifference(order + 1, x, n)), x.shape),
      unbroadcast(mul(upstream, slope), n.shape),
    ];
  },
  reference: (inputs, { order }, bound) =>
    broadcastReference(inputs, bound, (x, n) => differenceReference(order, x, n)),
  // log Γ(x + n) = log Γ(x) somewhere if x < 1.46: there rounding is relative to what four steps further on comes out
  conditioning: ([x, n]) => [{ ...x, data: x.data.map((value) => value + 4) }, n],
  cases: [-1, 0, 1, 2].flatMap((order) =>
    domains.map(
      ([name, x, n]): Case<Order> => ({ name: `${name}, order ${order}`, inputs: [x, n], attributes: { order } }),
    ),
  ),
});

/** log Γ(x + n) − log Γ(x) for x > 0, n > −x, accurate relative to itself or to n log(x + 4); n/x and n³ must be finite. */
export function lgammaDifference(x: TensorLike, n: TensorLike): Tensor {
  return polygammaDifference(-1, x, n);
}

/** ψ(x + n) − ψ(x) for x > 0, n > −x, accurate relative to itself. */
export function digammaDifference(x: TensorLike, n: TensorLike): Tensor {
  return polygammaDifference(0, x, n);
}

/** ψ⁽ᵏ⁾(x + n) − ψ⁽ᵏ⁾(x), accurate relative to itself; order −1 is log Γ, 0 is ψ. */
export function polygammaDifference(order: number, x: TensorLike, n: TensorLike): Tensor {
  if (!Number.isInteger(order) || order < -1) {
    throw new InputError(`polygammaDifference: the order must be a whole number from −1 (log Γ), got ${order}`);
  }
  return differenceOp([lift(x), lift(n)], { order });
}
