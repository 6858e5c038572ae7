import { InputError, NumericalError } from "../errors.ts";
import type { Examples } from "../linalg/examples.ts";
import { openMixtureEm } from "../models/mixture-em.ts";
import { fitMixture, type MixtureFit, type MixtureFitOptions } from "../models/mixture-fit.ts";
import type { Engine } from "../runtime/engine.ts";
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

export interface MixtureCandidate {
  readonly name: string;
  readonly options: MixtureFitOptions;
}

export interface MixtureChoice {
  /** The largest mean held-out log-likelihood first. */
  readonly standings: readonly Standing[];
  readonly best: { readonly name: string; readonly fit: MixtureFit };
  /** Candidates that could not be fitted, and why: a line each. */
  readonly failed: readonly string[];
}

/** Fits every candidate to the training examples and picks by the held-out ones. @throws NumericalError where none can be fitted. */
export async function chooseMixture(
  engine: Engine,
  { training, heldOut }: { readonly training: Examples; readonly heldOut: Examples },
  candidates: readonly MixtureCandidate[],
): Promise<MixtureChoice> {
  const fits = new Map<string, MixtureFit>();
  const scored: ScoredExamples[] = [];
  const failed: string[] = [];
  for (const { name, options } of candidates) {
    if (fits.has(name)) throw new InputError(`model choice: two candidates are called ${name}; give one another name`);
    try {
      const fit = await fitMixture(engine, training, options);
      const em = await openMixtureEm(engine, { components: options.components, d: training.size }, fit.settings);
      try {
        const { logLikelihoods } = await em.score(fit.state, heldOut);
        scored.push({ name, examples: `${heldOut.name}, ${heldOut.length} examples`, values: logLikelihoods });
      } finally {
        await em.release();
      }
      fits.set(name, fit);
    } catch (error) {
      if (!(error instanceof NumericalError)) throw error;
      failed.push(`${name}: ${error.message}`);
    }
  }
  if (scored.length === 0 && failed.length > 0) throw new NumericalError(failed[0]);
  const standings = rankByHeldOut(scored);
  const { name } = standings[0];
  const fit = fits.get(name);
  if (fit === undefined) throw new NumericalError(`model choice: ${name} was not fitted`);
  return { standings, best: { name, fit }, failed };
}
