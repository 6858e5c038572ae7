import type { Distribution } from "../distributions/distribution.ts";
import { lowRankNormal } from "../distributions/low-rank-normal.ts";
import { multivariateNormalPrecision } from "../distributions/multivariate-normal.ts";
import { normal } from "../distributions/normal.ts";
import { InputError } from "../errors.ts";
import type { Draws } from "../inference/objective.ts";
import {
  add,
  concat,
  constant,
  diagonalOf,
  div,
  exp,
  flatten,
  less,
  maximum,
  mean,
  mul,
  neg,
  reshape,
  softplus,
  sqrt,
  square,
  state,
  sub,
  type Tensor,
  toFloat,
  triangle,
} from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { type Average, type DataDescription, standardisation } from "./model.ts";
import type { ScaleName } from "./names.ts";

/** The smallest deviation, in units of the data's own: below it a density could rise without bound. */
export const LEAST_SCALE = 1e-3;
/** The largest: a network that is not trained yet may say anything. */
const MOST_SCALE = 100;

export interface Scaling {
  readonly starts: readonly number[];
  readonly extra?: number;
  readonly build: (raw: Tensor, others: readonly Tensor[], extra: Tensor | undefined) => Distribution;
  /** The scales of p(x|z) in units of `LEAST_SCALE`, where they are learned: 1 is the bound. */
  readonly aboveBound?: (likelihood: Distribution) => Tensor;
  /** State that is an average over the training data. */
  readonly averages?: (x: Tensor, draws: Draws) => readonly Average[];
}

interface ScalingOptions {
  readonly data: DataDescription;
  readonly scale: ScaleName;
  readonly variance?: number;
  /** The rank of a low-rank covariance. */
  readonly components: number;
}

/** A family over location and scale. */
export type LocationScale = (location: Tensor, scale: Tensor, eventRank: number) => Distribution;

/** ℓ within log LEAST_SCALE and log MOST_SCALE, smoothly: what is beyond an end comes as near to it as softplus lets it. */
export function bounded(logScale: Tensor): Tensor {
  const [floor, top] = [Math.log(LEAST_SCALE), Math.log(MOST_SCALE)];
  const below = sub(top, softplus(sub(top, logScale)));
  return add(floor, softplus(sub(below, floor)));
}

/** A network's numbers for a scale, a tenth as large as it gives them: before it is trained it would say anything. */
export function gently(raw: Tensor): Tensor {
  return mul(0.1, raw);
}

/**
 * The logarithm of a learned scale, ten times the parameter: the optimizers move every parameter by about the learning rate a
 * step, and this one, whose gradient is the clearest of all, has the furthest to go.
 */
export function learnedLogScale(name: string, shape: readonly number[], start: number): Tensor {
  const SPEED = 10;
  return mul(SPEED, parameter(name, shape, { law: "constant", value: start / SPEED }));
}

/** Sets of numbers side by side on a new last axis: C of [..., ...shape] → [..., ...shape, C]. */
export function stacked(sets: readonly Tensor[]): Tensor {
  const columns = sets.map((set) => reshape(set, [...set.shape, 1]));
  return concat(columns, -1);
}

const SCALE = "decoder/logScale";
const VARIANCE = "decoder/variance";

/** Where the scale of a location-scale likelihood comes from; low-rank, full and optimal ones are a Normal's, whatever `family` is. */
export function scalingFor(options: ScalingOptions, family: LocationScale): Scaling {
  const { data, scale, variance } = options;
  const rank = data.shape.length;
  const { centre, spread } = standardisation(data);
  const located = (raw: Tensor): Tensor => add(centre, mul(spread, raw));
  if (variance !== undefined) {
    const deviation = constant(Math.sqrt(variance));
    return { starts: [], build: (raw) => family(located(raw), deviation, rank) };
  }
  const relative = ({ parameters }: Distribution): Tensor => div(parameters.scale, mul(spread, LEAST_SCALE));
  switch (scale) {
    case "shared":
    case "columns": {
      const logScale = learnedLogScale(SCALE, scale === "shared" ? [] : data.shape, 0);
      const deviation = (): Tensor => mul(spread, exp(bounded(logScale)));
      return { starts: [], build: (raw) => family(located(raw), deviation(), rank), aboveBound: relative };
    }
    case "network":
      return {
        starts: [0],
        build: (raw, [logScale]) => family(located(raw), mul(spread, exp(bounded(gently(logScale)))), rank),
        aboveBound: relative,
      };
    case "optimal":
      return optimal(data);
    case "low-rank":
      return lowRank(options);
    case "full":
      return full(data);
  }
}

/** η = E_q‖x − g‖²/d, a running average in training and frozen afterwards. Lucas et al. 2019, §4; Rybkin et al. 2021, eq. 6. */
function optimal(data: DataDescription): Scaling {
  const { centre, spread } = standardisation(data);
  const rank = data.shape.length;
  const average = state(VARIANCE, [], { law: "constant", value: 1 });
  const variance = maximum(average, LEAST_SCALE ** 2);
  return {
    starts: [],
    build: (raw) => normal(add(centre, mul(spread, raw)), mul(spread, sqrt(variance)), rank),
    aboveBound: () => div(sqrt(variance), LEAST_SCALE),
    averages: (x, { likelihood, expectation }) => {
      const distance = square(div(sub(x, likelihood.parameters.mean), spread));
      return [{ state: average, value: expectation(mean(flatten(distance, -rank), -1)) }];
    },
  };
}

function flatOnly(scale: ScaleName, { shape }: DataDescription): number {
  if (shape.length === 1) return shape[0];
  throw new InputError(
    `--scale ${scale}: is for rows of a table, and these examples are ${shape.join("×")}; use --scale network`,
  );
}

/** Σ(z) = F(z)F(z)ᵀ + diag, F [d, r]. */
function lowRank({ data, components }: ScalingOptions): Scaling {
  flatOnly("low-rank", data);
  const { centre, spread } = standardisation(data);
  return {
    starts: [0, ...Array.from({ length: components }, () => 0)],
    build: (raw, [logScale, ...columns]) => {
      const factor = mul(gently(stacked(columns)), reshape(spread, [...data.shape, 1])); // [..., d, r]
      const variances = square(mul(spread, exp(bounded(gently(logScale)))));
      return lowRankNormal(add(centre, mul(spread, raw)), factor, variances);
    },
    aboveBound: ({ parameters }) => div(sqrt(parameters.diagonal), mul(spread, LEAST_SCALE)),
  };
}

/** Σ(z)⁻¹ = P(z)P(z)ᵀ, P lower triangular: each deviation given the numbers after it is at least the bound. */
function full(data: DataDescription): Scaling {
  const d = flatOnly("full", data);
  const { centre, spread } = standardisation(data);
  return {
    starts: [0],
    extra: (d * (d - 1)) / 2,
    build: (raw, [logScale], below = constant(0)) => {
      const inverse = exp(neg(bounded(gently(logScale)))); // 1/s, the diagonal of P in units of the data's deviations
      const lower = triangle(concat([inverse, gently(below)], -1), d);
      return multivariateNormalPrecision(
        add(centre, mul(spread, raw)),
        div(lower, reshape(spread, [d, 1])), // x = centre + spread·y: P_x = diag(1/spread)·P_y
      );
    },
    aboveBound: ({ parameters }) => div(1, mul(LEAST_SCALE, mul(diagonalOf(parameters.precisionTril), spread))),
  };
}

/** The share of scales within a factor e of their bound, per example. */
export function shareAtBound(
  { aboveBound }: Pick<Scaling, "aboveBound">,
  likelihood: Distribution,
): Tensor | undefined {
  if (!aboveBound) return undefined;
  const near = toFloat(less(aboveBound(likelihood), Math.E));
  const rank = Math.min(likelihood.eventRank, near.shape.length);
  return rank === 0 ? near : mean(flatten(near, -rank), -1);
}
