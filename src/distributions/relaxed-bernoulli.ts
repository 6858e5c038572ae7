import { ShapeError } from "../errors.ts";
import { abs, add, div, log, mul, neg, sigmoid, softplus, sub, type Tensor } from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { broadcastShapes, show } from "../tensor/shape.ts";
import { eventShape, type Reparameterized, sumEvent } from "./distribution.ts";
import { unitLogs } from "./positive-log.ts";
import { logisticOf } from "./standard-noise.ts";

export interface RelaxedBernoulli extends Reparameterized {
  readonly name: "RelaxedBernoulli";
  readonly parameters: { readonly logits: Tensor; readonly temperature: Tensor };
}

/**
 * x = σ(y), y = (ℓ + L)/t with L logistic: a Bernoulli(σ(ℓ)) as t → 0, with a density on (0, 1). Maddison, Mnih & Teh 2017,
 * appendix B ("binary Concrete"); Jang, Gu & Poole 2017. Numbers that are given are kept within [2⁻¹²⁶, 1 − 2⁻²⁴]; samples
 * are scored by their y, so that one that is rounded to 0 or 1 has its own density, in other relaxed Bernoullis too.
 */
export function relaxedBernoulli(logits: Tensor, temperature: TensorLike, eventRank = 1): RelaxedBernoulli {
  const parameters = { logits, temperature: lift(temperature) };
  const shape = broadcastShapes("RelaxedBernoulli", logits.shape, parameters.temperature.shape);
  if (shape.length < eventRank) throw new ShapeError(`RelaxedBernoulli: ${eventRank} event axes in ${show(shape)}`);
  // log p(x) = log t + log f(L) − log x − log(1 − x): f(L) = e^−L/(1 + e^−L)² and L = t·y − ℓ; x(1 − x) = σ(y)·σ(−y).
  const density = (y: Tensor, noise: Tensor): Tensor =>
    sumEvent(add(log(parameters.temperature), sub(spread(y), spread(noise))), eventRank);
  return {
    name: "RelaxedBernoulli",
    parameters,
    shape,
    eventRank,
    support: "unit",
    noise: { law: "uniform", event: eventShape({ name: "RelaxedBernoulli", shape, eventRank }) },
    logProb: (x) => {
      const logs = unitLogs(x);
      const y = sub(logs.log, logs.logComplement); // of σ(y) without loss where it is rounded to 0 or 1
      return density(y, sub(mul(parameters.temperature, y), logits));
    },
    sample: (noise) => sigmoid(relaxedLogit(parameters, noise)),
    rsampleWithLogProb: (noise) => {
      const y = relaxedLogit(parameters, noise);
      return { sample: sigmoid(y), logProb: density(y, logisticOf(noise)) };
    },
  };
}

/** y = (ℓ + L)/t */
export function relaxedLogit(
  { logits, temperature }: { readonly logits: Tensor; readonly temperature: Tensor },
  noise: Tensor,
): Tensor {
  return div(add(logits, logisticOf(noise)), temperature);
}

/** −log σ(y)σ(−y) = |y| + 2·log(1 + e^−|y|) */
function spread(y: Tensor): Tensor {
  const size = abs(y);
  return add(size, mul(2, softplus(neg(size))));
}
