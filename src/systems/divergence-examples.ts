import { bernoulli } from "../distributions/bernoulli.ts";
import { beta } from "../distributions/beta.ts";
import { categorical } from "../distributions/categorical.ts";
import { continuousBernoulli } from "../distributions/continuous-bernoulli.ts";
import type { Distribution } from "../distributions/distribution.ts";
import { gamma } from "../distributions/gamma.ts";
import { laplace } from "../distributions/laplace.ts";
import { logNormal } from "../distributions/log-normal.ts";
import { logistic } from "../distributions/logistic.ts";
import { lowRankNormal } from "../distributions/low-rank-normal.ts";
import { multivariateNormal } from "../distributions/multivariate-normal.ts";
import { negativeBinomial } from "../distributions/negative-binomial.ts";
import { normal } from "../distributions/normal.ts";
import { oneHotCategorical } from "../distributions/one-hot-categorical.ts";
import { poisson } from "../distributions/poisson.ts";
import { probitNormal } from "../distributions/probit-normal.ts";
import { studentT } from "../distributions/student-t.ts";
import { uniform } from "../distributions/uniform.ts";
import { constant, type Tensor } from "../tensor/index.ts";

/** Places and weights of a sum that stands for an integral: [points, event] and [points]. */
export interface Quadrature {
  readonly x: readonly (readonly number[])[];
  readonly weight: readonly number[];
}

/** Two distributions of a family, and where to sum over the first. */
export interface Example {
  readonly family: string;
  readonly a: Distribution;
  readonly b: Distribution;
  readonly grid: Quadrature;
}

const STEPS = 8000;

/** ∫ f(x) dx = ∫ f(x(t)) x′(t) dt by trapezoids. */
function along(from: number, to: number, at: (t: number) => readonly [x: number, slope: number]): Quadrature {
  const width = (to - from) / STEPS;
  const places = Array.from({ length: STEPS + 1 }, (_, i) => at(from + i * width));
  return { x: places.map(([x]) => [x]), weight: places.map(([, slope]) => slope * width) };
}

const real = along(-7, 7, (t) => [Math.sinh(t), Math.cosh(t)]);
const positive = along(-24, 7, (t) => [Math.exp(t), Math.exp(t)]);
const unit = along(-18, 18, (t) => {
  const x = 1 / (1 + Math.exp(-t));
  return [x, x / (1 + Math.exp(t))];
});

/** Midpoints: the density is constant, so there is nothing to resolve at its ends. */
function interval(low: number, high: number): Quadrature {
  const width = (high - low) / STEPS;
  return { x: Array.from({ length: STEPS }, (_, i) => [low + (i + 0.5) * width]), weight: Array(STEPS).fill(width) };
}

const whole = (count: number): Quadrature => ({
  x: Array.from({ length: count }, (_, i) => [i]),
  weight: Array(count).fill(1),
});

const plane: Quadrature = (() => {
  const places = Array.from({ length: 121 }, (_, i) => (i - 60) / 6);
  const x = places.flatMap((first) => places.map((second) => [first, second]));
  return { x, weight: x.map(() => 1 / 36) };
})();

const oneHot = (count: number): Quadrature => ({
  x: Array.from({ length: count }, (_, i) => Array.from({ length: count }, (_, j) => (i === j ? 1 : 0))),
  weight: Array(count).fill(1),
});

const one = (value: number): Tensor => constant([value], [1]);
const row = (...values: readonly number[]): Tensor => constant(values, [values.length]);
const logits = (...values: readonly number[]): Tensor => constant(values, [1, values.length]);
const total = one(3.5);

/** Families over one number, or two that depend on each other. */
export const examples: readonly Example[] = [
  { family: "Normal", a: normal(one(0.3), one(0.7)), b: normal(one(-0.4), one(1.3)), grid: real },
  { family: "Laplace", a: laplace(one(0.5), one(0.6)), b: laplace(one(-0.7), one(1.4)), grid: real },
  { family: "Logistic", a: logistic(one(0.4), one(0.5)), b: logistic(one(-0.6), one(0.9)), grid: real },
  { family: "StudentT", a: studentT(one(5), one(0.2), one(0.8)), b: studentT(one(9), one(1), one(0.5)), grid: real },
  { family: "LogNormal", a: logNormal(one(0.2), one(0.5)), b: logNormal(one(-0.5), one(0.9)), grid: positive },
  { family: "Gamma", a: gamma(one(2.5), one(1.7)), b: gamma(one(4), one(1.2)), grid: positive },
  { family: "Beta", a: beta(one(2.5), one(1.7)), b: beta(one(2), one(4.5)), grid: unit },
  { family: "Uniform", a: uniform(one(0.2), one(0.7)), b: uniform(one(0), one(1)), grid: interval(0.2, 0.7) },
  { family: "ProbitNormal", a: probitNormal(one(0.5), one(0.6)), b: probitNormal(one(-0.4), one(0.8)), grid: unit },
  { family: "ContinuousBernoulli", a: continuousBernoulli(one(2)), b: continuousBernoulli(one(-1.5)), grid: unit },
  { family: "Bernoulli", a: bernoulli(one(0.8)), b: bernoulli(one(-2.2)), grid: whole(2) },
  { family: "Categorical", a: categorical(logits(0.5, -1, 1.2)), b: categorical(logits(-0.3, 1, 0)), grid: whole(3) },
  {
    family: "OneHotCategorical",
    a: oneHotCategorical(row(0.5, -1, 1.2)),
    b: oneHotCategorical(row(-0.3, 1, 0)),
    grid: oneHot(3),
  },
  { family: "Poisson", a: poisson(one(2.5)), b: poisson(one(4.5)), grid: whole(80) },
  {
    family: "NegativeBinomial",
    a: negativeBinomial(total, one(0.4)),
    b: negativeBinomial(total, one(-0.5)),
    grid: whole(400),
  },
  {
    family: "Normal of two",
    a: normal(row(0.4, -0.2), row(0.6, 0.9)),
    b: normal(row(-0.3, 0.5), row(1.1, 0.8)),
    grid: plane,
  },
  {
    family: "MultivariateNormal",
    a: multivariateNormal(row(0.5, -0.3), constant([0.8, 0, 0.5, 0.6], [2, 2])),
    b: multivariateNormal(row(-0.4, 0.2), constant([1, 0, -0.6, 0.9], [2, 2])),
    grid: plane,
  },
  {
    family: "LowRankNormal",
    a: lowRankNormal(row(0.2, 0.3), constant([0.7, -0.4], [2, 1]), row(0.4, 0.3)),
    b: lowRankNormal(row(-0.1, 0.6), constant([-0.5, 0.8], [2, 1]), row(0.5, 0.4)),
    grid: plane,
  },
];
