import { ShapeError } from "../errors.ts";
import { add, div, exp, log, logsumexp, mul, neg, sub, sum, type Tensor } from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { show, staticShape } from "../tensor/shape.ts";
import { logProbabilities } from "./categorical.ts";
import { eventShape, type Reparameterized, sumEvent } from "./distribution.ts";
import { positiveLog } from "./positive-log.ts";
import { gumbelOf } from "./standard-noise.ts";

export interface RelaxedCategorical extends Reparameterized {
  readonly name: "RelaxedCategorical";
  readonly parameters: { readonly logits: Tensor; readonly temperature: Tensor };
}

/**
 * x = softmax((ℓ + g)/t) with g Gumbel, for logits [..., C] and one temperature: a one-hot categorical as t → 0, with a density on
 * the simplex over its first C − 1 coordinates. Maddison, Mnih & Teh 2017, eq. 10 ("Concrete"); Jang, Gu & Poole 2017.
 * Numbers that are given are kept above 2⁻¹²⁶; samples are scored by their log x, so that one rounded to 0 has its own density.
 */
export function relaxedCategorical(logits: Tensor, temperature: TensorLike, eventRank = 1): RelaxedCategorical {
  const parameters = { logits, temperature: lift(temperature) };
  const { shape } = logits;
  if (eventRank < 1 || shape.length < eventRank) {
    throw new ShapeError(`RelaxedCategorical: ${eventRank} event axes, the last of categories, in ${show(shape)}`);
  }
  if (parameters.temperature.shape.length > 0) {
    throw new ShapeError(
      `RelaxedCategorical: the temperature must be one number, got ${show(parameters.temperature.shape)}`,
    );
  }
  const [count] = staticShape("RelaxedCategorical", shape.slice(-1));
  const constant = add(logFactorial(count - 1), mul(count - 1, log(parameters.temperature)));
  // log p(x) = log (C−1)! + (C−1)·log t − C·log Σ_c e^{a_c} + Σ_c (a_c − log x_c), a_c = ℓ_c − t·log x_c; a may be off by a constant.
  const density = (logX: Tensor, a: Tensor): Tensor => {
    const simplex = sub(add(constant, sum(sub(a, logX), -1)), mul(count, logsumexp(a, -1)));
    return sumEvent(simplex, eventRank - 1);
  };
  return {
    name: "RelaxedCategorical",
    parameters,
    shape,
    eventRank,
    support: "simplex",
    noise: { law: "uniform", event: eventShape({ name: "RelaxedCategorical", shape, eventRank }) },
    logProb: (x) => {
      const logX = positiveLog(x);
      return density(logX, sub(logits, mul(parameters.temperature, logX)));
    },
    sample: (noise) => exp(relaxedLogs(parameters, noise)),
    rsampleWithLogProb: (noise) => {
      const logX = relaxedLogs(parameters, noise); // t·log x_c = ℓ_c + g_c − constant, so a_c = −g_c
      return { sample: exp(logX), logProb: density(logX, neg(gumbelOf(noise))) };
    },
  };
}

/** log softmax((ℓ + g)/t) */
export function relaxedLogs(
  { logits, temperature }: { readonly logits: Tensor; readonly temperature: Tensor },
  noise: Tensor,
): Tensor {
  return logProbabilities(div(add(logits, gumbelOf(noise)), temperature));
}

function logFactorial(n: number): number {
  let total = 0;
  for (let i = 2; i <= n; i++) total += Math.log(i);
  return total;
}
