import {
  customGradient,
  fastSigmoid,
  fastSoftplus,
  less,
  mul,
  sigmoid,
  softplus,
  sub,
  type Tensor,
  toFloat,
} from "../tensor/index.ts";
import { unbroadcast } from "../tensor/ops/shape.ts";
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
    logProb: (x) => sumEvent(terms(x, logits), eventRank),
    sample: (noise) => toFloat(less(noise, sigmoid(logits))),
    // H = p·log(1 + e⁻ˡ) + (1 − p)·log(1 + eˡ) = log(1 + eˡ) − p·ℓ
    entropy: () => sumEvent(sub(softplus(logits), mul(sigmoid(logits), logits)), eventRank),
  };
}

/** log p(x) = x·ℓ − log(1 + eˡ), with its gradient in ℓ in one piece: x − σ(ℓ). */
function terms(x: Tensor, logits: Tensor): Tensor {
  const value = sub(mul(x, logits), fastSoftplus(logits));
  return customGradient(value, [x, logits], (upstream) => [
    unbroadcast(mul(upstream, logits), x.shape),
    unbroadcast(mul(upstream, sub(x, fastSigmoid(logits))), logits.shape),
  ]);
}

export function isBernoulli(distribution: Distribution): distribution is Bernoulli {
  return distribution.name === "Bernoulli";
}
