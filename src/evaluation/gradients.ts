import type { Dataset } from "../data/dataset.ts";
import { type Distribution, isReparameterized, isStratified } from "../distributions/distribution.ts";
import { hasClosedForm } from "../distributions/kl.ts";
import { InputError } from "../errors.ts";
import { KL_WEIGHT, latentNoise } from "../inference/elbo.ts";
import { type Objective, type ObjectiveOptions, objective } from "../inference/objective.ts";
import type { DataDescription, Model } from "../models/model.ts";
import { LATENT_NOISE, observed } from "../models/programs.ts";
import { namedLeaves } from "../onnx/lower.ts";
import { type CompiledFunction, compile, type Feeds } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { type AnyTensor, gradients } from "../tensor/index.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { asFloat } from "../tensor/op.ts";
import { staticShape } from "../tensor/shape.ts";
import { programFeeds } from "./feeds.ts";
import { type Estimate, EVALUATION_STEP, estimate } from "./likelihood.ts";
import { distanceOfMeans, VectorMoments } from "./vector-moments.ts";

/** A way to estimate the gradient of a bound, as a table names it. */
export interface NamedEstimator {
  readonly name: string;
  readonly bound: "ELBO" | "importance-weighted bound";
  /** Not the gradient of the bound: for teaching. */
  readonly wrong: boolean;
  readonly options: ObjectiveOptions;
}

/** How noisy one estimator is on one batch: over repeated draws of the latents' noise, the batch and its pixels held fixed. */
export interface GradientNoise extends Omit<NamedEstimator, "options"> {
  /** The trace of the covariance of one estimate, and its standard error. */
  readonly variance: Estimate;
  /** ‖E g‖ / √(trace of the covariance); 0 where the mean cannot be told from 0. */
  readonly signalToNoise: number;
  /** ‖ḡ‖, the length of the mean of all draws, less what their noise adds. */
  readonly meanLength: number;
  /**
   * ‖ḡ − ḡ₀‖² over what the noise of the two means explains, ḡ₀ the first estimator of the same bound: about 1 where both estimate the
   * same gradient; undefined for the first itself.
   */
  readonly distance?: number;
  readonly byParameter: readonly {
    readonly name: string;
    readonly size: number;
    readonly variance: number;
    readonly signalToNoise: number;
  }[];
}

export interface GradientStudy {
  /** How many numbers one gradient has. */
  readonly parameters: number;
  readonly examples: number;
  readonly samples: number;
  readonly draws: number;
  /** In the order of `estimatorsFor`. */
  readonly noise: readonly GradientNoise[];
  /** Which estimators were left out, and why. */
  readonly leftOut: readonly string[];
}

export interface GradientStudyOptions {
  readonly engine: Engine;
  readonly model: Model;
  readonly description: DataDescription;
  /** Parameters and state by name. */
  readonly parameters: ReadonlyMap<string, NdArray>;
  readonly dataset: Dataset;
  /** The batch: rows of the dataset. */
  readonly examples: Uint32Array;
  /** Posterior samples of each example in one estimate. */
  readonly samples: number;
  /** Estimates of each kind. */
  readonly draws: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** The estimators that a posterior and a number of samples allow, the reference of each bound first; and why others are missing. */
export function estimatorsFor(
  posterior: Distribution,
  prior: Distribution,
  samples: number,
): { readonly estimators: readonly NamedEstimator[]; readonly leftOut: readonly string[] } {
  const path = isReparameterized(posterior);
  const strata = !path && isStratified(posterior);
  const closed = hasClosedForm(posterior, prior);
  const leftOut: string[] = [];
  const elbo = (name: string, options: ObjectiveOptions, wrong = false): NamedEstimator => ({
    name,
    bound: "ELBO",
    wrong,
    options,
  });
  const weighted = (name: string, options: ObjectiveOptions): NamedEstimator => ({
    name,
    bound: "importance-weighted bound",
    wrong: false,
    options: { bound: "importance", ...options },
  });
  const estimators: NamedEstimator[] = [];
  if (path || strata) {
    if (closed) estimators.push(elbo("pathwise, rate in closed form", { gradient: "pathwise" }));
    const name = strata ? "pathwise, a draw of each component" : "pathwise, rate by the samples";
    estimators.push(elbo(name, { gradient: "pathwise", rate: "sampled" }));
  } else {
    leftOut.push(
      `pathwise, sticking-the-landing and the importance-weighted ones: draws of ${posterior.name} have no path`,
    );
  }
  if (path) {
    estimators.push(elbo("sticking the landing", { gradient: "sticking-the-landing", rate: "sampled" }));
  } else if (strata) {
    leftOut.push("sticking the landing and the importance-weighted ones: they take one draw of the whole mixture");
  }
  const score = { gradient: "score-function" } as const;
  if (samples > 1) {
    estimators.push(elbo("score function, leave-one-out baseline", { ...score, baseline: "leave-one-out" }));
  } else {
    leftOut.push("leave-one-out baseline and the importance-weighted bound: they need --samples 2 or more");
  }
  estimators.push(
    elbo("score function, moving-average baseline", { ...score, baseline: "moving-average" }),
    elbo("score function, no baseline", { ...score, baseline: "none" }),
    elbo("dropped path", { gradient: "dropped-path", rate: "sampled" }, true),
  );
  if (path && samples > 1) {
    estimators.push(
      weighted("pathwise", { gradient: "pathwise" }),
      weighted("doubly reparameterized", { gradient: "doubly-reparameterized" }),
    );
  }
  return { estimators, leftOut };
}

/** Draws before the moving average counts: it has seen the steps before, as in training. */
const WARM_UP = 20;
/** The standard error of a variance is told by so many parts of the draws. */
const BLOCKS = 10;

/**
 * Variance and signal-to-noise ratio of every gradient estimator in the encoder's parameters, at the parameters given. Each estimate is
 * −∇_φ of the mean bound over the batch, at KL weight 1. Streamed: no gradient is kept. Rainforth et al. 2018, §3.
 */
export async function gradientNoise(options: GradientStudyOptions): Promise<GradientStudy> {
  const { model, description, samples, draws, examples, dataset } = options;
  if (examples.length < 1 || draws < 2 || samples < 1) {
    throw new InputError(
      `gradients: an example, a sample and two draws at least are expected, got ${examples.length}, ${samples} and ${draws}`,
    );
  }
  const x = observed(model, description);
  const { estimators, leftOut } = estimatorsFor(model.encoder(x), model.prior, samples);
  const noise: GradientNoise[] = [];
  const references = new Map<string, VectorMoments>();
  let parameters = 0;
  for (const [i, { options: asked, ...estimator }] of estimators.entries()) {
    const count = samples > 1 ? samples : undefined;
    const made = objective(model, x, (q) => latentNoise(LATENT_NOISE, q, "batch", count), asked);
    const first = i * (draws + WARM_UP); // draws of their own, so that the means of two estimators are independent
    const drawn = await measure(options, made, first, (done) =>
      options.onProgress?.(i * draws + done, estimators.length * draws),
    );
    const { moments, blocks, places } = drawn;
    parameters = moments.size;
    const reference = references.get(estimator.bound);
    references.set(estimator.bound, reference ?? moments);
    const all = moments.summary(0, moments.size);
    noise.push({
      ...estimator,
      variance: { value: all.variance, error: estimate(Float64Array.from(blocks)).error },
      signalToNoise: ratio(all),
      meanLength: Math.sqrt(all.signal),
      distance: reference && distanceOfMeans(moments, reference),
      byParameter: places.map(({ name, from, size }) => {
        const part = moments.summary(from, from + size);
        return { name, size, variance: part.variance, signalToNoise: ratio(part) };
      }),
    });
  }
  return { parameters, examples: Math.min(examples.length, dataset.length), samples, draws, noise, leftOut };
}

function ratio({ variance, signal }: { readonly variance: number; readonly signal: number }): number {
  return variance > 0 ? Math.sqrt(signal / variance) : 0;
}

interface Place {
  readonly name: string;
  readonly from: number;
  readonly size: number;
}

interface Measured {
  readonly moments: VectorMoments;
  /** The variance in each part of the draws. */
  readonly blocks: readonly number[];
  readonly places: readonly Place[];
}

const GRADIENT = "gradient/";
const UPDATE = "update/";

async function measure(
  options: GradientStudyOptions,
  { loss, updates = {}, draws: { posterior } }: Objective,
  firstStep: number,
  onDraw: (done: number) => void,
): Promise<Measured> {
  const { engine, draws, examples, parameters, signal } = options;
  const leaves = encoderLeaves(posterior, parameters);
  const slopes = gradients(
    loss,
    leaves.map(({ tensor }) => asFloat(tensor)),
  );
  const outputs: Record<string, AnyTensor> = {};
  for (const [i, { name }] of leaves.entries()) outputs[GRADIENT + name] = slopes[i];
  for (const [name, value] of Object.entries(updates)) outputs[UPDATE + name] = value;
  const compiled = await compile(engine, outputs, { name: "gradients", sizes: { batch: examples.length } });
  try {
    let from = 0;
    const places = leaves.map(({ name, size }): Place => {
      from += size;
      return { name, from: from - size, size };
    });
    const feed = feedsFor(options, compiled, Object.keys(updates));
    for (let draw = 0; draw < WARM_UP && Object.keys(updates).length > 0; draw++) {
      const values = await compiled.run(feed.at(firstStep + draw));
      feed.update(Object.fromEntries(Object.keys(updates).map((name) => [name, values[UPDATE + name]])));
    }
    const moments = new VectorMoments(from);
    const blocks: number[] = [];
    const length = Math.max(2, Math.ceil(draws / BLOCKS));
    let block = new VectorMoments(from);
    for (let draw = 0; draw < draws; draw++) {
      signal?.throwIfAborted();
      const values = await compiled.run(feed.at(firstStep + WARM_UP + draw));
      const estimated = new Float64Array(from);
      for (const place of places) estimated.set(values[GRADIENT + place.name].data, place.from);
      block.add(estimated);
      if (block.count === length || draw === draws - 1) {
        if (block.count === length) blocks.push(block.summary(0, from).variance);
        moments.merge(block);
        block = new VectorMoments(from);
      }
      onDraw(draw + 1);
    }
    return { moments, blocks, places };
  } finally {
    await compiled.release();
  }
}

interface EncoderLeaf {
  readonly name: string;
  readonly tensor: AnyTensor;
  readonly size: number;
}

/** The encoder's parameters: those named so, or all that q(z|x) depends on where none is. */
function encoderLeaves(posterior: Distribution, parameters: ReadonlyMap<string, NdArray>): readonly EncoderLeaf[] {
  const all = namedLeaves(Object.values(posterior.parameters)).filter(
    ({ leaf }) => leaf.kind === "parameter" && parameters.has(leaf.name),
  );
  const named = all.filter(({ leaf }) => leaf.name.startsWith("encoder/"));
  const chosen = named.length > 0 ? named : all;
  if (chosen.length === 0) {
    throw new InputError(
      "gradients: q(z|x) has no parameters that a network shares between examples, so there is no encoder to look at",
    );
  }
  return chosen.map(({ leaf, tensor }) => ({
    name: leaf.name,
    tensor,
    size: sizeOf(staticShape(leaf.name, tensor.shape)),
  }));
}

interface MovingFeeds {
  /** Feeds whose latent noise is that of a step; all else stays. */
  readonly at: (step: number) => Feeds;
  readonly update: (state: Feeds) => void;
}

/** Data, their binarisation and the parameters stay the same; what the latents are drawn by changes with the step. */
function feedsFor(
  { model, description, dataset, examples, parameters, seed }: GradientStudyOptions,
  { program }: CompiledFunction,
  stateNames: readonly string[],
): MovingFeeds {
  const ofData = new Set(namedLeaves([observed(model, description)]).map(({ leaf }) => leaf.name));
  const moving = program.inputs.filter(({ name, leaf }) => leaf.kind === "noise" && !ofData.has(name));
  const still = program.inputs.filter((input) => !moving.includes(input));
  const part = (inputs: typeof moving, step: number): Feeds =>
    programFeeds({ program: { ...program, inputs }, dataset, parameters, seed, step })(examples);
  let fixed: Feeds = { ...part(still, EVALUATION_STEP), [KL_WEIGHT]: { data: Float32Array.of(1), shape: [] } };
  fixed = { ...fixed, ...Object.fromEntries(stateNames.map((name) => [name, zero()])) };
  return {
    at: (step) => ({ ...fixed, ...part(moving, step) }),
    update: (state) => {
      fixed = { ...fixed, ...state };
    },
  };
}

function zero(): NdArray {
  return { data: new Float32Array(1), shape: [] };
}
