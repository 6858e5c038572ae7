import { ShapeError } from "../errors.ts";
import { add, broadcastTo, constant, div, log, mul, square, sub, type Tensor } from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { broadcastShapes } from "../tensor/shape.ts";
import { type Distribution, eventShape, type Reparameterized, sumEvent } from "./distribution.ts";

const family = new WeakSet<Distribution>();

export interface Normal extends Reparameterized {
  readonly name: "Normal";
  readonly mean: Tensor;
  readonly parameters: { readonly mean: Tensor; readonly scale: Tensor };
}

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

/**
 * N(mean, scale²), independent along the event's axes. `scale` is a standard deviation and must be positive: make it
 * with exp or softplus.
 */
export function normal(mean: TensorLike, scale: TensorLike, eventRank = 1): Normal {
  const parameters = { mean: lift(mean), scale: lift(scale) };
  const shape = broadcastShapes("Normal", parameters.mean.shape, parameters.scale.shape);
  if (shape.length < eventRank) throw new ShapeError(`Normal: ${eventRank} event axes in [${shape.join(", ")}]`);
  const ofStandard = (x: Tensor): Tensor =>
    // log N(x; μ, σ²) = −½ε² − log σ − ½ log 2π, ε = (x − μ)/σ
    sumEvent(sub(mul(-0.5, square(x)), add(log(parameters.scale), HALF_LOG_2PI)), eventRank);
  const made: Normal = {
    name: "Normal",
    parameters,
    shape,
    eventRank,
    support: "real",
    noise: { law: "normal", event: eventShape({ name: "Normal", shape, eventRank }) },
    mean: broadcastTo(parameters.mean, shape),
    variance: broadcastTo(square(parameters.scale), shape),
    logProb: (x) => ofStandard(div(sub(x, parameters.mean), parameters.scale)),
    sample: (noise) => locate(parameters, noise),
    rsampleWithLogProb: (noise) => ({ sample: locate(parameters, noise), logProb: ofStandard(noise) }),
    // H = log σ + ½ log 2πe
    entropy: () => sumEvent(broadcastTo(add(log(parameters.scale), HALF_LOG_2PI + 0.5), shape), eventRank),
  };
  family.add(made);
  return made;
}

/** N(0, I) in k dimensions. */
export function standardNormal(k: number): Normal {
  return normal(constant(new Float32Array(k), [k]), constant(new Float32Array(k).fill(1), [k]));
}

/** z = μ + σ ⊙ ε */
function locate({ mean, scale }: Normal["parameters"], noise: Tensor): Tensor {
  return add(mean, mul(scale, noise));
}

/** Whether this function made it: a name alone would not say that the closed forms hold. */
export function isNormal(distribution: Distribution): distribution is Normal {
  return family.has(distribution);
}
