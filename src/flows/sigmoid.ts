import { InputError } from "../errors.ts";
import { add, div, log, mul, neg, sigmoid, softplus, sub, sum } from "../tensor/index.ts";
import { type Bijection, inverted } from "./bijection.ts";

/**
 * z = logit p, p = α + (1 − 2α)x, of numbers x in [0, 1], which α > 0 keeps from the infinities at 0 and 1; NaN where p leaves
 * (0, 1). Papamakarios et al. 2017, who take α = 1e-6 for images in grey and 0.05 in colour.
 * log|∂z/∂x| = log(1 − 2α) − log p − log(1 − p)
 */
export function logit(alpha = 1e-6): Bijection {
  if (!(alpha >= 0 && alpha < 0.5)) throw new InputError(`logit: α must be at least 0 and below ½, got ${alpha}`);
  const slope = 1 - 2 * alpha;
  return {
    name: "logit",
    forward: (x) => {
      const logP = log(add(alpha, mul(slope, x)));
      const logQ = log(add(alpha, mul(slope, sub(1, x)))); // log(1 − p), which loses nothing near 1
      return {
        value: sub(logP, logQ),
        logAbsDetJacobian: sum(sub(Math.log(slope), add(logP, logQ)), -1),
      };
    },
    inverse: (z) => ({
      value: div(sub(sigmoid(z), alpha), slope),
      // log p + log(1 − p) = −log(1 + e⁻ᶻ) − log(1 + eᶻ)
      logAbsDetJacobian: neg(sum(add(Math.log(slope), add(softplus(z), softplus(neg(z)))), -1)),
    }),
  };
}

/** z = 1/(1 + e⁻ˣ): all real numbers to (0, 1). */
export function squash(): Bijection {
  return { ...inverted(logit(0)), name: "sigmoid" };
}
