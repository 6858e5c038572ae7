import { blurExplained } from "./blur.ts";
import type { Html } from "./html.ts";
import { natsLabel, tiles } from "./picture.ts";
import type { Reconstruction, Reconstructions } from "./report-input.ts";
import { counted, type Figure, panel, panels, type Section } from "./section.ts";

/** Originals above their reconstructions: the first, the best and the worst. */
export async function reconstructionSection(
  { split, examples, typical, best, worst }: Reconstructions,
  likelihood: string | undefined,
): Promise<Section | undefined> {
  const figures: Figure[] = [];
  const each =
    "each original above the mean of p(x|z) at its posterior's mean; below, log p(x|z) in nats, expected under q(z|x)";
  if (typical.length > 0) {
    figures.push({
      body: await pairs(typical, "typical"),
      caption: `Reconstructions of the first ${counted(typical.length, "example")} of the ${split}, not chosen: ${each}. Larger is better.`,
    });
  }
  if (best.length > 0 || worst.length > 0) {
    figures.push({
      body: panels(
        best.length > 0 ? panel("Best", "the largest first", await pairs(best, "best")) : undefined,
        worst.length > 0 ? panel("Worst", "the smallest first", await pairs(worst, "worst")) : undefined,
      ),
      caption:
        `Best and worst reconstructions of ${counted(examples, "example")} of the ${split} by log p(x|z), which also ` +
        "depends on the image: plain ones are reconstructed better. Laid out as in the figure above.",
    });
  }
  return figures.length === 0 ? undefined : { heading: "Reconstructions", figures, text: [blurExplained(likelihood)] };
}

function pairs(shown: readonly Reconstruction[], what: string): Promise<Html> {
  return tiles(
    shown.map(({ original, reconstruction, logLikelihood }, i) => ({
      images: [original, reconstruction],
      alt: `Reconstruction ${i + 1}, ${what}: original above, reconstruction below, ${natsLabel(logLikelihood)} nats`,
      labels: [natsLabel(logLikelihood)],
    })),
  );
}
