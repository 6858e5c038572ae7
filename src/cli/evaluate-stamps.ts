import type { RateSplit } from "../evaluation/aggregate.ts";
import type { AnnealedEstimate } from "../evaluation/annealed.ts";
import type { CodeAccuracy } from "../evaluation/codes.ts";
import { type Estimate, estimate, type LikelihoodEstimate } from "../evaluation/likelihood.ts";
import type { PairedComparison } from "../evaluation/paired.ts";
import type { NaiveEstimate } from "../evaluation/prior-sampling.ts";
import type { StampedNumber } from "../evaluation/summary.ts";
import { formatNumber } from "../report/numbers.ts";
import type { AggregateFit } from "./evaluate-aggregate.ts";
import type { Gaps } from "./evaluate-gaps.ts";
import { counted, formatCount } from "./terminal.ts";

/** What the numbers were measured on, for stamps: likelihood, binarisation, split. */
export interface Stamping {
  readonly likelihood: string;
  readonly split: string;
  /** How many numbers one example has. */
  readonly dimensions: number;
}

type Nats = (name: string, estimate: Estimate, stamp: string) => StampedNumber;

/** Numbers in nats, with the same in bits over the dimensions of an example. */
function natsOf({ dimensions }: Stamping): Nats {
  return (name, { value, error }, stamp) => ({
    name,
    value,
    error: Number.isNaN(error) ? undefined : error, // one example has none
    unit: "nats",
    bitsPerDimension: value / (dimensions * Math.LN2),
    stamp,
  });
}

function ofData({ likelihood, split }: Stamping, examples: number): string {
  return `${likelihood}, ${split}, ${counted(examples, "example")}`;
}

/** I(x; z), the total correlation and the rest: what the rate is made of. */
export function rateNumbers(split: RateSplit, setting: Stamping): readonly StampedNumber[] {
  const nats = natsOf(setting);
  const data = ofData(setting, split.codes);
  const of = `Monte Carlo, as the mutual information; ${data}`;
  const { mutualInformation, totalCorrelation, dimensionWiseKl, marginalKl } = split;
  return [
    nats(
      "mutual information",
      mutualInformation,
      `I(x; z), the part of the rate that says which x; ${split.stamp}, ${data}`,
    ),
    nats("marginal KL", marginalKl, `KL(q(z) ‖ p(z)), how far all codes together are from the prior; ${of}`),
    ...(totalCorrelation && dimensionWiseKl
      ? [
          nats("total correlation", totalCorrelation, `KL(q(z) ‖ Π q(z_j)), a part of the marginal KL; ${of}`),
          nats("dimension-wise KL", dimensionWiseKl, `Σ KL(q(z_j) ‖ p(z_j)), the other part; ${of}`),
        ]
      : []),
  ];
}

/** How far draws of all codes together are from draws of the prior. */
export function aggregateNumbers(
  { distance, told, modes }: AggregateFit,
  { split }: Stamping,
): readonly StampedNumber[] {
  const numbers: StampedNumber[] = [
    {
      name: "energy distance",
      value: distance.value,
      error: distance.error,
      unit: "of codes to p(z)",
      stamp: `one z ~ q(z|x) of each example against draws of p(z), 0 where the two are one; ${distance.stamp}, ${split}`,
    },
  ];
  if (told) {
    numbers.push({
      name: "told from p(z)",
      value: 100 * told.value,
      error: 100 * told.error,
      unit: "% right",
      stamp: `a classifier of codes and draws of p(z), guessing 50 %; ${told.stamp}, ${split}`,
    });
  }
  if (modes) {
    numbers.push({
      name: "modes found",
      value: modes.found,
      unit: `of ${modes.components}`,
      stamp: `components of p(z) that hold codes; ${modes.stamp}, ${split}`,
    });
  }
  return numbers;
}

/** How well the classes can be read off the codes. */
export function accuracyNumbers(accuracy: CodeAccuracy, { split }: Stamping): readonly StampedNumber[] {
  const { nearest, linear, chance, stamp } = accuracy;
  const percent = (name: string, { value, error }: Estimate): StampedNumber => ({
    name,
    value: 100 * value,
    error: 100 * error,
    unit: "% right",
    stamp: `class of a code, guessing ${formatNumber(100 * chance, 1)} %; ${stamp}, ${split}`,
  });
  return [percent("nearest neighbours", nearest), percent("linear probe", linear)];
}

/** −log p(x) by annealing, and how far it lies from what the first examples were evaluated by. */
export function annealedNumbers(
  annealed: AnnealedEstimate,
  { perExample, exactOf }: Pick<LikelihoodEstimate, "perExample" | "exactOf">,
  setting: Stamping,
): readonly StampedNumber[] {
  const { examples, temperatures, chains, logLikelihood, estimator, acceptance } = annealed;
  const more = estimate(annealed.perExample.logLikelihood.map((value, i) => value - perExample.logLikelihood[i]));
  const how = `annealed importance sampling from the prior, ${formatCount(temperatures)} temperatures, ${counted(chains, "chain")}, ${formatNumber(100 * acceptance, 0)} % of moves accepted, error by the draws ${formatNumber(estimator.error, 2)}`;
  const of = ofData(setting, examples);
  const nats = natsOf(setting);
  return [
    nats("−log p(x), annealed", { value: -logLikelihood.value, error: logLikelihood.error }, `${how}, ${of}`),
    exactOf === undefined
      ? nats(
          "annealed − sampled",
          more,
          `log p(x) by annealing less that by importance sampling on the same examples; both are lower bounds in the mean, so the higher is the nearer, ${of}`,
        )
      : nats(
          "annealed − exact",
          more,
          `log p(x) by annealing, a lower bound in the mean, less the exact one of the same examples, ${of}`,
        ),
  ];
}

/** −log p(x) by draws of the prior. */
export function naiveNumbers(naive: NaiveEstimate, setting: Stamping): readonly StampedNumber[] {
  const { logLikelihood, samples, effectiveSamples, examples } = naive;
  const stamp = `Monte Carlo with ${counted(samples, "draw")} of the prior, of which ${formatNumber(effectiveSamples)} count; for comparison: the more x says of z, the fewer of them explain it, ${ofData(setting, examples)}`;
  return [natsOf(setting)("−log p(x), naive", { value: -logLikelihood.value, error: logLikelihood.error }, stamp)];
}

/** What the encoder loses by being one network, and the family by its shape. */
export function gapNumbers(gaps: Gaps, setting: Stamping): readonly StampedNumber[] {
  const nats = natsOf(setting);
  const of = ofData(setting, gaps.amortization.length);
  const [amortization, approximation] = [gaps.amortization, gaps.approximation].map((values) =>
    estimate(Float64Array.from(values)),
  );
  return [
    nats(
      "amortization gap",
      amortization,
      `ELBO of each example's own posterior of the same family less that of the encoder's, ${formatCount(gaps.steps)} steps of Adam on ${gaps.samples} draws, judged on fresh ones, ${of}`,
    ),
    nats(
      "approximation gap",
      approximation,
      `log p(x) by ${gaps.by} less the ELBO of each example's own posterior: what the family cannot give; at least so much, as log p(x) is a lower bound, ${of}`,
    ),
  ];
}

/** How two runs differ on the same examples. */
export function pairedNumbers(
  { difference, interval, better, stamp }: PairedComparison,
  setting: Stamping,
): readonly StampedNumber[] {
  const [low, high] = interval.map((value) => formatNumber(value));
  return [
    natsOf(setting)(
      "log p(x) above the other",
      difference,
      `${stamp}: ${low} to ${high}; better on ${formatNumber(100 * better, 0)} % of the examples, ${setting.likelihood}, ${setting.split}`,
    ),
  ];
}
