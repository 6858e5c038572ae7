import type { Dataset } from "../data/dataset.ts";
import { NumericalError } from "../errors.ts";
import type { CompiledFunction } from "../runtime/compile.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { programFeeds } from "./feeds.ts";
import { EVALUATION_STEP } from "./likelihood.ts";

export interface TermsOptions {
  /** Outputs [batch] for x. */
  readonly program: CompiledFunction;
  readonly dataset: Dataset;
  readonly parameters: ReadonlyMap<string, NdArray>;
  readonly seed: number;
}

const CHUNK = 500;

/**
 * The mean over the data of every number that a program tells of an example. Streamed; sums in float64.
 * @throws NumericalError for an example with a number that is not finite.
 */
export async function meanTerms(options: TermsOptions): Promise<Readonly<Record<string, number>>> {
  const { program, dataset } = options;
  const feeds = programFeeds({ ...options, program: program.program, step: EVALUATION_STEP });
  const sums: Record<string, number> = {};
  for (let start = 0; start < dataset.length; start += CHUNK) {
    const examples = Uint32Array.from({ length: Math.min(CHUNK, dataset.length - start) }, (_, i) => start + i);
    for (const [name, { data }] of Object.entries(await program.run(feeds(examples)))) {
      for (const [i, value] of data.entries()) {
        if (!Number.isFinite(value)) {
          throw new NumericalError(
            `${dataset.name}: example ${examples[i]} (from 0) has the ${name} ${value}; look for numbers far from those that the model learned from, and leave the example out`,
          );
        }
        sums[name] = (sums[name] ?? 0) + value / dataset.length;
      }
    }
  }
  return sums;
}
