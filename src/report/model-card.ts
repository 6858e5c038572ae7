import { isImage } from "../data/pixels.ts";
import type { RunConfig } from "../run/config.ts";
import { sizeOf } from "../tensor/ndarray.ts";

import type { ModelCard } from "./report-input.ts";

/** What can be said of a model from what its run knows; who publishes it adds the rest. */
export function modelCard({ options, data, model }: RunConfig, split: string): ModelCard {
  const source = options.data ?? "the embedded images of Fashion-MNIST";
  const classes = data.labelNames ? `, ${data.labelNames.length} classes, whose labels training did not use` : "";
  const image = isImage(data.shape);
  const columns = data.columns ? `; columns ${data.columns.join(", ")}` : "";
  const kept =
    typeof options.validation === "string"
      ? `validated on ${options.validation}`
      : `${Math.round(100 * options.validation)} % of them kept for validation`;
  const [uses, known] =
    model.likelihood === undefined
      ? [
          "Compression and embeddings",
          "It has no likelihood: it says how well an example is reconstructed, not how likely it is.",
        ]
      : [
          "Generation of similar examples, compression, embeddings and anomaly scores",
          likelihoodLimits(model.likelihood, split, image),
        ];
  const few = model.latents < sizeOf(data.shape);
  const lost = few
    ? ` ${model.latents} latents carry what it keeps of an example; detail beyond that is averaged away.`
    : "";
  return {
    data: `${data.examples.toLocaleString("en-US")} examples of ${data.shape.join("×")} (${data.measure}) from ${source}${classes}${columns}; ${kept}; ${data.checksum}.`,
    intendedUse: `${uses} for data like these.${look(data.shape, model.likelihood !== undefined)}`,
    limits: `It knows only what is in its training data, and repeats their gaps. ${known}${lost}`,
  };
}

function likelihoodLimits(likelihood: string, split: string, image: boolean): string {
  const [which, than] = image
    ? ["simple images can", "the data themselves"]
    : ["examples near the middle of the data can", "most of the data"];
  return `Its likelihoods are those of the ${split} split, under ${likelihood}; numbers under another likelihood or binarisation are not comparable. A high likelihood does not make an example normal: ${which} score higher than ${than}.`;
}

/** Which figures above to judge it by; those that data of this shape have. */
function look(shape: readonly number[], generates: boolean): string {
  if (isImage(shape) && generates)
    return " Look at the samples and the worst reconstructions above before using it for more.";
  if (isImage(shape)) return " Look at the worst reconstructions above before using it for more.";
  if (shape.length > 1 || !generates) return "";
  return " Look at how the samples differ from the data, column by column, above before using it for more.";
}
