import { estimate as averaged, type Estimate, type LikelihoodEstimate } from "./likelihood.ts";
import { largestTrustedShape } from "./pareto.ts";
import type { ReconstructionError } from "./reconstruction.ts";

/** A number and all that it depends on: estimator, samples, likelihood, binarisation, split, size. */
export interface StampedNumber {
  readonly name: string;
  readonly value: number;
  /** Standard error between examples. */
  readonly error?: number;
  readonly unit: string;
  /** The same in bits, over the dimensions of x, for numbers in nats. */
  readonly bitsPerDimension?: number;
  /** Holds the exact number of these same examples with 95 %, where its estimator can be trusted to say so. */
  readonly interval?: readonly [number, number];
  readonly stamp: string;
}

/** What the numbers were measured on. */
export interface Setting {
  /** Such as "Bernoulli, stochastic binarisation". */
  readonly likelihood: string;
  /** Such as "test split", or the name of a file. */
  readonly split: string;
  /** How many numbers one example has: what bits per dimension divide by. */
  readonly dimensions: number;
  readonly latents: number;
  readonly active?: number;
  /** The root mean square of x − x̂ per number, in the data's own units, as `reconstructionError` gives it. */
  readonly rmse?: number;
}

/** Below so many effective samples the likelihood estimate is told to be little more than a bound. */
const FEW_SAMPLES = 5;
/** Of so large a share of examples with weights that are too heavy-tailed the summary warns. */
const MANY_UNTRUSTED = 0.05;

/** How the headline is known where q(z|x) is p(z|x); its ELBO is the same number. */
const exactStamps: Readonly<Record<NonNullable<LikelihoodEstimate["exactOf"]>, string>> = {
  x: "exact, as q(z|x) is p(z|x)",
  "x + u": "−log p(x + u) at one draw of u, exact as q(z|x) is p(z|x); in the mean log p(x + u) is below log P(x)",
};

/** The held-out numbers of a model, the headline first; each says how it was estimated. */
export function summarise(estimate: LikelihoodEstimate, setting: Setting): readonly StampedNumber[] {
  const { samples, examples } = estimate;
  const scored = `${examples.toLocaleString("en-US")} ${examples === 1 ? "example" : "examples"}`;
  const of = `${setting.likelihood}, ${setting.split}, ${scored}`;
  const perDimension = setting.dimensions * Math.LN2;
  const nats = (name: string, { value, error }: Estimate, how: string): StampedNumber => ({
    name,
    value,
    error: Number.isNaN(error) ? undefined : error, // one example has none
    unit: "nats",
    bitsPerDimension: value / perDimension,
    stamp: `${how}, ${of}`,
  });
  const negative = ({ value, error }: Estimate): Estimate => ({ value: -value, error });
  const draws = `${samples.toLocaleString("en-US")} ${samples === 1 ? "sample" : "samples"}`;
  const rate = estimate.rateBy === "closed form" ? "closed form" : `Monte Carlo, ${draws}`;
  const [low, high] = estimate.estimator.interval;
  if (estimate.density === "exact") {
    return [nats("negative log-likelihood", negative(estimate.logLikelihood), "exact"), ...distanceOf(setting, scored)];
  }
  const terms = [
    nats("reconstruction", estimate.reconstruction, `Monte Carlo, ${draws}`),
    nats("rate", estimate.rate, rate),
  ];
  const active: readonly StampedNumber[] =
    setting.active === undefined
      ? []
      : [
          {
            name: "active latents",
            value: setting.active,
            unit: `of ${setting.latents}`,
            stamp: "variance of the posterior mean over the examples > 0.01",
          },
        ];
  if (estimate.exactOf !== undefined) {
    const headline = nats("negative log-likelihood", negative(estimate.logLikelihood), exactStamps[estimate.exactOf]);
    return [headline, ...terms, ...distanceOf(setting, scored), ...active];
  }
  const bounds =
    estimate.density === "dequantised"
      ? [nats("log-likelihood of x + u", estimate.elbo, `the mean over ${draws} of u, a lower bound of log P(x)`)]
      : [nats("ELBO", estimate.elbo, `Monte Carlo reconstruction, ${draws}; rate ${rate}`), ...terms];
  const by =
    estimate.density === "dequantised"
      ? `log of the mean density over ${draws} of u`
      : `importance sampling, ${draws} of q(z|x)`;
  const numbers = [
    {
      ...nats("negative log-likelihood", negative(estimate.logLikelihood), `${by}${doubtOf(estimate)}`),
      interval: isTrusted(estimate) ? ([-high, -low] as const) : undefined,
    },
    ...bounds,
  ];
  const sampling: readonly StampedNumber[] =
    samples > 1
      ? [nats("sampling error", { value: estimate.estimator.error, error: Number.NaN }, samplingWords(estimate))]
      : [];
  const samplesUsed: StampedNumber = {
    name: "effective samples",
    value: estimate.effectiveSamples,
    unit: `of ${samples}`,
    stamp: "mean over examples of (Σw)²/Σw²; near 1 the likelihood estimate rests on single draws",
  };
  return [...numbers, ...sampling, samplesUsed, ...distanceOf(setting, scored), ...active];
}

/** The held-out numbers of a model without a density: the squared error ‖x − x̂‖² of an example, the headline, and its root mean square. */
export function summariseDistance(
  { perExample, rmse }: ReconstructionError,
  { split, dimensions }: Pick<Setting, "split" | "dimensions">,
): readonly StampedNumber[] {
  const scored = `${perExample.length.toLocaleString("en-US")} ${perExample.length === 1 ? "example" : "examples"}`;
  const { value, error } = averaged(perExample.map((one) => dimensions * one ** 2));
  return [
    {
      name: "squared error",
      value,
      error: Number.isNaN(error) ? undefined : error,
      unit: "in the data's units, squared",
      stamp: `mean of ‖x − x̂‖² over ${scored}, ${split}`,
    },
    ...distanceOf({ rmse, split }, scored),
  ];
}

/** How far x̂ is from x, where the data have a distance. */
function distanceOf({ rmse, split }: Pick<Setting, "rmse" | "split">, scored: string): readonly StampedNumber[] {
  if (rmse === undefined) return [];
  const stamp = `root mean square per number of x − x̂, x̂ the decoded code of x, ${split}, ${scored}`;
  return [{ name: "reconstruction error", value: rmse, unit: "in the data's units", stamp }];
}

/** Whether the estimator's error and interval say something: enough samples to see the weights' tails, and few heavy ones. */
function isTrusted({ estimator: { untrusted }, effectiveSamples }: LikelihoodEstimate): boolean {
  return untrusted <= MANY_UNTRUSTED && effectiveSamples >= FEW_SAMPLES;
}

/** What stands behind the likelihood where it should not be taken at its word. */
function doubtOf({ samples, effectiveSamples, estimator: { untrusted } }: LikelihoodEstimate): string {
  if (samples === 1) return "";
  if (effectiveSamples < FEW_SAMPLES) {
    return `, of which ${effectiveSamples.toPrecision(2)} count: log p(x) may be higher`;
  }
  if (!(untrusted > MANY_UNTRUSTED)) return "";
  const shape = largestTrustedShape(samples).toFixed(2);
  return `; log p(x) may be higher: of ${percent(untrusted)} of the examples a few draws carry the weight (Pareto k̂ > ${shape}); more samples or annealing come closer to log p(x)`;
}

/** How far the draws alone may have led the estimate astray. */
function samplingWords(estimate: LikelihoodEstimate): string {
  const { error, bias, interval, untrusted } = estimate.estimator;
  const of = "standard error of −log p(x) by the draws alone, these examples held fixed";
  if (!isTrusted(estimate)) {
    const why = Number.isNaN(untrusted) ? "too few samples to tell" : "too few draws carry the weight";
    return `${of}; not to be trusted: ${why}`;
  }
  const decimals = error > 0 ? Math.min(20, Math.max(0, 1 - Math.floor(Math.log10(error)))) : 4;
  const told = (value: number): string => value.toFixed(decimals).replace("-", "−");
  return `${of}; bias ${told(-bias)}, so the exact number lies within ${told(-interval[1])} to ${told(-interval[0])} with 95 %`;
}

function percent(share: number): string {
  return `${Math.max(1, Math.round(100 * share))} %`;
}
