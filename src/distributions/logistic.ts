import { add, div, log, mul, neg, softplus, square, sub, type Tensor } from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { type Componentwise, componentwise } from "./componentwise.ts";
import type { Distribution } from "./distribution.ts";
import { logisticOf } from "./standard-noise.ts";

const family = new WeakSet<Distribution>();

export type Logistic = Componentwise<"Logistic", { readonly location: Tensor; readonly scale: Tensor }>;

/** p(x) = e⁻ʸ/(s·(1 + e⁻ʸ)²), y = (x − μ)/s, independent along the event's axes; `scale` s must be positive. */
export function logistic(location: TensorLike, scale: TensorLike, eventRank = 1): Logistic {
  const parameters = { location: lift(location), scale: lift(scale) };
  // log p = −y − 2·log(1 + e⁻ʸ) − log s
  const ofStandard = (y: Tensor): Tensor => neg(add(add(y, mul(2, softplus(neg(y)))), log(parameters.scale)));
  const made = componentwise(
    {
      name: "Logistic",
      parameters,
      support: "real",
      law: "uniform",
      mean: () => parameters.location,
      variance: () => mul(Math.PI ** 2 / 3, square(parameters.scale)),
      // H = log s + 2
      entropy: () => add(log(parameters.scale), 2),
      logDensity: (x) => ofStandard(div(sub(x, parameters.location), parameters.scale)),
      // z = μ + s·log(u/(1 − u))
      draw: (noise) => {
        const y = logisticOf(noise);
        return { sample: add(parameters.location, mul(parameters.scale, y)), logDensity: ofStandard(y) };
      },
    },
    eventRank,
  );
  family.add(made);
  return made;
}

/** Whether this function made it. */
export function isLogistic(distribution: Distribution): distribution is Logistic {
  return family.has(distribution);
}
