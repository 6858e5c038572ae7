import { add, and, greaterEqual, lessEqual, log, mul, neg, square, sub, type Tensor, where } from "../tensor/index.ts";
import { lift, scalarValue, type TensorLike } from "../tensor/leaves.ts";
import { type Componentwise, componentwise } from "./componentwise.ts";
import type { Distribution } from "./distribution.ts";

const family = new WeakSet<Distribution>();

export type Uniform = Componentwise<"Uniform", { readonly low: Tensor; readonly high: Tensor }>;

/** 1/(high − low) on [low, high], ends included, and 0 elsewhere (log p = −∞ with gradient 0); independent along the event's axes. */
export function uniform(low: TensorLike, high: TensorLike, eventRank = 1): Uniform {
  const parameters = { low: lift(low), high: lift(high) };
  const width = sub(parameters.high, parameters.low);
  const made = componentwise(
    {
      name: "Uniform",
      parameters,
      support: isStandard(parameters) ? "unit" : "real",
      law: "uniform",
      mean: () => add(parameters.low, mul(0.5, width)),
      variance: () => mul(1 / 12, square(width)),
      // H = log(high − low)
      entropy: () => log(width),
      logDensity: (x) => {
        const inside = and(greaterEqual(x, parameters.low), lessEqual(x, parameters.high));
        return where(inside, neg(log(width)), Number.NEGATIVE_INFINITY);
      },
      draw: (noise) => ({ sample: add(parameters.low, mul(width, noise)), logDensity: neg(log(width)) }),
    },
    eventRank,
  );
  family.add(made);
  return made;
}

/** Whether this function made it. */
export function isUniform(distribution: Distribution): distribution is Uniform {
  return family.has(distribution);
}

/** Whether it is U(0, 1), and was made with these numbers. */
export function isStandardUniform(distribution: Distribution): distribution is Uniform {
  return isUniform(distribution) && isStandard(distribution.parameters);
}

function isStandard({ low, high }: Uniform["parameters"]): boolean {
  return scalarValue(low) === 0 && scalarValue(high) === 1;
}
