import {
  abs,
  add,
  div,
  exp,
  greater,
  less,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  slice,
  softplus,
  square,
  sub,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { type Componentwise, componentwise } from "./componentwise.ts";
import type { Distribution } from "./distribution.ts";
import { GAMMA_NOISE, logGammaRatio } from "./standard-gamma.ts";
import { digammaMinusLog, stirlingError } from "./stirling.ts";

const family = new WeakSet<Distribution>();

export type StudentT = Componentwise<
  "StudentT",
  { readonly df: Tensor; readonly location: Tensor; readonly scale: Tensor }
>;

/** Draws stay within this many logarithms of the scale, so that their squares are float32 too; for df ≥ 1 none is cut. */
const FURTHEST = 40;

/**
 * Student's t with `df` degrees of freedom ν, moved and scaled; independent along the event's axes; `df` and `scale` must be
 * positive. `mean` is the location, which is the mean where ν > 1 and the median always; `variance` is ∞ where ν ≤ 2.
 */
export function studentT(df: TensorLike, location: TensorLike, scale: TensorLike, eventRank = 1): StudentT {
  const parameters = { df: lift(df), location: lift(location), scale: lift(scale) };
  const half = mul(0.5, parameters.df);
  const rest = mul(0.5, add(parameters.df, 1)); // (ν + 1)/2
  // log p = −(ν + 1)/2·log(1 + y²/ν) − log B(ν/2, ½) − ½ log ν − log s, y = (x − μ)/s
  const logNormaliser = add(logNormaliserOf(half), log(parameters.scale));
  const density = (log1pSquare: Tensor): Tensor => neg(add(mul(rest, log1pSquare), logNormaliser));
  const made = componentwise(
    {
      name: "StudentT",
      parameters,
      support: "real",
      law: "normal",
      width: 1 + GAMMA_NOISE,
      mean: () => parameters.location,
      // s²·ν/(ν − 2)
      variance: () => {
        const finite = greater(parameters.df, 2);
        const df = where(finite, parameters.df, 3);
        const value = mul(square(parameters.scale), div(df, sub(df, 2)));
        return where(finite, value, Number.POSITIVE_INFINITY);
      },
      // H = (ν + 1)/2·(ψ((ν + 1)/2) − ψ(ν/2)) + log B(ν/2, ½) + ½ log ν + log s
      entropy: () => {
        const logs = log1p(div(1, parameters.df));
        const digammas = add(logs, sub(digammaMinusLog(rest), digammaMinusLog(half)));
        return add(mul(rest, digammas), logNormaliser);
      },
      logDensity: (x) => {
        const y = div(sub(x, parameters.location), parameters.scale);
        return density(log1pSquared(div(y, exp(mul(0.5, log(parameters.df))))));
      },
      // y = ε·√(h/G), h = ν/2, G ~ Gamma(h, 1)
      draw: (noise) => {
        const first = slice(noise, -1, 0, 1);
        const epsilon = reshape(first, first.shape.slice(0, -1));
        const ratio = logGammaRatio(half, slice(noise, -1, 1, 1 + GAMMA_NOISE)); // log(G/h)
        const y = mul(epsilon, exp(minimum(mul(-0.5, ratio), FURTHEST)));
        const sample = add(parameters.location, mul(parameters.scale, y));
        const logSquare = mul(2, log(maximum(abs(epsilon), 2 ** -63)));
        return { sample, logDensity: density(softplus(sub(sub(logSquare, ratio), log(parameters.df)))) };
      },
    },
    eventRank,
  );
  family.add(made);
  return made;
}

/**
 * log B(h, ½) + ½ log 2h = log Γ(h) + ½ log π − log Γ(h + ½) + ½ log 2h; with Stirling's parts taken out
 * ½ log 2π + ½ − h·log(1 + 1/2h) + Δ(h) − Δ(h + ½), which is the Normal's ½ log 2π for large h.
 */
function logNormaliserOf(h: Tensor): Tensor {
  const errors = sub(stirlingError(h), stirlingError(add(h, 0.5)));
  return add(sub(0.5 * Math.log(2 * Math.PI) + 0.5, mul(h, log1p(div(0.5, h)))), errors);
}

/** log(1 + r²) = 2·log m + log(1 + (n/m)²), m and n the larger and the smaller of 1 and |r|: no square overflows. */
function log1pSquared(r: Tensor): Tensor {
  const inside = less(abs(r), 1);
  const small = where(inside, r, div(1, where(inside, 1, r)));
  return add(mul(2, log(maximum(abs(r), 1))), log1p(square(small)));
}

/** Whether this function made it. */
export function isStudentT(distribution: Distribution): distribution is StudentT {
  return family.has(distribution);
}
