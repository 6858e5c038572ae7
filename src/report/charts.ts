import type { TopLevelSpec } from "vega-lite";
import { Html, html } from "./html.ts";
import { formatNumber } from "./numbers.ts";

/** A line of a chart: finite y are drawn, others leave a gap. `colour` is any CSS colour, so also a variable of the page. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly dashed: boolean;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** Lines over the common axis named by `axis`; `fromZero` where 0 is the natural floor of y. */
export interface LineChart {
  readonly series: readonly Series[];
  readonly axis: string;
  readonly fromZero: boolean;
}

/** The lines as an inline SVG that scales with its column. `alt` describes it to those who do not see it. */
export function lineChart({ series, axis, fromZero }: LineChart, alt: string): Promise<Html> {
  const values = series.flatMap(({ name, points }) =>
    points.map(({ x, y }) => ({ x, y: Number.isFinite(y) ? y : null, series: name })),
  );
  const ys = values.flatMap(({ y }) => y ?? []);
  const names = series.map(({ name }) => name);
  const longest = Math.max(...series.map(({ points }) => points.length));
  const legend = { title: null, orient: "top", symbolType: "stroke", symbolSize: 300, columnPadding: 14 } as const;
  return draw(
    {
      width: chartWidth,
      height: 220,
      data: { values },
      mark: { type: "line", strokeCap: "round", strokeWidth: 1.8, point: longest <= 12 ? { size: 18 } : false },
      encoding: {
        x: {
          field: "x",
          type: "quantitative",
          title: axis,
          axis: { grid: false, tickMinStep: 1, tickCount: 6 },
          scale: { domain: [...extent(values.map(({ x }) => x))], nice: false },
        },
        y: {
          field: "y",
          type: "quantitative",
          title: null,
          axis: { tickCount: 5 },
          scale: { domain: [...extent(fromZero ? [0, ...ys] : ys)], nice: true },
        },
        color: {
          field: "series",
          type: "nominal",
          scale: { domain: names, range: series.map(({ colour }) => colour) },
          legend,
        },
        strokeDash: {
          field: "series",
          type: "nominal",
          scale: { domain: names, range: series.map(({ dashed }) => (dashed ? [4, 3] : [1, 0])) },
          legend,
        },
      },
    },
    alt,
  );
}

/** Smallest and largest value; widened by 1 where they are equal, since an axis needs a length. */
function extent(values: readonly number[]): readonly [number, number] {
  const low = values.reduce((least, value) => Math.min(least, value));
  const high = values.reduce((largest, value) => Math.max(largest, value));
  return low < high ? [low, high] : [low - 1, high + 1];
}

/** How one latent dimension is used: its rate KL(q(z|x) ‖ p(z)) in nats, averaged over examples, and whether it is active. */
export interface LatentUse {
  readonly rate: number;
  readonly active: boolean;
}

/** The rate of each latent dimension, the largest first; active ones are coloured, NaN left out. */
export function rateChart(latents: readonly LatentUse[]): Promise<Html> {
  const values = latents
    .map(({ rate, active }, dimension) => ({ dimension: String(dimension), rate, active }))
    .filter(({ rate }) => Number.isFinite(rate))
    .sort((a, b) => b.rate - a.rate);
  const alt =
    `Bar chart of the rate of ${values.length} latent dimensions in nats, sorted: ` +
    `from ${formatNumber(values[0].rate)} down to ${formatNumber(values[values.length - 1].rate)}.`;
  return draw(
    {
      width: chartWidth,
      height: 190,
      data: { values },
      mark: { type: "bar", width: Math.min(24, 240 / values.length) },
      encoding: {
        x: {
          field: "dimension",
          type: "nominal",
          title: "latent dimension",
          sort: null,
          axis: values.length > 24 ? { labels: false, ticks: false } : { labelAngle: 0, ticks: false },
        },
        y: {
          field: "rate",
          type: "quantitative",
          title: "rate, nats",
          axis: { tickCount: 5 },
          scale: { domain: [0, values[0].rate > 0 ? values[0].rate : 1], nice: true },
        },
        color: {
          field: "active",
          type: "nominal",
          scale: { domain: [true, false], range: ["var(--training)", "var(--muted)"] },
          legend: null,
        },
      },
    },
    alt,
  );
}

// Drawn at about the width of a phone's column and of half a page: text keeps its size in both.
const chartWidth = 360;

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

async function draw(spec: TopLevelSpec, alt: string): Promise<Html> {
  const [{ compile }, { parse, View }] = await Promise.all([import("vega-lite"), import("vega")]); // 0.2 s, so only when drawing
  const fitted: TopLevelSpec = { autosize: { type: "fit", contains: "padding" }, config: look, ...spec };
  const view = new View(parse(compile(fitted).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  // Vega's own root carries a fixed size and XML namespaces: inside HTML the viewBox is enough, and the picture scales.
  const viewBox = /viewBox="([^"]*)"/.exec(svg)?.[1];
  const content = svg.slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>"));
  return html`<svg viewBox="${viewBox}" role="img" aria-label="${alt}">${new Html(content)}</svg>`;
}
