import { InputError } from "../errors.ts";
import {
  addDiagonal,
  apply,
  difference,
  dot,
  gram,
  type Matrix,
  scaled,
  traceOfProduct,
  transposed,
  type Vector,
} from "../linalg/matrix.ts";
import { type Factored, factorPositive } from "../linalg/positive.ts";
import { stream } from "../random/stream.ts";

/** p(x|z) = N(Wz + μ, ηI), p(z) = N(0, I) in k dimensions: log p(x) and p(z|x) are known. Tipping & Bishop 1999, §3.2. */
export interface LinearGaussian {
  /** W [d][k] */
  readonly weight: Matrix;
  /** μ [d] */
  readonly mean: Vector;
  /** η */
  readonly variance: number;
}

/** N(mean, covariance) in k dimensions. */
export interface Gaussian {
  readonly mean: Vector;
  readonly covariance: Matrix;
}

/** p(z|x), with its precision Λ = I + WᵀW/η. */
export interface ExactPosterior extends Gaussian {
  readonly precision: Matrix;
}

/** What of p(z|x) does not depend on x: Λ = I + WᵀW/η, its factors, and Wᵀ. */
interface Shared {
  readonly precision: Matrix;
  readonly factored: Factored;
  readonly weightTransposed: Matrix;
}

/** Of each model once, as it serves every x. */
const known = new WeakMap<LinearGaussian, Shared>();

function shared(model: LinearGaussian): Shared {
  const before = known.get(model);
  if (before) return before;
  const precision = addDiagonal(scaled(gram(model.weight), 1 / model.variance), 1);
  const made = { precision, factored: factorPositive(precision), weightTransposed: transposed(model.weight) };
  known.set(model, made);
  return made;
}

/** E[z|x] = Λ⁻¹Wᵀ(x − μ)/η */
function posteriorMean(model: LinearGaussian, x: Vector): number[] {
  const { factored, weightTransposed } = shared(model);
  return factored.solve(apply(weightTransposed, difference(x, model.mean)).map((value) => value / model.variance));
}

/** p(z|x) = N(Λ⁻¹Wᵀ(x − μ)/η, Λ⁻¹), Λ = I + WᵀW/η. Bishop 2006, eq. 2.116. */
export function exactPosterior(model: LinearGaussian, x: Vector): ExactPosterior {
  const { precision, factored } = shared(model);
  return { mean: posteriorMean(model, x), covariance: factored.inverse(), precision };
}

/** E_q log p(x|z) = −½(d log 2πη + (‖x − μ − Wm‖² + tr WSWᵀ)/η), q = N(m, S). In nats. */
export function expectedLogLikelihood(model: LinearGaussian, x: Vector, { mean, covariance }: Gaussian): number {
  return logLikelihood(model, x, { mean, spread: traceOfProduct(gram(model.weight), covariance) });
}

/** The same from m and tr WSWᵀ; with a spread of 0 it is log p(x|z) at z = m. */
function logLikelihood(
  { weight, mean, variance }: LinearGaussian,
  x: Vector,
  q: { readonly mean: Vector; readonly spread: number },
): number {
  const residual = difference(difference(x, mean), apply(weight, q.mean));
  return -0.5 * (x.length * Math.log(2 * Math.PI * variance) + (dot(residual, residual) + q.spread) / variance);
}

/**
 * log p(x) = log N(x; μ, WWᵀ + ηI) in nats. By p(x) = p(x|z)p(z)/p(z|x) at z = E[z|x], which needs k × k matrices only and
 * subtracts no large numbers: −½(d log 2πη + ‖x − μ − Wm‖²/η + ‖m‖² + log det Λ).
 */
export function logEvidence(model: LinearGaussian, x: Vector): number {
  const mean = posteriorMean(model, x);
  const atMean = logLikelihood(model, x, { mean, spread: 0 });
  return atMean - 0.5 * (dot(mean, mean) + shared(model).factored.logDeterminant);
}

/** ½(Σ log Λ_ii − log det Λ): what the best diagonal q leaves of log p(x), Λ the posterior's precision; the same for every x. */
export function diagonalGap(model: LinearGaussian): number {
  const { precision, factored } = shared(model);
  const diagonal = precision.reduce((total, row, i) => total + Math.log(row[i]), 0);
  return 0.5 * (diagonal - factored.logDeterminant);
}

/** KL(N(m, S) ‖ N(μ, Λ⁻¹)) = ½(tr ΛS + (m − μ)ᵀΛ(m − μ) − k − log det Λ − log det S) in nats. */
export function gaussianDivergence(q: Gaussian, p: { readonly mean: Vector; readonly precision: Matrix }): number {
  const apart = difference(q.mean, p.mean);
  const logDeterminants = factorPositive(p.precision).logDeterminant + factorPositive(q.covariance).logDeterminant;
  const distance = dot(apart, apply(p.precision, apart));
  return 0.5 * (traceOfProduct(p.precision, q.covariance) + distance - apart.length - logDeterminants);
}

/** KL(q ‖ p(z|x)) = log p(x) − ELBO(q), in nats. */
export function posteriorGap(model: LinearGaussian, x: Vector, q: Gaussian): number {
  return gaussianDivergence(q, exactPosterior(model, x));
}

/** ELBO = E_q log p(x|z) − KL(q ‖ N(0, I)), no sampling, in nats. */
export function elboOf(model: LinearGaussian, x: Vector, q: Gaussian): number {
  const origin = q.mean.map(() => 0);
  const identity = addDiagonal(
    q.covariance.map((row) => row.map(() => 0)),
    1,
  );
  return expectedLogLikelihood(model, x, q) - gaussianDivergence(q, { mean: origin, precision: identity });
}

/** A random model and n examples that it made; every number is exact in float32. */
export function drawLinearGaussian(
  seed: number,
  { d, k, n }: { readonly d: number; readonly k: number; readonly n: number },
): { readonly model: LinearGaussian; readonly x: number[][] } {
  for (const [name, value] of Object.entries({ d, k })) {
    if (!(Number.isInteger(value) && value > 0)) {
      throw new InputError(`drawLinearGaussian: ${name} must be a whole number from 1, got ${value}`);
    }
  }
  const parameters = stream(seed, "linear-gaussian/model");
  const normals = (count: number, from = parameters): number[] =>
    Array.from({ length: count }, () => Math.fround(from.normal()));
  const weight = Array.from({ length: d }, () => normals(k));
  const mean = normals(d);
  const variance = Math.fround(0.1 + parameters.uniform());
  const examples = stream(seed, "linear-gaussian/data");
  const x = Array.from({ length: n }, () => {
    const signal = apply(weight, normals(k, examples));
    return signal.map((value, i) => Math.fround(mean[i] + value + Math.sqrt(variance) * examples.normal()));
  });
  return { model: { weight, mean, variance }, x };
}
