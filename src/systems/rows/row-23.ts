import { Matrix as Dense, determinant } from "ml-matrix";
import { numbersOf } from "../../data/dataset.ts";
import type { Bijection } from "../../flows/bijection.ts";
import { orthogonal } from "../../flows/householder.ts";
import type { LinearOptions } from "../../flows/linear.ts";
import { linearLu } from "../../flows/linear-lu.ts";
import { linearQr } from "../../flows/linear-qr.ts";
import { gram, type Matrix, transposed } from "../../linalg/matrix.ts";
import { factorPositive } from "../../linalg/positive.ts";
import { namedLeaves } from "../../onnx/lower.ts";
import { drawInitial } from "../../random/initial.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, data, type Tensor } from "../../tensor/index.ts";
import type { NdArray } from "../../tensor/ndarray.ts";
import { evaluate } from "../../tensor/reference.ts";
import { staticShape } from "../../tensor/shape.ts";
import { bijectionHolds, gaussian } from "../bijection-checks.ts";
import { densityModel, logDensities, trainDensity } from "../density-model.ts";
import { executable, type Values } from "../execute.ts";
import { table, wineRows } from "../linear-vae.ts";
import { EXACT, type Measurement, norm, relativeToLargest, type SystemRow } from "../row.ts";

interface Kind {
  readonly name: string;
  readonly factors: string;
  readonly build: (name: string, d: number, options?: LinearOptions) => Bijection;
}

const kinds: readonly Kind[] = [
  { name: "W = PLU", factors: "Σ log|U_ii|", build: linearLu },
  { name: "W = QR", factors: "Σ log|R_ii|", build: linearQr },
];

const SIZES = [1, 2, 7, 20];
const LARGEST = 20;

const rowsOf = (values: ArrayLike<number>, d: number): Matrix =>
  Array.from({ length: d }, (_, i) => Array.from(values).slice(i * d, (i + 1) * d));

/** At the start the product of the factors is the W that was given, and log|det W| what its diagonal says. */
function start({ name, factors, build }: Kind): readonly Measurement[] {
  const [entries, given, logs, exact]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (const d of SIZES) {
    const weight = rowsOf(gaussian(`W/${d}`, [d, d]).data, d);
    const axes = constant(
      weight.flatMap((row, i) => row.map((_, j) => (i === j ? 1 : 0))),
      [d, d],
    );
    const { value, logAbsDetJacobian } = build("w", d, { weight }).forward(axes); // rows We_j
    const [columns, log] = evaluate([value, logAbsDetJacobian], startsOf([value]));
    entries.push(...transposed(rowsOf(columns.data, d)).flat());
    given.push(...weight.flat());
    logs.push(log.data[0]);
    exact.push(Math.log(Math.abs(determinant(new Dense(weight.map((row) => [...row]))))));
  }
  return [
    {
      what: `length of ${name} at the start, against the random W that it is given, d = ${SIZES.join(", ")}; the error is the largest of an entry`,
      measured: norm(entries),
      expected: norm(given),
      error: relativeToLargest(entries, given),
      tolerance: EXACT.float64,
    },
    {
      what: `log|det W| by ${factors} against a determinant, the same W; d = ${LARGEST} is shown`,
      measured: logs[SIZES.length - 1],
      expected: exact[SIZES.length - 1],
      error: relativeToLargest(logs, exact),
      tolerance: EXACT.float64,
    },
  ];
}

/** Parameters where they start, to the last bit: what is drawn otherwise is rounded to float32. */
function startsOf(outputs: readonly Tensor[]): Values {
  return Object.fromEntries(
    namedLeaves(outputs).flatMap(({ leaf, tensor }): [string, NdArray][] => {
      if (leaf.kind !== "parameter") return [];
      const shape = staticShape(leaf.name, tensor.shape);
      const { initial } = leaf;
      const values = initial.law === "values" ? initial.values : drawInitial(initial, leaf.name, shape, 0);
      return [[leaf.name, { data: Float64Array.from(values), shape }]];
    }),
  );
}

const STEPS = 400;
const SEED = 23;

/** z = Wx + b ~ N(0, I) makes x any Gaussian: its likelihood on wine rises to that of the mean and covariance of the data. */
async function trained(engine: Engine, { name, build }: Kind): Promise<readonly Measurement[]> {
  const wine = table("wine", wineRows());
  const { count, mean, covariance } = wine.moments;
  const d = mean.length;
  const model = densityModel(build("w", d, { seed: SEED }), d);
  const training = { steps: STEPS, rate: 0.05, batchSize: count, seed: SEED };
  const parameters = await trainDensity(engine, model, wine, training);
  const logs = await logDensities(engine, model, parameters, { data: numbersOf(wine.dataset), shape: [count, d] });
  const reached = logs.reduce((total, log) => total + log, 0) / count;
  const best = -0.5 * (d * Math.log(2 * Math.PI * Math.E) + factorPositive(covariance).logDeterminant);
  const likelihood: Measurement = {
    what: `${name} and b after ${STEPS} steps: mean log p(x) of wine, against the full Gaussian's in closed form`,
    measured: reached,
    expected: best,
    error: Math.abs(reached - best),
    tolerance: 1e-5,
    because: "nats; where the steps end",
  };
  const reflections = parameters["w/reflections"];
  return reflections ? [likelihood, await stillOrthogonal(engine, reflections)] : [likelihood];
}

/** QᵀQ = I of the reflections that training ended with, in float32 as it is trained. */
async function stillOrthogonal(engine: Engine, reflections: NdArray): Promise<Measurement> {
  const [d] = reflections.shape;
  const program = await executable(engine, { q: orthogonal(data("v", reflections.shape)) }, "float32");
  const { q } = await program.run({ v: reflections });
  await program.release();
  const products = gram(transposed(rowsOf(q.data, d)));
  const apart = products.flatMap((row, i) => row.map((value, j) => Math.abs(value - (i === j ? 1 : 0))));
  return {
    what: `QᵀQ after those ${STEPS} steps, float32, ${d} × ${d}: its last entry, against I; the error is the largest of all`,
    measured: products[d - 1][d - 1],
    expected: 1,
    error: Math.max(...apart),
    tolerance: 1e-5,
  };
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const kind of kinds) {
    const { name, build } = kind;
    const tried = { name, dimensions: SIZES, build: (d: number) => build("w", d) };
    measurements.push(...(await bijectionHolds(engine, tried)), ...start(kind), ...(await trained(engine, kind)));
  }
  return measurements;
}

/** Row 23: z = Wx + b with W in factors, whose determinant is a product of d numbers. */
export const row23: SystemRow = { row: 23, title: "Linear flows W = PLU and W = QR", measure };
