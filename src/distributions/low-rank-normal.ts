import { ShapeError } from "../errors.ts";
import {
  add,
  cholesky,
  diagonalOf,
  div,
  identityMatrix,
  log,
  matmul,
  matrixVector,
  mul,
  reshape,
  split,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
  triangularInverse,
} from "../tensor/index.ts";
import { broadcastShapes, show, staticShape } from "../tensor/shape.ts";
import type { Distribution } from "./distribution.ts";
import { type CorrelatedNormal, normalLogProb, normalMoments, squaredNorm } from "./multivariate-normal.ts";

const family = new WeakSet<Distribution>();

export interface LowRankNormal extends CorrelatedNormal {
  readonly name: "LowRankNormal";
  readonly parameters: { readonly mean: Tensor; readonly factor: Tensor; readonly diagonal: Tensor };
}

/**
 * N(μ, FFᵀ + D) in d dimensions by Woodbury's identity: mean [..., d], factor F [..., d, r], diagonal D [..., d] of positive
 * variances. A draw takes d + r numbers. In float32 log p is good to 10⁻⁵ where FFᵀ is up to 10⁵ times D; from 10⁷ on it can
 * be NaN.
 */
export function lowRankNormal(mean: Tensor, factor: Tensor, diagonal: Tensor): LowRankNormal {
  const name = "LowRankNormal";
  const [d, r] = sizesOf(name, mean, factor, diagonal);
  const shape = broadcastShapes(name, mean.shape, factor.shape.slice(0, -1), diagonal.shape);
  const deviation = sqrt(diagonal); // D^½
  const g = transpose(div(factor, reshape(deviation, [...deviation.shape, 1]))); // G = FᵀD^−½  [..., r, d]
  const l = cholesky(add(identityMatrix(r), matmul(g, g, { transposeB: true }))); // LLᵀ = C = I + GGᵀ  [..., r, r]
  const whitener = triangularInverse(l);
  const solve = (b: Tensor): Tensor => matrixVector(transpose(whitener), matrixVector(whitener, b)); // C⁻¹b
  // det Σ = det D · det C
  const halfLogDeterminant = add(mul(0.5, sum(log(diagonal), -1)), sum(log(diagonalOf(l)), -1));
  const parts = (noise: Tensor): readonly Tensor[] => split(noise, -1, [d, r]);
  // z = μ + D^½ε₁ + Fε₂
  const locate = (own: Tensor, common: Tensor): Tensor =>
    add(mean, add(mul(deviation, own), matrixVector(factor, common)));
  const made: LowRankNormal = {
    name,
    parameters: { mean, factor, diagonal },
    shape,
    eventRank: 1,
    support: "real",
    noise: { law: "normal", event: [d + r] },
    halfLogDeterminant,
    ...normalMoments({ shape, mean, variance: add(diagonal, sum(square(factor), -1)), halfLogDeterminant }),
    // wᵀ(I + GᵀG)⁻¹w, w = D^−½(x − μ), is the least of ‖w − Gᵀm‖² + ‖m‖², at m = C⁻¹Gw: sums of squares, none subtracted.
    logProb: (x) => {
      const w = div(sub(x, mean), deviation);
      const m = solve(matrixVector(g, w));
      const rest = sub(w, matrixVector(transpose(g), m));
      return normalLogProb(add(squaredNorm(rest), squaredNorm(m)), halfLogDeterminant, d);
    },
    sample: (noise) => {
      const [own, common] = parts(noise);
      return locate(own, common);
    },
    // The same for w = ε₁ + Gᵀε₂, where m = ε₂ − e, e = C⁻¹(ε₂ − Gε₁), and w − Gᵀm = ε₁ + Gᵀe.
    rsampleWithLogProb: (noise) => {
      const [own, common] = parts(noise);
      const e = solve(sub(common, matrixVector(g, own)));
      const rest = add(own, matrixVector(transpose(g), e));
      const quadratic = add(squaredNorm(rest), squaredNorm(sub(common, e)));
      return { sample: locate(own, common), logProb: normalLogProb(quadratic, halfLogDeterminant, d) };
    },
  };
  family.add(made);
  return made;
}

function sizesOf(name: string, mean: Tensor, factor: Tensor, diagonal: Tensor): readonly number[] {
  const [d, r] = staticShape(name, factor.shape.slice(-2));
  if (factor.shape.length < 2 || mean.shape.at(-1) !== d || diagonal.shape.at(-1) !== d) {
    throw new ShapeError(
      `${name}: a mean [..., d], a factor [..., d, r] and a diagonal [..., d] are expected, got ${show(mean.shape)}, ${show(factor.shape)} and ${show(diagonal.shape)}`,
    );
  }
  return [d, r];
}

/** Whether this function made it. */
export function isLowRankNormal(distribution: Distribution): distribution is LowRankNormal {
  return family.has(distribution);
}
