import { type Dataset, featureDeviations, featureMeans, type Measure, numberRange } from "../data/dataset.ts";
import type { Distribution } from "../distributions/distribution.ts";
import type { BoundTerms, LatentVariableModel } from "../inference/elbo.ts";
import type { Draws } from "../inference/objective.ts";
import type { Proposal } from "../inference/semi-amortized.ts";
import { constant, data, type Tensor } from "../tensor/index.ts";
import type { LatentSpace } from "./names.ts";

/** What a model is built for: one example's shape and what its numbers are. */
export interface DataDescription {
  readonly shape: readonly number[];
  readonly measure: Measure;
  /** The mean of each number over the training data, in the data's own units. */
  readonly means: ArrayLike<number>;
  /** How many categories there are, for `category` data. */
  readonly categories?: number;
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
  const { shape, measure } = dataset;
  const means = featureMeans(dataset);
  const range = numberRange(dataset);
  const common = { shape, measure, means, range, classes: dataset.labels && new Set(dataset.labels).size };
  if (measure === "binary") return common;
  const deviations = featureDeviations(dataset, means);
  return measure === "category" ? { ...common, deviations, categories: range[1] + 1 } : { ...common, deviations };
}

/**
 * A latent-variable model as the loop, the evaluation and the export know it. `x` below is what the likelihood is a
 * density on; a model of 8-bit pixels that it binarises says how in `observe`.
 */
export interface Model extends LatentVariableModel {
  /** The number of latents k. */
  readonly latents: number;
  /** Where the latents lie; in R^k by default. */
  readonly space?: LatentSpace;
  /** From the data as they lie on disk to what is modelled; by default they are the same numbers. */
  readonly observe?: (raw: Tensor) => Tensor;
  /** How what is modelled came from the data, for stamps: "stochastic binarisation". */
  readonly observation?: string;
  /** What 1 of what is modelled is in the data's own units: 255 for binarised bytes. By default 1. */
  readonly unit?: number;
  /** Per-example numbers to watch beside the bound, such as the share of scales at their bound; each has a name of its own. */
  readonly monitors?: (draws: Draws) => Readonly<Record<string, Tensor>>;
  /** State that is an average over the training data: a running one in training, the average itself at its end. */
  readonly averages?: (x: Tensor, draws: Draws) => readonly Average[];
  /** What a decoder shows of its likelihood: by default the mean. */
  readonly shown?: (likelihood: Distribution) => Tensor;
  /** The model as it is used once trained, where training has another encoder: numbers of the training examples' own. */
  readonly deployed?: Model;
  /** The point of latent space that stands for an example: by default the posterior's mean. */
  readonly code?: (posterior: Distribution) => Tensor;
  /** q(z|x) in two parts: a network x ↦ numbers, and what becomes of the numbers; models without it have amortized inference only. */
  readonly amortization?: Amortization;
  /** The number to minimise; by default −mean(reconstruction − klWeight·rate). The bound that is reported is apart. */
  readonly objective?: (terms: BoundTerms, x: Tensor) => Tensor;
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
  /** Whether the network improves its answer by steps, and so runs the decoder too. */
  readonly refined?: boolean;
}

/** What `--model ./mine.ts` exports by default: a model for the data. */
export type ModelModule = (data: DataDescription) => Model;

/** The likelihood and what it is a density on, for stamps: "Bernoulli, stochastic binarisation". */
export function likelihoodName({ decoder, latents, observation }: Model): string {
  const { name } = decoder(data("z", ["batch", latents]));
  return observation === undefined ? name : `${name}, ${observation}`;
}
