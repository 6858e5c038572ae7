import {
  add,
  and,
  constant,
  div,
  exp,
  greater,
  less,
  log,
  mul,
  neg,
  normalCdf,
  normalQuantile,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { type Componentwise, componentwise } from "./componentwise.ts";
import type { Distribution } from "./distribution.ts";
import { gaussLegendre } from "./gauss-legendre.ts";

const family = new WeakSet<Distribution>();

export type ProbitNormal = Componentwise<"ProbitNormal", { readonly location: Tensor; readonly scale: Tensor }>;

/**
 * z = Φ(μ + σε) on [0, 1], ε ~ N(0, 1), independent along the event's axes; `scale` σ must be positive. The posterior for a
 * uniform prior: KL(q ‖ U(0, 1)) = KL(N(μ, σ²) ‖ N(0, 1)), while that of a Normal is infinite. Numbers within 2⁻¹²⁶ of 0 and
 * 2⁻²⁴ of 1 are taken for these; draws are scored by their u = Φ⁻¹(z), without rounding.
 */
export function probitNormal(location: TensorLike, scale: TensorLike, eventRank = 1): ProbitNormal {
  const parameters = { location: lift(location), scale: lift(scale) };
  // log q(z) = log N(u; μ, σ²) − log φ(u) = ½u² − ½ε² − log σ, u = Φ⁻¹(z), ε = (u − μ)/σ
  const density = (u: Tensor, epsilon: Tensor): Tensor =>
    sub(mul(0.5, sub(square(u), square(epsilon))), log(parameters.scale));
  const spread = sqrt(add(1, square(parameters.scale)));
  const made = componentwise(
    {
      name: "ProbitNormal",
      parameters,
      support: "unit",
      law: "normal",
      // E z = Φ(μ/√(1 + σ²))
      mean: () => normalCdf(div(parameters.location, spread)),
      variance: () => variance(div(parameters.location, spread), parameters.scale, spread),
      // H = −KL(N(μ, σ²) ‖ N(0, 1)) = log σ − ½(σ² + μ² − 1)
      entropy: () =>
        sub(log(parameters.scale), mul(0.5, sub(add(square(parameters.scale), square(parameters.location)), 1))),
      logDensity: (z) => {
        const u = unitQuantile(z);
        return density(u, div(sub(u, parameters.location), parameters.scale));
      },
      draw: (noise) => {
        const u = add(parameters.location, mul(parameters.scale, noise));
        return { sample: normalCdf(u), logDensity: density(u, noise) };
      },
    },
    eventRank,
  );
  family.add(made);
  return made;
}

/** The numbers next to 0 and 1 that float32 holds with all its digits. */
const ENDS = { low: 2 ** -126, high: 1 - 2 ** -24 };

/** Φ⁻¹(z) with the ends moved in, where its gradient is 0; of Φ(u) it is u itself. */
function unitQuantile(z: Tensor): Tensor {
  if (z.op === "normalCdf") return normalQuantile(z);
  const inside = and(greater(z, ENDS.low), less(z, ENDS.high));
  const end = where(less(z, 0.5), normalQuantile(ENDS.low), normalQuantile(ENDS.high));
  return where(inside, normalQuantile(where(inside, z, 0.5)), end);
}

const { nodes, weights } = gaussLegendre(24);

/**
 * var z = Φ₂(h, h; ρ) − Φ(h)² = ∫₀^ρ φ₂(h, h; r) dr, h = μ/√(1 + σ²), ρ = σ²/(1 + σ²) (Drezner & Wesolowsky 1990). With
 * r = 1 − s² it is smooth: 1/π ∫_c^1 e^(−h²/(2 − s²))/√(2 − s²) ds, c = 1/√(1 + σ²).
 */
function variance(h: Tensor, scale: Tensor, spread: Tensor): Tensor {
  const length = div(square(scale), mul(spread, add(spread, 1))); // 1 − c
  const open = (x: Tensor): Tensor => reshape(x, [...x.shape, 1]);
  const s = sub(1, mul(open(length), constant(nodes, [nodes.length]))); // [..., nodes]
  const slack = sub(2, square(s));
  const integrand = div(exp(neg(div(square(open(h)), slack))), sqrt(slack));
  return mul(
    length,
    sum(
      mul(
        integrand,
        constant(
          weights.map((w) => w / Math.PI),
          [weights.length],
        ),
      ),
      -1,
    ),
  );
}

/** Whether this function made it. */
export function isProbitNormal(distribution: Distribution): distribution is ProbitNormal {
  return family.has(distribution);
}
