import type { Tensor } from "../tensor/index.ts";
import type { Distribution } from "./distribution.ts";

/** One pair of families: KL(q ‖ p) where q and p are of them, else undefined. */
export interface Pair {
  readonly of: (q: Distribution, p: Distribution) => Tensor | undefined;
  /** Whether the result is one number for each component of the event, [...batch, ...event], or for all of it, [...batch]. */
  readonly by: "component" | "event";
}

export function pair<Q extends Distribution, P extends Distribution>(
  isQ: (q: Distribution) => q is Q,
  isP: (p: Distribution) => p is P,
  closedForm: (q: Q, p: P) => Tensor,
  by: Pair["by"] = "component",
): Pair {
  return { of: (q, p) => (isQ(q) && isP(p) ? closedForm(q, p) : undefined), by };
}
