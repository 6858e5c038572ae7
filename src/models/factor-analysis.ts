import { columnNames } from "../data/dataset.ts";
import { someOf } from "../data/table/cells.ts";
import { InputError } from "../errors.ts";
import {
  add,
  addDiagonal,
  apply,
  difference,
  dot,
  type Matrix,
  product,
  traceOfProduct,
  transposed,
  type Vector,
} from "../linalg/matrix.ts";
import type { Moments } from "../linalg/moments.ts";
import { type Factored, factorPositive } from "../linalg/positive.ts";
import { stream } from "../random/stream.ts";
import type { LinearGaussian } from "./linear-gaussian.ts";

/*
 * Factor analysis, p(x) = N(μ, C), C = WWᵀ + Ψ, Ψ = diag ψ: EM of Rubin & Thayer 1982, "EM algorithms for ML factor analysis";
 * Bishop 2006, §12.2.4. Its likelihood depends on the data by their mean and covariance S alone.
 */

/** p(x|z) = N(Wz + μ, diag ψ), p(z) = N(0, I) in k dimensions. Where all ψ are one η it is probabilistic PCA. */
export interface FactorModel {
  /** W [d][k]: the loadings. They are determined up to a rotation of the latents. */
  readonly weight: Matrix;
  /** μ [d] */
  readonly mean: Vector;
  /** ψ [d] */
  readonly noiseVariances: Vector;
}

/** Probabilistic PCA as the factor analysis that it is: ψ = η for every number. */
export function withNoiseVariances({ weight, mean, variance }: LinearGaussian): FactorModel {
  return { weight, mean, noiseVariances: mean.map(() => variance) };
}

/**
 * The share of a number's variance that its noise has at least. The likelihood has maxima where a ψ is 0 (Heywood cases): there a
 * latent is one number itself, and EM creeps there for ever. R's `factanal` has the same default; scikit-learn has 1e-12 absolute.
 */
export const NOISE_FLOOR = 0.005;

/** The least ψ: that share of each number's variance; of one that never changes, of the mean variance, as it has none. */
export function noiseFloors(variances: Vector, share = NOISE_FLOOR): number[] {
  const mean = meanVariance(variances);
  return variances.map((value) => share * (value > 0 ? value : mean));
}

/** The mean of the numbers' variances. @throws InputError where no number ever changes. */
export function meanVariance(variances: Vector): number {
  const mean = variances.reduce((total, value) => total + value, 0) / variances.length;
  if (mean > 0) return mean;
  throw new InputError("noise variances: numbers that differ between rows are expected, got the same in every row");
}

/** @throws InputError where so many latents cannot be taken. */
export function checkFactors(model: string, k: number, d: number): void {
  if (Number.isInteger(k) && k >= 1 && k < d) return;
  if (d < 2) throw new InputError(`${model}: examples of two numbers or more are expected, got ${d}`);
  throw new InputError(
    `${model}: of ${d} numbers an example, ${d === 2 ? "1 latent" : `1 to ${d - 1} latents`} can be taken, got ${k}`,
  );
}

/**
 * The most latents that the covariance of d numbers determines, (d − k)² ≥ d + k: above it W and ψ have more free parameters than
 * the covariance has entries, so the density is still one but not the ψ. Ledermann 1937.
 */
export function identifiableFactors(d: number): number {
  return Math.floor((2 * d + 1 - Math.sqrt(8 * d + 1)) / 2);
}

/** What p(z|x) has for every x: β = Λ⁻¹WᵀΨ⁻¹ with E[z|x] = β(x − μ), and the factors of its precision Λ = I + WᵀΨ⁻¹W. */
interface Explaining {
  readonly factored: Factored;
  /** Λ⁻¹, the posterior's covariance */
  readonly inverse: Matrix;
  /** Ψ⁻¹W [d][k] */
  readonly pull: Matrix;
  /** βᵀ [d][k] */
  readonly transposedBeta: Matrix;
}

function explaining({ weight, noiseVariances }: FactorModel): Explaining {
  const pull = weight.map((row, i) => row.map((value) => value / noiseVariances[i]));
  const factored = factorPositive(addDiagonal(product(transposed(weight), pull), 1));
  const inverse = factored.inverse();
  return { factored, inverse, pull, transposedBeta: product(pull, inverse) };
}

/**
 * The mean of log p(x) over the data, in nats: −½(d log 2π + log det C + tr C⁻¹S), S about the model's own mean, by
 * log det C = Σ log ψ + log det Λ and C⁻¹ = Ψ⁻¹ − Ψ⁻¹WΛ⁻¹WᵀΨ⁻¹, so only matrices of k are factored.
 */
export function meanLogLikelihood(model: FactorModel, data: Moments): number {
  return likelihoodBy(explaining(model), model, data);
}

function likelihoodBy({ factored, pull, transposedBeta }: Explaining, model: FactorModel, data: Moments): number {
  const { mean, noiseVariances } = model;
  const apart = difference(data.mean, mean);
  const pulled = apply(transposed(pull), apart);
  const logDeterminant = noiseVariances.reduce((total, value) => total + Math.log(value), factored.logDeterminant);
  const scaled = noiseVariances.reduce((total, value, i) => total + (data.covariance[i][i] + apart[i] ** 2) / value, 0);
  const explained = traceOfProduct(transposedBeta, product(data.covariance, pull)); // tr βSΨ⁻¹W
  const quadratic = scaled - explained - dot(pulled, factored.solve(pulled));
  return -0.5 * (mean.length * Math.log(2 * Math.PI) + logDeterminant + quadratic);
}

export interface FactorStep {
  readonly model: FactorModel;
  /** Of the model before the step, in nats per example. */
  readonly meanLogLikelihood: number;
}

/**
 * One step of EM on all data: W′ = Sβᵀ(Λ⁻¹ + βSβᵀ)⁻¹, ψ′ = diag(S − W′βS), not below the floor, and the mean that of the data.
 * Bishop 2006, eqs. 12.66–12.70 summed over the data. The likelihood never falls: above the best ψ the bound falls on either
 * side, so the floored ψ is the best that is allowed.
 */
export function factorStep(model: FactorModel, data: Moments, share = NOISE_FLOOR): FactorStep {
  const { mean, covariance } = data;
  const before = explaining(model);
  const { inverse, transposedBeta } = before;
  const sb = product(covariance, transposedBeta); // Sβᵀ  [d][k]
  const second = add(inverse, product(transposed(transposedBeta), sb)); // the mean of E[zzᵀ]  [k][k]
  const weight = product(sb, factorPositive(second).inverse());
  const floors = noiseFloors(diagonal(covariance), share);
  const noiseVariances = floors.map((floor, i) => Math.max(floor, covariance[i][i] - dot(weight[i], sb[i])));
  return { model: { weight, mean, noiseVariances }, meanLogLikelihood: likelihoodBy(before, model, data) };
}

/** Where EM may start: half of each number's variance as noise, and a random W as large as the other half. */
export function factorStart({ mean, covariance }: Moments, k: number, seed: number): FactorModel {
  checkFactors("factor analysis", k, mean.length);
  return randomFactors({ mean, variances: diagonal(covariance) }, k, seed);
}

/** The same from each number's mean and variance. */
export function randomFactors(
  { mean, variances }: { readonly mean: Vector; readonly variances: Vector },
  k: number,
  seed: number,
): FactorModel {
  const from = stream(seed, "factor-analysis/start");
  return {
    weight: variances.map((variance) => {
      const length = Math.sqrt(variance / (2 * k));
      return Array.from({ length: k }, () => length * from.normal());
    }),
    mean,
    noiseVariances: noiseFloors(variances, 0.5),
  };
}

function diagonal(a: Matrix): number[] {
  return a.map((row, i) => row[i]);
}

export interface FactorOptions {
  readonly start: FactorModel;
  /** Stops where a step gains less, in nats per example. */
  readonly tolerance?: number;
  readonly steps?: number;
  /** The share of each number's variance that its noise has at least. */
  readonly floor?: number;
}

export interface FactorFit {
  readonly model: FactorModel;
  /** Of the start and after every step. */
  readonly logLikelihoods: readonly number[];
  /** The numbers whose noise lies at the floor: Heywood cases, and those that never change. */
  readonly atFloor: readonly number[];
}

/** EM until a step gains less than the tolerance. */
export function fitFactorAnalysis(
  data: Moments,
  { start, tolerance = 1e-9, steps = 20_000, floor = NOISE_FLOOR }: FactorOptions,
): FactorFit {
  const fit = repeatSteps(start, (model) => factorStep(model, data, floor), { tolerance, steps });
  const logLikelihoods = [...fit.logLikelihoods, meanLogLikelihood(fit.model, data)];
  const floors = noiseFloors(diagonal(data.covariance), floor);
  return { model: fit.model, logLikelihoods, atFloor: numbersAtFloor(fit.model, floors) };
}

/** Steps until one gains less than the tolerance; the likelihoods are those before each step, so that of the last is missing. */
export function repeatSteps(
  start: FactorModel,
  step: (model: FactorModel) => FactorStep,
  { tolerance, steps }: { readonly tolerance: number; readonly steps: number },
): { readonly model: FactorModel; readonly logLikelihoods: readonly number[] } {
  let model = start;
  const logLikelihoods: number[] = [];
  for (let i = 0; i < steps; i++) {
    const next = step(model);
    model = next.model;
    logLikelihoods.push(next.meanLogLikelihood);
    if (i > 0 && logLikelihoods[i] - logLikelihoods[i - 1] < tolerance) break;
  }
  return { model, logLikelihoods };
}

/** What a user should hear of a fit: noise at its floor, and more latents than can be told apart. Names are x0, x1, … where not given. */
export function factorRemarks(
  { weight, noiseVariances }: FactorModel,
  variances: Vector,
  { floor = NOISE_FLOOR, columns }: { readonly floor?: number; readonly columns?: readonly string[] } = {},
): string[] {
  const [d, k] = [weight.length, weight[0].length];
  const names = columnNames(columns, d);
  const floors = noiseFloors(variances, floor);
  const namesOf = (constant: boolean): readonly string[] =>
    numbersAtFloor({ noiseVariances }, floors)
      .filter((j) => variances[j] > 0 !== constant)
      .map((j) => names[j]);
  const [heywood, constant] = [namesOf(false), namesOf(true)];
  const share = `${100 * floor} %`;
  const most = identifiableFactors(d);
  return [
    ...(heywood.length > 0
      ? [
          `the noise of ${someOf(heywood)} is at its floor, ${share} of the variance (a Heywood case); try fewer latents`,
        ]
      : []),
    ...(constant.length > 0
      ? [`${someOf(constant)}: never changes, so its noise is ${share} of the mean variance`]
      : []),
    ...(k > most
      ? [
          `${k === 1 ? "1 latent is" : `${k} latents are`} more than the ${most} that ${d} numbers determine: the density holds, the noise variances are not unique`,
        ]
      : []),
  ];
}

/** Which numbers' noise is no more than its floor. */
export function numbersAtFloor({ noiseVariances }: Pick<FactorModel, "noiseVariances">, floors: Vector): number[] {
  return [...noiseVariances.keys()].filter((i) => noiseVariances[i] <= floors[i]);
}
