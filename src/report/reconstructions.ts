import { blurExplained } from "./blur.ts";
import type { Html } from "./html.ts";
import { natsLabel, tiles } from "./picture.ts";
import type { Reconstruction, Reconstructions } from "./report-input.ts";
import { counted, type Figure, panel, panels, type Section } from "./section.ts";

/** Originals above their reconstructions: the first, the best and the worst. */
export async function reconstructionSection(
  { split, by, examples, typical, best, worst }: Reconstructions,
  likelihood: string | undefined,
): Promise<Section | undefined> {
  const figures: Figure[] = [];
  const unit = by === "log p(x|z)" ? " nats" : " squared error";
  const [each, better] =
    by === "log p(x|z)"
      ? [
          "each original above the mean of p(x|z) at its posterior's mean; below, log p(x|z) in nats, expected under q(z|x)",
          "Larger is better.",
        ]
      : [
          "each original above what its code is decoded to; below, ‖x − x̂‖² in the data's own units",
          "Smaller is better.",
        ];
  const [first, last] =
    by === "log p(x|z)" ? ["the largest first", "the smallest first"] : ["the smallest first", "the largest first"];
  if (typical.length > 0) {
    figures.push({
      body: await pairs(typical, "typical", unit),
      caption: `Reconstructions of the first ${counted(typical.length, "example")} of the ${split}, not chosen: ${each}. ${better}`,
    });
  }
  if (best.length > 0 || worst.length > 0) {
    figures.push({
      body: panels(
        best.length > 0 ? panel("Best", first, await pairs(best, "best", unit)) : undefined,
        worst.length > 0 ? panel("Worst", last, await pairs(worst, "worst", unit)) : undefined,
      ),
      caption:
        `Best and worst reconstructions of ${counted(examples, "example")} of the ${split} by ${by}, which also ` +
        "depends on the image: plain ones are reconstructed better. Laid out as in the figure above.",
    });
  }
  return figures.length === 0
    ? undefined
    : { heading: "Reconstructions", figures, text: likelihood === undefined ? [] : [blurExplained(likelihood)] };
}

function pairs(shown: readonly Reconstruction[], what: string, unit: string): Promise<Html> {
  return tiles(
    shown.map(({ original, reconstruction, value }, i) => ({
      images: [original, reconstruction],
      alt: `Reconstruction ${i + 1}, ${what}: original above, reconstruction below, ${natsLabel(value)}${unit}`,
      labels: [natsLabel(value)],
    })),
  );
}
