import type { TopLevelSpec } from "vega-lite";
import { Html, html } from "./html.ts";

/** Drawn at about the width of a phone's column and of half a page: text keeps its size in both. */
export const chartWidth = 360;

const look: TopLevelSpec["config"] = {
  background: "transparent",
  font: "system-ui, sans-serif",
  view: { stroke: null },
  mark: { aria: false }, // the picture's own label says it all
  axis: {
    aria: false,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: "normal",
    labelColor: "var(--muted)",
    titleColor: "var(--muted)",
    domainColor: "var(--muted)",
    tickColor: "var(--muted)",
    tickSize: 4,
    gridColor: "var(--rule)",
  },
  axisY: { domain: false, ticks: false, labelPadding: 6 },
  legend: { aria: false, labelFontSize: 11, labelColor: "var(--ink)", labelLimit: 0, offset: 8 },
};

/** A chart as an inline SVG that scales with its column. `alt` describes it to those who do not see it. */
export async function draw(spec: TopLevelSpec, alt: string): Promise<Html> {
  const [{ compile }, { parse, View }] = await Promise.all([import("vega-lite"), import("vega")]); // 0.2 s, so only when drawing
  const fitted: TopLevelSpec = { autosize: { type: "fit", contains: "padding" }, config: look, ...spec };
  const view = new View(parse(compile(fitted).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  // Vega's own root carries a fixed size and XML namespaces: inside HTML the viewBox is enough, and the picture scales.
  const viewBox = /viewBox="([^"]*)"/.exec(svg)?.[1];
  const content = svg
    .slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>"))
    .replace(/\d+\.\d{3,}(?=[\s,)"MLHVACZ])/g, (places) => String(Number(Number(places).toFixed(2)))); // 0.01 of a pixel is not seen
  return html`<svg viewBox="${viewBox}" role="img" aria-label="${alt}">${new Html(content)}</svg>`;
}

/** Smallest and largest value; widened by 1 where they are equal, since an axis needs a length. */
export function extent(values: readonly number[]): readonly [number, number] {
  const low = values.reduce((least, value) => Math.min(least, value));
  const high = values.reduce((largest, value) => Math.max(largest, value));
  return low < high ? [low, high] : [low - 1, high + 1];
}
