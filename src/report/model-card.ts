import { isImage } from "../data/pixels.ts";
import type { RunConfig } from "../run/config.ts";

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
  return {
    data: `${data.examples.toLocaleString("en-US")} examples of ${data.shape.join("×")} (${data.measure}) from ${source}${classes}${columns}; ${kept}; ${data.checksum}.`,
    intendedUse: `Generation of similar examples, compression, embeddings and anomaly scores for data like these.${look(data.shape)}`,
    limits: `It knows only what is in its training data, and repeats their gaps. Its likelihoods are estimates on the ${split} split, under the likelihood ${model.likelihood}; numbers under another likelihood or binarisation are not comparable. A high likelihood does not make an example normal: ${image ? "simple images can" : "examples near the middle of the data can"} score higher than ${image ? "the data themselves" : "most of the data"}. ${model.latents} latents carry what it keeps of an example; detail beyond that is averaged away.`,
  };
}

/** Which figures above to judge it by; those that data of this shape have. */
function look(shape: readonly number[]): string {
  if (isImage(shape)) return " Look at the samples and the worst reconstructions above before using it for more.";
  if (shape.length > 1) return "";
  return " Look at how the samples differ from the data, column by column, above before using it for more.";
}
