import { add, div, log, log1p, mul, neg, sigmoid, slice, softplus, sub, type Tensor } from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { type Componentwise, componentwise } from "./componentwise.ts";
import type { Distribution } from "./distribution.ts";
import { unitLogs } from "./positive-log.ts";
import { GAMMA_NOISE, logGammaRatio } from "./standard-gamma.ts";
import { digammaMinusLog, excess, stirlingError } from "./stirling.ts";

const family = new WeakSet<Distribution>();

export type Beta = Componentwise<"Beta", { readonly a: Tensor; readonly b: Tensor }>;

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

/**
 * p(x) = x^(a−1)·(1 − x)^(b−1)/B(a, b) on [0, 1], independent along the event's axes; `a` and `b` must be positive. Numbers
 * within 2⁻¹²⁶ of 0 and 2⁻⁵³ of 1 are taken for these; draws are scored without rounding. A draw is G/(G + H) of two Gammas,
 * whose gradients are unbiased.
 */
export function beta(a: TensorLike, b: TensorLike, eventRank = 1): Beta {
  const parameters = { a: lift(a), b: lift(b) };
  const total = add(parameters.a, parameters.b);
  // With r = log(x·s/a), t = log((1 − x)·s/b), s = a + b and Stirling's Δ:
  // log p = −a(eʳ − 1 − r) − b(eᵗ − 1 − t) − log x − log(1 − x) + ½ log(ab/s) − ½ log 2π − Δ(a) − Δ(b) + Δ(s)
  const logA = log1p(div(parameters.b, parameters.a)); // log s/a
  const logB = log1p(div(parameters.a, parameters.b)); // log s/b
  const errors = sub(add(stirlingError(parameters.a), stirlingError(parameters.b)), stirlingError(total));
  const spread = mul(0.5, sub(log(parameters.b), logA)); // ½ log(ab/s)
  const normaliser = sub(spread, add(HALF_LOG_2PI, errors));
  const density = (x: Tensor, complement: Tensor, logX: Tensor, logComplement: Tensor): Tensor => {
    const ofA = excess(parameters.a, add(logX, logA), mul(total, x));
    const ofB = excess(parameters.b, add(logComplement, logB), mul(total, complement));
    return sub(normaliser, add(add(ofA, ofB), add(logX, logComplement)));
  };
  const made = componentwise(
    {
      name: "Beta",
      parameters,
      support: "unit",
      law: "normal",
      width: 2 * GAMMA_NOISE,
      mean: () => div(parameters.a, total),
      // (a/s)·(b/s)/(s + 1)
      variance: () => div(mul(div(parameters.a, total), div(parameters.b, total)), add(total, 1)),
      // H = log B(a, b) − (a − 1)ψ(a) − (b − 1)ψ(b) + (s − 2)ψ(s), where with δ = ψ − log the logarithms leave ½ log(ab/s³)
      entropy: () => {
        const ofA = mul(sub(1, parameters.a), digammaMinusLog(parameters.a));
        const ofB = mul(sub(1, parameters.b), digammaMinusLog(parameters.b));
        const ofTotal = mul(sub(total, 2), digammaMinusLog(total));
        return sub(add(add(ofA, ofB), ofTotal), add(normaliser, add(logA, logB)));
      },
      logDensity: (x) => {
        const logs = unitLogs(x);
        return density(x, sub(1, x), logs.log, logs.logComplement);
      },
      draw: (noise) => {
        const ofA = logGammaRatio(parameters.a, slice(noise, -1, 0, GAMMA_NOISE));
        const ofB = logGammaRatio(parameters.b, slice(noise, -1, GAMMA_NOISE, 2 * GAMMA_NOISE));
        const logit = add(log(div(parameters.a, parameters.b)), sub(ofA, ofB));
        const [sample, complement] = [sigmoid(logit), sigmoid(neg(logit))];
        const logDensity = density(sample, complement, neg(softplus(neg(logit))), neg(softplus(logit)));
        return { sample, logDensity };
      },
    },
    eventRank,
  );
  family.add(made);
  return made;
}

/** Whether this function made it. */
export function isBeta(distribution: Distribution): distribution is Beta {
  return family.has(distribution);
}
