import { chartWidth, draw, extent } from "./charts.ts";
import type { ClassLook } from "./classes.ts";
import type { Html } from "./html.ts";

/** A point and how its class looks. */
export interface LookedPoint extends ClassLook {
  readonly x: number;
  readonly y: number;
}

export interface ScatterOptions {
  /** Of the axes, the horizontal one first. */
  readonly titles: readonly [string, string];
  /** Numbers that both axes hold, beside the points; then the chart is square. */
  readonly within: readonly number[];
  /** Both axes go from −frame to frame, and what lies beyond is left out: charts of one frame can be laid over each other. */
  readonly frame?: number;
  /** Rings around `at` behind the points. */
  readonly rings?: { readonly at: Place; readonly radii: readonly number[] };
  /** Small muted points behind the others. */
  readonly behind?: readonly Place[];
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** The area of a point in square pixels: the fewer there are, the larger. */
function pointSize(points: number): number {
  if (points > 500) return 9;
  return points < 200 ? 40 : 18;
}

/** Corners of a ring: so many look round. */
const CORNERS = 72;

/** One unit is as long on both axes, since distances are what a map shows. */
export function scatter(
  given: readonly LookedPoint[],
  { titles, within, frame, rings, behind = [] }: ScatterOptions,
  alt: string,
): Promise<Html> {
  const inside = isWithin(frame);
  const points = given.filter(inside);
  const height = within.length > 0 || frame !== undefined ? chartWidth : 320;
  const plot = { width: chartWidth - 44, height: height - 40 }; // less what the axes take, about
  const domains = frame === undefined ? around(points, within, plot) : framed(frame, plot);
  const looks = [...new Map(points.map(({ name, colour, shape }) => [name, { name, colour, shape }])).values()];
  const names = looks.map(({ name }) => name);
  const axis = { grid: false, tickCount: 5 };
  const along = (field: "x" | "y", title: string) => ({
    field,
    type: "quantitative" as const,
    title,
    axis,
    scale: { domain: [...domains[field]], nice: false, zero: false },
  });
  const place = { x: along("x", titles[0]), y: along("y", titles[1]) };
  const muted = { color: "var(--muted)", opacity: 0.5 };
  const outlines = (rings?.radii ?? []).map((radius) => ({
    data: { values: corners(rings?.at ?? { x: 0, y: 0 }, radius, inside) },
    mark: { type: "line" as const, strokeWidth: 1, strokeDash: [4, 3], color: "var(--muted)" },
    encoding: { ...place, order: { field: "corner", type: "quantitative" as const } },
  }));
  const cloud = {
    data: { values: behind.filter(inside).map(({ x, y }) => ({ x, y })) },
    mark: { type: "point" as const, filled: true, size: 8, ...muted },
    encoding: place,
  };
  const own = {
    data: { values: points.map((point) => ({ x: point.x, y: point.y, name: point.name })) },
    mark: {
      type: "point" as const,
      filled: true,
      size: pointSize(points.length),
      opacity: 0.8,
    },
    encoding: {
      ...place,
      color: {
        field: "name",
        type: "nominal" as const,
        legend: null,
        scale: { domain: names, range: looks.map(({ colour }) => colour) },
      },
      shape: {
        field: "name",
        type: "nominal" as const,
        legend: null,
        scale: { domain: names, range: looks.map(({ shape }) => shape) },
      },
    },
  };
  const size = { width: chartWidth, height };
  if (frame === undefined) return draw({ ...size, ...own }, alt);
  return draw({ ...size, layer: [...outlines, ...(behind.length > 0 ? [cloud] : []), own] }, alt);
}

interface Plot {
  readonly width: number;
  readonly height: number;
}

type Domains = Readonly<Record<"x" | "y", readonly number[]>>;

/** What holds all points, with a little room around them. */
function around(points: readonly Place[], within: readonly number[], plot: Plot): Domains {
  const x = extent([...within, ...points.map((point) => point.x)]);
  const y = extent([...within, ...points.map((point) => point.y)]);
  const unit = 1.06 * Math.max((x[1] - x[0]) / plot.width, (y[1] - y[0]) / plot.height); // data a pixel
  const centred = ([low, high]: readonly [number, number], pixels: number): number[] =>
    [-1, 1].map((side) => (low + high) / 2 + (side * unit * pixels) / 2);
  return { x: centred(x, plot.width), y: centred(y, plot.height) };
}

/** ±frame along the shorter side, and as much more along the longer as it is longer. */
function framed(frame: number, plot: Plot): Domains {
  const unit = (2 * frame) / Math.min(plot.width, plot.height);
  const half = (pixels: number): number[] => [-1, 1].map((side) => (side * unit * pixels) / 2);
  return { x: half(plot.width), y: half(plot.height) };
}

/** Whether a place is shown. Nothing is cut by a clip path: their ids would be the same in all charts of a page. */
function isWithin(frame = Number.POSITIVE_INFINITY): (place: Place) => boolean {
  return ({ x, y }) => Math.abs(x) <= frame && Math.abs(y) <= frame;
}

/** The corners of a ring; its line has a gap where they are not shown. */
function corners({ x, y }: Place, radius: number, inside: (place: Place) => boolean) {
  return Array.from({ length: CORNERS + 1 }, (_, corner) => {
    const angle = (2 * Math.PI * corner) / CORNERS;
    const place = { x: x + radius * Math.cos(angle), y: y + radius * Math.sin(angle) };
    return { ...place, y: inside(place) ? place.y : null, corner };
  });
}
