import {
  add,
  div,
  floor,
  greaterEqual,
  lessEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  softplus,
  sub,
  type Tensor,
  tanh,
  where,
} from "../tensor/index.ts";
import { lift, type TensorLike } from "../tensor/leaves.ts";
import { broadcastShapes } from "../tensor/shape.ts";
import { type Distribution, eventShape, sumEvent } from "./distribution.ts";
import { logisticOf } from "./standard-noise.ts";

export interface DiscretizedLogistic extends Distribution {
  readonly name: "DiscretizedLogistic";
  readonly mean: Tensor;
  readonly parameters: { readonly location: Tensor; readonly scale: Tensor };
}

const TOP = 255;

/**
 * A logistic of the given location and scale, in grey levels, rounded to the integers 0…255; what lies beyond goes to the two
 * ends, so the 256 probabilities sum to 1. Kingma et al. 2016 (IAF), eq. 12; Salimans et al. 2017, eq. 2.
 */
export function discretizedLogistic(location: TensorLike, scale: TensorLike, eventRank = 1): DiscretizedLogistic {
  const parameters = { location: lift(location), scale: lift(scale) };
  const shape = broadcastShapes("DiscretizedLogistic", parameters.location.shape, parameters.scale.shape);
  return {
    name: "DiscretizedLogistic",
    parameters,
    shape,
    eventRank,
    support: "bytes",
    noise: { law: "uniform", event: eventShape({ name: "DiscretizedLogistic", shape, eventRank }) },
    // E x = Σ_{k ≥ 1} P(x ≥ k) by the integral of the same tail, s·(log(1 + e^(μ/s)) − log(1 + e^((μ−255)/s))): within
    // 1/(80·s) of a grey level for s ≥ ½ (Euler–Maclaurin at the two ends), and within ½ below, where rounding shows.
    mean: mul(
      parameters.scale,
      sub(
        softplus(div(parameters.location, parameters.scale)),
        softplus(div(sub(parameters.location, TOP), parameters.scale)),
      ),
    ),
    logProb: (x) => {
      // P(x) = σ(a) − σ(b) = (1 − e^−δ)·σ(a)·σ(−b), a = (x + ½ − μ)/s, b = (x − ½ − μ)/s, δ = a − b = 1/s;
      // at the ends one of the two logistic functions is 0 or 1 and its terms vanish.
      const offset = sub(x, parameters.location);
      const a = div(add(offset, 0.5), parameters.scale);
      const b = div(sub(offset, 0.5), parameters.scale);
      const bottom = lessEqual(x, 0);
      const top = greaterEqual(x, TOP);
      const below = where(top, 0, softplus(neg(a)));
      const above = where(bottom, 0, softplus(b));
      const width = where(bottom, 0, where(top, 0, logWidth(parameters.scale)));
      return sumEvent(sub(width, add(below, above)), eventRank);
    },
    // The inverse of the distribution function, rounded: μ + s·log(u/(1 − u)).
    sample: (noise) => {
      const level = floor(add(add(parameters.location, mul(parameters.scale, logisticOf(noise))), 0.5));
      return minimum(maximum(level, 0), TOP);
    },
  };
}

/** log(1 − e^−δ), δ = 1/s: with t = tanh(δ/2) it is log 2t − log(1 + t), exact for the smallest δ too. */
function logWidth(scale: Tensor): Tensor {
  const t = tanh(div(0.5, scale));
  return sub(log(mul(2, t)), log(add(1, t)));
}
