import { add, div, exp, expm1, log, mul, square, sub, type Tensor } from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { type Componentwise, componentwise } from "./componentwise.ts";
import type { Distribution } from "./distribution.ts";
import { positiveLog } from "./positive-log.ts";

const family = new WeakSet<Distribution>();

export type LogNormal = Componentwise<"LogNormal", { readonly location: Tensor; readonly scale: Tensor }>;

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

/**
 * x = e^(μ + σε), ε ~ N(0, 1), independent along the event's axes; `scale` σ must be positive. Numbers below 2⁻¹²⁶ are taken
 * for 2⁻¹²⁶; in float32 a draw beyond e⁸⁸ is ∞, and so is a variance where μ + σ² is.
 */
export function logNormal(location: TensorLike, scale: TensorLike, eventRank = 1): LogNormal {
  const parameters = { location: lift(location), scale: lift(scale) };
  // log p(x) = −½ε² − log σ − ½ log 2π − log x, ε = (log x − μ)/σ
  const density = (epsilon: Tensor, logX: Tensor): Tensor =>
    sub(mul(-0.5, square(epsilon)), add(add(log(parameters.scale), HALF_LOG_2PI), logX));
  const made = componentwise(
    {
      name: "LogNormal",
      parameters,
      support: "positive",
      law: "normal",
      // E x = e^(μ + ½σ²)
      mean: () => exp(add(parameters.location, mul(0.5, square(parameters.scale)))),
      // (e^σ² − 1)·e^(2μ + σ²)
      variance: () => {
        const squared = square(parameters.scale);
        return mul(expm1(squared), exp(add(mul(2, parameters.location), squared)));
      },
      // H = μ + log σ + ½ log 2πe
      entropy: () => add(add(parameters.location, log(parameters.scale)), HALF_LOG_2PI + 0.5),
      logDensity: (x) => {
        const logX = positiveLog(x);
        return density(div(sub(logX, parameters.location), parameters.scale), logX);
      },
      draw: (noise) => {
        const logX = add(parameters.location, mul(parameters.scale, noise));
        return { sample: exp(logX), logDensity: density(noise, logX) };
      },
    },
    eventRank,
  );
  family.add(made);
  return made;
}

/** Whether this function made it. */
export function isLogNormal(distribution: Distribution): distribution is LogNormal {
  return family.has(distribution);
}
