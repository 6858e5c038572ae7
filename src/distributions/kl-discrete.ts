import { add, mul, sigmoid, softplus, sub, type Tensor } from "../tensor/index.ts";
import { type Bernoulli, isBernoulli } from "./bernoulli.ts";
import { type Pair, pair } from "./kl-pair.ts";

/** KL between Bernoullis of logits ℓ and k: σ(ℓ)·(ℓ − k) − log(1 + eˡ) + log(1 + eᵏ). */
function bernoullis(q: Bernoulli, p: Bernoulli): Tensor {
  const { logits } = q.parameters;
  const gap = sub(logits, p.parameters.logits);
  return add(sub(mul(sigmoid(logits), gap), softplus(logits)), softplus(p.parameters.logits));
}

/** Pairs of discrete families. */
export const discretePairs: readonly Pair[] = [pair(isBernoulli, isBernoulli, bernoullis)];
