import { type Dataset, featureDeviations, featureMeans, type Measure, numberRange } from "../data/dataset.ts";
import type { Distribution } from "../distributions/distribution.ts";
import type { BoundTerms, LatentVariableModel } from "../inference/elbo.ts";
import type { Draws } from "../inference/objective.ts";
import type { Proposal } from "../inference/semi-amortized.ts";
import type { Engine } from "../runtime/engine.ts";
import { constant, type Dim, data, type Tensor } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { type ConditionDescription, describeCondition } from "./condition.ts";
import { AS_THEY_ARE, type LatentSpace } from "./names.ts";

/** What a model is built for: one example's shape and what its numbers are. */
export interface DataDescription {
  readonly shape: readonly number[];
  readonly measure: Measure;
  /** How many examples there are, where that is known. */
  readonly examples?: number;
  /** How many numbers are missing, each NaN, of data that were read to keep such; undefined of all others. */
  readonly missing?: number;
  /** The mean of each number over the training data, in the data's own units. */
  readonly means: ArrayLike<number>;
  /** How many categories there are, for `category` data. */
  readonly categories?: number;
  /** What is given with each example, where something is. */
  readonly condition?: ConditionDescription;
  /** How many classes the labels name, where there are labels. */
  readonly classes?: number;
  /** The smallest and the largest number: of bytes and of zeros and ones those that can be. */
  readonly range?: readonly [number, number];
  /** The standard deviation of each, for numbers of more than one size (not binary ones), in the data's own units. */
  readonly deviations?: ArrayLike<number>;
}

/**
 * Each number's mean and deviation over the training data, of an example's shape, written into the program: with them networks
 * work in numbers of about unit size while the likelihood stays a density on the data as they are. A constant has 1.
 */
export function standardisation({ shape, means, deviations }: DataDescription): {
  readonly centre: Tensor;
  readonly spread: Tensor;
} {
  const spread = Array.from(means, (_, i) => deviations?.[i] || 1);
  return { centre: constant(means, shape), spread: constant(spread, shape) };
}

/** What a model is told of its training data. */
export function describeData(dataset: Dataset): DataDescription {
  const { shape, measure, missing, length: examples } = dataset;
  const means = featureMeans(dataset);
  const range = numberRange(dataset);
  const { labels, conditions } = dataset;
  const condition = conditions && describeCondition(conditions);
  const common = {
    shape,
    measure,
    missing,
    examples,
    means,
    range,
    condition,
    classes: labels && new Set(labels).size,
  };
  if (measure === "binary") return common;
  const deviations = featureDeviations(dataset, means);
  return measure === "category" ? { ...common, deviations, categories: range[1] + 1 } : { ...common, deviations };
}

/** What every model says of itself, beside the maps that it is made of. */
interface CommonModel {
  /** The number of latents k. */
  readonly latents: number;
  /** Where the latents lie; in R^k by default. */
  readonly space?: LatentSpace;
  /**
   * From the data as they lie on disk to what is modelled; by default they are the same numbers. Where that takes noise, it is of
   * each example, or with `samples` of each sample of it.
   */
  readonly observe?: (raw: Tensor, samples?: Dim) => Tensor;
  /** How what is modelled came from the data, for stamps: "stochastic binarisation". */
  readonly observation?: string;
  /** What 1 of what is modelled is in the data's own units: 255 for binarised bytes. By default 1. */
  readonly unit?: number;
  /** How the parameters come about where not by gradients: a closed form, or EM. */
  readonly rule?: UpdateRule;
  /** How many examples a batch must have, where the model compares them with one another; 1 by default. */
  readonly leastBatch?: number;
  /** Whether it takes NaN for a number that is missing. */
  readonly missing?: boolean;
}

/**
 * A latent-variable model as the loop, the evaluation and the export know it. `x` below is what the likelihood is a
 * density on; a model of 8-bit pixels that it binarises says how in `observe`.
 */
export interface Model extends CommonModel, LatentVariableModel {
  /** Per-example numbers to watch beside the bound, such as the share of scales at their bound; each has a name of its own. */
  readonly monitors?: (draws: Draws) => Readonly<Record<string, Tensor>>;
  /** State that is an average over the training data: a running one in training, the average itself at its end. */
  readonly averages?: (x: Tensor, draws: Draws) => readonly Average[];
  /** What a decoder shows of its likelihood: by default the mean. */
  readonly shown?: (likelihood: Distribution) => Tensor;
  /** What becomes of a draw of the likelihood: by default it is a draw of x as it is; of x + u the integer x. */
  readonly drawn?: (x: Tensor) => Tensor;
  /** The model as it is used once trained, where training has another encoder: numbers of the training examples' own. */
  readonly deployed?: Model;
  /** The point of latent space that stands for an example: by default the posterior's mean. */
  readonly code?: (posterior: Distribution) => Tensor;
  /** q(z|x) in two parts: a network x ↦ numbers, and what becomes of the numbers; models without it have amortized inference only. */
  readonly amortization?: Amortization;
  /** The number to minimise; by default −mean(reconstruction − klWeight·rate). The bound that is reported is apart. */
  readonly objective?: (terms: BoundTerms, x: Tensor, draws: Draws) => Tensor;
  /** Phases that take turns on each batch, where one loss is not enough: a game. Then no one number tells which parameters are best. */
  readonly phases?: (terms: BoundTerms, x: Tensor, draws: Draws) => readonly ModelPhase[];
}

/**
 * A model of two maps, x ↦ z and z ↦ x̂, that gives each example one point: an autoencoder; and where it has an exact density, a
 * normalizing flow.
 */
export interface PointModel extends CommonModel {
  /** f: [..., batch, ...shape] → [..., batch, k] */
  readonly encode: (x: Tensor) => Tensor;
  /** g: [batch, k] → [batch, ...shape] */
  readonly decode: (z: Tensor) => Tensor;
  /** p(z), of a model that can generate. */
  readonly prior?: Distribution;
  /** log p(x) in nats, exact: [..., batch] */
  readonly logProb?: (x: Tensor) => Tensor;
  /** What the density is called, for stamps. */
  readonly density?: string;
  /** What training tells of each example, [batch]; the loss is the mean of the one that `gauge` names. */
  readonly terms: (x: Tensor) => Readonly<Record<string, Tensor>>;
  readonly gauge: Gauge;
  /** Values of parameters by name that suit the first examples [batch, ...shape]. */
  readonly initialised?: (x: Tensor) => Readonly<Record<string, Tensor>>;
}

export type AnyModel = Model | PointModel;

/** The number by which parameters are told better from worse, on examples that training does not see. */
export interface Gauge {
  readonly term: string;
  readonly better: "larger" | "smaller";
}

/** Whether a model gives each example a point instead of a posterior. */
export function isPointModel(model: AnyModel): model is PointModel {
  return "encode" in model;
}

/** What one player of a game descends, and the parameters that are its own, by the prefixes of their names. */
export interface ModelPhase {
  readonly name: string;
  readonly loss: Tensor;
  readonly moves: readonly string[];
  /** Its learning rate as a share of the run's; 1 by default. */
  readonly share?: number;
  /** What its optimizer keeps of gradients before: Adam's β₁, or SGD's momentum; the run's by default. */
  readonly momentum?: number;
  /** Per-example numbers that it tells beside the bound. */
  readonly terms?: Readonly<Record<string, Tensor>>;
}

/** How parameters come about without gradients, in float64: a closed form is one step, EM many. */
export interface UpdateRule {
  /** Steps at most, unless told otherwise. */
  readonly steps: number;
  /** So many make an epoch, after which the run validates and writes; 1 by default. Every step sees all examples. */
  readonly stepsPerEpoch?: number;
  /** Opens the training examples; nothing is fitted yet. */
  readonly open: (on: RuleContext) => Promise<RuleFit>;
}

export interface RuleContext {
  readonly engine: Engine;
  readonly dataset: Dataset;
  readonly seed: number;
}

export interface RuleStep {
  /** What the rule lowers: minus the mean log-likelihood, or the mean squared error. */
  readonly loss: number;
  /** What it tells of the training examples, means. */
  readonly terms: Readonly<Record<string, number>>;
  /** Whether there is nothing left to do. */
  readonly converged: boolean;
}

/** A rule at work on its data. */
export interface RuleFit {
  /** Everything that the next step depends on, by name: arrays that a checkpoint holds and restores, whose numbers change. */
  readonly state: ReadonlyMap<string, NdArray>;
  /** One step. */
  readonly step: () => Promise<RuleStep>;
  /** Does the next step's work ahead, where it can be kept for it, so that data that cannot be fitted are told of before anything is written. */
  readonly rehearse?: () => Promise<void>;
  /** The model's parameters as the state has them, by the names of its leaves. */
  readonly parameters: () => ReadonlyMap<string, NdArray>;
  /** What the user should hear of the fit so far: components that emptied, variances at their floor. */
  readonly remarks?: () => readonly string[];
  readonly release?: () => Promise<void>;
}

/** A state leaf and what each example gives to it, [..., batch]. */
export interface Average {
  readonly state: Tensor;
  readonly value: Tensor;
}

/** The encoder in two parts, so that the numbers between them can be an example's own. */
export interface Amortization extends Proposal {
  /** How many numbers say one example's posterior. */
  readonly numbers: number;
  /** Whether many steps in an example's own numbers can be asked of the posterior; they can unless it says no. */
  readonly refinable?: boolean;
  /** Whether the network improves its answer by steps, and so runs the decoder too. */
  readonly refined?: boolean;
}

/** What `--model ./mine.ts` exports by default: a model for the data. */
export type ModelModule = (data: DataDescription) => AnyModel;

/** What the model's density is of; undefined of a model without one. */
export function observationName(model: AnyModel): string | undefined {
  if (isPointModel(model) && model.density === undefined) return undefined;
  return model.observation ?? AS_THEY_ARE;
}

/** The likelihood and what it is a density on, for stamps: "Bernoulli, stochastic binarisation"; undefined of a model without a density. */
export function likelihoodName(model: AnyModel): string | undefined {
  const name = isPointModel(model) ? model.density : model.decoder(data("z", ["batch", model.latents])).name;
  return name === undefined || model.observation === undefined ? name : `${name}, ${model.observation}`;
}
