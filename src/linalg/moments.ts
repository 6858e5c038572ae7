import { type Dataset, featureMeans } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { data, matmul, sub } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
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
  const sums = mean.map(() => new Array<number>(d).fill(0));
  for (const row of rows) {
    const apart = row.map((value, j) => value - mean[j]);
    for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) sums[i][j] += apart[i] * apart[j];
  }
  return { count, mean, covariance: symmetricMean(sums, count) };
}

/** How many numbers are taken at once. */
const BLOCK = 2 ** 22;

/** Of a dataset's numbers, in blocks of rows, the products by the engine in float64: 60,000 × 784 take seconds. */
export async function datasetMoments(engine: Engine, dataset: Dataset, block = BLOCK): Promise<Moments> {
  const d = sizeOf(dataset.shape);
  const mean = featureMeans(dataset);
  const x = sub(data("x", ["rows", d]), data("mean", [d]));
  const program = await compile(engine, { scatter: matmul(x, x, { transposeA: true }) }, { precision: "float64" });
  const sums = Array.from({ length: d }, () => new Array<number>(d).fill(0));
  const most = Math.min(dataset.length, Math.max(1, Math.floor(block / d)));
  try {
    for (let start = 0; start < dataset.length; start += most) {
      const rows = Uint32Array.from({ length: Math.min(most, dataset.length - start) }, (_, i) => start + i);
      const numbers = new Float32Array(rows.length * d);
      dataset.read(rows, numbers);
      const x64 = { data: Float64Array.from(numbers), shape: [rows.length, d] };
      const { scatter } = await program.run({ x: x64, mean: { data: mean, shape: [d] } });
      for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) sums[i][j] += scatter.data[i * d + j];
    }
  } finally {
    await program.release();
  }
  return { count: dataset.length, mean: Array.from(mean), covariance: symmetricMean(sums, dataset.length) };
}

/** Sums below the diagonal as a whole symmetric matrix of means. */
function symmetricMean(sums: Matrix, count: number): number[][] {
  return sums.map((row, i) => row.map((_, j) => (i >= j ? sums[i][j] : sums[j][i]) / count));
}
