import type { Dataset } from "../data/dataset.ts";
import { InputError, NumericalError } from "../errors.ts";
import { noiseSource } from "../random/noise.ts";
import type { CompiledFunction } from "../runtime/compile.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import type { NoiseLaw } from "../tensor/tensor.ts";
import type { Annealing } from "./annealed-programs.ts";
import { type FeedsOf, programFeeds } from "./feeds.ts";
import { hamiltonianStep, type Place } from "./hamiltonian.ts";
import {
  type Estimate,
  type EstimatorError,
  EVALUATION_STEP,
  estimate,
  estimatorError,
  NORMAL_95,
} from "./likelihood.ts";
import { LogWeights } from "./weights.ts";

export interface AnnealedOptions {
  readonly annealing: Annealing;
  readonly dataset: Dataset;
  /** Values of the parameters, where the programs have them as inputs. */
  readonly parameters?: ReadonlyMap<string, NdArray>;
  /** Laws between start and target, both counted. */
  readonly temperatures: number;
  /** Independent chains for each example: the weights that are averaged. */
  readonly chains: number;
  readonly leapfrogSteps?: number;
  readonly seed: number;
  /**
   * Exact draws of p(z|x), [chains, examples, k], where they can be had: the chains then run backwards from them, and the
   * estimate is an upper bound in the mean.
   */
  readonly posteriorDraws?: (examples: Uint32Array, firstChain: number, chains: number) => ArrayLike<number>;
  /** Examples and chains of one pass: they bound the memory and change no draw. */
  readonly chunk?: { readonly examples: number; readonly chains: number };
  readonly signal?: AbortSignal;
  readonly onProgress?: (examples: number) => void;
}

export interface AnnealedEstimate {
  readonly examples: number;
  readonly chains: number;
  readonly temperatures: number;
  /** What the estimate is of log p(x) in the mean. */
  readonly bound: "lower" | "upper";
  readonly logLikelihood: Estimate;
  readonly estimator: EstimatorError;
  /** The mean probability of a move; far from 0.65, the steps did not fit. */
  readonly acceptance: number;
  /** As in `LikelihoodEstimate`, of the chains' weights. */
  readonly perExample: Readonly<
    Record<"logLikelihood" | "error" | "bias" | "effectiveSamples" | "paretoShape", Float64Array>
  >;
}

/** The best rate of moves of Hamiltonian Monte Carlo in many dimensions. Beskos et al. 2013. */
const ACCEPTANCE = 0.65;
/** Chains that tune the step sizes of an example, and moves at the start before they count. */
const PILOT_CHAINS = 4;
const WARM_UP = 20;
/** Step sizes vary by this share from move to move, so that no trajectory is as long as an orbit. Neal 2011, §3.2. */
const JITTER = 0.5;
/** How fast a step size follows what was accepted: log ε grows by this times (accepted − 0.65) a move. */
const GAIN = 0.4;

/**
 * β_t = (σ(4(2t/T − 1)) − σ(−4)) / (σ(4) − σ(−4)), t = 0 … T: slow at both ends. Wu et al. 2017, §3.3. T + 1 = `temperatures`.
 */
export function annealingSchedule(temperatures: number): Float64Array {
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  const last = temperatures - 1;
  const at = (t: number): number => sigmoid(4 * ((2 * t) / last - 1));
  return Float64Array.from({ length: temperatures }, (_, t) => (at(t) - at(0)) / (at(last) - at(0)));
}

/**
 * log p(x) by annealed importance sampling (Neal 2001; Wu et al. 2017): chains go from p₀ through p₀^(1 − β) p(x, z)^β to
 * p(x, z), log w = Σ_t (β_t − β_(t−1)) (log p(x, z_(t−1)) − log p₀(z_(t−1))), and E w = p(x) whatever the moves between.
 * These are Hamiltonian, with step sizes tuned per example and temperature to 65 % accepted by pilot chains of other noise,
 * so that the weights stay unbiased. Backwards from exact posterior draws E 1/w = 1/p(x) (Grosse et al. 2015): an upper bound.
 */
export async function annealedLogLikelihood(options: AnnealedOptions): Promise<AnnealedEstimate> {
  const { dataset, chains, temperatures, posteriorDraws, signal, onProgress } = options;
  for (const [name, value, least] of [
    ["temperatures", temperatures, 2],
    ["chains", chains, 1],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new InputError(`annealed importance sampling: ${name} must be a whole number from ${least}, got ${value}`);
  }
  const chunk = options.chunk ?? { examples: 100, chains: 10 };
  const sign = posteriorDraws ? -1 : 1;
  const room = (): Float64Array => new Float64Array(dataset.length);
  const perExample = {
    logLikelihood: room(),
    error: room(),
    bias: room(),
    effectiveSamples: room(),
    paretoShape: room(),
  };
  const accepted: Accepted = { total: 0, count: 0 };
  for (let start = 0; start < dataset.length; start += chunk.examples) {
    const length = Math.min(chunk.examples, dataset.length - start);
    const examples = Uint32Array.from({ length }, (_, i) => start + i);
    const weights = Array.from(examples, () => new LogWeights(chains));
    const stepSizes = await pilot(options, examples);
    for (let first = 0; first < chains; first += chunk.chains) {
      signal?.throwIfAborted();
      const count = Math.min(chunk.chains, chains - first);
      const run = { examples, first, count, stepSizes, accepted };
      const logWeights = posteriorDraws
        ? await backward(options, run, posteriorDraws(examples, first, count))
        : await forward(options, run);
      for (const [chain, logWeight] of logWeights.entries()) weights[chain % length].add(sign * logWeight);
    }
    for (const [i, one] of weights.entries()) {
      const { logMean, error, bias, effectiveSamples, paretoShape } = one.summary();
      if (!Number.isFinite(logMean)) {
        throw new NumericalError(`${dataset.name}: example ${start + i} has the annealed log-density ${logMean}`);
      }
      perExample.logLikelihood[start + i] = sign * logMean;
      perExample.error[start + i] = error;
      perExample.bias[start + i] = sign * bias;
      perExample.effectiveSamples[start + i] = effectiveSamples;
      perExample.paretoShape[start + i] = paretoShape;
    }
    onProgress?.(start + length);
  }
  return {
    examples: dataset.length,
    chains,
    temperatures,
    bound: posteriorDraws ? "upper" : "lower",
    logLikelihood: estimate(perExample.logLikelihood),
    estimator: estimatorError(perExample, chains),
    acceptance: accepted.total / accepted.count,
    perExample,
  };
}

interface Accepted {
  total: number;
  count: number;
}

/** Some chains of some examples. */
interface Run {
  readonly examples: Uint32Array;
  readonly first: number;
  readonly count: number;
  /** [temperatures, examples] */
  readonly stepSizes: Float64Array;
  readonly accepted: Accepted;
}

/** z₀ ~ p₀, then up the temperatures: log w of each chain, [chains, examples]. */
async function forward(options: AnnealedOptions, run: Run): Promise<Float64Array> {
  const { annealing } = options;
  const { examples, first, count } = run;
  const chains = movingChains(options, run, "annealed/forward");
  const place = await chains.at(await startOf(options, annealing.draw, examples, first, count, EVALUATION_STEP));
  const betas = annealingSchedule(options.temperatures);
  const logWeights = new Float64Array(count * examples.length);
  for (let t = 1; t < betas.length; t++) {
    climb(logWeights, place, betas[t] - betas[t - 1]);
    if (t < betas.length - 1) await chains.move(place, betas[t], t);
  }
  return logWeights;
}

/** z ~ p(z|x), then down the temperatures, the same laws in reverse: log w of each chain, [chains, examples]. */
async function backward(options: AnnealedOptions, run: Run, draws: ArrayLike<number>): Promise<Float64Array> {
  const chains = movingChains(options, run, "annealed/backward");
  const place = await chains.at(Float64Array.from(draws));
  const betas = annealingSchedule(options.temperatures);
  const logWeights = new Float64Array(run.count * run.examples.length);
  for (let t = betas.length - 1; t >= 1; t--) {
    if (t < betas.length - 1) await chains.move(place, betas[t], t);
    climb(logWeights, place, betas[t] - betas[t - 1]);
  }
  return logWeights;
}

/** Adds (β_t − β_(t−1)) (log p_T − log p₀). */
function climb(logWeights: Float64Array, { logStart, logTarget }: Place, rise: number): void {
  for (let i = 0; i < logWeights.length; i++) logWeights[i] += rise * (logTarget[i] - logStart[i]);
}

/** Step sizes [temperatures, examples] from chains that go the way once and are then forgotten. */
async function pilot(options: AnnealedOptions, examples: Uint32Array): Promise<Float64Array> {
  const { annealing, temperatures } = options;
  const stepSizes = new Float64Array(temperatures * examples.length);
  const run = { examples, first: 0, count: PILOT_CHAINS, stepSizes, accepted: { total: 0, count: 0 } };
  const chains = movingChains(options, run, "annealed/pilot");
  const place = await chains.at(await startOf(options, annealing.draw, examples, 0, PILOT_CHAINS, PILOT_STEP));
  const k = place.z.length / place.logStart.length;
  const logSteps = new Float64Array(examples.length).fill(Math.log(k ** -0.25)); // the scale of Beskos et al. 2013
  const betas = annealingSchedule(temperatures);
  const adapt = async (t: number, noiseStep: number): Promise<void> => {
    stepSizes.set(logSteps.map(Math.exp), t * examples.length);
    const probabilities = await chains.move(place, betas[t], t, noiseStep);
    for (let i = 0; i < examples.length; i++) {
      let mean = 0;
      for (let c = 0; c < PILOT_CHAINS; c++) mean += probabilities[c * examples.length + i] / PILOT_CHAINS;
      logSteps[i] += GAIN * (mean - ACCEPTANCE);
    }
  };
  for (let i = 0; i < WARM_UP; i++) await adapt(0, temperatures + i);
  for (let t = 1; t < temperatures; t++) await adapt(t, t);
  return stepSizes;
}

/** The pilot's start is keyed by this step, so that no draw is used twice. */
const PILOT_STEP = EVALUATION_STEP - 1;

/** Draws z of the start for these chains: [chains, examples, k]. */
async function startOf(
  { dataset, parameters, seed }: AnnealedOptions,
  draw: CompiledFunction,
  examples: Uint32Array,
  first: number,
  count: number,
  step: number,
): Promise<Float64Array> {
  const feed = programFeeds({ program: draw.program, dataset, parameters, seed, step });
  const { z } = await draw.run(feed(examples, first, count));
  return Float64Array.from(z.data);
}

interface MovingChains {
  at(z: Float64Array): Promise<Place>;
  /** One Hamiltonian move of all chains at temperature t. */
  move(place: Place, beta: number, t: number, noiseStep?: number): Promise<Float64Array>;
}

function movingChains(options: AnnealedOptions, run: Run, name: string): MovingChains {
  const { annealing, dataset, parameters, seed, leapfrogSteps = 10, signal } = options;
  const { examples, first, count, stepSizes, accepted } = run;
  const { densities } = annealing;
  const feed = programFeeds({ program: densities.program, dataset, parameters, seed, step: EVALUATION_STEP });
  const fed: ReturnType<FeedsOf> = feed(examples, 0, 1); // x and its binarisation, the same at every step
  const [{ shape: symbolic }] = densities.program.inputs.filter((input) => input.name === "z");
  const event = symbolic.slice(2).map(Number);
  const shape = [count, examples.length, ...event];
  const at = async (z: Float64Array): Promise<Place> => {
    const numbers = densities.program.precision === "float32" ? Float32Array.from(z) : z;
    const values = await densities.run({ ...fed, z: { data: numbers, shape } });
    const doubles = (key: string): Float64Array => Float64Array.from(values[key].data);
    return {
      z: Float64Array.from(z),
      logStart: doubles("logStart"),
      logTarget: doubles("logTarget"),
      startGradient: doubles("startGradient"),
      targetGradient: doubles("targetGradient"),
    };
  };
  const source = (law: NoiseLaw, size: readonly number[]) => {
    const drawn = noiseSource({ name: `${name}/${law}`, law, event: size }, seed);
    return (step: number): Float32Array => {
      const out = new Float32Array(count * examples.length * sizeOf(size));
      drawn.fill(out, { step, examples, samples: count, firstSample: first });
      return out;
    };
  };
  const [momenta, uniforms] = [source("normal", event), source("uniform", [2])]; // whether to move, and how far a step goes
  return {
    at,
    async move(place, beta, t, noiseStep = t) {
      signal?.throwIfAborted();
      const sizes = stepSizes.subarray(t * examples.length, (t + 1) * examples.length);
      const uniform = uniforms(noiseStep);
      const chains = Array.from({ length: count * examples.length }, (_, i) => i);
      const probabilities = await hamiltonianStep(place, {
        beta,
        leapfrogSteps,
        stepSizes: Float64Array.from(
          chains,
          (i) => sizes[i % examples.length] * (1 + JITTER * (2 * uniform[2 * i] - 1)),
        ),
        momentum: momenta(noiseStep),
        uniform: Float64Array.from(chains, (i) => uniform[2 * i + 1]),
        at,
      });
      for (const probability of probabilities) accepted.total += probability;
      accepted.count += probabilities.length;
      return probabilities;
    },
  };
}

/**
 * An interval that holds the exact mean log p(x) of the same examples with 95 % at least: from the lower bound less its error to
 * the upper bound and its own. No bias need be taken out, as both lie on its safe side. @throws InputError for others.
 */
export function annealedBracket(lower: AnnealedEstimate, upper: AnnealedEstimate): readonly [number, number] {
  if (lower.bound === "upper" || upper.bound === "lower" || lower.examples !== upper.examples) {
    const got = [lower, upper].map(({ bound, examples }) => `${bound} of ${examples}`).join(" and ");
    throw new InputError(`annealedBracket: a lower and an upper bound of the same examples are expected, got ${got}`);
  }
  return [
    lower.logLikelihood.value - NORMAL_95 * lower.estimator.error,
    upper.logLikelihood.value + NORMAL_95 * upper.estimator.error,
  ];
}
