import { extent } from "../report/charts.ts";
import { formatNumber } from "../report/numbers.ts";
import { colour } from "../report/svg-file.ts";
import { data } from "../tensor/index.ts";
import { evaluate } from "../tensor/reference.ts";
import { randomParameters } from "./bijection-checks.ts";
import { gapsOfFlow, leftBy } from "./flow-gaps.ts";
import type { SystemPicture } from "./row.ts";
import { smoothFlow } from "./smooth-flow.ts";

type Point = readonly [number, number];

/** Points of the plane whose neighbourhoods are drawn, and how far these reach. */
const PLACES: readonly Point[] = [-1.2, 0, 1.2].flatMap((up) => [-1.6, -0.2, 1.2].map((across): Point => [across, up]));
const REACH = 0.3;
const ANGLES = Array.from({ length: 49 }, (_, i) => (2 * Math.PI * i) / 48);

const names = {
  isotropic: "N(f(x), s²I)",
  following: "N(f(x), s² J_f J_fᵀ)",
  noisy: "law of f(x + sε)",
} as const;

interface OnCircle {
  readonly place: number;
  readonly order: number;
  readonly x: number;
  readonly y: number;
  readonly family: string;
}

/** Circles around x as f takes them to z, and circles of the same size around f(x). */
function neighbourhoods(): readonly OnCircle[] {
  const f = smoothFlow("plane", 2);
  const x = data("x", ["points", 2]);
  const { value } = f.forward(x);
  const around = ([across, up]: Point): readonly Point[] =>
    ANGLES.map((angle): Point => [across + REACH * Math.cos(angle), up + REACH * Math.sin(angle)]);
  const points = [...PLACES, ...PLACES.flatMap(around)];
  const [z] = evaluate([value], {
    ...randomParameters([value], 0.4),
    x: { data: Float64Array.from(points.flat()), shape: [points.length, 2] },
  });
  const at = (i: number): Point => [z.data[2 * i], z.data[2 * i + 1]];
  return PLACES.flatMap((_, place) => {
    const image = ANGLES.map((__, i) => at(PLACES.length + place * ANGLES.length + i));
    return [
      ...around(at(place)).map(([across, up], order) => ({ place, order, x: across, y: up, family: names.isotropic })),
      ...image.map(([across, up], order) => ({ place, order, x: across, y: up, family: names.noisy })),
    ];
  });
}

const mean = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0) / values.length;

/** What either q around f(x) looks like beside the law that it should follow, and the gap that each leaves as s → 0. */
export async function flowAsVaePicture(): Promise<readonly SystemPicture[]> {
  const gaps = gapsOfFlow();
  const noises = Array.from({ length: 25 }, (_, i) => 10 ** (-i / 12));
  const left = (["isotropic", "following", "noisy"] as const).flatMap((name) =>
    noises.map((s) => ({ s, family: names[name], gap: mean(leftBy(gaps[name], s)) })),
  );
  const limit = mean(gaps.limits);
  const side = 230;
  const circles = neighbourhoods();
  const extents = (["x", "y"] as const).map((axis) => extent(circles.map((one) => one[axis])));
  const half = 0.53 * Math.max(...extents.map(([low, high]) => high - low)); // a unit is as long either way
  const [across, up] = extents.map(([low, high]) => ({
    type: "quantitative" as const,
    scale: { domain: [(low + high) / 2 - half, (low + high) / 2 + half], nice: false, zero: false },
    axis: { tickCount: 5 },
  }));
  const color = {
    field: "family",
    type: "nominal",
    title: null,
    scale: {
      domain: Object.values(names),
      range: [colour("validation"), colour("learning-rate"), colour("training")],
    },
  } as const;
  return [
    {
      name: "gap-of-a-flow",
      caption: `A flow as a VAE: on the left, in the space of z, what f makes of circles around nine x, and circles of the same size around f(x); on the right what the bound lacks to the flow's log-density as the noise s falls. The law of f(x + sε) and the Normal that follows f lack nothing in the end; an isotropic Normal lacks ½Σ(σ² − 1 − log σ²) for ever, ${formatNumber(limit)} nats here (dotted).`,
      spec: {
        autosize: "pad",
        resolve: { scale: { color: "independent" } },
        hconcat: [
          {
            width: side,
            height: side,
            data: { values: circles },
            mark: { type: "line", strokeWidth: 1.5 },
            encoding: {
              x: { ...across, field: "x", title: "z₁" },
              y: { ...up, field: "y", title: "z₂" },
              detail: { field: "place" },
              order: { field: "order" },
              color: { ...color, legend: null },
            },
          },
          {
            width: 270,
            height: side,
            encoding: {
              y: { field: "gap", type: "quantitative", title: "log p_flow(x) − ELBO, nats" },
            },
            layer: [
              {
                data: { values: [{ gap: limit }] },
                mark: { type: "rule", color: colour("muted"), strokeDash: [2, 3] },
              },
              {
                data: { values: left },
                mark: { type: "line", strokeWidth: 2 },
                encoding: {
                  x: {
                    field: "s",
                    type: "quantitative",
                    title: "noise s",
                    scale: { type: "log", domain: [1, 1e-2], nice: false },
                    axis: { grid: false, values: [1, 0.1, 0.01], format: "~g", labelFlush: false },
                  },
                  color: { ...color, legend: { title: null, orient: "top", columns: 2, symbolType: "stroke" } },
                },
              },
            ],
          },
        ],
      },
    },
  ];
}
