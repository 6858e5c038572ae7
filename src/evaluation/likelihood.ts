import type { Dataset } from "../data/dataset.ts";
import { NumericalError } from "../errors.ts";
import type { CompiledFunction } from "../runtime/compile.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { programFeeds } from "./feeds.ts";

/** A mean over examples and its standard error between them, in nats. */
export interface Estimate {
  readonly value: number;
  readonly error: number;
}

export interface LikelihoodEstimate {
  readonly examples: number;
  readonly samples: number;
  /** E_q log p(x|z) − rate, by `samples` draws. */
  readonly elbo: Estimate;
  readonly reconstruction: Estimate;
  /** KL(q(z|x) ‖ p(z)), closed form where there is one. */
  readonly rate: Estimate;
  /** log 1/K Σ p(x, z_k)/q(z_k|x), z_k ~ q: a lower bound of log p(x) in the mean. Burda et al. 2016, eq. 8. */
  readonly logLikelihood: Estimate;
  /** The mean over examples of (Σw)²/Σw², between 1 and `samples`. */
  readonly effectiveSamples: number;
  /** The rate of each latent, where the closed form splits. */
  readonly rates?: readonly number[];
  /** One number per example, in the order of the dataset. */
  readonly perExample: Readonly<Record<"elbo" | "reconstruction" | "rate" | "logLikelihood", Float64Array>>;
}

export interface LikelihoodOptions {
  /** `density.onnx`, or the program that it is written from. */
  readonly density: CompiledFunction;
  readonly dataset: Dataset;
  /** Values of the parameters, where the program has them as inputs. */
  readonly parameters?: ReadonlyMap<string, NdArray>;
  readonly samples: number;
  readonly seed: number;
  /** As in `programFeeds`. */
  readonly keyedBy?: "row" | "content";
  /** Examples and samples of one pass: they bound the memory and change no draw. */
  readonly chunk?: { readonly examples: number; readonly samples: number };
  readonly signal?: AbortSignal;
  readonly onProgress?: (examples: number) => void;
}

/** Draws of an evaluation are keyed by this step, which no training has. */
export const EVALUATION_STEP = -1;

/** What is kept of one example while its samples stream by; weights relative to the largest so far. */
interface Running {
  largest: number;
  sum: number;
  squares: number;
  reconstruction: number;
  rate: number;
}

/**
 * The bound, its terms and the importance-sampled log-likelihood, streamed: memory grows neither with the samples nor with
 * the data, and the draws are keyed by example and sample, so the numbers do not depend on the chunks. Sums in float64.
 */
export async function estimateLikelihood(options: LikelihoodOptions): Promise<LikelihoodEstimate> {
  const { density, dataset, samples, signal, onProgress } = options;
  const chunk = options.chunk ?? usualChunk(dataset.shape, samples);
  const feed = programFeeds({ ...options, program: density.program, step: EVALUATION_STEP });
  const perExample = {
    elbo: new Float64Array(dataset.length),
    reconstruction: new Float64Array(dataset.length),
    rate: new Float64Array(dataset.length),
    logLikelihood: new Float64Array(dataset.length),
  };
  const effectiveSamples = new Float64Array(dataset.length);
  let rates: Float64Array | undefined;
  for (let start = 0; start < dataset.length; start += chunk.examples) {
    const examples = Uint32Array.from(
      { length: Math.min(chunk.examples, dataset.length - start) },
      (_, i) => start + i,
    );
    const running = Array.from(examples, fresh);
    for (let first = 0; first < samples; first += chunk.samples) {
      signal?.throwIfAborted();
      const count = Math.min(chunk.samples, samples - first);
      const values = await density.run(feed(examples, first, count));
      merge(running, values, count);
      if (first === 0 && values.rates) rates = addRates(rates, running, values.rates);
      if (first + count < samples) onProgress?.(start + Math.floor((examples.length * (first + count)) / samples));
    }
    for (const [i, one] of running.entries()) {
      const at = start + i;
      if (!Number.isFinite(one.largest)) {
        throw new NumericalError(
          `${dataset.name}: example ${at} has the log-density ${one.largest}; the model cannot score it`,
        );
      }
      perExample.reconstruction[at] = one.reconstruction / samples;
      perExample.rate[at] = rates ? one.rate : one.rate / samples;
      perExample.elbo[at] = perExample.reconstruction[at] - perExample.rate[at];
      perExample.logLikelihood[at] = one.largest + Math.log(one.sum / samples);
      effectiveSamples[at] = one.sum ** 2 / one.squares;
    }
    onProgress?.(start + examples.length);
  }
  return {
    examples: dataset.length,
    samples,
    elbo: estimate(perExample.elbo),
    reconstruction: estimate(perExample.reconstruction),
    rate: estimate(perExample.rate),
    logLikelihood: estimate(perExample.logLikelihood),
    effectiveSamples: estimate(effectiveSamples).value,
    rates: rates && Array.from(rates, (total) => total / dataset.length),
    perExample,
  };
}

/** At most 100 examples of 50 samples, and of large examples fewer: a pass stays within some hundreds of megabytes. */
function usualChunk(shape: readonly number[], samples: number): { examples: number; samples: number } {
  const rows = Math.min(5000, Math.max(1, Math.floor(2 ** 24 / sizeOf(shape))));
  const examples = Math.min(rows, samples === 1 ? 500 : 100);
  return { examples, samples: Math.max(1, Math.min(samples, 50, Math.floor(rows / examples))) };
}

function fresh(): Running {
  return { largest: Number.NEGATIVE_INFINITY, sum: 0, squares: 0, reconstruction: 0, rate: 0 };
}

/** Adds `count` samples [count, examples] to what is known of each example: log w = log p(x|z) + log p(z) − log q(z|x). */
function merge(running: readonly Running[], values: Readonly<Record<string, NdArray>>, count: number): void {
  const { logLikelihood, logPrior, logPosterior, rates } = values;
  for (const [i, one] of running.entries()) {
    for (let k = 0; k < count; k++) {
      const at = k * running.length + i;
      const rate = logPosterior.data[at] - logPrior.data[at];
      const logWeight = logLikelihood.data[at] - rate;
      if (Number.isNaN(logWeight)) one.largest = Number.NaN;
      else if (logWeight > one.largest) {
        const shrink = Math.exp(one.largest - logWeight);
        one.sum = one.sum * shrink + 1;
        one.squares = one.squares * shrink ** 2 + 1;
        one.largest = logWeight;
      } else {
        const weight = Math.exp(logWeight - one.largest);
        one.sum += weight;
        one.squares += weight ** 2;
      }
      one.reconstruction += logLikelihood.data[at];
      if (!rates) one.rate += rate;
    }
  }
}

/** Adds the closed-form rates [examples, k] to each example's own and to the totals of the latents. */
function addRates(totals: Float64Array | undefined, running: readonly Running[], rates: NdArray): Float64Array {
  const k = rates.data.length / running.length;
  const sums = totals ?? new Float64Array(k);
  for (const [i, one] of running.entries()) {
    for (let j = 0; j < k; j++) {
      one.rate += rates.data[i * k + j];
      sums[j] += rates.data[i * k + j];
    }
  }
  return sums;
}

/** The mean and its standard error, s/√n. */
export function estimate(values: Float64Array): Estimate {
  const n = values.length;
  const value = values.reduce((total, x) => total + x, 0) / n;
  const squares = values.reduce((total, x) => total + (x - value) ** 2, 0);
  return { value, error: n > 1 ? Math.sqrt(squares / (n - 1) / n) : Number.NaN };
}
