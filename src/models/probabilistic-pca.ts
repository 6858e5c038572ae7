import { NumericalError } from "../errors.ts";
import { symmetricEigen } from "../linalg/eigen.ts";
import { addDiagonal, apply, difference, dot, gram, type Matrix, product, transposed } from "../linalg/matrix.ts";
import type { Moments } from "../linalg/moments.ts";
import { choleskyFactor, inversePositive, invertLower } from "../linalg/positive.ts";
import { stream } from "../random/stream.ts";
import { checkFactors } from "./factor-analysis.ts";
import type { LinearGaussian } from "./linear-gaussian.ts";

/*
 * Probabilistic PCA, p(x) = N(μ, C), C = WWᵀ + ηI: Tipping & Bishop 1999, "Probabilistic principal component analysis".
 * Its likelihood depends on the data by their mean and covariance S alone.
 */

/**
 * The parameters of the greatest likelihood: μ the mean, W = U_k(Λ_k − ηI)^½ and η the mean of the d − k smallest eigenvalues of
 * S = UΛUᵀ. Eqs. 14 and 15, the rotation R = I.
 * @throws NumericalError where the data lie in k dimensions: η would be 0 and the density infinite.
 */
export function fitProbabilisticPca({ mean, covariance }: Moments, k: number): LinearGaussian {
  const d = mean.length;
  checkFactors("probabilistic PCA", k, d);
  const { values, vectors } = symmetricEigen(covariance);
  const variance = values.slice(k).reduce((total, value) => total + value, 0) / (d - k);
  if (!(variance > d * Number.EPSILON * values[0])) throw noNoise(k, d);
  const lengths = values.slice(0, k).map((value) => Math.sqrt(Math.max(value - variance, 0)));
  return { weight: mean.map((_, i) => lengths.map((length, j) => length * vectors[j][i])), mean, variance };
}

/** That the data lie in as many dimensions as there are latents, or fewer; `left` is what remains of the noise. */
export function noNoise(k: number, d: number, left = "0"): NumericalError {
  return new NumericalError(
    `probabilistic PCA: the data lie in ${k} dimensions of ${d}, so the noise left is ${left} and the density infinite; take fewer latents`,
  );
}

/** Of M = WᵀW + ηI = LLᵀ the triangle L [k][k], and B = WL⁻ᵀ [d][k]: WM⁻¹Wᵀ = BBᵀ, and no number of B is above 1. */
function factoredInner({ weight, variance }: LinearGaussian): { readonly lower: Matrix; readonly inward: Matrix } {
  const lower = choleskyFactor(addDiagonal(gram(weight), variance));
  const inverse = invertLower(lower).map((row) => Array.from(row));
  return { lower, inward: weight.map((row) => apply(inverse, row)) };
}

/**
 * The mean of log p(x) over the data, in nats: −½(d log 2π + log det C + tr C⁻¹S), S about the model's own mean. Eq. 4, by
 * log det C = (d − k) log η + log det M and C⁻¹ = (I − BBᵀ)/η, so only matrices of k are factored.
 */
export function meanLogLikelihood(model: LinearGaussian, data: Moments): number {
  const { weight, mean, variance } = model;
  const [d, k] = [mean.length, weight[0].length];
  const apart = difference(data.mean, mean);
  const { lower, inward } = factoredInner(model);
  const logDeterminant =
    (d - k) * Math.log(variance) + 2 * lower.reduce((total, row, i) => total + Math.log(row[i]), 0);
  const pulled = apply(transposed(inward), apart); // Bᵀ(x̄ − μ)
  const sb = product(data.covariance, inward);
  const explained = inward.reduce((total, row, i) => total + dot(row, sb[i]), 0); // tr BᵀSB
  const trace = data.covariance.reduce((total, row, i) => total + row[i], 0);
  const quadratic = trace - explained + dot(apart, apart) - dot(pulled, pulled);
  return -0.5 * (d * Math.log(2 * Math.PI) + logDeterminant + quadratic / variance);
}

/**
 * One step of EM on all data: W′ = SW(ηI + M⁻¹WᵀSW)⁻¹, η′ = tr(S − SWM⁻¹W′ᵀ)/d, and the mean that of the data. Eqs. 29 and 30.
 * The likelihood never falls.
 * @throws NumericalError where the data lie in k dimensions: η goes to 0, and is lost in rounding.
 */
export function emStep(model: LinearGaussian, { mean, covariance }: Moments): LinearGaussian {
  const { weight, variance } = model;
  const [d, k] = [mean.length, weight[0].length];
  // W′ = SB(ηI + BᵀSB)⁻¹Lᵀ and SWM⁻¹W′ᵀ = SB(ηI + BᵀSB)⁻¹(SB)ᵀ, of which no eigenvalue is below η; those of ηM + WᵀSW may be η².
  const { lower, inward } = factoredInner(model);
  const sb = product(covariance, inward); // [d][k]
  const turned = product(sb, inversePositive(addDiagonal(product(transposed(inward), sb), variance))); // [d][k]
  const left = covariance.map((row, i) => row[i] - dot(sb[i], turned[i]));
  const next = left.reduce((total, value) => total + value, 0) / d;
  const trace = covariance.reduce((total, row, i) => total + row[i], 0);
  if (!(next > d * Number.EPSILON * trace)) throw noNoise(k, d);
  return { weight: product(turned, transposed(lower)), mean, variance: next };
}

/** Where EM may start: a random W as large as the data, and half of their mean variance as noise. */
export function emStart({ mean, covariance }: Moments, k: number, seed: number): LinearGaussian {
  const d = mean.length;
  checkFactors("probabilistic PCA", k, d);
  const from = stream(seed, "probabilistic-pca/start");
  const variance = covariance.reduce((total, row, i) => total + row[i], 0) / d;
  const length = Math.sqrt(variance / (2 * k));
  return {
    weight: mean.map(() => Array.from({ length: k }, () => length * from.normal())),
    mean,
    variance: variance / 2,
  };
}

export interface EmOptions {
  readonly start: LinearGaussian;
  /** Stops where a step gains less, in nats per example. */
  readonly tolerance?: number;
  readonly steps?: number;
}

/** EM until a step gains less than the tolerance; the mean log-likelihood before it and after every step. */
export function fitByEm(
  data: Moments,
  { start, tolerance = 1e-12, steps = 10_000 }: EmOptions,
): { readonly model: LinearGaussian; readonly logLikelihoods: readonly number[] } {
  let model = start;
  const logLikelihoods = [meanLogLikelihood(model, data)];
  for (let step = 0; step < steps; step++) {
    model = emStep(model, data);
    logLikelihoods.push(meanLogLikelihood(model, data));
    if (logLikelihoods[step + 1] - logLikelihoods[step] < tolerance) break;
  }
  return { model, logLikelihoods };
}
