import type { PlanePoint } from "../evaluation/latent-map.ts";
import { ascending, quantile } from "../evaluation/quantiles.ts";
import { type ClassLook, classLooks, legend } from "./classes.ts";
import type { CodeMap } from "./comparison-input.ts";
import { type Html, html } from "./html.ts";
import { unlabelled } from "./latent-map.ts";
import { formatNumber } from "./numbers.ts";
import { type ScatterOptions, scatter } from "./scatter.ts";
import { counted, panel, type Section } from "./section.ts";

/** A model's codes under its name. */
export interface NamedMap {
  readonly name: string;
  readonly title: string;
  readonly map: CodeMap;
}

/** Rings of N(0, I₂) that hold half and 95 % of it: √(−2 log(1 − p)). */
const RINGS = [0.5, 0.95].map((share) => Math.sqrt(-2 * Math.log(1 - share)));
/** The frame reaches so far at least, and at most, where codes lie far out. */
const LEAST = 3;
const MOST = 6;
/** The share of the codes that the frame holds, where it may be so large. */
const HELD = 0.97;

/** How far the axes of all maps reach from 0: to where most codes of models with a prior lie. */
export function frameOf(maps: readonly CodeMap[]): number {
  const reaches = maps.filter(({ prior }) => prior !== undefined).map(({ points }) => reachOf(points));
  return Math.min(MOST, Math.max(LEAST, ...reaches));
}

function reachOf(points: readonly PlanePoint[]): number {
  if (points.length === 0) return 0;
  return 1.05 * quantile(ascending(points.map(({ x, y }) => Math.max(Math.abs(x), Math.abs(y)))), HELD);
}

export interface MapOptions {
  /** How far the axes reach from 0. */
  readonly frame: number;
  readonly labelNames?: readonly string[];
  /** Models that have no plane to be shown in. */
  readonly without: readonly string[];
}

/** Every model's codes in the same axes. */
export async function mapSection(
  maps: readonly NamedMap[],
  { frame, labelNames, without }: MapOptions,
): Promise<Section> {
  const labels = maps.flatMap(({ map }) => map.points.flatMap(({ label }) => label ?? []));
  const { looks, lookOf } = classLooks(labels, labelNames);
  const look = (label: number | undefined): ClassLook => (label === undefined ? unlabelled : lookOf(label));
  const drawn: Html[] = [];
  for (const one of maps) drawn.push(await mapPanel(one, frame, look));
  const count = Math.max(...maps.map(({ map }) => map.points.length));
  const free = maps.some(({ map }) => !map.prior);
  const caption = [
    `${counted(count, "held-out example")}, a point each${labels.length > 0 ? ", coloured by label" : ""}, at the mean of q(z|x) or at f(x), in the same axes, −${formatNumber(frame, 1)} to ${formatNumber(frame, 1)} from the middle.`,
    maps.some(({ map }) => map.prior?.kind === "standard") &&
      "Dashed rings hold 50 % and 95 % of the prior N(0, I) in that plane.",
    maps.some(({ map }) => map.prior?.kind === "draws") && "Grey dots are draws of a prior that is another.",
    free &&
      "Codes of a model without a prior have no scale of their own: they are moved to 0 and scaled to unit deviation.",
    without.length > 0 && `Without a plane, as they have one latent or codes without a mean: ${without.join(", ")}.`,
  ];
  const key = looks.length > 0 ? legend(looks) : undefined;
  return {
    heading: "Latent space",
    figures: [{ body: [key, html`<div class="panels">${drawn}</div>`], caption: caption.filter(Boolean).join(" ") }],
  };
}

async function mapPanel(
  { name, title, map }: NamedMap,
  frame: number,
  look: (label: number | undefined) => ClassLook,
): Promise<Html> {
  const { axes, axisNames, prior } = map;
  const points = prior ? map.points : toUnitDeviation(map.points);
  const beyond = points.filter(({ x, y }) => !(Math.abs(x) <= frame && Math.abs(y) <= frame)).length;
  const options: ScatterOptions = {
    titles: axisNames,
    within: [],
    frame,
    rings: prior?.kind === "standard" ? { at: prior.middle, radii: RINGS } : undefined,
    behind: prior?.kind === "draws" ? prior.points : undefined,
  };
  const scaled = prior ? "" : "; no prior: scaled to unit deviation";
  const outside = beyond === 0 ? "" : `; ${formatNumber((100 * beyond) / points.length, 0)} % outside the frame`;
  const alt = `Scatter plot of the codes of ${name} (${title}): ${counted(points.length, "example")}, ${axes}${scaled}${outside}.`;
  const finite = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  const chart = await scatter(
    finite.map(({ x, y, label }) => ({ x, y, ...look(label) })),
    options,
    alt,
  );
  return panel(name, `${title}; ${axes}${scaled}${outside}`, chart);
}

/** About their mean, in units of √(½(var x + var y)). */
function toUnitDeviation(points: CodeMap["points"]): CodeMap["points"] {
  const mean = (of: (point: PlanePoint) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / Math.max(1, points.length);
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  const unit = Math.sqrt(mean((point) => ((point.x - x) ** 2 + (point.y - y) ** 2) / 2)) || 1;
  return points.map((point) => ({ ...point, x: (point.x - x) / unit, y: (point.y - y) / unit }));
}
