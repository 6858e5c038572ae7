import { ShapeError } from "../errors.ts";
import { argmax, customGradient, exp, sigmoid, step, type Tensor, toFloat } from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { bernoulli } from "./bernoulli.ts";
import type { Distribution, Reparameterized } from "./distribution.ts";
import { oneHot, oneHotCategorical } from "./one-hot-categorical.ts";
import { relaxedLogit } from "./relaxed-bernoulli.ts";
import { relaxedCategorical, relaxedLogs } from "./relaxed-categorical.ts";

const binaries = new WeakSet<Distribution>();
const categories = new WeakSet<Distribution>();

export interface StraightThroughBernoulli extends Reparameterized {
  readonly name: "StraightThroughBernoulli";
  readonly parameters: { readonly logits: Tensor; readonly temperature: Tensor };
}

export interface StraightThroughCategorical extends Reparameterized {
  readonly name: "StraightThroughCategorical";
  readonly parameters: { readonly logits: Tensor; readonly temperature: Tensor };
}

/** The value of `hard` with the gradient of `soft`: biased. Bengio, Léonard & Courville 2013, §4. */
export function straightThrough(hard: Tensor, soft: Tensor): Tensor {
  if (!sameShape(hard.shape, soft.shape)) {
    throw new ShapeError(
      `straightThrough: the two must be of one shape, got ${show(hard.shape)} and ${show(soft.shape)}`,
    );
  }
  return customGradient(hard, [soft], (upstream) => [upstream]);
}

/**
 * A Bernoulli whose samples, 0 or 1, have the gradient of the relaxed one at this temperature: a *biased* gradient, of little
 * variance. Density, moments and KL are the Bernoulli's, exact. Jang, Gu & Poole 2017, §2.2 (straight-through Gumbel).
 */
export function straightThroughBernoulli(
  logits: Tensor,
  temperature: TensorLike,
  eventRank = 1,
): StraightThroughBernoulli {
  const parameters = { logits, temperature: lift(temperature) };
  const exact = bernoulli(logits, eventRank);
  const sample = (noise: Tensor): Tensor => {
    const y = relaxedLogit(parameters, noise);
    return straightThrough(step(y), sigmoid(y)); // P(y > 0) = P(L > −ℓ) = σ(ℓ)
  };
  const made: StraightThroughBernoulli = {
    ...exact,
    name: "StraightThroughBernoulli",
    parameters,
    sample,
    rsampleWithLogProb: (noise) => scored(exact, sample(noise)),
  };
  binaries.add(made);
  return made;
}

/**
 * A one-hot categorical whose samples have the gradient of the relaxed one at this temperature: a *biased* gradient, of little
 * variance. Density, moments and KL are the one-hot categorical's, exact. Jang, Gu & Poole 2017, §2.2.
 */
export function straightThroughCategorical(
  logits: Tensor,
  temperature: TensorLike,
  eventRank = 1,
): StraightThroughCategorical {
  const parameters = { logits, temperature: lift(temperature) };
  const exact = oneHotCategorical(logits, eventRank);
  const { noise } = relaxedCategorical(logits, temperature, eventRank);
  const sample = (uniform: Tensor): Tensor => {
    const logX = relaxedLogs(parameters, uniform);
    return straightThrough(oneHot(toFloat(argmax(logX, -1)), logits), exp(logX)); // Gumbel-max: P(argmax = c) = softmax(ℓ)_c
  };
  const made: StraightThroughCategorical = {
    ...exact,
    name: "StraightThroughCategorical",
    parameters,
    noise,
    sample,
    rsampleWithLogProb: (uniform) => scored(exact, sample(uniform)),
  };
  categories.add(made);
  return made;
}

function scored({ logProb }: Pick<Distribution, "logProb">, sample: Tensor): { sample: Tensor; logProb: Tensor } {
  return { sample, logProb: logProb(sample) };
}

/** Whether `straightThroughBernoulli` made it. */
export function isStraightThroughBernoulli(distribution: Distribution): distribution is StraightThroughBernoulli {
  return binaries.has(distribution);
}

/** Whether `straightThroughCategorical` made it. */
export function isStraightThroughCategorical(distribution: Distribution): distribution is StraightThroughCategorical {
  return categories.has(distribution);
}
