import { chartWidth, draw, extent } from "./charts.ts";
import type { Html } from "./html.ts";

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
  /** The part of the y-axis that is drawn, where it is not all: lines end at its edges. */
  readonly range?: readonly [number, number];
}

/** The lines as an inline SVG that scales with its column. `alt` describes it to those who do not see it. */
export function lineChart({ series, axis, fromZero, range }: LineChart, alt: string): Promise<Html> {
  const values = series.flatMap(({ name, points }) =>
    (range ? within(points, range) : points).map(({ x, y }) => ({ x, y: Number.isFinite(y) ? y : null, series: name })),
  );
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
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
          scale: { domain: [...extent(xs)], nice: false },
        },
        y: {
          field: "y",
          type: "quantitative",
          title: null,
          axis: { tickCount: 5 },
          scale: { domain: [...(range ?? extent(fromZero ? [0, ...ys] : ys))], nice: range === undefined, zero: false },
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

type Points = Series["points"];

/** The parts of a line that lie within a range of y, each ending where the line crosses its edge. */
function within(points: Points, [low, high]: readonly [number, number]): Points {
  const inside = (y: number): boolean => y >= low && y <= high;
  return points.flatMap((point, i) => {
    if (!inside(point.y)) return [{ x: point.x, y: Number.NaN }];
    // Where the line comes from beyond an edge, or goes there, the crossing is drawn too.
    const crossing = (other: Points[number] | undefined): Points => {
      if (other === undefined || !Number.isFinite(other.y) || inside(other.y)) return [];
      const edge = other.y < low ? low : high;
      return [{ x: point.x + ((edge - point.y) / (other.y - point.y)) * (other.x - point.x), y: edge }];
    };
    return [...crossing(points[i - 1]), point, ...crossing(points[i + 1])];
  });
}
