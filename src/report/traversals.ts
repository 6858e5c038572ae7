import { html } from "./html.ts";
import { formatNumber } from "./numbers.ts";
import { labelledRows } from "./picture.ts";
import type { Traversals } from "./report-input.ts";
import { counted, type Section } from "./section.ts";

/** One latent a row, moved from left to right. */
export async function traversalSection({ latents, around, from, to }: Traversals): Promise<Section | undefined> {
  const shown = latents.filter(({ images }) => images.length > 0);
  if (shown.length === 0) return undefined;
  const [left, middle, right] = [from, (from + to) / 2, to].map((value) => formatNumber(value));
  const rows = shown.map(({ latent, images }) => ({
    label: html`z<sub>${latent}</sub>`,
    images,
    alt: `${counted(images.length, "image")} decoded while latent ${latent} goes from ${left} to ${right}`,
  }));
  const caption =
    `Traversals of the ${shown.length === 1 ? "most used latent" : `${shown.length} most used latents`}, the most used first: means of p(x|z) ` +
    `while one latent goes from ${left} to ${right} in equal steps ` +
    (around === "prior"
      ? "and the others stay at the prior's mean. Most of the prior lies between −2 and 2."
      : "from the mean code, in deviations of the codes, and the others stay there.");
  return { heading: "Traversals", figures: [{ body: await labelledRows(rows, [left, middle, right]), caption }] };
}
