import { add, exp, mul, neg, sub, sum, type Tensor } from "../tensor/index.ts";
import { staticShape } from "../tensor/shape.ts";
import type { Bijection } from "./bijection.ts";
import { everywhere, leadOf } from "./event.ts";

/**
 * z = (x − shift)·e^(−logScale), each number by itself: shift and logScale [d], constants such as a standardisation or parameters.
 * log|det ∂z/∂x| = −Σ_j logScale_j
 */
export function elementwiseAffine(shift: Tensor, logScale: Tensor, name = "elementwiseAffine"): Bijection {
  const [d] = staticShape(name, logScale.shape);
  const volume = sum(logScale, -1);
  return {
    name,
    forward: (x) => ({
      value: mul(sub(x, shift), exp(neg(logScale))),
      logAbsDetJacobian: everywhere(neg(volume), leadOf(name, x, d)),
    }),
    inverse: (z) => ({
      value: add(mul(z, exp(logScale)), shift),
      logAbsDetJacobian: everywhere(volume, leadOf(name, z, d)),
    }),
  };
}
