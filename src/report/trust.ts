import type { LikelihoodEstimate } from "../evaluation/likelihood.ts";
import { largestTrustedShape } from "../evaluation/pareto.ts";
import { formatNumber } from "./numbers.ts";

/** Of so large a share of untrusted examples the estimate's own error says nothing. */
const MANY_UNTRUSTED = 0.05;

/** How many draws the headline rests on, and of how many examples their weights can be trusted: a sentence. */
export function trustOf({
  samples,
  effectiveSamples,
  estimator,
}: Pick<LikelihoodEstimate, "samples" | "effectiveSamples" | "estimator">): string | undefined {
  if (samples === 1) return undefined;
  const used = `Of ${samples.toLocaleString("en-US")} draws ${formatNumber(effectiveSamples)} count on average (effective samples)`;
  const { untrusted, error } = estimator;
  if (Number.isNaN(untrusted)) return `${used}; so few do not tell whether the estimate can be trusted.`;
  const shape = formatNumber(largestTrustedShape(samples), 2);
  const share = formatNumber(100 * (1 - untrusted), 0);
  const weights = `${used}; the weights of ${share} % of the examples can be trusted (Pareto k̂ ≤ ${shape})`;
  if (untrusted > MANY_UNTRUSTED) return `${weights}, too few for an error of the estimate: log p(x) may be higher.`;
  return `${weights}. By the draws alone the number is known to ±${formatNumber(Number(error.toPrecision(2)))} nats (one standard error).`;
}
