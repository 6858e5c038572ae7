import { type ClassLook, classLooks, legend } from "./classes.ts";
import { type Html, type HtmlPart, html } from "./html.ts";
import { formatNumber } from "./numbers.ts";
import { grid } from "./picture.ts";
import type { LatentMap, LatentPoint } from "./report-input.ts";
import { type ScatterOptions, scatter } from "./scatter.ts";
import { counted, panel, panels, type Section } from "./section.ts";

/** Pages that hold more points grow heavy. */
const MOST_POINTS = 2000;
/** More classes than these stand beside the map, where there is room for a list. */
const FEW_CLASSES = 8;
/** Of points of which no label is known. */
export const unlabelled: ClassLook = {
  name: "no label",
  colour: "var(--training)",
  shape: "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z",
};

/** The examples in the plane of two latents, and beside them what that plane decodes to. */
export async function latentSection({
  split,
  points,
  labelNames,
  axes,
  axisNames,
  decodedGrid,
}: LatentMap): Promise<Section | undefined> {
  const shown = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)).slice(0, MOST_POINTS);
  if (shown.length === 0) return undefined;
  const labels = shown.flatMap(({ label }) => label ?? []);
  const { looks, lookOf } = classLooks(labels, labelNames);
  const look = ({ label }: LatentPoint): ClassLook => (label === undefined ? unlabelled : lookOf(label));
  const alt =
    `Scatter plot of ${counted(shown.length, "example")}: ${axes}` +
    (looks.length > 0 ? `, coloured by ${counted(looks.length, "class", "classes")}.` : ".");
  const titles: ScatterOptions["titles"] = axisNames ?? ["z 0", "z 1"];
  const drawn = shown.map((point) => ({ ...point, ...look(point) }));
  const within = decodedGrid ? [decodedGrid.from, decodedGrid.to] : [];
  const key = looks.length > 0 ? legend(looks) : undefined;
  const above = looks.length <= FEW_CLASSES && !decodedGrid ? key : undefined; // else the two planes would not be level
  const map = panel("Examples", axes, [above, await scatter(drawn, { titles, within }, alt)]);
  const beside = above ? undefined : key;
  const decoded = decodedGrid && (await decodedPanel(decodedGrid));
  const caption =
    `${counted(shown.length, "example")} of the ${split}, a point each${labels.length > 0 ? ", coloured by label" : ""}: ${axes}.` +
    `${decoded && decodedGrid ? ` Beside them the means of p(x|z) for z on a grid from ${formatNumber(decodedGrid.from)} to ${formatNumber(decodedGrid.to)}, laid out as the plane is.` : ""}`;
  let body: HtmlPart = html`<div class="wide">${map}</div>`;
  if (decoded) body = [panels(map, decoded), beside];
  else if (beside) body = panels(map, panel("Labels", "", beside));
  return { heading: "Latent space", figures: [{ body, caption }] };
}

async function decodedPanel({ rows, from, to }: NonNullable<LatentMap["decodedGrid"]>): Promise<Html | undefined> {
  if (rows.every((row) => row.length === 0)) return undefined;
  const range = `z from ${formatNumber(from)} to ${formatNumber(to)}`;
  const alt = `${rows.length} × ${rows[0].length} images decoded from the plane, ${range} on both axes`;
  return panel("Decoded plane", range, await grid(rows, { alt, tile: 400 / rows[0].length }));
}
