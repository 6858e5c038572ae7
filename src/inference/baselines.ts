import { ShapeError } from "../errors.ts";
import { add, constant, div, maximum, mean, mul, state, stopGradient, sub, sum, type Tensor } from "../tensor/index.ts";
import { show } from "../tensor/shape.ts";

/** What a score-function estimator takes off its learning signal, and the state that it keeps. */
export interface Baseline {
  readonly value: Tensor;
  readonly updates?: Readonly<Record<string, Tensor>>;
}

/** b_k = 1/(K−1) Σ_{j≠k} f_j for f [samples, batch]: independent of draw k, so the estimator stays unbiased. Kool et al. 2019; Mnih & Rezende 2016. */
export function leaveOneOut(signal: Tensor): Baseline {
  const [samples] = signal.shape;
  if (signal.shape.length < 2 || typeof samples !== "number" || samples < 2) {
    throw new ShapeError(`leave-one-out baseline: two samples or more are needed, got ${show(signal.shape)}`);
  }
  return { value: stopGradient(mul(1 / (samples - 1), sub(sum(signal, 0), signal))) };
}

/** How much of the newest signal a moving average takes in, once it has seen 1 / DECAY of them. */
const DECAY = 0.01;

/** The mean of the signals of the steps before, weighted towards the last hundred; kept as state. Williams 1992, §4. */
export function movingAverage(signal: Tensor, name = "baseline"): Baseline {
  const before = state(`${name}/mean`, [], { law: "constant", value: 0 });
  const count = state(`${name}/count`, [], { law: "constant", value: 0 });
  const share = maximum(div(1, add(count, 1)), DECAY);
  const now = add(before, mul(share, sub(stopGradient(mean(signal)), before)));
  return { value: before, updates: { [`${name}/mean`]: now, [`${name}/count`]: add(count, 1) } };
}

/** No baseline: the signal as it is. */
export const none: Baseline = { value: constant(0) };
