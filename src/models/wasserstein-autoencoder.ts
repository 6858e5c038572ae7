import type { Distribution } from "../distributions/distribution.ts";
import { inverseMultiquadratic, maximumMeanDiscrepancy } from "../inference/discrepancy.ts";
import { latentNoise } from "../inference/elbo.ts";
import { mean, mul, reshape, stopGradient, sub, sum, type Tensor } from "../tensor/index.ts";
import { evaluate } from "../tensor/reference.ts";
import { comparedCodes } from "./compared-codes.ts";
import type { Family } from "./family.ts";
import type { DataDescription, Model } from "./model.ts";
import type { VaeOptions } from "./vae.ts";

export interface WassersteinOptions {
  readonly vae: VaeOptions;
  /** λ, in nats: the weight of the discrepancy beside the reconstruction. */
  readonly regularization?: number;
}

/** λ, where it is not given. */
const WEIGHT = 300;

/**
 * A VAE whose KL is replaced by the maximum mean discrepancy of a batch of codes from as many draws of the prior: E log p(x|z) − λ·MMD²
 * is maximised. Tolstikhin et al. 2018, algorithm 2.
 */
export function wassersteinAutoencoder(
  { vae: options, regularization = WEIGHT }: WassersteinOptions,
  data: DataDescription,
): Model {
  const model = comparedCodes("wasserstein-autoencoder", options, data);
  const kernel = inverseMultiquadratic(expectedSquare(model.prior, model.latents));
  const prior = stopGradient(model.prior.sample(latentNoise("prior", model.prior, "batch")));
  const discrepancy = (z: Tensor): Tensor => maximumMeanDiscrepancy(z, prior, kernel);
  return {
    ...model,
    objective: ({ reconstruction }, _, { z }) => sub(mul(regularization, discrepancy(z)), mean(reconstruction)),
    monitors: (draws) => ({ ...model.monitors?.(draws), discrepancy: reshape(discrepancy(draws.z), [1]) }),
  };
}

/** E‖p − p′‖² of two draws of the prior, 2 Σ var: what the kernel's scales are in units of. 2k, as of N(0, I), where no variance is known. */
function expectedSquare({ variance }: Distribution, latents: number): number {
  if (variance === undefined) return 2 * latents;
  const [total] = evaluate([mul(2, sum(variance))], {});
  return total.data[0];
}

export const wassersteinFamily: Family = {
  title: "A Wasserstein autoencoder",
  objective: "reconstruction less the discrepancy of the codes from the prior",
  encoder: "network, x ↦ q(z|x)",
  decoder: "network, z ↦ p(x|z)",
  build: wassersteinAutoencoder,
};
