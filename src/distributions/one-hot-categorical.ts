import { ShapeError } from "../errors.ts";
import { exp, mul, neg, sub, type Tensor, toFloat } from "../tensor/index.ts";
import { show } from "../tensor/shape.ts";
import { categories, inverseCdf, isCategory, logProbabilities } from "./categorical.ts";
import { type Distribution, eventShape, sumEvent } from "./distribution.ts";

const family = new WeakSet<Distribution>();

export interface OneHotCategorical extends Distribution {
  readonly name: "OneHotCategorical";
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly parameters: { readonly logits: Tensor };
  readonly entropy: () => Tensor;
}

/** P(x = e_c) = e^{ℓ_c}/Σ e^ℓ for logits [..., C], finite; x [..., C] is a 1 among zeros, the last axis of the event. */
export function oneHotCategorical(logits: Tensor, eventRank = 1): OneHotCategorical {
  const { shape } = logits;
  if (eventRank < 1 || shape.length < eventRank) {
    throw new ShapeError(
      `OneHotCategorical: ${eventRank} event axes, the last of categories, in logits ${show(logits.shape)}`,
    );
  }
  const logP = logProbabilities(logits); // [..., C]
  const p = exp(logP);
  const made: OneHotCategorical = {
    name: "OneHotCategorical",
    parameters: { logits },
    shape,
    eventRank,
    support: "oneHot",
    noise: { law: "uniform", event: eventShape({ name: "OneHotCategorical", shape, eventRank }).slice(0, -1) },
    mean: p,
    variance: mul(p, sub(1, p)),
    logProb: (x) => sumEvent(mul(x, logP), eventRank),
    sample: (noise) => oneHot(inverseCdf(logits, noise), logits),
    // H = −Σ p log p
    entropy: () => sumEvent(neg(mul(p, logP)), eventRank),
  };
  family.add(made);
  return made;
}

/** The number of a category [...] as a 1 among zeros, [..., C], C that of logits [..., C]. */
export function oneHot(category: Tensor, logits: Tensor): Tensor {
  return toFloat(isCategory(category, categories("oneHot", logits)));
}

/** Whether this function made it: a name alone would not say that the closed forms hold. */
export function isOneHotCategorical(distribution: Distribution): distribution is OneHotCategorical {
  return family.has(distribution);
}
