import { InputError } from "../errors.ts";
import { zeros } from "../nn/initialisers.ts";
import { dense } from "../nn/layers.ts";
import { add, constant, div, mul, sub, type Tensor } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import type { Family } from "./family.ts";
import type { DataDescription, PointModel } from "./model.ts";
import { type Architecture, decoderNetwork, encoderNetwork } from "./networks.ts";
import { reconstructing, shaped } from "./reconstructing.ts";

export interface AutoencoderOptions {
  readonly architecture: Architecture;
  /** Written as the encoder that it mirrors; by default that. */
  readonly decoder?: Architecture;
  readonly latents: number;
  /** Two matrices alone, x̂ = xEG, without biases and about 0 instead of the mean. */
  readonly uncentred?: boolean;
}

/**
 * Two networks f and g that minimise ‖x − g(f(x))‖² in the data's own units; without hidden layers its optimum is PCA's subspace.
 * Bourlard & Kamp 1988; Hinton & Salakhutdinov 2006. Both networks see x in units of one deviation for all of its numbers, so that
 * the geometry stays.
 */
export function autoencoder(options: AutoencoderOptions, data: DataDescription): PointModel {
  const { architecture, decoder: mirrored = architecture, latents, uncentred } = options;
  if (uncentred) return twoMatrices([architecture, mirrored], latents, data);
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

/** x̂ = xEG, both in units of the root of the numbers' mean square: its optimum is PCA's about 0. */
function twoMatrices(architectures: readonly Architecture[], latents: number, data: DataDescription): PointModel {
  const odd = architectures.findIndex((one) => one.kind !== "mlp" || one.widths.length > 0);
  if (odd >= 0) {
    const remedy = odd === 0 ? "give --encoder linear too" : "leave --decoder out";
    throw new InputError(`--uncentred: is for two matrices without biases; ${remedy}`);
  }
  const d = sizeOf(data.shape);
  const squares = Array.from(data.means, (mean) => mean ** 2).reduce((total, one) => total + one, 0) / d;
  const unit = Math.hypot(Math.sqrt(squares), commonDeviation(data));
  const inward = dense("encoder/output", d, latents, { bias: false });
  const outward = dense("decoder/output", latents, d, { bias: false });
  const maps = { encode: (x: Tensor) => inward(div(x, unit)), decode: (z: Tensor) => mul(outward(z), unit) };
  return { latents, ...reconstructing(shaped(maps, data), data) };
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
  build: ({ vae, uncentred }, data) => autoencoder({ ...vae, uncentred }, data),
};
