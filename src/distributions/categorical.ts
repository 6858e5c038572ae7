import { ShapeError } from "../errors.ts";
import {
  constant,
  cumsum,
  div,
  equal,
  exp,
  greater,
  greaterEqual,
  log,
  max,
  mul,
  neg,
  reshape,
  slice,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  toFloat,
  where,
} from "../tensor/index.ts";
import { show, staticShape } from "../tensor/shape.ts";
import { type Distribution, eventShape, sumEvent } from "./distribution.ts";

const family = new WeakSet<Distribution>();

export interface Categorical extends Distribution {
  readonly name: "Categorical";
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly parameters: { readonly logits: Tensor };
  readonly entropy: () => Tensor;
}

/**
 * P(x = c) = e^{ℓ_c}/Σ e^ℓ for logits [..., C], finite; x is the number of the category, 0…C−1, as a float, of the shape without C:
 * a density on these numbers and on nothing else.
 */
export function categorical(logits: Tensor, eventRank = 1): Categorical {
  const shape = logits.shape.slice(0, -1);
  if (logits.shape.length < 1 + eventRank) {
    throw new ShapeError(`Categorical: ${eventRank} event axes and one of categories in logits ${show(logits.shape)}`);
  }
  const logP = logProbabilities(logits); // [..., C]
  const p = exp(logP);
  const numbers = categories("Categorical", logits); // [C]
  const mean = sum(mul(p, numbers), -1);
  const made: Categorical = {
    name: "Categorical",
    parameters: { logits },
    shape,
    eventRank,
    support: "category",
    noise: { law: "uniform", event: eventShape({ name: "Categorical", shape, eventRank }) },
    mean,
    variance: sum(mul(p, square(sub(numbers, reshape(mean, [...shape, 1])))), -1),
    logProb: (x) => {
      const chosen = isCategory(x, numbers); // [..., C]
      const known = greater(sum(toFloat(chosen), -1), 0);
      return sumEvent(where(known, sum(where(chosen, logP, 0), -1), Number.NEGATIVE_INFINITY), eventRank);
    },
    sample: (noise) => inverseCdf(logits, noise),
    // H = −Σ p log p
    entropy: () => sumEvent(neg(sum(mul(p, logP), -1)), eventRank),
  };
  family.add(made);
  return made;
}

/** ℓ_c − max ℓ  [..., C] */
function centred(logits: Tensor): Tensor {
  const largest = stopGradient(max(logits, -1));
  return sub(logits, reshape(largest, [...largest.shape, 1]));
}

/** log softmax(ℓ) along the last axis, without the digits that ℓ − log Σ e^ℓ loses where the logits are large; they must be finite. */
export function logProbabilities(logits: Tensor): Tensor {
  const shifted = centred(logits);
  const total = log(sum(exp(shifted), -1)); // from 0 to log C
  return sub(shifted, reshape(total, [...total.shape, 1]));
}

/** 0…C−1 for logits [..., C]. */
export function categories(name: string, logits: Tensor): Tensor {
  const [count] = staticShape(name, logits.shape.slice(-1));
  return constant(
    Float64Array.from({ length: count }, (_, c) => c),
    [count],
  );
}

/** Where x [...] is each of the numbers [C]: [..., C]. */
export function isCategory(x: Tensor, numbers: Tensor): Tensor<"bool"> {
  return equal(reshape(x, [...x.shape, 1]), numbers);
}

/**
 * The category where the distribution function passes u: #{c < C−1: u ≥ F_c}, for logits [..., C] and u [...] in [0, 1).
 * F is divided by its own last value, so that rounding leaves nothing beyond it and what has no mass is not drawn.
 */
export function inverseCdf(logits: Tensor, u: Tensor): Tensor {
  const [count] = staticShape("inverseCdf", logits.shape.slice(-1));
  const open = reshape(u, [...u.shape, 1]);
  if (count === 1) return mul(u, 0);
  const mass = cumsum(exp(centred(logits)), -1); // [..., C]
  const below = div(slice(mass, -1, 0, count - 1), slice(mass, -1, count - 1, count)); // F  [..., C − 1]
  return sum(toFloat(greaterEqual(open, below)), -1);
}

/** Whether this function made it: a name alone would not say that the closed forms hold. */
export function isCategorical(distribution: Distribution): distribution is Categorical {
  return family.has(distribution);
}
