import { add, div, exp, log, mul, square, sub, type Tensor } from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { type Componentwise, componentwise } from "./componentwise.ts";
import type { Distribution } from "./distribution.ts";
import { logRatio } from "./positive-log.ts";
import { GAMMA_NOISE, logGammaRatio } from "./standard-gamma.ts";
import { digammaMinusLog, excess, stirlingError } from "./stirling.ts";

const family = new WeakSet<Distribution>();

export type Gamma = Componentwise<"Gamma", { readonly shape: Tensor; readonly rate: Tensor }>;

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

/**
 * p(x) = β^α·x^(α−1)·e^(−βx)/Γ(α), independent along the event's axes; `shape` α and `rate` β must be positive. Numbers below
 * 2⁻¹²⁶ are taken for 2⁻¹²⁶. Gradients through draws are unbiased in both: Figurnov, Mohamed & Mnih 2018.
 */
export function gamma(shape: TensorLike, rate: TensorLike, eventRank = 1): Gamma {
  const parameters = { shape: lift(shape), rate: lift(rate) };
  const { shape: alpha, rate: beta } = parameters;
  // With r = log(βx/α) and Stirling's Δ: log p = −α(eʳ − 1 − r) − r − ½ log 2πα − Δ(α) + log β
  const normaliser = gammaNormaliser(parameters);
  const density = (r: Tensor, scaled: Tensor): Tensor => sub(normaliser, add(excess(alpha, r, scaled), r));
  const made = componentwise(
    {
      name: "Gamma",
      parameters,
      support: "positive",
      law: "normal",
      width: GAMMA_NOISE,
      mean: () => div(alpha, beta),
      variance: () => div(alpha, square(beta)),
      // H = α − log β + log Γ(α) + (1 − α)ψ(α) = ½ log 2πα + Δ(α) + (1 − α)δ(α) − log β, δ(α) = ψ(α) − log α
      entropy: () => sub(mul(sub(1, alpha), digammaMinusLog(alpha)), normaliser),
      logDensity: (x) => density(logRatio(x, div(alpha, beta)), mul(beta, x)),
      draw: (noise) => {
        const r = logGammaRatio(alpha, noise);
        const logX = add(r, log(div(alpha, beta)));
        return { sample: exp(logX), logDensity: density(r, mul(alpha, exp(r))) };
      },
    },
    eventRank,
  );
  family.add(made);
  return made;
}

/** log β − ½ log 2πα − Δ(α): log p at x = α/β, where r = 0. */
export function gammaNormaliser({ shape, rate }: Gamma["parameters"]): Tensor {
  return sub(log(rate), add(add(mul(0.5, log(shape)), HALF_LOG_2PI), stirlingError(shape)));
}

/** Whether this function made it. */
export function isGamma(distribution: Distribution): distribution is Gamma {
  return family.has(distribution);
}
