import { draw } from "./charts.ts";
import { type Html, html } from "./html.ts";
import { formatNumber } from "./numbers.ts";
import { panel, panels } from "./section.ts";

type Matrix = readonly (readonly number[])[];

/** Pearson's r of the first `count` columns, each pair over the rows that have both, [count, count]; NaN where a column does not vary. */
export function correlations(rows: Matrix, count: number): Matrix {
  const columns = Array.from({ length: count }, (_, j) => rows.map((row) => row[j]));
  return columns.map((a, i) => columns.map((b, j) => (j > i ? pearson(b, a) : pearson(a, b))));
}

function pearson(a: readonly number[], b: readonly number[]): number {
  const both = [...a.keys()].filter((i) => !Number.isNaN(a[i] + b[i]));
  const centred = (values: readonly number[]): readonly number[] => {
    const mean = both.reduce((sum, i) => sum + values[i], 0) / both.length;
    return both.map((i) => values[i] - mean);
  };
  const [x, y] = [centred(a), centred(b)];
  const product = (u: readonly number[], v: readonly number[]): number =>
    u.reduce((sum, value, i) => sum + value * v[i], 0);
  const norm = Math.sqrt(product(x, x)) * Math.sqrt(product(y, y));
  return norm > 0 ? product(x, y) / norm : Number.NaN;
}

const SIZE = 360;
/** With more columns, names and numbers have no room. */
const MOST_NAMED = 20;
const MOST_NUMBERED = 7;

/** From here a cell is too light for white in the dark, and a blue one too dark for black in the light (contrasts ≥ 3.7). */
const STRONG = 0.63;
const STRONGEST = 0.87;

/** The colour of the number on a cell, read in both schemes: `--on-strong` is black, `--paper` white in the light only. */
function numberColour(r: number): string {
  if (r > STRONGEST) return "var(--paper)";
  return Math.abs(r) > STRONG ? "var(--on-strong)" : "var(--ink)";
}

/** The correlations of the data and of the samples as heat maps side by side. */
export async function correlationCharts(
  columns: readonly string[],
  { data, samples }: { readonly data: Matrix; readonly samples: Matrix },
): Promise<Html> {
  const key = html`<p class="scale"><span>−1</span><i></i><span>1</span></p>`;
  return html`${key}${panels(
    panel("Data", "", await heatMap(columns, data, "data")),
    panel("Samples", "x ~ p(x|z)", await heatMap(columns, samples, "samples")),
  )}`;
}

/** How strong a correlation is, is how opaque its cell is; the colour is its sign. */
function heatMap(columns: readonly string[], matrix: Matrix, of: string): Promise<Html> {
  const cells = matrix.flatMap((row, i) =>
    row.flatMap((r, j) =>
      Number.isFinite(r)
        ? [
            {
              row: i,
              column: j,
              strength: Math.abs(r),
              sign: r < 0 ? "−" : "+",
              text: formatNumber(r, 2),
              colour: numberColour(r),
            },
          ]
        : [],
    ),
  );
  const names = columns.map((name) => (name.length > 14 ? `${name.slice(0, 13)}…` : name));
  const labels = JSON.stringify(names);
  const axis = {
    title: null,
    domain: false,
    ticks: false,
    grid: false,
    labels: columns.length <= MOST_NAMED,
    labelExpr: `${labels}[datum.value]`,
    labelPadding: 4,
  };
  const places = columns.map((_, i) => i);
  const x = { field: "column", type: "ordinal", scale: { domain: places, padding: 0.04 } } as const;
  const y = { field: "row", type: "ordinal", scale: { domain: places, padding: 0.04 } } as const;
  const angle = columns.length > 4 || names.some((name) => name.length > 8) ? -45 : 0;
  const alt = `Heat map of the correlations between ${columns.length} columns of the ${of}.`;
  return draw(
    {
      width: SIZE,
      height: SIZE,
      data: { values: cells },
      layer: [
        {
          mark: { type: "rect" },
          encoding: {
            x: { ...x, axis: { ...axis, labelAngle: angle, orient: "bottom" } },
            y: { ...y, axis },
            color: {
              field: "sign",
              type: "nominal",
              legend: null,
              scale: { domain: ["+", "−"], range: ["var(--training)", "var(--validation)"] },
            },
            opacity: {
              field: "strength",
              type: "quantitative",
              legend: null,
              scale: { domain: [0, 1], range: [0, 1] },
            },
          },
        },
        ...(columns.length <= MOST_NUMBERED
          ? [
              {
                mark: { type: "text", fontSize: 11 },
                encoding: {
                  x,
                  y,
                  text: { field: "text", type: "nominal" },
                  color: { field: "colour", type: "nominal", scale: null, legend: null },
                },
              } as const,
            ]
          : []),
      ],
    },
    alt,
  );
}
