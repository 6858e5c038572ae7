import { InputError, NumericalError } from "../errors.ts";
import { type Estimate, estimate } from "./likelihood.ts";
import { comparePaired, type PairedComparison, type ScoredExamples } from "./paired.ts";

/** How a candidate does on examples that it was not fitted to, in nats per example. */
export interface Standing {
  readonly name: string;
  readonly logLikelihood: Estimate;
  /** It minus the best, on the same examples; absent of the best itself. */
  readonly behind?: PairedComparison;
}

/** The candidates by their mean held-out log-likelihood, the largest first. */
export function rankByHeldOut(candidates: readonly ScoredExamples[]): readonly Standing[] {
  if (candidates.length === 0) throw new InputError("model choice: at least one candidate is expected, got none");
  const ranked = candidates
    .map((candidate) => ({ candidate, logLikelihood: estimate(Float64Array.from(candidate.values)) }))
    .toSorted((a, b) => b.logLikelihood.value - a.logLikelihood.value);
  const [{ candidate: best }] = ranked;
  return ranked.map(({ candidate, logLikelihood }) => ({
    name: candidate.name,
    logLikelihood,
    ...(candidate !== best && { behind: comparePaired(candidate, best) }),
  }));
}

/** A model that is fitted when it is scored. */
export interface Candidate {
  readonly name: string;
  /** log p(x) of each held-out example. @throws NumericalError where it cannot be fitted. */
  readonly score: () => Promise<ArrayLike<number>>;
}

export interface Choice<C extends Candidate = Candidate> {
  readonly chosen: C;
  /** The largest mean held-out log-likelihood first. */
  readonly standings: readonly Standing[];
  /** Candidates that could not be fitted, and why: a line each. */
  readonly failed: readonly string[];
}

/**
 * Of candidates, the smallest first, the smallest whose mean held-out log-likelihood is at most one standard error below the largest:
 * Breiman, Friedman, Olshen & Stone 1984, §3.4.3, where the error is that of the differences to the best, example by example. The largest
 * is fitted first, as it asks most of the data.
 * @throws NumericalError where none can be fitted.
 */
export async function chooseByHeldOut<C extends Candidate>(
  candidates: readonly C[],
  examples: string,
): Promise<Choice<C>> {
  const scored: ScoredExamples[] = [];
  const failed: string[] = [];
  for (const { name, score } of candidates.toReversed()) {
    try {
      scored.push({ name, examples, values: await score() });
    } catch (error) {
      if (!(error instanceof NumericalError)) throw error;
      failed.push(`${name}: ${error.message}`);
    }
  }
  if (scored.length === 0 && failed.length > 0) throw new NumericalError(failed[failed.length - 1]);
  const standings = rankByHeldOut(scored);
  const near = standings.filter(({ behind }) => !behind || behind.difference.value >= -behind.difference.error);
  const chosen = candidates.find(({ name }) => near.some((standing) => standing.name === name));
  if (chosen === undefined) throw new InputError("model choice: at least one candidate is expected, got none");
  return { chosen, standings, failed };
}
