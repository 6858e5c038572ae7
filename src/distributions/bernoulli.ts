import { fastSoftplus, less, mul, sigmoid, softplus, sub, type Tensor, toFloat } from "../tensor/index.ts";
import { type Distribution, sumEvent } from "./distribution.ts";

export interface Bernoulli extends Distribution {
  readonly name: "Bernoulli";
  readonly parameters: { readonly logits: Tensor };
}

/** P(x = 1) = σ(logits), independent along the event's axes; a density on {0, 1} and on nothing else. */
export function bernoulli(logits: Tensor, eventRank = 1): Bernoulli {
  return {
    name: "Bernoulli",
    parameters: { logits },
    shape: logits.shape,
    eventRank,
    support: "binary",
    noiseLaw: "uniform",
    mean: sigmoid(logits),
    // log p(x) = x·ℓ − log(1 + eˡ)
    logProb: (x) => sumEvent(sub(mul(x, logits), fastSoftplus(logits)), eventRank),
    sample: (noise) => toFloat(less(noise, sigmoid(logits))),
    // H = p·log(1 + e⁻ˡ) + (1 − p)·log(1 + eˡ) = log(1 + eˡ) − p·ℓ
    entropy: () => sumEvent(sub(softplus(logits), mul(sigmoid(logits), logits)), eventRank),
  };
}

export function isBernoulli(distribution: Distribution): distribution is Bernoulli {
  return distribution.name === "Bernoulli";
}
