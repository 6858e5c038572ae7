import type { Estimate, LikelihoodEstimate } from "./likelihood.ts";

/** A number and all that it depends on: estimator, samples, likelihood, binarisation, split, size. */
export interface StampedNumber {
  readonly name: string;
  readonly value: number;
  /** Standard error between examples. */
  readonly error?: number;
  readonly unit: string;
  /** The same in bits, over the dimensions of x, for numbers in nats. */
  readonly bitsPerDimension?: number;
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
}

/** Below so many effective samples the likelihood estimate is told to be little more than a bound. */
const FEW_SAMPLES = 5;

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
  const rate = estimate.rates ? "closed form" : `Monte Carlo, ${draws}`;
  const few = estimate.effectiveSamples < FEW_SAMPLES && samples > 1;
  const doubt = few ? `, of which ${estimate.effectiveSamples.toPrecision(2)} count: log p(x) may be higher` : "";
  const numbers = [
    nats(
      "negative log-likelihood",
      negative(estimate.logLikelihood),
      `importance sampling, ${draws} of q(z|x)${doubt}`,
    ),
    nats("ELBO", estimate.elbo, `Monte Carlo reconstruction, ${draws}; rate ${rate}`),
    nats("reconstruction", estimate.reconstruction, `Monte Carlo, ${draws}`),
    nats("rate", estimate.rate, rate),
  ];
  const samplesUsed: StampedNumber = {
    name: "effective samples",
    value: estimate.effectiveSamples,
    unit: `of ${samples}`,
    stamp: "mean over examples of (Σw)²/Σw²; near 1 the likelihood estimate rests on single draws",
  };
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
  return [...numbers, samplesUsed, ...active];
}
