import type { Image } from "./grid.ts";
import { grid } from "./picture.ts";
import type { PriorSamples } from "./report-input.ts";
import { counted, panel, panels, type Section } from "./section.ts";

const COLUMNS = 5;

/** What the model imagines: draws and means for the same z, side by side in the same order. */
export async function samplesSection({ drawn, means }: PriorSamples): Promise<Section | undefined> {
  const panelOf = async (title: string, law: string, images: readonly Image[]) =>
    images.length === 0
      ? undefined
      : panel(title, law, await grid(inRows(images), { alt: `${counted(images.length, "image")}: ${title}, ${law}` }));
  const shown = [await panelOf("Draws", "x ~ p(x|z)", drawn), await panelOf("Means", "of p(x|z)", means)].filter(
    (part) => part !== undefined,
  );
  if (shown.length === 0) return undefined;
  const caption =
    `Samples of the model: z ~ p(z), ${counted(Math.max(drawn.length, means.length), "latent")}, none chosen. ` +
    (shown.length === 2
      ? "Draws x ~ p(x|z) are what the model says that data look like; means are smoother, as the pixels' noise is averaged " +
        "away. The same place in both is the same z."
      : `${drawn.length > 0 ? "Draws x ~ p(x|z)" : "Means of p(x|z)"}.`);
  return { heading: "Samples of the prior", figures: [{ body: panels(...shown), caption }] };
}

function inRows(images: readonly Image[]): readonly (readonly Image[])[] {
  return Array.from({ length: Math.ceil(images.length / COLUMNS) }, (_, row) =>
    images.slice(row * COLUMNS, (row + 1) * COLUMNS),
  );
}
