import type { Distribution } from "../distributions/distribution.ts";
import { isMultivariateNormal } from "../distributions/multivariate-normal.ts";
import { isNormal, normal, standardNormal } from "../distributions/normal.ts";
import { InputError, ShapeError } from "../errors.ts";
import type { LatentVariableModel } from "../inference/elbo.ts";
import { add, div, matmul, mul, sqrt, square, sub, sum, type Tensor } from "../tensor/index.ts";
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
