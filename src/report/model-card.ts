import type { RunConfig } from "../run/config.ts";
import type { ModelCard } from "./report-input.ts";

/** What can be said of a model from what its run knows; who publishes it adds the rest. */
export function modelCard({ options, data, model }: RunConfig, split: string): ModelCard {
  const source = options.data ?? "the embedded images of Fashion-MNIST";
  const classes = data.labelNames ? `, ${data.labelNames.length} classes that training did not see` : "";
  const columns = data.columns ? `; columns ${data.columns.join(", ")}` : "";
  const kept =
    typeof options.validation === "string"
      ? `validated on ${options.validation}`
      : `${Math.round(100 * options.validation)} % of them kept for validation`;
  return {
    data: `${data.examples.toLocaleString("en-US")} examples of ${data.shape.join("×")} (${data.measure}) from ${source}${classes}${columns}; ${kept}; ${data.checksum}.`,
    intendedUse:
      "Generation of similar examples, compression, embeddings and anomaly scores for data like these. Look at the samples and the worst reconstructions above before using it for more.",
    limits: `It knows only what is in its training data, and repeats their gaps. Its likelihoods are estimates on the ${split} split, under the likelihood ${model.likelihood}; numbers under another likelihood or binarisation are not comparable. A high likelihood does not make an example normal: simple images can score higher than the data themselves. ${model.latents} latents carry what it keeps of an example; detail beyond that is averaged away.`,
  };
}
