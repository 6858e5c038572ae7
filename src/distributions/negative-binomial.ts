import { ShapeError } from "../errors.ts";
import {
  add,
  broadcastTo,
  customGradient,
  digammaDifference,
  div,
  exp,
  log,
  mul,
  neg,
  sigmoid,
  softplus,
  split,
  sub,
  type Tensor,
} from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { unbroadcast } from "../tensor/ops/shape.ts";
import { broadcastShapes, show } from "../tensor/shape.ts";
import { type Distribution, eventShape, sumEvent } from "./distribution.ts";
import { gamma } from "./gamma.ts";
import { deviance, drawPoisson, factorialRemainder, POISSON_NOISE } from "./poisson.ts";
import { uniformOf } from "./standard-noise.ts";

const family = new WeakSet<Distribution>();

export interface NegativeBinomial extends Distribution {
  readonly name: "NegativeBinomial";
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly parameters: { readonly total: Tensor; readonly logits: Tensor };
}

/**
 * P(x) = Γ(x + r)/(x!·Γ(r)) · pˣ·(1 − p)ʳ, p = σ(logits): the successes before r failures, r = `total` > 0, not only whole; a Poisson
 * whose rate is Gamma(r, e^−logits). Mean r·e^ℓ, variance mean·(1 + e^ℓ): beyond float32 for logits above 44.
 */
export function negativeBinomial(total: TensorLike, logits: TensorLike, eventRank = 1): NegativeBinomial {
  const parameters = { total: lift(total), logits: lift(logits) };
  const shape = broadcastShapes("NegativeBinomial", parameters.total.shape, parameters.logits.shape);
  if (shape.length < eventRank) throw new ShapeError(`NegativeBinomial: ${eventRank} event axes in ${show(shape)}`);
  const event = eventShape({ name: "NegativeBinomial", shape, eventRank });
  const odds = exp(parameters.logits);
  const mean = broadcastTo(mul(parameters.total, odds), shape);
  const rates = gamma(broadcastTo(parameters.total, shape), exp(neg(parameters.logits)), eventRank);
  const rateNoise = sizeOf(rates.noise.event.slice(eventRank));
  const made: NegativeBinomial = {
    name: "NegativeBinomial",
    parameters,
    shape,
    eventRank,
    support: "counts",
    noise: { law: "normal", event: [...event, rateNoise + POISSON_NOISE] },
    mean,
    variance: mul(mean, add(1, odds)),
    logProb: (x) => sumEvent(logMass(x, parameters), eventRank),
    sample: (noise) => {
      const [ofRate, ofCount] = split(noise, -1, [rateNoise, POISSON_NOISE]);
      return drawPoisson(rates.sample(ofRate), uniformOf(ofCount));
    },
  };
  family.add(made);
  return made;
}

/**
 * log Γ(n)/(x!·Γ(r)) + x log p + r log(1 − p), n = x + r, as log r/n + S(n) − S(r) − S(x) − D(x, np) − D(r, n(1 − p)): terms that do not
 * cancel. Loader 2000, eq. 1 and §2.2. Gradients: x(1 − p) − rp in the logits; ψ(n) − ψ(r) + log(1 − p) in r.
 */
function logMass(x: Tensor, { total, logits }: NegativeBinomial["parameters"]): Tensor {
  const n = add(x, total);
  const success = sigmoid(logits);
  const failure = sigmoid(neg(logits));
  const difference = sub(mul(x, failure), mul(total, success)); // x − np = −(r − n(1 − p))
  const deviances = add(
    deviance(x, mul(n, success), sub(log(n), softplus(neg(logits))), difference),
    deviance(total, mul(n, failure), sub(log(n), softplus(logits)), neg(difference)),
  );
  const remainders = sub(factorialRemainder(n), add(factorialRemainder(total), factorialRemainder(x)));
  const value = sub(add(log(div(total, n)), remainders), deviances);
  return customGradient(value, [total, logits], (upstream) => {
    const growth = digammaDifference(total, x); // ψ(r + x) − ψ(r)
    return [
      unbroadcast(mul(upstream, sub(growth, softplus(logits))), total.shape),
      unbroadcast(mul(upstream, difference), logits.shape),
    ];
  });
}

/** Whether this function made it: a name alone would not say that the closed forms hold. */
export function isNegativeBinomial(distribution: Distribution): distribution is NegativeBinomial {
  return family.has(distribution);
}
