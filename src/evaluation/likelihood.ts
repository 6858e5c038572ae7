import type { Dataset } from "../data/dataset.ts";
import { NumericalError } from "../errors.ts";
import type { CompiledFunction } from "../runtime/compile.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { programFeeds } from "./feeds.ts";
import { largestTrustedShape } from "./pareto.ts";
import { LogWeights } from "./weights.ts";

/** A mean over examples and its standard error between them, in nats. */
export interface Estimate {
  readonly value: number;
  readonly error: number;
}

/**
 * How far a mean of estimates may be from the mean of the exact numbers of the same examples: what the draws, not the choice of
 * examples, are to blame for.
 */
export interface EstimatorError {
  /** The standard error, from those of the examples, which are drawn independently. */
  readonly error: number;
  /** What the mean is expected to be off by; negative, as a bound from below is. */
  readonly bias: number;
  /** Holds the exact mean with 95 %: value − bias ± 1.96·error. `bench/coverage.ts` measures how often it does. */
  readonly interval: readonly [number, number];
  /** The share of examples whose weights are too heavy-tailed to trust their numbers; NaN of too few samples to say. */
  readonly untrusted: number;
}

/** What is told of each example. */
export type PerExample =
  | "elbo"
  | "reconstruction"
  | "rate"
  | "logLikelihood"
  /** The standard error and the bias of this example's estimate of log p(x), by the draws. */
  | "error"
  | "bias"
  | "effectiveSamples"
  | "paretoShape";

export interface LikelihoodEstimate {
  readonly examples: number;
  readonly samples: number;
  /** E_q log p(x|z) − rate, by `samples` draws. */
  readonly elbo: Estimate;
  readonly reconstruction: Estimate;
  /** KL(q(z|x) ‖ p(z)), closed form where there is one. */
  readonly rate: Estimate;
  readonly rateBy: "closed form" | "Monte Carlo";
  /**
   * Of a density without latents, log p(x) is no estimate: `exact`, or where noise makes what is modelled the mean over its draws. Its
   * reconstruction is then log p(x) and its rate 0.
   */
  readonly density: "posterior" | "exact" | "dequantised";
  /** Where q(z|x) is p(z|x) every weight is the density itself: of x, or of x + u at one draw of u. */
  readonly exactOf?: "x" | "x + u";
  /** log 1/K Σ p(x, z_k)/q(z_k|x), z_k ~ q: a lower bound of log p(x) in the mean. Burda et al. 2016, eq. 8. */
  readonly logLikelihood: Estimate;
  /** Of `logLikelihood`. */
  readonly estimator: EstimatorError;
  /** The mean over examples of (Σw)²/Σw², between 1 and `samples`. */
  readonly effectiveSamples: number;
  /** The rate of each latent, where the closed form splits. */
  readonly rates?: readonly number[];
  /** One number per example, in the order of the dataset. */
  readonly perExample: Readonly<Record<PerExample, Float64Array>>;
}

/** How an exact log p(x) is known, in short. */
export const exactWords = { x: "exact", "x + u": "exact, of x + u at one draw of u" } as const;

export interface LikelihoodOptions {
  /** `density.onnx`, or the program that it is written from. */
  readonly density: CompiledFunction;
  readonly dataset: Dataset;
  /** Values of the parameters, where the program has them as inputs. */
  readonly parameters?: ReadonlyMap<string, NdArray>;
  /** As in `programFeeds`. */
  readonly rows?: ReadonlyMap<string, NdArray>;
  readonly samples: number;
  readonly seed: number;
  /** Where q(z|x) of the model is p(z|x): what every weight is the density of. */
  readonly exactOf?: LikelihoodEstimate["exactOf"];
  /** As in `programFeeds`. */
  readonly keyedBy?: "row" | "content";
  /** Examples and samples of one pass: they bound the memory and change no draw. */
  readonly chunk?: { readonly examples: number; readonly samples: number };
  readonly signal?: AbortSignal;
  readonly onProgress?: (examples: number) => void;
}

/** Draws of an evaluation are keyed by this step, which no training has. */
export const EVALUATION_STEP = -1;

/** What is kept of one example while its samples stream by. */
interface Running {
  readonly weights: LogWeights;
  reconstruction: number;
  rate: number;
}

/**
 * The bound, its terms and the importance-sampled log-likelihood, streamed: memory grows neither with the samples nor with
 * the data, and the draws are keyed by example and sample, so the numbers do not depend on the chunks. Sums in float64.
 */
export async function estimateLikelihood(options: LikelihoodOptions): Promise<LikelihoodEstimate> {
  const { density, dataset, signal, onProgress } = options;
  const kind = kindOf(density);
  const samples = kind === "exact" ? 1 : options.samples;
  const chunk = options.chunk ?? usualChunk(dataset.shape, samples);
  const feed = programFeeds({ ...options, program: density.program, step: EVALUATION_STEP });
  const perExample = roomFor(dataset.length);
  let rates: Float64Array | undefined;
  let byLatent = false;
  for (let start = 0; start < dataset.length; start += chunk.examples) {
    const examples = Uint32Array.from(
      { length: Math.min(chunk.examples, dataset.length - start) },
      (_, i) => start + i,
    );
    const running = Array.from(examples, (): Running => {
      return { weights: new LogWeights(samples), reconstruction: 0, rate: 0 };
    });
    for (let first = 0; first < samples; first += chunk.samples) {
      signal?.throwIfAborted();
      const count = Math.min(chunk.samples, samples - first);
      const values = await density.run(feed(examples, first, count));
      merge(running, values, count);
      if (first === 0 && values.rates) {
        rates = addRates(rates, running, values.rates);
        byLatent = values.rates.shape.length > 1;
      }
      if (first + count < samples) onProgress?.(start + Math.floor((examples.length * (first + count)) / samples));
    }
    for (const [i, one] of running.entries()) {
      const at = start + i;
      const { logMean, error, bias, effectiveSamples, paretoShape } = one.weights.summary();
      if (!Number.isFinite(logMean)) {
        throw new NumericalError(
          `${dataset.name}: example ${at} has the log-density ${logMean}; the model cannot score it`,
        );
      }
      perExample.reconstruction[at] = one.reconstruction / samples;
      perExample.rate[at] = rates ? one.rate : one.rate / samples;
      perExample.elbo[at] = perExample.reconstruction[at] - perExample.rate[at];
      perExample.logLikelihood[at] = logMean;
      perExample.error[at] = error;
      perExample.bias[at] = bias;
      perExample.effectiveSamples[at] = effectiveSamples;
      perExample.paretoShape[at] = paretoShape;
    }
    onProgress?.(start + examples.length);
  }
  return {
    examples: dataset.length,
    samples,
    elbo: estimate(perExample.elbo),
    reconstruction: estimate(perExample.reconstruction),
    rate: estimate(perExample.rate),
    rateBy: rates ? "closed form" : "Monte Carlo",
    density: kind,
    ...(options.exactOf && kind === "posterior" ? { exactOf: options.exactOf } : {}),
    logLikelihood: estimate(perExample.logLikelihood),
    estimator: estimatorError(perExample, samples),
    effectiveSamples: estimate(perExample.effectiveSamples).value,
    rates: rates && byLatent ? Array.from(rates, (total) => total / dataset.length) : undefined,
    perExample,
  };
}

function roomFor(examples: number): Record<PerExample, Float64Array> {
  const room = (): Float64Array => new Float64Array(examples);
  return {
    elbo: room(),
    reconstruction: room(),
    rate: room(),
    logLikelihood: room(),
    error: room(),
    bias: room(),
    effectiveSamples: room(),
    paretoShape: room(),
  };
}

/** What 95 % of a standard normal lies within: ±1.96. */
export const NORMAL_95 = 1.959963984540054;

/** The error of a mean of log-likelihoods, from those of the examples. */
export function estimatorError(
  perExample: Readonly<Record<"logLikelihood" | "error" | "bias" | "paretoShape", Float64Array>>,
  samples: number,
): EstimatorError {
  const n = perExample.error.length;
  const value = estimate(perExample.logLikelihood).value;
  const error = Math.sqrt(perExample.error.reduce((total, one) => total + one ** 2, 0)) / n;
  const bias = estimate(perExample.bias).value;
  const known = perExample.paretoShape.filter((shape) => !Number.isNaN(shape));
  const untrusted = known.filter((shape) => shape > largestTrustedShape(samples)).length / known.length;
  const [middle, half] = [value - bias, NORMAL_95 * error];
  return { error, bias, interval: [middle - half, middle + half], untrusted };
}

/**
 * What may be set beside other models' numbers: log p(x), and of a density of x + u the mean of log p(x + u), since the log of a mean
 * density over many u is a tighter bound than one u gives.
 */
export function comparableLikelihood({ density, elbo, logLikelihood, perExample }: LikelihoodEstimate): {
  readonly mean: Estimate;
  readonly perExample: Float64Array;
} {
  return density === "dequantised"
    ? { mean: elbo, perExample: perExample.elbo }
    : { mean: logLikelihood, perExample: perExample.logLikelihood };
}

/** What is told of each example of an estimate: of an exact density the terms that a bound has are left out. */
export function toldOfEach({
  density,
  perExample,
}: LikelihoodEstimate): Readonly<Partial<Record<PerExample, Float64Array>>> {
  const { logLikelihood, elbo, reconstruction: _, rate: __, ...sampling } = perExample;
  if (density === "posterior") return perExample;
  return density === "exact" ? { logLikelihood } : { logLikelihood, elbo, ...sampling };
}

/** What a density program's log-densities are of. */
function kindOf({ program: { outputs, inputs } }: CompiledFunction): LikelihoodEstimate["density"] {
  if (!outputs.some(({ name }) => name === "logProb")) return "posterior";
  return inputs.some(({ leaf }) => leaf.kind === "noise") ? "dequantised" : "exact";
}

/** At most 100 examples of 50 samples, and of large examples fewer: a pass stays within some hundreds of megabytes. */
function usualChunk(shape: readonly number[], samples: number): { examples: number; samples: number } {
  const rows = Math.min(5000, Math.max(1, Math.floor(2 ** 24 / sizeOf(shape))));
  const examples = Math.min(rows, samples === 1 ? 500 : 100);
  return { examples, samples: Math.max(1, Math.min(samples, 50, Math.floor(rows / examples))) };
}

/** Adds `count` samples [count, examples] to what is known of each example: log w = log p(x|z) + log p(z) − log q(z|x). */
function merge(running: readonly Running[], values: Readonly<Record<string, NdArray>>, count: number): void {
  const { logProb, logLikelihood, logPrior, logPosterior, rates } = values;
  if (logProb) {
    for (const [i, one] of running.entries()) {
      for (let k = 0; k < count; k++) {
        const value = logProb.data[k * running.length + i];
        one.weights.add(value);
        one.reconstruction += value;
      }
    }
    return;
  }
  for (const [i, one] of running.entries()) {
    for (let k = 0; k < count; k++) {
      const at = k * running.length + i;
      const rate = logPosterior.data[at] - logPrior.data[at];
      one.weights.add(logLikelihood.data[at] - rate);
      one.reconstruction += logLikelihood.data[at];
      if (!rates) one.rate += rate;
    }
  }
}

/** Adds the closed-form rates, [examples, k] or [examples] where they do not split, to each example's own and to the totals of the latents. */
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
