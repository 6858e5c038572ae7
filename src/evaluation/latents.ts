import type { Dataset } from "../data/dataset.ts";
import type { CompiledFunction } from "../runtime/compile.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { programFeeds } from "./feeds.ts";
import { EVALUATION_STEP } from "./likelihood.ts";

/** A latent whose posterior mean varies more than this over the data is in use. Burda et al. 2016, §5.1. */
export const ACTIVE_VARIANCE = 0.01;

/** Where posteriors come from: `encoder.onnx`, or the program that it is written from. */
export interface PosteriorSource {
  readonly encoder: CompiledFunction;
  readonly dataset: Dataset;
  /** Values of the parameters, where the program has them as inputs. */
  readonly parameters?: ReadonlyMap<string, NdArray>;
  /** Of the binarisation, where there is one. */
  readonly seed: number;
  /** Examples of one pass: they bound the memory and change no number. */
  readonly chunk?: number;
  readonly signal?: AbortSignal;
}

/** Goes through the posteriors' parameters in the order of the dataset: [examples, ...] of each. */
export async function forEachPosterior(
  { encoder, dataset, parameters, seed, chunk = 500, signal }: PosteriorSource,
  visit: (parameters: Readonly<Record<string, NdArray>>, examples: Uint32Array) => void | Promise<void>,
): Promise<void> {
  const feeds = programFeeds({ program: encoder.program, dataset, parameters, seed, step: EVALUATION_STEP });
  for (let start = 0; start < dataset.length; start += chunk) {
    signal?.throwIfAborted();
    const examples = Uint32Array.from({ length: Math.min(chunk, dataset.length - start) }, (_, i) => start + i);
    await visit(await encoder.run(feeds(examples)), examples);
  }
}

/** Numbers of examples, row after row: [n, k], float64. */
export interface CodeRows {
  readonly data: Float64Array;
  readonly shape: readonly [number, number];
}

/** The variance over the data of each latent's posterior mean; undefined for a posterior without a mean. Sums in float64. */
export async function meanVariances(source: PosteriorSource): Promise<readonly number[] | undefined> {
  let sums: Float64Array | undefined;
  let squares = new Float64Array();
  await forEachPosterior(source, ({ mean }) => {
    if (!mean) return;
    const k = mean.shape[1];
    sums ??= new Float64Array(k);
    if (squares.length === 0) squares = new Float64Array(k);
    for (let i = 0; i < mean.data.length; i++) {
      sums[i % k] += mean.data[i];
      squares[i % k] += mean.data[i] ** 2;
    }
  });
  const n = source.dataset.length;
  return sums && Array.from(sums, (sum, j) => squares[j] / n - (sum / n) ** 2);
}
