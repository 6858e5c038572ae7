import { encodeGrid, type Image } from "./grid.ts";
import { type Html, type HtmlPart, html } from "./html.ts";
import { formatNumber } from "./numbers.ts";
import type { Picture } from "./report-input.ts";
import type { Figure } from "./section.ts";

/** Bytes of a figure's images together, as the page holds them. */
const BUDGET = 300_000;
/** The width of one image on a wide page in CSS pixels: ten fill it. */
const TILE = 80;
/** Smaller images are shown as pixels; a browser alone would blur them. */
const SMALL = 40;
const ENLARGED = 112;

interface Shown {
  /** What is to be seen, in words. */
  readonly alt: string;
  /** Bytes in the page; default all that a figure may take. */
  readonly budget?: number;
  /** Width of one image, CSS pixels. */
  readonly tile?: number;
}

/** Rows of images as one picture in the page, as wide as its column at most. */
export async function grid(rows: readonly (readonly Image[])[], shown: Shown): Promise<Html> {
  const { alt, budget = BUDGET, tile = TILE } = shown;
  const { width, height, png } = await encodeGrid(rows);
  const file = await dataAddress(png, { width, height, imageWidth: rows.flat()[0].width, budget });
  const columns = Math.max(...rows.map((row) => row.length));
  const shownWidth = Math.round(columns * tile * 1.07); // with the gaps, a fourteenth each
  const shownHeight = Math.round((shownWidth * height) / width);
  return html`<img alt="${alt}" width="${shownWidth}" height="${shownHeight}" src="${file}">`;
}

interface Room {
  readonly width: number;
  readonly height: number;
  readonly imageWidth: number;
  readonly budget: number;
}

/** The picture as a data address: exact as PNG where there is room for it, else WebP at quality 90, smaller until it fits. */
async function dataAddress(png: Uint8Array, { width, height, imageWidth, budget }: Room): Promise<string> {
  const { default: sharp } = await import("sharp");
  const address = (type: string, file: Uint8Array): string =>
    `data:image/${type};base64,${Buffer.from(file).toString("base64")}`;
  const larger = imageWidth <= SMALL ? Math.round(ENLARGED / imageWidth) : 1;
  const exact = await sharp(png)
    .resize(width * larger, height * larger, { kernel: "nearest" })
    .png({ compressionLevel: 9 })
    .toBuffer();
  const first = address("png", exact);
  if (first.length <= budget) return first;
  for (let share = 1; ; share /= Math.SQRT2) {
    const size = Math.max(1, Math.round(width * share));
    const smaller = address("webp", await sharp(png).resize(size).webp({ quality: 90 }).toBuffer());
    if (smaller.length <= budget || size === 1) return smaller;
  }
}

export interface LabelledRow {
  readonly label: HtmlPart;
  readonly images: readonly Image[];
  readonly alt: string;
}

/** Rows of equally many images, each with a label before it; `axis` stands below the images, spread from the first to the last. */
export async function labelledRows(rows: readonly LabelledRow[], axis: readonly string[] = []): Promise<Html> {
  const budget = BUDGET / rows.length;
  const lines = await Promise.all(
    rows.map(
      async ({ label, images, alt }) =>
        html`<span>${label}</span>${await grid([images], { alt, budget, tile: TILE - 8 })}`,
    ),
  );
  const below = axis.length > 0 && html`<div class="axis">${axis.map((text) => html`<span>${text}</span>`)}</div>`;
  return html`<div class="rows">${lines}${below || undefined}</div>`;
}

export interface Tile {
  /** One above the other. */
  readonly images: readonly Image[];
  readonly alt: string;
  /** What stands below, a line each. */
  readonly labels: readonly string[];
}

/** Captioned images that fill the width: ten beside each other on a wide page, five on a phone. */
export async function tiles(shown: readonly Tile[], budget = BUDGET): Promise<Html> {
  const items = await Promise.all(
    shown.map(async ({ images, alt, labels }) => {
      const image = await grid(
        images.map((one) => [one]),
        { alt, budget: budget / shown.length },
      );
      return html`<li>${image}${labels.map((label) => html`<span>${label}</span>`)}</li>`;
    }),
  );
  return html`<ul class="tiles">${items}</ul>`;
}

/** A log-likelihood below its image: to a tenth of a nat, or whole where it is long. */
export function natsLabel(value: number): string {
  return formatNumber(value, Math.abs(value) < 1000 ? 1 : 0);
}

/** A figure of rows that somebody else has titled and captioned. */
export async function pictureFigure({ caption, alt, rows, rowLabels }: Picture): Promise<Figure> {
  if (rowLabels === undefined) return { body: await grid(rows, { alt }), caption };
  const labelled = rows.map((images, i) => ({ label: rowLabels[i], images, alt: `${alt}: ${rowLabels[i] ?? i + 1}` }));
  return { body: await labelledRows(labelled.filter(({ images }) => images.length > 0)), caption };
}
