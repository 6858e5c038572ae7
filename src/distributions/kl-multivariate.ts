import {
  add,
  broadcastTo,
  div,
  log,
  matmul,
  matrixVector,
  mul,
  reshape,
  square,
  sub,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { staticShape } from "../tensor/shape.ts";
import type { Distribution } from "./distribution.ts";
import { type Pair, pair } from "./kl-pair.ts";
import { isLowRankNormal } from "./low-rank-normal.ts";
import {
  type CorrelatedNormal,
  isMultivariateNormal,
  type MultivariateNormal,
  squaredNorm,
} from "./multivariate-normal.ts";
import { isNormal, type Normal } from "./normal.ts";

/*
 * KL(N(μ, S) ‖ N(m, Σ)) = ½(tr Σ⁻¹S + (μ − m)ᵀΣ⁻¹(μ − m) − k) + ½ log det Σ − ½ log det S. With S = RRᵀ and Σ⁻¹ = AᵀA the
 * trace is ‖AR‖² and the distance ‖A(μ − m)‖²: sums of squares, and what was given as an inverse is not inverted.
 */

interface Terms {
  readonly trace: Tensor;
  readonly distance: Tensor;
  /** ½ log det of each covariance. */
  readonly own: Tensor;
  readonly other: Tensor;
}

/** From its terms, [...batch] each. */
function divergence(k: number, { trace, distance, own, other }: Terms): Tensor {
  return add(mul(0.5, sub(add(trace, distance), k)), sub(other, own));
}

function fullToFull(q: MultivariateNormal, p: MultivariateNormal): Tensor {
  const whitener = p.whitener();
  return divergence(dimension(q), {
    trace: sum(square(matmul(whitener, q.root())), [-2, -1]),
    distance: squaredNorm(matrixVector(whitener, sub(q.mean, p.mean))),
    own: q.halfLogDeterminant,
    other: p.halfLogDeterminant,
  });
}

/** Of any covariance whose diagonal and determinant are known. */
function correlatedToDiagonal(q: CorrelatedNormal, p: Normal): Tensor {
  const { scale } = p.parameters;
  return divergence(dimension(q), {
    trace: sum(div(q.variance, square(scale)), -1),
    distance: squaredNorm(div(sub(q.mean, p.mean), scale)),
    own: q.halfLogDeterminant,
    other: sumOfLogs(p),
  });
}

function diagonalToFull(q: Normal, p: MultivariateNormal): Tensor {
  const whitener = p.whitener();
  const scale = eachScale(q);
  const row = reshape(scale, [...scale.shape.slice(0, -1), 1, dimension(q)]);
  return divergence(dimension(q), {
    trace: sum(square(mul(whitener, row)), [-2, -1]),
    distance: squaredNorm(matrixVector(whitener, sub(q.mean, p.mean))),
    own: sumOfLogs(q),
    other: p.halfLogDeterminant,
  });
}

function dimension({ name, shape }: Distribution): number {
  return staticShape(name, shape.slice(-1))[0];
}

/** σ with one number for each component: [..., k] */
function eachScale(normal: Normal): Tensor {
  const { scale } = normal.parameters;
  return broadcastTo(scale, [...scale.shape.slice(0, -1), dimension(normal)]);
}

/** Σ log σ */
function sumOfLogs(normal: Normal): Tensor {
  return sum(log(eachScale(normal)), -1);
}

function isDiagonal(distribution: Distribution): distribution is Normal {
  return isNormal(distribution) && distribution.eventRank === 1;
}

/** Pairs of Normals whose components depend on each other, and of these and diagonal ones. */
export const multivariatePairs: readonly Pair[] = [
  pair(isMultivariateNormal, isMultivariateNormal, fullToFull, "event"),
  pair(isMultivariateNormal, isDiagonal, correlatedToDiagonal, "event"),
  pair(isLowRankNormal, isDiagonal, correlatedToDiagonal, "event"),
  pair(isDiagonal, isMultivariateNormal, diagonalToFull, "event"),
];
