import { labelledRows } from "./picture.ts";
import type { History } from "./report-input.ts";
import { counted, type Section } from "./section.ts";

/** Samples as training went on: a row per epoch, a column per latent. */
export async function historySection({ epochs }: History): Promise<Section | undefined> {
  const shown = epochs.filter(({ images }) => images.length > 0);
  if (shown.length === 0) return undefined;
  const images = Math.max(...shown.map((row) => row.images.length));
  const rows = shown.map((row) => ({
    label: `epoch ${row.epoch}`,
    images: row.images,
    alt: `${counted(row.images.length, "image")} decoded from fixed latents after epoch ${row.epoch}`,
  }));
  const caption =
    `Means of p(x|z) for the same ${counted(images, "latent")} z ~ p(z), a column each, decoded after ` +
    `${shown.length === 1 ? "epoch" : "epochs"} ${shown.map(({ epoch }) => epoch).join(", ")}.`;
  return { heading: "Samples as training went on", figures: [{ body: await labelledRows(rows), caption }] };
}
