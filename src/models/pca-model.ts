import { InputError } from "../errors.ts";
import { zeros } from "../nn/initialisers.ts";
import { parameter } from "../tensor/leaves.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { closedForm } from "./closed-form.ts";
import type { Family } from "./family.ts";
import type { DataDescription, PointModel } from "./model.ts";
import { decodePca, encodePca, fitPca, type PcaMaps, type PcaOptions, pcaError, pcaMaps } from "./pca.ts";
import { reconstructing, shaped } from "./reconstructing.ts";

/** Principal component analysis as a model: an encoder and a decoder that are matrices, in closed form. */
export function pca(options: PcaOptions, data: DataDescription): PointModel {
  const [k, d] = [options.latents, sizeOf(data.shape)];
  const most = Math.min(d, data.examples ?? d);
  if (!(Number.isInteger(k) && k >= 1 && k <= most)) {
    const known = data.examples === undefined ? "" : `${data.examples} examples of `;
    throw new InputError(`--latents: of ${known}${d} numbers PCA takes 1 to ${most} components, got ${k}`);
  }
  const shapes = { "decoder/mean": [d], "encoder/weight": [d, k], "decoder/weight": [k, d] };
  const maps: PcaMaps<ReturnType<typeof parameter>> = {
    mean: parameter("decoder/mean", [d], zeros),
    inward: parameter("encoder/weight", [d, k], zeros),
    outward: parameter("decoder/weight", [k, d], zeros),
  };
  return {
    latents: k,
    ...reconstructing(shaped({ encode: (x) => encodePca(maps, x), decode: (z) => decodePca(maps, z) }, data), data),
    rule: closedForm(shapes, async ({ engine, dataset }) => {
      const found = await fitPca(engine, dataset, options);
      const { mean, inward, outward } = pcaMaps(found);
      const error = pcaError(found);
      const unit = options.standardize ? "standardizedError" : "squaredError";
      return {
        parameters: { "decoder/mean": mean, "encoder/weight": inward, "decoder/weight": outward },
        loss: error,
        terms: { [unit]: error, explainedShare: 1 - error / (found.totalVariance || 1) },
      };
    }),
  };
}

export const pcaFamily: Family = {
  title: "Principal component analysis",
  objective: "least squared error ‖x − x̂‖² of linear maps, in closed form",
  encoder: "linear, x ↦ one z",
  decoder: "linear, z ↦ one x̂",
  build: ({ vae, latents, uncentred, standardize }, data) => {
    const most = Math.min(sizeOf(data.shape), data.examples ?? Number.POSITIVE_INFINITY);
    return pca({ latents: latents ?? Math.min(vae.latents, most), uncentred, standardize }, data);
  },
};
