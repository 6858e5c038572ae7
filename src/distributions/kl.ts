import { InputError } from "../errors.ts";
import type { Tensor } from "../tensor/index.ts";
import type { Distribution } from "./distribution.ts";
import { combined, type Found, terms, total } from "./kl-combined.ts";
import { continuousPairs } from "./kl-continuous.ts";
import { discretePairs } from "./kl-discrete.ts";
import { multivariatePairs } from "./kl-multivariate.ts";
import type { Pair } from "./kl-pair.ts";

/** Every pair whose KL divergence is known. */
const pairs: readonly Pair[] = [...continuousPairs, ...discretePairs, ...multivariatePairs];

function find(q: Distribution, p: Distribution): Found | undefined {
  for (const { of, by } of pairs) {
    const value = of(q, p);
    if (value) return { value, by };
  }
  return combined(q, p, find);
}

function found(q: Distribution, p: Distribution): Found {
  const known = find(q, p);
  if (known) return known;
  throw new InputError(
    `kl: no closed form is known for KL(${q.name} ‖ ${p.name}); estimate it from samples as log q(z) − log p(z), z ~ q`,
  );
}

/** Whether KL(q ‖ p) has a closed form here. */
export function hasClosedForm(q: Distribution, p: Distribution): boolean {
  return find(q, p) !== undefined;
}

/** Whether it has one for each component of the event, as `klTerms` gives it. */
export function hasTerms(q: Distribution, p: Distribution): boolean {
  return find(q, p)?.by === "component";
}

/** KL(q ‖ p) in nats for each component of the event, [...batch, ...event]; [...batch] where the components depend on each other. */
export function klTerms(q: Distribution, p: Distribution): Tensor {
  const known = found(q, p);
  return known.by === "event" ? known.value : terms(known, q);
}

/** KL(q ‖ p) = E_q[log q − log p] in nats: [...batch]. */
export function kl(q: Distribution, p: Distribution): Tensor {
  return total(found(q, p), q);
}
