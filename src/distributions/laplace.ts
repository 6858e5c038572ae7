import { abs, add, div, log, log1p, mul, neg, sign, square, sub, type Tensor } from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { type Componentwise, componentwise } from "./componentwise.ts";
import type { Distribution } from "./distribution.ts";
import { openUniform } from "./standard-noise.ts";

const family = new WeakSet<Distribution>();

export type Laplace = Componentwise<"Laplace", { readonly location: Tensor; readonly scale: Tensor }>;

/** p(x) = e^(−|x − μ|/b)/2b, independent along the event's axes; `scale` b must be positive. */
export function laplace(location: TensorLike, scale: TensorLike, eventRank = 1): Laplace {
  const parameters = { location: lift(location), scale: lift(scale) };
  const logTwoScale = add(log(parameters.scale), Math.LN2);
  const made = componentwise(
    {
      name: "Laplace",
      parameters,
      support: "real",
      law: "uniform",
      mean: () => parameters.location,
      variance: () => mul(2, square(parameters.scale)),
      // H = 1 + log 2b
      entropy: () => add(1, logTwoScale),
      logDensity: (x) => neg(add(abs(div(sub(x, parameters.location), parameters.scale)), logTwoScale)),
      // z = μ − b·sign(v)·log(1 − 2|v|), v = u − ½
      draw: (noise) => {
        const v = sub(openUniform(noise), 0.5);
        const size = neg(log1p(mul(-2, abs(v))));
        const sample = add(parameters.location, mul(parameters.scale, mul(sign(v), size)));
        return { sample, logDensity: neg(add(size, logTwoScale)) };
      },
    },
    eventRank,
  );
  family.add(made);
  return made;
}

/** Whether this function made it. */
export function isLaplace(distribution: Distribution): distribution is Laplace {
  return family.has(distribution);
}
