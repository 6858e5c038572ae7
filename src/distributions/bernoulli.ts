import {
  customGradient,
  fastSigmoid,
  less,
  mul,
  neg,
  reshape,
  sigmoid,
  softplus,
  softplusSum,
  sub,
  type Tensor,
  toFloat,
} from "../tensor/index.ts";
import { unbroadcast } from "../tensor/ops/shape.ts";
import { multiply } from "../tensor/shape.ts";
import { type Distribution, eventShape, sumEvent } from "./distribution.ts";

const family = new WeakSet<Distribution>();

export interface Bernoulli extends Distribution {
  readonly name: "Bernoulli";
  readonly mean: Tensor;
  readonly parameters: { readonly logits: Tensor };
}

/** P(x = 1) = σ(logits), independent along the event's axes; a density on {0, 1} and on nothing else. */
export function bernoulli(logits: Tensor, eventRank = 1): Bernoulli {
  const made: Bernoulli = {
    name: "Bernoulli",
    parameters: { logits },
    shape: logits.shape,
    eventRank,
    support: "binary",
    noise: { law: "uniform", event: eventShape({ name: "Bernoulli", shape: logits.shape, eventRank }) },
    mean: sigmoid(logits),
    variance: mul(sigmoid(logits), sigmoid(neg(logits))),
    logProb: (x) => density(x, logits, eventRank),
    sample: (noise) => toFloat(less(noise, sigmoid(logits))),
    // H = p·log(1 + e⁻ˡ) + (1 − p)·log(1 + eˡ) = log(1 + eˡ) − p·ℓ
    entropy: () => sumEvent(sub(softplus(logits), mul(sigmoid(logits), logits)), eventRank),
  };
  family.add(made);
  return made;
}

/** log p(x) = Σ x·ℓ − log(1 + eˡ) over the event, with its gradient in ℓ in one piece: x − σ(ℓ). */
function density(x: Tensor, logits: Tensor, rank: number): Tensor {
  const lead = logits.shape.slice(0, logits.shape.length - rank);
  const event = logits.shape.slice(lead.length);
  const normaliser = softplusSum(reshape(logits, [...lead, multiply(...event)])); // [...batch]
  const value = sub(sumEvent(mul(x, logits), rank), normaliser);
  return customGradient(value, [x, logits], (upstream) => {
    const open = reshape(upstream, [...upstream.shape, ...event.map(() => 1)]);
    return [unbroadcast(mul(open, logits), x.shape), unbroadcast(mul(open, sub(x, fastSigmoid(logits))), logits.shape)];
  });
}

/** Whether this function made it: a name alone would not say that the closed forms hold. */
export function isBernoulli(distribution: Distribution): distribution is Bernoulli {
  return family.has(distribution);
}
