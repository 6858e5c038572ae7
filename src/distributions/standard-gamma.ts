import {
  add,
  and,
  broadcastTo,
  constant,
  cumsum,
  customGradient,
  div,
  equal,
  exp,
  expm1,
  greater,
  less,
  lessEqual,
  log1p,
  logNormalCdf,
  maximum,
  mul,
  neg,
  reshape,
  split,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  toFloat,
  where,
} from "../tensor/index.ts";
import { unbroadcast } from "../tensor/ops/shape.ts";
import { gaussLegendre } from "./gauss-legendre.ts";
import { digammaMinusLog } from "./stirling.ts";

/*
 * A draw G of Gamma(α, 1), as ρ = log(G/α): in this form nothing overflows for small α and no digits are lost for large α.
 */

/** Steps of the shape by which it is raised before sampling: every α is then at least 4, where rejection is rare and smooth. */
const RAISED = 4;
/** All of this many candidates are rejected with probability (1 − 0.992)⁵ = 3e-11 at α = 4, less above; the mode stands in. */
const ROUNDS = 5;
/** What one draw takes, all normal: the candidates, what they are accepted by, and a power for each step. */
export const GAMMA_NOISE = 2 * ROUNDS + RAISED;

/**
 * log(G/α), G ~ Gamma(α, 1), from noise [..., GAMMA_NOISE] of N(0, 1); its gradient in α is unbiased. With α′ = α + 4,
 *
 *   log G = log G′ + Σ_{i<4} log Uᵢ/(α + i), G′ ~ Gamma(α′, 1)  (Marsaglia & Tsang 2000, §6; Naesseth et al. 2017, §5)
 *
 * G′ by rejection, differentiated as the inverse of its distribution function would be (Figurnov, Mohamed & Mnih 2018).
 */
export function logGammaRatio(alpha: Tensor, noise: Tensor): Tensor {
  const [x, accepting, powers] = split(noise, -1, [ROUNDS, ROUNDS, RAISED]);
  const raised = add(alpha, RAISED);
  const open = reshape(alpha, [...alpha.shape, 1]);
  const steps = add(
    open,
    constant(
      Array.from({ length: RAISED }, (_, i) => i),
      [RAISED],
    ),
  ); // α + i: [...alpha, 4]
  const boost = sum(div(logNormalCdf(powers), steps), -1); // [..., 4] → [...]
  const ratio = implicitly(raised, rejection(raised, x, logNormalCdf(accepting)));
  return add(add(ratio, boost), log1p(div(RAISED, alpha)));
}

/**
 * log(G/α) of the first accepted candidate G = d(1 + s)³, s = cx, d = α − ⅓, c = 1/√9d:
 * log u < ½x² + d − d(1 + s)³ + 3d·log(1 + s). Marsaglia & Tsang 2000, §3. [..., rounds] → [...]
 */
function rejection(alpha: Tensor, x: Tensor, logU: Tensor): Tensor {
  const d = sub(reshape(alpha, [...alpha.shape, 1]), 1 / 3);
  const s = div(x, mul(3, sqrt(d)));
  const logV = mul(3, log1p(maximum(s, -0.999)));
  const vMinusOne = mul(s, add(3, mul(s, add(3, s))));
  const bound = add(mul(0.5, square(x)), mul(d, sub(logV, vMinusOne)));
  const accepted = toFloat(and(less(logU, bound), greater(s, -0.999)));
  const first = mul(accepted, toFloat(equal(cumsum(accepted, -1), 1)));
  const chosen = sum(mul(first, logV), -1);
  return stopGradient(add(chosen, log1p(div(-1 / 3, alpha))));
}

/** ρ = log(G/α) with the gradient ∂ρ/∂α = ∂log G/∂α − 1/α that it would have as a function of α and of F(G; α). */
function implicitly(alpha: Tensor, value: Tensor): Tensor {
  const ratio: Tensor = customGradient(value, [alpha], (upstream) => [
    unbroadcast(mul(upstream, sub(gammaSlope(alpha, ratio), div(1, alpha))), alpha.shape),
  ]);
  return ratio;
}

const { nodes, weights } = gaussLegendre(16);
/** Where the integrand has fallen to e⁻²⁰ the integral ends. With 16 nodes it is exact to 2e-8 for α ≥ 4. */
const CUT = 20;

/**
 * ∂log G/∂α = −(∂F/∂α)/(G·p(G)) at fixed F(G; α), the regularised incomplete Γ function. With p(t) ∝ t^(α−1)·e⁻ᵗ and t = G·eᵘ,
 *
 *   (∂F/∂α)/(G·p(G)) = ∫ e^(αu − G(eᵘ − 1))·(log G − ψ(α) + u) du over u < 0, or minus that over u > 0,
 *
 * whichever side is the shorter. The exponent is α·((1 − ω)u − ω(eᵘ − 1 − u)), ω = G/α = e^ρ.
 */
export function gammaSlope(alpha: Tensor, ratio: Tensor): Tensor {
  const shape = ratio.shape;
  const below = lessEqual(ratio, 0);
  const omega = exp(ratio);
  const rise = expm1(ratio); // ω − 1
  const away = mul(alpha, where(below, neg(rise), rise)); // |α − G|
  // Where (α − G)u + G·u²/(2 + |u|) < the exponent's size has reached the cut; above, where (G − α)u + G·u²/2 has.
  const slack = sub(CUT, mul(2, away));
  const downTo = div(add(slack, sqrt(add(square(slack), mul(8 * CUT, alpha)))), mul(2, alpha));
  const upTo = div(2 * CUT, add(away, sqrt(add(square(away), mul(2 * CUT, mul(alpha, omega))))));
  const length = where(below, neg(downTo), upTo);
  const open = (y: Tensor): Tensor => reshape(broadcastTo(y, shape), [...shape, 1]);
  const u = mul(open(length), constant(nodes, [nodes.length])); // [..., nodes]
  const growth = neg(add(mul(open(rise), u), mul(open(omega), sub(expm1(u), u))));
  const score = add(open(sub(ratio, digammaMinusLog(alpha))), u);
  const integrand = mul(exp(mul(open(alpha), growth)), score);
  const integral = sum(mul(integrand, constant(weights, [weights.length])), -1);
  return mul(length, integral);
}
