import { type Dataset, featureMeans } from "../data/dataset.ts";
import { missingRemedy } from "../data/reading.ts";
import { InputError } from "../errors.ts";
import { compile, type Feeds } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { data, matmul, slice, sub, type Tensor } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { byteSums } from "./byte-products.ts";
import type { Matrix, Vector } from "./matrix.ts";

/** The first two moments of data: all that a Gaussian model's likelihood depends on. */
export interface Moments {
  readonly count: number;
  readonly mean: Vector;
  /** Σ (x − mean)(x − mean)ᵀ/count: the divisor is count, as maximum likelihood has it. */
  readonly covariance: Matrix;
}

/** Of rows of plain numbers; float64. */
export function moments(rows: Matrix): Moments {
  const count = rows.length;
  if (count === 0) throw new InputError("moments: at least one row is needed, got none");
  const d = rows[0].length;
  const mean = Array.from({ length: d }, (_, j) => rows.reduce((total, row) => total + row[j], 0) / count);
  const sums = new Float64Array(d * d);
  for (const row of rows) {
    const apart = row.map((value, j) => value - mean[j]);
    for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) sums[i * d + j] += apart[i] * apart[j];
  }
  return { count, mean, covariance: symmetric(d, (i, j) => sums[i * d + j] / count) };
}

/** How many numbers are taken at once. */
const BLOCK = 2 ** 22;

/** Of a dataset's numbers, in blocks of rows, the products by the engine: 60,000 × 784 take seconds. Bytes give exact sums. */
export async function datasetMoments(engine: Engine, dataset: Dataset, block = BLOCK): Promise<Moments> {
  refuseMissing(dataset);
  return dataset.dtype === "uint8" ? byteMoments(engine, dataset) : floatMoments(engine, dataset, block);
}

/** @throws InputError where numbers are missing. */
export function refuseMissing(dataset: Dataset): void {
  if (dataset.missing) {
    throw new InputError(
      `${dataset.name}: ${dataset.missing} numbers are missing, and a covariance needs all; ${missingRemedy}`,
    );
  }
}

/** In float64, centred before they are multiplied. */
async function floatMoments(engine: Engine, dataset: Dataset, block: number): Promise<Moments> {
  const [n, d] = [dataset.length, sizeOf(dataset.shape)];
  const mean = featureMeans(dataset);
  const x = sub(data("x", ["rows", d]), data("mean", [d]));
  const parts = lowerBlocks(x, d);
  const program = await compile(engine, named(parts), { precision: "float64" });
  const sums = new Float64Array(d * d);
  try {
    for (const rows of rowBlocks(n, Math.max(1, Math.floor(block / d)))) {
      const numbers = new Float32Array(rows.length * d);
      dataset.read(rows, numbers);
      const x64 = { data: Float64Array.from(numbers), shape: [rows.length, d] };
      addBlocks(sums, d, parts, await program.run({ x: x64, mean: { data: mean, shape: [d] } }));
    }
  } finally {
    await program.release();
  }
  return { count: n, mean: Array.from(mean), covariance: symmetric(d, (i, j) => sums[i * d + j] / n) };
}

/**
 * From exact sums, in whole numbers below 2⁵³ and so without rounding for up to 370,000 rows:
 * n²·covariance = n Σxxᵀ − (Σx)(Σx)ᵀ.
 */
async function byteMoments(engine: Engine, dataset: Dataset): Promise<Moments> {
  const [n, d] = [dataset.length, sizeOf(dataset.shape)];
  const { totals, products } = await byteSums(engine, dataset, d);
  const covariance = symmetric(d, (i, j) => (n * products[i * d + j] - totals[i] * totals[j]) / n ** 2);
  return { count: n, mean: Array.from(totals, (total) => total / n), covariance };
}

/** 0 … n − 1 in order, so many at once. */
function* rowBlocks(n: number, most: number): Generator<Uint32Array> {
  for (let start = 0; start < n; start += most) {
    yield Uint32Array.from({ length: Math.min(most, n - start) }, (_, i) => start + i);
  }
}

/** XᵀX is halved until its blocks on the diagonal are this small; the blocks above it are never made. */
const LEAF = 256;

/** A block of XᵀX: its first row and column, its columns, and the program's name for it. */
interface Part {
  readonly name: string;
  readonly row: number;
  readonly column: number;
  readonly width: number;
  readonly value: Tensor;
}

/** XᵀX of x [rows, d], in blocks on and below the diagonal: [[LᵀL, ·], [RᵀL, RᵀR]] of its halves L and R. */
function lowerBlocks(x: Tensor, d: number, start = 0): readonly Part[] {
  const part = (row: number, column: number, width: number, value: Tensor): Part => {
    return { name: `block ${row} ${column}`, row, column, width, value };
  };
  if (d <= LEAF) return [part(start, start, d, matmul(x, x, { transposeA: true }))];
  const half = Math.ceil(d / 2);
  const [left, right] = [slice(x, 1, 0, half), slice(x, 1, half, d)];
  const between = part(start + half, start, half, matmul(right, left, { transposeA: true }));
  return [...lowerBlocks(left, half, start), between, ...lowerBlocks(right, d - half, start + half)];
}

function named(parts: readonly Part[]): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(parts.map(({ name, value }) => [name, value]));
}

/** Adds the blocks to [d, d]. */
function addBlocks(sums: Float64Array, d: number, parts: readonly Part[], values: Feeds): void {
  for (const { name, row, column, width } of parts) {
    const { data: terms } = values[name];
    for (let i = 0, at = 0; at < terms.length; i++) {
      const from = (row + i) * d + column;
      for (let j = 0; j < width; j++) sums[from + j] += terms[at++];
    }
  }
}

/** The symmetric matrix of these entries, asked for on and below the diagonal. */
function symmetric(d: number, entry: (i: number, j: number) => number): number[][] {
  const rows = Array.from({ length: d }, () => new Array<number>(d).fill(0));
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      const value = entry(i, j);
      rows[i][j] = value;
      rows[j][i] = value;
    }
  }
  return rows;
}
