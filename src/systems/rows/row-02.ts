import { normal } from "../../distributions/normal.ts";
import { extent } from "../../report/charts.ts";
import { formatNumber } from "../../report/numbers.ts";
import { colour } from "../../report/svg-file.ts";
import type { Engine } from "../../runtime/engine.ts";
import { add, data, logsumexp, matmul, reshape, sqrt, type Tensor, tanh } from "../../tensor/index.ts";
import type { NdArray } from "../../tensor/ndarray.ts";
import { executable, normals } from "../execute.ts";
import { observationNoise } from "../observation-noise.ts";
import { EXACT, type Measurement, type SystemPicture, type SystemRow } from "../row.ts";

const SEED = 221;
const HIDDEN = 6;
/** Beyond this many standard deviations of z lies 2e-15 of its mass. */
const REACH = 8;

/** A curve in the plane, g(z) = V tanh(a·z + b) with random weights: z [points, 1] → [points, 2]. */
const slope = normals("slope", [1, HIDDEN], SEED);
const offset = normals("offset", [HIDDEN], SEED);
const output = normals("output", [HIDDEN, 2], SEED);
const weights = { slope, offset, output };

function curve(z: Tensor): Tensor {
  const hidden = tanh(add(matmul(z, data("slope", [1, HIDDEN])), data("offset", [HIDDEN])));
  return matmul(hidden, data("output", [HIDDEN, 2])); // [points, 1] → [points, 2]
}

interface Grid {
  readonly z: NdArray<Float64Array>;
  /** log p(z) + log dz, so that sums over the grid are expectations under p(z) = N(0, 1). */
  readonly logWeight: NdArray<Float64Array>;
}

function grid(count: number): Grid {
  const width = (2 * REACH) / (count - 1);
  const z = Float64Array.from({ length: count }, (_, i) => i * width - REACH);
  const logWeight = z.map((value) => Math.log(width / Math.sqrt(2 * Math.PI)) - 0.5 * value * value);
  return { z: { data: z, shape: [count, 1] }, logWeight: { data: logWeight, shape: [count] } };
}

type Point = readonly [number, number];

const plane = (points: readonly Point[]): NdArray => ({
  data: Float64Array.from(points.flat()),
  shape: [points.length, 2],
});
const scalar = (value: number): NdArray => ({ data: Float64Array.of(value), shape: [] });

/** The squares of a grid over a box of the plane. */
function box([left, right]: Point, [low, high]: Point, width: number): { points: readonly Point[]; area: number } {
  const places = (from: number, to: number): readonly number[] =>
    Array.from({ length: Math.ceil((to - from) / width) + 1 }, (_, i) => from + i * width);
  const heights = places(low, high);
  return { points: places(left, right).flatMap((x): Point[] => heights.map((y) => [x, y])), area: width * width };
}

interface Plane {
  /** g(z) */
  at(z: readonly number[]): Promise<readonly Point[]>;
  /** log p(x|z) = log N(x; g(z), ηI) */
  given(z: number, x: readonly Point[], variance: number): Promise<readonly number[]>;
  /** log p(x) = log ∫ N(x; g(z), ηI) p(z) dz */
  marginal(x: readonly Point[], variance: number, grid: Grid): Promise<readonly number[]>;
  release(): Promise<void>;
}

async function open(engine: Engine): Promise<Plane> {
  const z = data("z", ["latents", 1]);
  const likelihood = normal(reshape(curve(z), ["latents", 1, 2]), sqrt(data("variance", []))); // p(x|z)
  const given = likelihood.logProb(data("x", ["points", 2])); // [latents, points]
  const marginal = logsumexp(add(given, reshape(data("logWeight", ["latents"]), ["latents", 1])), 0); // [points]
  const curveOf = await executable(engine, { g: curve(z) }, "float64");
  const densities = await executable(engine, { given }, "float64");
  const mixture = await executable(engine, { marginal }, "float64");
  return {
    at: async (values) => {
      const { g } = await curveOf.run({
        ...weights,
        z: { data: Float64Array.from(values), shape: [values.length, 1] },
      });
      return values.map((_, i): Point => [g.data[2 * i], g.data[2 * i + 1]]);
    },
    given: async (value, x, variance) => {
      const at = { data: Float64Array.of(value), shape: [1, 1] };
      const density = await densities.run({ ...weights, z: at, x: plane(x), variance: scalar(variance) });
      return Array.from(density.given.data);
    },
    marginal: async (x, variance, over) => {
      const density = await mixture.run({ ...weights, ...over, x: plane(x), variance: scalar(variance) });
      return Array.from(density.marginal.data);
    },
    release: async () => {
      for (const program of [curveOf, densities, mixture]) await program.release();
    },
  };
}

const total = (logs: ArrayLike<number>): number => Array.from(logs, Math.exp).reduce((sum, value) => sum + value, 0);

/** ∫ p(x|z) dx and ∫ p(x) dx over the plane. Trapezoids of half a deviation: an error of e^(−8π²), none. */
async function normalised(model: Plane): Promise<readonly Measurement[]> {
  const found: { readonly what: string; readonly integral: number }[] = [];
  for (const variance of [1, 0.09, 0.0004]) {
    const width = Math.sqrt(variance) / 2;
    for (const z of [-1.3, 0.4]) {
      const [[x, y]] = await model.at([z]);
      const around = box([x - 20 * width, x + 20 * width], [y - 20 * width, y + 20 * width], width);
      const integral = around.area * total(await model.given(z, around.points, variance));
      found.push({ what: `∫ N(x; g(z), ηI) dx over the plane, z = ${formatNumber(z)}, η = ${variance}`, integral });
    }
  }
  const variance = 0.25;
  const places = await model.at(Array.from({ length: 321 }, (_, i) => i / 20 - REACH));
  const range = (axis: 0 | 1): Point => [
    Math.min(...places.map((at) => at[axis])) - 10 * Math.sqrt(variance),
    Math.max(...places.map((at) => at[axis])) + 10 * Math.sqrt(variance),
  ];
  const everywhere = box(range(0), range(1), Math.sqrt(variance) / 2);
  const all = everywhere.area * total(await model.marginal(everywhere.points, variance, grid(161)));
  found.push({ what: `∫ p(x) dx over the plane, p(x) = ∫ N(x; g(z), ηI) p(z) dz, η = ${variance}`, integral: all });
  return found.map(({ what, integral }) => ({
    what,
    measured: integral,
    expected: 1,
    error: Math.abs(integral - 1),
    tolerance: EXACT.float64,
  }));
}

/** Points of the plane, on the curve at z = 0.4 and beside it. */
async function pointsBeside(model: Plane): Promise<{ readonly on: Point; readonly off: (distance: number) => Point }> {
  const [before, on, after] = await model.at([0.399, 0.4, 0.401]);
  const [u, v] = [after[0] - before[0], after[1] - before[1]];
  const size = Math.hypot(u, v);
  return { on, off: (distance) => [on[0] - (distance * v) / size, on[1] + (distance * u) / size] };
}

const FINE = 200_001; // z in steps of 8e-5, a twelfth of the deviation of z given x at the smallest η
const LEADING = "what is left of order η";

/** As η falls, log p rises by ½ log 1/η on the curve and falls by δ²/2η at a distance δ from it. */
async function asNoiseVanishes(model: Plane): Promise<readonly Measurement[]> {
  const fine = grid(FINE);
  const { on, off } = await pointsBeside(model);
  const [more, less] = [1e-4, 1e-6];
  const [[first], [second]] = [await model.marginal([on], more, fine), await model.marginal([on], less, fine)];
  const rise = (second - first) / Math.log(less / more);
  const places = await model.at(Array.from({ length: 20_001 }, (_, i) => i / 2000 - 5));
  const beside: Measurement[] = [];
  for (const distance of [0.2, 0.4]) {
    const x = off(distance);
    const nearest = Math.min(...places.map(([a, b]) => Math.hypot(a - x[0], b - x[1])));
    const [high, low] = [1e-3, 1e-4];
    const [[a], [b]] = [await model.marginal([x], high, fine), await model.marginal([x], low, fine)];
    // log p = −δ²/2η − ½ log η + a constant + what is of order η
    const fall = (b - a + 0.5 * Math.log(low / high)) / (1 / low - 1 / high);
    beside.push({
      what: `η·log p at a distance of ${distance} from the curve as η → 0, against −δ²/2`,
      measured: fall,
      expected: -0.5 * nearest ** 2,
      error: Math.abs(fall / (-0.5 * nearest ** 2) - 1),
      tolerance: 1e-4,
      because: LEADING,
    });
  }
  const along: Measurement = {
    what: "slope of log p in log η on the curve as η → 0, against −(d − k)/2: without noise the density is unbounded",
    measured: rise,
    expected: -0.5,
    error: Math.abs(rise + 0.5),
    tolerance: 1e-4,
    because: LEADING,
  };
  return [along, ...beside];
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const model = await open(engine);
  const curve = [...(await normalised(model)), ...(await asNoiseVanishes(model))];
  await model.release();
  return [...curve, ...(await observationNoise(engine))];
}

async function pictures(engine: Engine): Promise<readonly SystemPicture[]> {
  const model = await open(engine);
  const { on, off } = await pointsBeside(model);
  const shown = [
    { name: "on the curve", at: on, colour: colour("training") },
    { name: "0.03 beside it", at: off(0.03), colour: colour("learning-rate") },
    { name: "0.1 beside it", at: off(0.1), colour: colour("class-4") },
    { name: "0.3 beside it", at: off(0.3), colour: colour("validation") },
  ];
  const points = shown.map(({ name, at: [x, y] }) => ({ name, x, y }));
  const line = (await model.at(Array.from({ length: 161 }, (_, i) => i / 32 - 2.5))).map(([x, y], i) => ({ x, y, i }));
  const variances = Array.from({ length: 41 }, (_, i) => 10 ** (-i / 10));
  const fine = grid(20_001);
  const values: object[] = [];
  for (const variance of variances) {
    const logs = await model.marginal(
      shown.map(({ at }) => at),
      variance,
      fine,
    );
    for (const [i, { name }] of shown.entries()) {
      if (logs[i] > -12) values.push({ name, variance, logDensity: logs[i] });
    }
  }
  await model.release();
  // The same length for a unit either way, so that beside the curve looks as far as it is.
  const side = 220;
  const [across, along] = (["x", "y"] as const).map((axis) => {
    const [low, high] = extent(line.map((point) => point[axis]));
    return { middle: (low + high) / 2, half: (high - low) / 2 };
  });
  const half = 1.08 * Math.max(across.half, along.half);
  const square = (middle: number) => ({ domain: [middle - half, middle + half], nice: false, zero: false });
  const names = {
    field: "name",
    type: "nominal",
    title: null,
    scale: { domain: shown.map(({ name }) => name), range: shown.map((one) => one.colour) },
  } as const;
  return [
    {
      name: "why-noise",
      caption:
        "Why noise is needed: a curve x = g(z) in the plane, four points, and their log-density under N(g(z), ηI) as the variance η falls. On the curve it grows without bound, anywhere else it falls to −∞.",
      spec: {
        autosize: "pad",
        resolve: { scale: { color: "independent" } },
        hconcat: [
          {
            width: side,
            height: side,
            encoding: {
              x: { field: "x", type: "quantitative", title: "x₁", scale: square(across.middle) },
              y: { field: "y", type: "quantitative", title: "x₂", scale: square(along.middle) },
            },
            layer: [
              {
                data: { values: line },
                mark: { type: "line", color: colour("muted"), strokeWidth: 1.5 },
                encoding: { order: { field: "i" } },
              },
              {
                data: { values: points },
                mark: { type: "circle", size: 55, opacity: 1 },
                encoding: { color: { ...names, legend: null } },
              },
            ],
          },
          {
            width: 270,
            height: side,
            data: { values },
            mark: { type: "line", strokeWidth: 2, clip: true },
            encoding: {
              x: {
                field: "variance",
                type: "quantitative",
                title: "variance η of the noise",
                scale: { type: "log", domain: [1, 1e-4], nice: false },
                axis: {
                  grid: false,
                  values: [1, 0.1, 0.01, 0.001, 0.0001],
                  format: "~g",
                  labelFlush: false,
                  labelOverlap: false,
                },
              },
              y: {
                field: "logDensity",
                type: "quantitative",
                title: "log p(x), nats",
                scale: { domain: [-12, 5], nice: false },
              },
              color: { ...names, legend: { title: null, orient: "top", columns: 2, symbolType: "stroke" } },
            },
          },
        ],
      },
    },
  ];
}

/** Row 2: p(x|z) = N(g(z), ηI), because x = g(z) alone has no density off a set of measure zero. */
export const row02: SystemRow = {
  row: 2,
  title: "Noisy observation model p(x|z) = N(g(z), ηI)",
  measure,
  pictures,
};
