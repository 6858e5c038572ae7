import { correlationCharts, correlations } from "./correlations.ts";
import { html } from "./html.ts";
import { largestGap, marginalChart, marginalLegend } from "./marginals.ts";
import { formatNumber } from "./numbers.ts";
import type { TableFigure } from "./report-input.ts";
import { counted, type Figure, type Section } from "./section.ts";

/** More columns make the page long, and a heat map unreadable. */
const MOST_MARGINALS = 12;
const MOST_CORRELATED = 40;

/** A table's columns, one by one and in pairs: the data against samples of the model. */
export async function tableSection(table: TableFigure): Promise<Section | undefined> {
  const { columns, data, samples } = table;
  if (columns.length === 0 || data.length === 0 || samples.length === 0) return undefined;
  const figures = [await marginals(table), columns.length > 1 ? await pairs(table) : undefined];
  return { heading: "Data against samples", figures: figures.filter((figure) => figure !== undefined) };
}

async function marginals({ split, columns, data, samples }: TableFigure): Promise<Figure> {
  const column = (rows: readonly (readonly number[])[], j: number): readonly number[] =>
    rows.map((row) => row[j]).filter((value) => !Number.isNaN(value)); // missing
  const all = columns.map((name, j) => ({ name, data: column(data, j), samples: column(samples, j) }));
  const shown = all.slice(0, MOST_MARGINALS);
  const gaps = all
    .map(({ name, data, samples }) => ({ name, gap: largestGap(data, samples) }))
    .filter(({ gap }) => Number.isFinite(gap))
    .sort((a, b) => b.gap - a.gap);
  const numbers = all.reduce((total, { data }) => total + data.length, 0);
  const caption = [
    `Each column of ${counted(data.length, "row")} of the ${split} (filled) and of ${counted(samples.length, "draw")} x ~ p(x|z), z ~ p(z) (line), ` +
      "in the data's own units; heights are shares. The outermost 0.5 % on both sides may lie beyond the axis.",
    gaps.length > 0 &&
      `The distributions differ most in ${gaps[0].name}: there their cumulative shares are up to ${formatNumber(gaps[0].gap, 2)} apart ` +
        "(0 is equal, 1 is without overlap; Kolmogorov–Smirnov).",
    numbers < columns.length * data.length && "Numbers that are missing are in none.",
    columns.length > shown.length && `Drawn are the first ${shown.length} of ${columns.length} columns.`,
  ];
  const charts = await Promise.all(
    shown.map(async (one) => html`<div><p class="title"><b>${one.name}</b></p>${await marginalChart(one)}</div>`),
  );
  return {
    body: [marginalLegend, html`<div class="multiples">${charts}</div>`],
    caption: caption.filter(Boolean).join(" "),
  };
}

async function pairs({ split, columns: all, data, samples }: TableFigure): Promise<Figure | undefined> {
  const columns = all.slice(0, MOST_CORRELATED);
  const [ofData, ofSamples] = [data, samples].map((rows) => correlations(rows, columns.length));
  const differences = columns.flatMap((first, i) =>
    columns.slice(0, i).map((second, j) => ({
      pair: `${second} and ${first}`,
      data: ofData[i][j],
      samples: ofSamples[i][j],
    })),
  );
  const finite = differences.filter(({ data, samples }) => Number.isFinite(data - samples));
  if (finite.length === 0) return undefined;
  const size = ({ data, samples }: (typeof finite)[number]): number => Math.abs(data - samples);
  const worst = finite.reduce((most, one) => (size(one) > size(most) ? one : most));
  const caption = [
    `Pearson correlations between columns, of the ${split} and of samples x ~ p(x|z). They differ most between ${worst.pair}: ` +
      `${formatNumber(worst.data, 2)} in the data, ${formatNumber(worst.samples, 2)} in the samples; on average over pairs by ` +
      `${formatNumber(finite.reduce((sum, one) => sum + size(one), 0) / finite.length, 2)}.`,
    finite.length < differences.length && "A column that does not vary has no correlation and is left blank.",
    all.length > columns.length && `Shown are the first ${columns.length} of ${all.length} columns.`,
  ];
  return {
    body: await correlationCharts(columns, { data: ofData, samples: ofSamples }),
    caption: caption.filter(Boolean).join(" "),
  };
}
