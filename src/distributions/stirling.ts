import {
  add,
  digamma,
  div,
  expm1,
  greater,
  lgamma,
  log,
  minimum,
  mul,
  square,
  sub,
  type Tensor,
  where,
} from "../tensor/index.ts";
import type { TensorLike } from "../tensor/leaves.ts";
import { DIGAMMA_SERIES, LGAMMA_SERIES } from "../tensor/ops/special/zeta.ts";

/*
 * Densities made of log Γ at large arguments are small differences of large numbers. With Stirling's formula taken out of each
 * log Γ by hand the large parts cancel in the formula, not in the computer.
 */

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);
/** From here on so many terms of the series below are exact to 1e-14. */
const LARGE = 10;
const TERMS = 7;

/** c₀ + c₁t + c₂t² + …, as many terms as are needed, by Horner's rule. */
function polynomial(t: Tensor, coefficients: readonly number[]): TensorLike {
  return coefficients.slice(0, TERMS).reduceRight<TensorLike>((sum, c) => add(c, mul(t, sum)), 0);
}

function byRange(a: Tensor, series: (large: Tensor) => Tensor, direct: (small: Tensor) => Tensor): Tensor {
  const large = greater(a, LARGE);
  return where(large, series(where(large, a, LARGE)), direct(where(large, 1, a)));
}

/** Δ(a) = log Γ(a) − ((a − ½)·log a − a + ½ log 2π) ≈ 1/12a. Abramowitz & Stegun 6.1.41. */
export function stirlingError(a: Tensor): Tensor {
  return byRange(
    a,
    (large) => div(polynomial(square(div(1, large)), LGAMMA_SERIES), large),
    (small) => sub(lgamma(small), add(sub(mul(sub(small, 0.5), log(small)), small), HALF_LOG_2PI)),
  );
}

/** δ(a) = ψ(a) − log a ≈ −1/2a. Abramowitz & Stegun 6.3.18. */
export function digammaMinusLog(a: Tensor): Tensor {
  return byRange(
    a,
    (large) => {
      const t = square(div(1, large));
      return sub(div(-0.5, large), mul(t, polynomial(t, DIGAMMA_SERIES)));
    },
    (small) => sub(digamma(small), log(small)),
  );
}

/** a·(eʳ − 1 − r) ≥ 0, given a·eʳ too, which stands for itself where eʳ could overflow. */
export function excess(a: Tensor, r: Tensor, aExpR: Tensor): Tensor {
  const bounded = minimum(r, 1);
  return where(greater(r, 1), sub(aExpR, mul(a, add(r, 1))), mul(a, sub(expm1(bounded), bounded)));
}
