import { add, exp, log, mul, sigmoid, softplus, sub, sum, type Tensor } from "../tensor/index.ts";
import { isBernoulli } from "./bernoulli.ts";
import { isCategorical, logProbabilities } from "./categorical.ts";
import { type Distribution, sumEvent } from "./distribution.ts";
import { type Pair, pair } from "./kl-pair.ts";
import { isNegativeBinomial } from "./negative-binomial.ts";
import { isOneHotCategorical } from "./one-hot-categorical.ts";
import { deviance, isPoisson, type Poisson } from "./poisson.ts";
import { isStraightThroughBernoulli, isStraightThroughCategorical } from "./straight-through.ts";

interface OfLogits extends Distribution {
  readonly parameters: { readonly logits: Tensor };
}

/** Zeros and ones, with the path of the relaxed ones or without. */
function isBinary(distribution: Distribution): distribution is OfLogits {
  return isBernoulli(distribution) || isStraightThroughBernoulli(distribution);
}

function isOneHot(distribution: Distribution): distribution is OfLogits {
  return isOneHotCategorical(distribution) || isStraightThroughCategorical(distribution);
}

/** KL between Bernoullis of logits ℓ and k: σ(ℓ)·(ℓ − k) − log(1 + eˡ) + log(1 + eᵏ). */
function bernoullis(logits: Tensor, others: Tensor): Tensor {
  return add(sub(mul(sigmoid(logits), sub(logits, others)), softplus(logits)), softplus(others));
}

/** KL between categoricals: Σ_c p_c·(log p_c − log q_c). [..., C] → [...] */
function categoricals(logits: Tensor, others: Tensor): Tensor {
  const logP = logProbabilities(logits);
  return sum(mul(exp(logP), sub(logP, logProbabilities(others))), -1);
}

/** KL between Poissons of rates λ and m: λ log(λ/m) + m − λ. */
function poissons({ parameters: { rate } }: Poisson, { parameters: { rate: other } }: Poisson): Tensor {
  return deviance(rate, other, log(other), sub(rate, other));
}

/**
 * KL between negative binomials of one r: the successes are counted over r·(1 + eˡ) trials in the mean, each a Bernoulli. Where the
 * two r are not one tensor (or the same number) no closed form is known.
 */
const negativeBinomials: Pair = {
  of: (q, p) => {
    if (!isNegativeBinomial(q) || !isNegativeBinomial(p) || q.parameters.total !== p.parameters.total) return undefined;
    const { total, logits } = q.parameters;
    return mul(mul(total, add(1, exp(logits))), bernoullis(logits, p.parameters.logits));
  },
  by: "component",
};

/** Pairs of discrete families. */
export const discretePairs: readonly Pair[] = [
  pair(isBinary, isBinary, (q, p) => bernoullis(q.parameters.logits, p.parameters.logits)),
  pair(isCategorical, isCategorical, (q, p) => categoricals(q.parameters.logits, p.parameters.logits)),
  pair(
    isOneHot,
    isOneHot,
    (q, p) => sumEvent(categoricals(q.parameters.logits, p.parameters.logits), q.eventRank - 1),
    "event",
  ),
  pair(isPoisson, isPoisson, poissons),
  negativeBinomials,
];
