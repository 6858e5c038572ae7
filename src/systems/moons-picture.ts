import { arrayDataset } from "../data/dataset.ts";
import { describeData } from "../models/model.ts";
import { stream } from "../random/stream.ts";
import { colour } from "../report/svg-file.ts";
import type { Engine } from "../runtime/engine.ts";
import { data } from "../tensor/index.ts";
import { densityModel, trainDensity } from "./density-model.ts";
import { executable } from "./execute.ts";
import type { SystemPicture } from "./row.ts";
import { smoothFlow } from "./smooth-flow.ts";

const SEED = 22;
const EXAMPLES = 4000;
const NOISE = 0.1;
/** Of the examples, in noise space. */
const SHOWN = 200;

type Point = readonly [number, number];

/** Two half circles of radius 1, one around (0, 0) and one, turned over, around (1, ½), each point with noise. */
function moons(count: number): readonly { readonly upper: boolean; readonly at: Point }[] {
  const from = stream(SEED, "moons");
  return Array.from({ length: count }, (_, i) => {
    const upper = i % 2 === 0;
    const angle = Math.PI * from.uniform();
    const [x, y] = upper ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
    return { upper, at: [x + NOISE * from.normal(), y + NOISE * from.normal()] };
  });
}

/** Lines of noise space at every half deviation, through points that are close enough to bend. */
const LINES = Array.from({ length: 11 }, (_, i) => (i - 5) / 2);
const ALONG = Array.from({ length: 57 }, (_, i) => ((i - 28) * 5) / 56);

const lines = LINES.flatMap((level) => [
  { name: `across ${level}`, points: ALONG.map((along): Point => [along, level]) },
  { name: `up ${level}`, points: ALONG.map((along): Point => [level, along]) },
]);

/** The box of x that is drawn, and the rows and columns of the density's grid in it. */
const box = { left: -1.6, right: 2.6, low: -1.15, high: 1.65 };
const CELLS = { columns: 120, rows: 56 };
const WIDTH = 336;
const HEIGHT = (WIDTH * (box.high - box.low)) / (box.right - box.left);
const NOISE_REACH = 2.9;

/** Shades by the density, each from here on, of what only a hundredth of the box is above. */
const SHADES = [
  { from: 0.02, opacity: 0.14 },
  { from: 0.1, opacity: 0.3 },
  { from: 0.25, opacity: 0.46 },
  { from: 0.5, opacity: 0.64 },
  { from: 0.75, opacity: 0.82 },
] as const;

const pairs = (values: ArrayLike<number>): readonly Point[] =>
  Array.from({ length: values.length / 2 }, (_, i): Point => [values[2 * i], values[2 * i + 1]]);
const fed = (points: readonly Point[]) => ({ data: Float64Array.from(points.flat()), shape: [points.length, 2] });

/** A place on a path, or with no y the end of one of its pieces. */
interface Stroke {
  readonly shade: number;
  readonly order: number;
  readonly x: number;
  readonly y: number | null;
}

/** Runs of neighbouring cells of one shade, as the ends of a stroke as wide as a cell is high, with a gap after each. */
function strokes(density: readonly number[]): readonly Stroke[] {
  const most = density.toSorted((a, b) => b - a)[Math.floor(density.length / 100)]; // a peak is narrow
  const shadeAt = (i: number): number => SHADES.findLastIndex(({ from }) => density[i] >= from * most);
  const place = (column: number): number => box.left + (column * (box.right - box.left)) / CELLS.columns;
  const found: Stroke[] = [];
  for (let row = 0; row < CELLS.rows; row++) {
    const y = box.low + ((row + 0.5) * (box.high - box.low)) / CELLS.rows;
    for (let start = 0, end = 0; start < CELLS.columns; start = end) {
      const shade = shadeAt(row * CELLS.columns + start);
      while (end < CELLS.columns && shadeAt(row * CELLS.columns + end) === shade) end++;
      if (shade < 0) continue;
      const order = row * 1000 + start;
      found.push(
        { shade, order, x: place(start), y },
        { shade, order: order + 0.3, x: place(end), y },
        { shade, order: order + 0.6, x: place(end), y: null },
      );
    }
  }
  return found;
}

/** A density in the plane that a flow has learned: the data in noise space, and the straight lines of that space among the data. */
export async function moonsPicture(engine: Engine): Promise<readonly SystemPicture[]> {
  const drawn = moons(EXAMPLES);
  const dataset = arrayDataset(
    { data: Float32Array.from(drawn.flatMap(({ at }) => at)), shape: [EXAMPLES, 2] },
    { name: "moons", measure: "real" },
  );
  const description = describeData(dataset);
  const model = densityModel(smoothFlow("moons", 2, { layers: 8, hidden: 32 }), 2);
  const training = { steps: 2500, rate: 0.01, batchSize: 200, seed: SEED };
  const parameters = await trainDensity(engine, model, { dataset, description }, training);

  const x = data("x", ["points", 2]);
  const z = data("z", ["points", 2]);
  const density = await executable(engine, { logProb: model.logProb?.(x) ?? x, z: model.encode(x) }, "float64");
  const back = await executable(engine, { x: model.decode(z) }, "float64");
  const cells = Array.from({ length: CELLS.rows * CELLS.columns }, (_, i): Point => {
    const [row, column] = [Math.floor(i / CELLS.columns), i % CELLS.columns];
    return [
      box.left + ((column + 0.5) * (box.right - box.left)) / CELLS.columns,
      box.low + ((row + 0.5) * (box.high - box.low)) / CELLS.rows,
    ];
  });
  const { logProb } = await density.run({ ...parameters, x: fed(cells) });
  const shown = drawn.slice(0, SHOWN);
  const noise = pairs((await density.run({ ...parameters, x: fed(shown.map(({ at }) => at)) })).z.data);
  const warped = pairs((await back.run({ ...parameters, z: fed(lines.flatMap(({ points }) => points)) })).x.data);
  await density.release();
  await back.release();

  const dots = shown.flatMap(({ upper }, i) => {
    const [name, [across, up]] = [upper ? "upper" : "lower", noise[i]];
    return [
      { name, order: i, x: across, y: up },
      { name, order: i + 0.5, x: across, y: null },
    ];
  });
  const shades = strokes(Array.from(logProb.data, Math.exp));
  const color = colour("learning-rate");
  const straight = lines.flatMap(({ name, points: [first, ...rest] }) =>
    [first, rest[rest.length - 1]].map(([across, up], order) => ({ name, x: across, y: up, order })),
  );
  const bent = warped.map(([across, up], i) => ({
    name: lines[Math.floor(i / ALONG.length)].name,
    order: i % ALONG.length,
    x: across,
    y: up,
  }));
  const scaled = (field: string, title: string, [low, high]: Point) => ({
    field,
    type: "quantitative" as const,
    title,
    scale: { domain: [low, high], nice: false, zero: false },
    axis: { grid: false, tickCount: 5 },
  });
  return [
    {
      name: "learned-density",
      caption:
        "A density learned from two moons: on the left the data as the flow takes them to noise, z = f(x), with lines at every half deviation; on the right the learned density and what f⁻¹ makes of those lines. The closer they lie, the more mass.",
      spec: {
        autosize: "pad",
        hconcat: [
          {
            width: HEIGHT,
            height: HEIGHT,
            encoding: {
              x: scaled("x", "z₁", [-NOISE_REACH, NOISE_REACH]),
              y: scaled("y", "z₂", [-NOISE_REACH, NOISE_REACH]),
            },
            layer: [
              {
                data: { values: straight },
                mark: { type: "line", color: colour("muted"), strokeWidth: 0.5 },
                encoding: { detail: { field: "name" }, order: { field: "order" } },
              },
              {
                data: { values: dots }, // a path of points alone, of which each is a dot: a tenth of the file that circles make
                mark: { type: "line", strokeCap: "round", strokeWidth: 3, clip: true },
                encoding: {
                  order: { field: "order" },
                  color: {
                    field: "name",
                    type: "nominal",
                    legend: null,
                    scale: { domain: ["upper", "lower"], range: [colour("training"), colour("validation")] },
                  },
                },
              },
            ],
          },
          {
            width: WIDTH,
            height: HEIGHT,
            encoding: {
              x: scaled("x", "x₁", [box.left, box.right]),
              y: scaled("y", "x₂", [box.low, box.high]),
            },
            layer: [
              ...SHADES.map(({ opacity: strokeOpacity }, shade) => ({
                data: { values: shades.filter((one) => one.shade === shade) },
                mark: {
                  type: "line" as const,
                  color,
                  strokeOpacity,
                  strokeWidth: HEIGHT / CELLS.rows,
                  strokeCap: "butt" as const,
                },
                encoding: { order: { field: "order" } },
              })),
              {
                data: { values: bent },
                mark: { type: "line", color: colour("ink"), strokeWidth: 0.5, clip: true },
                encoding: { detail: { field: "name" }, order: { field: "order" } },
              },
            ],
          },
        ],
      },
    },
  ];
}
