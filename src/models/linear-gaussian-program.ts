import { type Distribution, sumEvent } from "../distributions/distribution.ts";
import {
  isMultivariateNormal,
  type MultivariateNormal,
  multivariateNormalPrecision,
} from "../distributions/multivariate-normal.ts";
import { isNormal, normal, standardNormal } from "../distributions/normal.ts";
import { InputError, ShapeError } from "../errors.ts";
import type { LatentVariableModel } from "../inference/elbo.ts";
import {
  add,
  cholesky,
  div,
  equal,
  identityMatrix,
  matmul,
  matrixVector,
  mul,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  toFloat,
  transpose,
  triangularInverse,
  where,
} from "../tensor/index.ts";
import { show, staticShape } from "../tensor/shape.ts";

/** The parameters of p(x|z) = N(Wz + μ, ηI) as tensors. */
export interface LinearGaussianParameters {
  /** W [d, k] */
  readonly weight: Tensor;
  /** μ [d] */
  readonly mean: Tensor;
  /** η, one number */
  readonly variance: Tensor;
}

/** p(x|z) = N(Wz + μ, ηI), p(z) = N(0, I) and the posterior given: `LinearGaussian` as a program. */
export function linearGaussianModel(
  { weight, mean, variance }: LinearGaussianParameters,
  posterior: (x: Tensor) => Distribution,
): LatentVariableModel {
  if (weight.shape.length !== 2) {
    throw new ShapeError(`linearGaussianModel: a weight [d, k] is expected, got ${show(weight.shape)}`);
  }
  const [, latents] = staticShape("linearGaussianModel", weight.shape);
  return {
    encoder: posterior,
    decoder: (z) => normal(add(matmul(z, weight, { transposeB: true }), mean), sqrt(variance)), // [..., batch, d]
    prior: standardNormal(latents),
  };
}

/**
 * E_q log p(x|z) = log p(x|E_q z) − tr(WSWᵀ)/2η in closed form, for a q(z|x) = N(m, S), diagonal or not: no sampling.
 * x [batch, d] → [batch], in nats.
 */
export function analyticReconstruction(
  { weight, mean, variance }: LinearGaussianParameters,
  posterior: Distribution,
  x: Tensor,
): Tensor {
  const trace = spread(weight, posterior); // tr WSWᵀ  [batch]
  if (!posterior.mean || !trace) {
    throw new InputError(
      `analyticReconstruction: the expectation is known for a Normal posterior, got ${posterior.name}; use samples`,
    );
  }
  const location = add(matmul(posterior.mean, weight, { transposeB: true }), mean);
  return sub(normal(location, sqrt(variance)).logProb(x), div(trace, mul(2, variance)));
}

/** tr WSWᵀ: Σ_ij W_ij² S_jj where S is diagonal, tr RᵀWᵀWR where it is RRᵀ. */
function spread(weight: Tensor, posterior: Distribution): Tensor | undefined {
  if (isNormal(posterior)) return sum(mul(square(posterior.parameters.scale), sum(square(weight), 0)), -1);
  if (!isMultivariateNormal(posterior)) return undefined;
  const root = posterior.root();
  return sum(mul(root, matmul(matmul(weight, weight, { transposeA: true }), root)), [-2, -1]);
}

/** The parameters of p(x|z) = N(Wz + μ, diag ψ) as tensors. */
export interface FactorParameters {
  /** W [d, k] */
  readonly weight: Tensor;
  /** μ [d] */
  readonly mean: Tensor;
  /** ψ [d] */
  readonly noiseVariance: Tensor;
}

/** Which numbers are observed: NaN, which is not even equal to itself, stands for one that is missing. */
function observed(x: Tensor): Tensor<"bool"> {
  return equal(x, x);
}

/**
 * p(z|x_O) = N(Λ⁻¹W_OᵀΨ_O⁻¹(x_O − μ_O), Λ⁻¹), Λ = I + W_OᵀΨ_O⁻¹W_O, where O is what is observed of x [..., batch, d]: every number
 * that is not NaN. Of nothing it is the prior. Bishop 2006, eq. 2.116.
 */
export function linearGaussianPosterior(
  x: Tensor,
  { weight, mean, noiseVariance }: FactorParameters,
): MultivariateNormal {
  const [d, k] = staticShape("linearGaussianPosterior", weight.shape);
  if (x.shape.at(-1) !== d) {
    throw new ShapeError(`linearGaussianPosterior: x [..., ${d}] is expected, got ${show(x.shape)}`);
  }
  const scaled = div(weight, reshape(sqrt(noiseVariance), [d, 1])); // Ψ^−½W  [d, k]
  const products = mul(reshape(scaled, [d, k, 1]), reshape(scaled, [d, 1, k])); // [d, k, k]
  const mask = observed(x);
  const information = matmul(toFloat(mask), reshape(products, [d, k * k])); // W_OᵀΨ_O⁻¹W_O  [..., batch, k²]
  const precision = add(reshape(information, [...x.shape.slice(0, -1), k, k]), identityMatrix(k));
  const apart = div(sub(where(mask, x, mean), mean), sqrt(noiseVariance)); // Ψ^−½(x − μ), 0 where missing  [..., batch, d]
  const root = cholesky(precision); // [..., batch, k, k]
  const inverse = triangularInverse(root);
  const whitened = matrixVector(inverse, matmul(apart, scaled)); // [..., batch, k]
  return multivariateNormalPrecision(matrixVector(transpose(inverse), whitened), root);
}

/**
 * N(mean, scale²) whose density is that of the observed numbers alone: log p(x_O) = Σ_{j ∈ O} log N(x_j; mean_j, scale_j²), O those
 * that are not NaN. Its samples have every number.
 */
export function observedNormal(mean: Tensor, scale: Tensor, eventRank = 1): Distribution {
  const { rsampleWithLogProb: _, entropy: __, ...whole } = normal(mean, scale, eventRank);
  const each = normal(mean, scale, 0);
  return {
    ...whole,
    logProb: (x) => sumEvent(where(observed(x), each.logProb(where(observed(x), x, mean)), 0), eventRank),
  };
}
