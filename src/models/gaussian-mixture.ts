import { InputError } from "../errors.ts";
import { difference, dot, type Matrix, type Vector } from "../linalg/matrix.ts";
import { factorPositive } from "../linalg/positive.ts";

/** p(z) = Categorical(π), p(x|z) = N(μ_z, Σ_z) with full covariances. Bishop 2006, §9.2. */
export interface MixtureParameters {
  /** π [components] */
  readonly weights: Vector;
  /** μ [components][d] */
  readonly means: Matrix;
  /** Σ [components][d][d] */
  readonly covariances: readonly Matrix[];
}

/** A mixture of which log p(x) and p(z|x) are exact; in nats, float64. */
export interface GaussianMixture {
  readonly parameters: MixtureParameters;
  /** log π_z + log N(x; μ_z, Σ_z) for each z: log p(x, z). */
  logJoint(x: Vector): number[];
  /** log p(x) = log Σ_z p(x, z) */
  logProb(x: Vector): number;
  /** p(z|x) = p(x, z)/p(x): the responsibilities, and the optimal q. Bishop 2006, eq. 9.13. */
  posterior(x: Vector): number[];
  /** ELBO(q) = Σ_z q(z)(log p(x, z) − log q(z)) */
  elbo(x: Vector, q: Vector): number;
  /** KL(q ‖ p(z|x)) = log p(x) − ELBO(q) */
  posteriorGap(x: Vector, q: Vector): number;
}

/** A given mixture; its covariances are factored once. @throws NumericalError where one is not positive definite. */
export function gaussianMixture(parameters: MixtureParameters): GaussianMixture {
  const { weights, means, covariances } = parameters;
  checkProbabilities("the weights", weights, means.length);
  if (covariances.length !== means.length) {
    throw new InputError(
      `mixture: a covariance for each of ${means.length} components is expected, got ${covariances.length}`,
    );
  }
  const factored = covariances.map(factorPositive);
  const logJoint = (x: Vector): number[] =>
    means.map((mean, z) => {
      const apart = difference(x, mean);
      const quadratic = dot(apart, factored[z].solve(apart));
      const logDensity = -0.5 * (quadratic + factored[z].logDeterminant + mean.length * Math.log(2 * Math.PI));
      return Math.log(weights[z]) + logDensity;
    });
  const logPosterior = (x: Vector): number[] => {
    const joint = logJoint(x);
    const evidence = logSumExp(joint);
    return joint.map((value) => value - evidence);
  };
  // Σ q log(q/p), where 0·log 0 = 0
  const divergence = (q: Vector, logP: Vector): number => {
    checkProbabilities("q", q, means.length);
    return q.reduce((total, value, z) => (value === 0 ? total : total + value * (Math.log(value) - logP[z])), 0);
  };
  return {
    parameters,
    logJoint,
    logProb: (x) => logSumExp(logJoint(x)),
    posterior: (x) => logPosterior(x).map(Math.exp),
    elbo: (x, q) => -divergence(q, logJoint(x)),
    posteriorGap: (x, q) => divergence(q, logPosterior(x)),
  };
}

/** log Σ eˣ */
function logSumExp(values: Vector): number {
  const largest = Math.max(...values);
  if (!Number.isFinite(largest)) return largest;
  return largest + Math.log(values.reduce((total, value) => total + Math.exp(value - largest), 0));
}

function checkProbabilities(what: string, values: Vector, count: number): void {
  const total = values.reduce((sum, value) => sum + value, 0);
  if (values.length === count && values.every((value) => value >= 0) && Math.abs(total - 1) < 1e-6) return;
  throw new InputError(
    `mixture: ${what} must be ${count} probabilities that sum to 1, got ${values.length} of sum ${total}`,
  );
}
