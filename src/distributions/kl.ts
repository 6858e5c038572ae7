import { InputError } from "../errors.ts";
import { add, div, log, mul, sigmoid, softplus, square, sub, type Tensor } from "../tensor/index.ts";
import { type Bernoulli, isBernoulli } from "./bernoulli.ts";
import { type Distribution, sumEvent } from "./distribution.ts";
import { isNormal, type Normal } from "./normal.ts";

/** KL(N(μ, σ²) ‖ N(m, s²)) = log s − log σ + ½((σ/s)² + ((μ − m)/s)² − 1). Kingma & Welling 2014, appendix B. */
function normals(q: Normal, p: Normal): Tensor {
  const ratio = square(div(q.parameters.scale, p.parameters.scale));
  const distance = square(div(sub(q.parameters.mean, p.parameters.mean), p.parameters.scale));
  const logs = sub(log(p.parameters.scale), log(q.parameters.scale));
  return add(logs, mul(0.5, sub(add(ratio, distance), 1)));
}

/** KL between Bernoullis of logits ℓ and k: σ(ℓ)·(ℓ − k) − log(1 + eˡ) + log(1 + eᵏ). */
function bernoullis(q: Bernoulli, p: Bernoulli): Tensor {
  const { logits } = q.parameters;
  const gap = sub(logits, p.parameters.logits);
  return add(sub(mul(sigmoid(logits), gap), softplus(logits)), softplus(p.parameters.logits));
}

/** One pair of families: its closed form where q and p are of them, else undefined. */
type Pair = (q: Distribution, p: Distribution) => Tensor | undefined;

function pair<Q extends Distribution, P extends Distribution>(
  isQ: (q: Distribution) => q is Q,
  isP: (p: Distribution) => p is P,
  closedForm: (q: Q, p: P) => Tensor,
): Pair {
  return (q, p) => (isQ(q) && isP(p) ? closedForm(q, p) : undefined);
}

/** Every pair whose KL divergence is known, component by component. */
const pairs: readonly Pair[] = [pair(isNormal, isNormal, normals), pair(isBernoulli, isBernoulli, bernoullis)];

/** Whether KL(q ‖ p) has a closed form here. */
export function hasClosedForm(q: Distribution, p: Distribution): boolean {
  return pairs.some((form) => form(q, p) !== undefined);
}

/** KL(q ‖ p) in nats for each component of the event: [...batch, ...event]. */
export function klTerms(q: Distribution, p: Distribution): Tensor {
  for (const form of pairs) {
    const terms = form(q, p);
    if (terms) return terms;
  }
  throw new InputError(
    `kl: no closed form is known for KL(${q.name} ‖ ${p.name}); estimate it from samples as log q(z) − log p(z), z ~ q`,
  );
}

/** KL(q ‖ p) = E_q[log q − log p] in nats: [...batch]. */
export function kl(q: Distribution, p: Distribution): Tensor {
  return sumEvent(klTerms(q, p), q.eventRank);
}
