import { zeros } from "../nn/initialisers.ts";
import { add, constant, div, mul, sub, type Tensor } from "../tensor/index.ts";
import type { Family } from "./family.ts";
import type { DataDescription, PointModel } from "./model.ts";
import { type Architecture, decoderNetwork, encoderNetwork } from "./networks.ts";
import { reconstructing } from "./reconstructing.ts";

export interface AutoencoderOptions {
  readonly architecture: Architecture;
  /** Written as the encoder that it mirrors; by default that. */
  readonly decoder?: Architecture;
  readonly latents: number;
}

/**
 * Two networks f and g that minimise ‖x − g(f(x))‖² in the data's own units; without hidden layers its optimum is PCA's subspace.
 * Bourlard & Kamp 1988; Hinton & Salakhutdinov 2006. Both networks see x in units of one deviation for all of its numbers, so that
 * the geometry stays.
 */
export function autoencoder(options: AutoencoderOptions, data: DataDescription): PointModel {
  const { architecture, decoder: mirrored = architecture, latents } = options;
  const encoder = encoderNetwork("encoder", architecture, data.shape, latents);
  const decoder = decoderNetwork("decoder", mirrored, latents, data.shape, zeros);
  const centre = constant(Array.from(data.means), data.shape);
  const unit = commonDeviation(data);
  const maps = {
    encode: (x: Tensor): Tensor => encoder(div(sub(x, centre), unit)),
    decode: (z: Tensor): Tensor => add(mul(decoder(z), unit), centre),
  };
  return { latents, ...reconstructing(maps, data) };
}

/** One deviation for all numbers: the root of their mean variance. Zeros and ones have p(1 − p). */
export function commonDeviation({ means, deviations }: DataDescription): number {
  const variances = Array.from(means, (mean, i) => (deviations ? deviations[i] ** 2 : mean * (1 - mean)));
  return Math.sqrt(variances.reduce((total, one) => total + one, 0) / variances.length) || 1;
}

export const autoencoderFamily: Family = {
  title: "An autoencoder",
  objective: "least squared error ‖x − g(f(x))‖²",
  encoder: "network, x ↦ one z",
  decoder: "network, z ↦ one x̂",
  build: ({ vae }, data) => autoencoder(vae, data),
};
