import { ascending, mainRange, quantile } from "../evaluation/quantiles.ts";
import { type Bins, histogram } from "./bins.ts";
import { draw } from "./charts.ts";
import { type Html, html } from "./html.ts";
import { formatNumber } from "./numbers.ts";

/** One column of the data and of the samples. */
export interface Marginal {
  readonly name: string;
  readonly data: readonly number[];
  readonly samples: readonly number[];
}

const BINS = 24;
/** About the width of half a phone's column: text keeps its size. */
const WIDTH = 180;

/** What stands for what in `marginalChart`. */
export const marginalLegend: Html = html`<ul class="legend"><li><i class="swatch filled"></i>data</li><li><i class="swatch line"></i>samples</li></ul>`;

/** Two histograms over each other, as shares: the data filled, the samples as a line. */
export function marginalChart({ name, data, samples }: Marginal): Promise<Html> {
  const bins = binsFor(data, samples);
  const shares = (values: readonly number[]) =>
    histogram(values, bins).map(({ from, to, count }) => ({ from, to, share: count / values.length }));
  const drawn = shares(samples);
  // A step after the last bin ends its line at the bin's end.
  const outline = [...drawn, { ...drawn[drawn.length - 1], from: drawn[drawn.length - 1].to }];
  const alt = `Histograms of ${name}: median ${medianOf(data)} in the data, ${medianOf(samples)} in the samples.`;
  const domain = [bins.from, bins.from + bins.width * bins.count];
  const scale = { domain, nice: false, zero: false };
  const x = { field: "from", type: "quantitative" as const, title: null, axis: { grid: false, tickCount: 3 }, scale };
  const y = { field: "share", type: "quantitative", title: null, axis: null } as const;
  return draw(
    {
      width: WIDTH,
      height: 100,
      layer: [
        {
          data: { values: [...shares(data)] },
          mark: { type: "rect", color: "var(--training)", opacity: 0.45 },
          encoding: { x, x2: { field: "to" }, y, y2: { datum: 0 } },
        },
        {
          data: { values: outline },
          mark: { type: "line", interpolate: "step-after", color: "var(--validation)", strokeWidth: 1.5 },
          encoding: { x, y },
        },
      ],
    },
    alt,
  );
}

function medianOf(values: readonly number[]): string {
  return formatNumber(quantile(ascending(values), 0.5));
}

/** A bin per number for few whole numbers, else 24 over where most of both lie. */
function binsFor(data: readonly number[], samples: readonly number[]): Bins {
  const known = ascending(data);
  const [least, most] = [known[0], known[known.length - 1]];
  if (most - least <= BINS && known.every(Number.isInteger))
    return { from: least - 0.5, width: 1, count: most - least + 1 };
  const [low, high] = mainRange(ascending([...data, ...samples]), 0.005, 0.1);
  return low < high ? { from: low, width: (high - low) / BINS, count: BINS } : { from: low - 0.5, width: 1, count: 1 };
}

/** max |F(x) − G(x)| of the two cumulative distributions, from 0 to 1. Kolmogorov 1933, Smirnov 1948. */
export function largestGap(first: readonly number[], second: readonly number[]): number {
  const [a, b] = [ascending(first), ascending(second)];
  let [i, j, gap] = [0, 0, a.length > 0 && b.length > 0 ? 0 : Number.NaN];
  while (i < a.length && j < b.length) {
    const at = Math.min(a[i], b[j]);
    while (a[i] === at) i += 1; // past all equal values: both distributions are steps
    while (b[j] === at) j += 1;
    gap = Math.max(gap, Math.abs(i / a.length - j / b.length));
  }
  return gap;
}
