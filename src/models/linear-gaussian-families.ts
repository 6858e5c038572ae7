import { InputError } from "../errors.ts";
import { datasetMoments, type Moments } from "../linalg/moments.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { realDataset } from "./dequantize.ts";
import {
  type FactorModel,
  factorRemarks,
  factorStart,
  factorStep,
  identifiableFactors,
  meanVariance,
  withNoiseVariances,
} from "./factor-analysis.ts";
import type { Family, FamilyOptions } from "./family.ts";
import type { LinearGaussian } from "./linear-gaussian.ts";
import { type FactorData, type FactorRule, linearGaussianFamily, type Units } from "./linear-gaussian-model.ts";
import type { DataDescription, Model, RuleContext } from "./model.ts";
import { emStart, emStep, fitProbabilisticPca, meanLogLikelihood, noNoise } from "./probabilistic-pca.ts";
import {
  ISOTROPIC_FLOOR,
  type NoiseKind,
  type ObservedRows,
  observedExamples,
  observedStart,
  observedStep,
  rescaledRows,
} from "./probabilistic-pca-missing.ts";

/** Steps of EM at most, unless told otherwise. */
const EM_STEPS = 20_000;

type EmOptions = Pick<FamilyOptions, "standardize"> & Required<Pick<FamilyOptions, "tolerance">>;

/** What a step must gain in nats per example to go on: of images, whose hundreds of noise variances EM moves slowly, more. */
function usualTolerance({ shape }: DataDescription): number {
  return shape.length === 3 ? 1e-3 : 1e-9;
}

export const probabilisticPcaFamily: Family = {
  title: "Probabilistic PCA",
  draws: 5, // of an exact posterior: all alike
  objective: "largest likelihood, in closed form or by EM",
  encoder: "linear, x ↦ p(z|x)",
  decoder: "linear, z ↦ p(x|z)",
  build: ({ vae, latents, em, standardize, tolerance }, data) => {
    const options = { standardize, tolerance: tolerance ?? usualTolerance(data) };
    const k = latents ?? atMost(vae.latents, sizeOf(data.shape) - 1);
    const built = <Data>(rule: FactorRule<Data>): Model => linearGaussianFamily("probabilistic PCA", k, data, rule);
    if (data.missing !== undefined) return built(observedRule(k, "isotropic", options));
    return built(em ? isotropicEm(k, options) : closedForm(k, options));
  },
};

export const factorAnalysisFamily: Family = {
  title: "Factor analysis",
  draws: 5, // of an exact posterior: all alike
  objective: "largest likelihood, by EM",
  encoder: "linear, x ↦ p(z|x)",
  decoder: "linear, z ↦ p(x|z)",
  build: ({ vae, latents, ...options }, data) => {
    const { tolerance = usualTolerance(data) } = options;
    const k = latents ?? atMost(vae.latents, identifiableFactors(sizeOf(data.shape)));
    const built = <Data>(rule: FactorRule<Data>): Model => linearGaussianFamily("factor analysis", k, data, rule);
    return data.missing === undefined
      ? built(diagonalEm(k, tolerance))
      : built(observedRule(k, "diagonal", { tolerance }));
  },
};

/** A usual number of latents where so many are possible; 1 at least. */
function atMost(usual: number, most: number): number {
  return Math.max(1, Math.min(usual, most));
}

/** The one step of the closed form, from anywhere; what it tells is of the parameters that it gives. */
function closedForm(k: number, options: EmOptions): FactorRule<Moments> {
  return {
    steps: 1,
    tolerance: Number.POSITIVE_INFINITY,
    open: async (on) => enoughFor(k, await momentsOf(on, options)),
    start: (data, seed) => withNoiseVariances(emStart(data, k, seed)),
    step: (_, data) => {
      const fitted = fitProbabilisticPca(data, k);
      return { model: withNoiseVariances(fitted), meanLogLikelihood: meanLogLikelihood(fitted, data) };
    },
  };
}

function isotropicEm(k: number, { tolerance, ...options }: EmOptions): FactorRule<Moments> {
  const isotropic = ({ weight, mean, noiseVariances: [variance] }: FactorModel): LinearGaussian => ({
    weight,
    mean,
    variance,
  });
  return {
    steps: EM_STEPS,
    tolerance,
    open: async (on) => enoughFor(k, await momentsOf(on, options)),
    start: (data, seed) => withNoiseVariances(emStart(data, k, seed)),
    step: (model, data) => ({
      model: withNoiseVariances(emStep(isotropic(model), data)),
      meanLogLikelihood: meanLogLikelihood(isotropic(model), data),
    }),
  };
}

function diagonalEm(k: number, tolerance: number): FactorRule<Moments> {
  return {
    steps: EM_STEPS,
    tolerance,
    open: (on) => momentsOf(on, {}),
    start: (data, seed) => factorStart(data, k, seed),
    step: factorStep,
    remarks: (model, { covariance }, { columns }) =>
      factorRemarks(
        model,
        covariance.map((row, i) => row[i]),
        { columns },
      ),
  };
}

/** EM on what is observed. */
function observedRule(k: number, noise: NoiseKind, { tolerance, ...options }: EmOptions): FactorRule<ObservedRows> {
  return {
    steps: EM_STEPS,
    tolerance,
    open: async (on) => observedOf(on, options),
    start: (data, seed) => observedStart(data, k, { noise, seed }),
    step: (model, data) => {
      const next = observedStep(model, data, { noise });
      const { noiseVariances } = next.model;
      if (noise === "isotropic" && noiseVariances[0] <= ISOTROPIC_FLOOR * meanVariance(data.variances)) {
        throw noNoise(k, noiseVariances.length, `at its floor, ${ISOTROPIC_FLOOR} of the mean variance,`);
      }
      return next;
    },
    remarks:
      noise === "diagonal"
        ? (model, { variances }, { columns }) => factorRemarks(model, variances, { columns })
        : undefined,
  };
}

/** Refuses as many latents as dimensions that the examples lie in about their mean: no noise would be left, and the density infinite. */
function enoughFor(k: number, found: FactorData<Moments>): FactorData<Moments> {
  const { count, covariance } = found.data;
  if (covariance.every((row, i) => row[i] === 0)) {
    throw new InputError(`probabilistic PCA: all ${count} examples are the same; a density needs some that differ`);
  }
  if (k <= count - 2) return found;
  throw new InputError(
    `--latents: ${count} examples lie in ${count - 1} dimensions, so probabilistic PCA takes fewer latents than that, got ${k}; take fewer, or --model factor-analysis`,
  );
}

async function momentsOf(
  { engine, dataset, seed }: RuleContext,
  { standardize }: Pick<EmOptions, "standardize">,
): Promise<FactorData<Moments>> {
  const data = await datasetMoments(engine, realDataset(dataset, seed));
  if (!standardize) return { data };
  const units = unitsOf(
    data.mean,
    data.covariance.map((row, i) => row[i]),
  );
  const { spread } = units;
  const covariance = data.covariance.map((row, i) => row.map((value, j) => value / (spread[i] * spread[j])));
  return { data: { ...data, mean: data.mean.map(() => 0), covariance }, units };
}

function observedOf(
  { dataset, seed }: RuleContext,
  { standardize }: Pick<EmOptions, "standardize">,
): FactorData<ObservedRows> {
  const data = observedExamples(realDataset(dataset, seed));
  if (!standardize) return { data };
  const units = unitsOf(
    data.mean,
    data.variances,
    data.counts.map((count) => count / data.length),
  );
  return { data: rescaledRows(data, units), units };
}

/** The units of each number's own deviation, about its mean; a constant keeps its own. `shares`: of the examples, where it is observed. */
function unitsOf(mean: readonly number[], variances: readonly number[], shares = mean.map(() => 1)): Units {
  const spread = variances.map((variance) => Math.sqrt(variance) || 1);
  const logSpread = spread.reduce((total, value, j) => total + shares[j] * Math.log(value), 0);
  return { centre: mean, spread, logSpread };
}
