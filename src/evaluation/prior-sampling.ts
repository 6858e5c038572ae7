import { type LatentVariableModel, latentNoise } from "../inference/elbo.ts";
import { addDiagonal, apply, dot, type Matrix, scaled, type Vector } from "../linalg/matrix.ts";
import { factorPositive } from "../linalg/positive.ts";
import type { Outputs } from "../models/programs.ts";
import type { Tensor } from "../tensor/index.ts";
import { estimateLikelihood, type LikelihoodEstimate, type LikelihoodOptions } from "./likelihood.ts";

/**
 * The log-densities of importance sampling whose proposal is the prior, so that w = p(x|z): what `naiveLogLikelihood` runs.
 * `x` is what is modelled, [batch, ...event]; noise `prior` [samples, batch, ...].
 */
export function priorSamplingProgram(model: LatentVariableModel, x: Tensor): Outputs {
  const z = model.prior.sample(latentNoise("prior", model.prior, "batch", "samples")); // [samples, batch, k]
  const logPrior = model.prior.logProb(z);
  return { logLikelihood: model.decoder(z).logProb(x), logPrior, logPosterior: logPrior };
}

export type NaiveEstimate = Pick<
  LikelihoodEstimate,
  "examples" | "samples" | "logLikelihood" | "estimator" | "effectiveSamples" | "perExample"
>;

/**
 * log p(x) ≈ log 1/K Σ p(x|z_k), z_k ~ p(z), for comparison: almost no z of the prior explains x once there are some latents,
 * and the K that it needs grows as `samplesNeeded` says. Streamed as `estimateLikelihood` is; a lower bound in the mean.
 */
export async function naiveLogLikelihood(options: LikelihoodOptions): Promise<NaiveEstimate> {
  const { examples, samples, logLikelihood, estimator, effectiveSamples, perExample } =
    await estimateLikelihood(options);
  return { examples, samples, logLikelihood, estimator, effectiveSamples, perExample };
}

/**
 * D₂(N(m, Λ⁻¹) ‖ N(0, I)) = log ∫ p(z|x)²/p(z) dz = log det Λ − ½ log det(2Λ − I) + 2(Λm)ᵀ(2Λ − I)⁻¹Λm − mᵀΛm, the Rényi
 * divergence of order 2 of a Gaussian posterior from the prior, in nats. Van Erven & Harremoës 2014, eq. 10. Λ > I/2.
 */
export function renyiFromPrior({ mean, precision }: { readonly mean: Vector; readonly precision: Matrix }): number {
  const pulled = apply(precision, mean); // Λm
  const difference = factorPositive(addDiagonal(scaled(precision, 2), -1));
  const determinants = factorPositive(precision).logDeterminant - 0.5 * difference.logDeterminant;
  return determinants + 2 * dot(pulled, difference.solve(pulled)) - dot(mean, pulled);
}

/** var(p̂(x)/p(x)) = (e^D₂ − 1)/K of K draws of the prior, D₂ = D₂(p(z|x) ‖ p(z)). Row 14. */
export function naiveVariance(renyi: number, samples: number): number {
  return Math.expm1(renyi) / samples;
}

/** The draws that bring the standard error of p̂(x)/p(x) to `error`: (e^D₂ − 1)/error². */
export function samplesNeeded(renyi: number, error: number): number {
  return Math.expm1(renyi) / error ** 2;
}
