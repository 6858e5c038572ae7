import { Matrix as Dense, determinant } from "ml-matrix";
import { standardNormal } from "../distributions/normal.ts";
import { uniform } from "../distributions/uniform.ts";
import type { Bijection } from "../flows/bijection.ts";
import { flow } from "../flows/flow.ts";
import { namedLeaves } from "../onnx/lower.ts";
import { stream } from "../random/stream.ts";
import type { Engine } from "../runtime/engine.ts";
import { constant, data, type Tensor } from "../tensor/index.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { evaluate } from "../tensor/reference.ts";
import { staticShape } from "../tensor/shape.ts";
import { executable, type Values } from "./execute.ts";
import { EXACT, type Measurement, relativeToLargest } from "./row.ts";

/** A bijection as rows 22 to 25 try it. */
export interface Tried {
  readonly name: string;
  /** The numbers of variables that it is tried on. */
  readonly dimensions: readonly number[];
  readonly build: (d: number) => Bijection;
  /** Where x is: [0, 1] instead of all real numbers. */
  readonly domain?: "unit";
  /** Where z is. */
  readonly range?: "unit";
}

const SEED = 22;
const PLACES = 5;

/** Standard normal numbers times `spread`, float64. */
export function gaussian(name: string, shape: readonly number[], spread = 1): NdArray<Float64Array> {
  const from = stream(SEED, name);
  return { data: Float64Array.from({ length: sizeOf(shape) }, () => spread * from.normal()), shape };
}

/** N(0, spread²) for all parameters that the outputs depend on, so that no bijection stands at its start. */
export function randomParameters(outputs: readonly Tensor[], spread = 0.3): Values {
  return Object.fromEntries(
    namedLeaves(outputs).flatMap(({ leaf, tensor }): [string, NdArray][] =>
      leaf.kind === "parameter" ? [[leaf.name, gaussian(leaf.name, staticShape(leaf.name, tensor.shape), spread)]] : [],
    ),
  );
}

/** ∂value_i/∂x_j at a point by differences of the fourth order; `map` takes all places that they need at once. */
export function numericalJacobian(
  at: readonly number[],
  map: (points: NdArray<Float64Array>) => ArrayLike<number>,
): number[][] {
  const d = at.length;
  const h = 1e-3 / 4;
  const [steps, weights] = [
    [-2, -1, 1, 2],
    [1 / 12, -2 / 3, 2 / 3, -1 / 12],
  ];
  const points = at.flatMap((_, j) => steps.flatMap((step) => at.map((x, i) => (i === j ? x + step * h : x))));
  const mapped = map({ data: Float64Array.from(points), shape: [4 * d, d] });
  const slope = (i: number, j: number): number =>
    weights.reduce((total, weight, s) => total + (weight * mapped[(4 * j + s) * d + i]) / h, 0);
  return at.map((_, i) => at.map((__, j) => slope(i, j)));
}

/** A bijection of d numbers at random parameters and places. */
interface Placed {
  readonly x: Tensor;
  readonly bijection: Bijection;
  readonly feeds: Values;
  readonly rows: readonly (readonly number[])[];
}

function placed({ name, build, domain }: Tried, d: number): Placed {
  const x = data("x", ["batch", d]);
  const bijection = build(d);
  const { data: places, shape } = gaussian(`${name}/${d}`, [PLACES, d], 1.5);
  const at = domain === "unit" ? places.map((place) => 1 / (1 + Math.exp(-place))) : places;
  const rows = Array.from({ length: PLACES }, (_, i) => Array.from(at.subarray(i * d, (i + 1) * d)));
  const feeds = { ...randomParameters([bijection.forward(x).value]), x: { data: at, shape } };
  return { x, bijection, feeds, rows };
}

const places = ({ dimensions }: Tried): string => `${PLACES} x each of d = ${dimensions.join(", ")}`;

/** f⁻¹(f(x)) is x, and log|det| of the way back the opposite of that of the way there. */
function returns(tried: Tried): Measurement {
  const [found, known]: [number[], number[]] = [[], []];
  for (const d of tried.dimensions) {
    const { x, bijection, feeds } = placed(tried, d);
    const there = bijection.forward(x);
    const back = bijection.inverse(there.value);
    const [value, volume, opposite] = evaluate(
      [back.value, there.logAbsDetJacobian, back.logAbsDetJacobian],
      feeds,
    ).map(({ data: values }) => Array.from(values));
    found.push(...value, ...volume);
    known.push(...Array.from(feeds.x.data), ...opposite.map((log) => -log));
  }
  return {
    what: `${tried.name}: f⁻¹(f(x)), and log|det| of both ways, ${places(tried)}; a coordinate is shown`,
    measured: found[0],
    expected: known[0],
    error: relativeToLargest(found, known),
    tolerance: EXACT.float64,
  };
}

/** log|det J| against the determinant of differences. */
function volume(tried: Tried): Measurement {
  const [found, known]: [number[], number[]] = [[], []];
  for (const d of tried.dimensions) {
    const { x, bijection, feeds, rows } = placed(tried, d);
    const { value, logAbsDetJacobian } = bijection.forward(x);
    found.push(...evaluate([logAbsDetJacobian, value], feeds)[0].data);
    for (const row of rows) {
      const jacobian = numericalJacobian(row, (points) => evaluate([value], { ...feeds, x: points })[0].data);
      known.push(Math.log(Math.abs(determinant(new Dense(jacobian)))));
    }
  }
  return {
    what: `${tried.name}: |det J| against differences, ${places(tried)}; the first is shown, the error is of log|det J|`,
    measured: Math.exp(found[0]),
    expected: Math.exp(known[0]),
    error: Math.max(...found.map((log, i) => Math.abs(log - known[i]))),
    tolerance: 1e-6,
  };
}

/** Cells along each axis. */
const GRID = 150;

/** ∫ p(x) dx = 1 of p(x) = p(f(x))·|det J| over the plane: squares of a box around what noise within 6 deviations becomes. */
async function mass(engine: Engine, { name, build, domain, range }: Tried): Promise<Measurement> {
  const x = data("x", ["points", 2]);
  const base = range === "unit" ? uniform(constant([0, 0], [2]), constant([1, 1], [2])) : standardNormal(2);
  const density = flow(base, build(2));
  const logProb = density.logProb(x);
  const feeds = randomParameters([logProb]);
  const box = domain === "unit" ? [0, 1, 0, 1] : boxOf(evaluate([density.sample(disc(range))], feeds)[0].data);
  const [width, height] = [(box[1] - box[0]) / GRID, (box[3] - box[2]) / GRID];
  const cells = Array.from({ length: GRID ** 2 }, (_, i) => [
    box[0] + (Math.floor(i / GRID) + 0.5) * width,
    box[2] + ((i % GRID) + 0.5) * height,
  ]);
  const program = await executable(engine, { logProb }, "float64");
  const values = await program.run({ ...feeds, x: { data: Float64Array.from(cells.flat()), shape: [GRID ** 2, 2] } });
  await program.release();
  const total = Array.from(values.logProb.data).reduce((sum, log) => sum + Math.exp(log), 0) * width * height;
  return {
    what: `${name}: ∫ p(f(x))·|det J| dx over the plane, ${GRID} × ${GRID} squares`,
    measured: total,
    expected: 1,
    error: Math.abs(total - 1),
    tolerance: 1e-3,
    because: "as the row asks",
  };
}

const RINGS = 8;
const ANGLES = 64;
const REACH = 6;

/** Noise that reaches 6 deviations each way, beyond which lies 1e-8 of the mass; of the unit square, its inside to 1e-5 of its edges. */
function disc(range: "unit" | undefined): Tensor {
  const inside = (place: number): number => (range === "unit" ? 0.5 + ((0.5 - 1e-5) * place) / REACH : place);
  const points = Array.from({ length: RINGS * ANGLES }, (_, i) => {
    const [radius, angle] = [(REACH * (Math.floor(i / ANGLES) + 1)) / RINGS, (2 * Math.PI * (i % ANGLES)) / ANGLES];
    return [inside(radius * Math.cos(angle)), inside(radius * Math.sin(angle))];
  });
  return constant(points.flat(), [RINGS * ANGLES, 2]);
}

/** Left, right, low and high of points of the plane. */
function boxOf(points: ArrayLike<number>): readonly number[] {
  return [0, 1].flatMap((axis) => {
    const along = Array.from(points).filter((_, i) => i % 2 === axis);
    return [Math.min(...along), Math.max(...along)];
  });
}

/** What row 22 claims of a bijection at random parameters: it comes back, its volume is right, its densities in the plane have mass 1. */
export async function bijectionHolds(engine: Engine, tried: Tried): Promise<readonly Measurement[]> {
  const all = [returns(tried), volume(tried)];
  return tried.dimensions.includes(2) ? [...all, await mass(engine, tried)] : all;
}
