import { type Dataset, featureDeviations, featureMeans, numbersOf } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { type Block, orthonormalised } from "../linalg/block.ts";
import type { Matrix, Vector } from "../linalg/matrix.ts";
import { datasetMoments, refuseMissing } from "../linalg/moments.ts";
import { largestPositive } from "../linalg/sign.ts";
import { topEigen, trace } from "../linalg/top-eigen.ts";
import { stream } from "../random/stream.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { add, data, matmul, sub, type Tensor } from "../tensor/index.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";

/*
 * Principal component analysis: the linear encoder and decoder of k numbers that leave the smallest squared error. Pearson 1901;
 * Jolliffe, Principal Component Analysis, 2002, §3.2: the first k eigenvectors of the covariance (1/n) Σ (x − μ)(x − μ)ᵀ.
 */

export interface Pca {
  /** Examples that it was made of. */
  readonly count: number;
  /** μ [d]: the mean; 0 where it is made about 0. */
  readonly mean: Vector;
  /** [d]: what one unit of each number is; 1 unless standardised. */
  readonly scale: Vector;
  /** V [k][d], orthonormal rows; of each the number of the largest size is positive, as scikit-learn has it. */
  readonly components: Matrix;
  /** λ₁ ≥ … ≥ λ_k ≥ 0: the variance along each component, the divisor n, where scikit-learn's `explained_variance_` has n − 1. */
  readonly eigenvalues: Vector;
  /** The variances of all numbers together, Σ_j λ_j over all d. */
  readonly totalVariance: number;
}

export interface PcaOptions {
  /** k, from 1 to the number of examples and of numbers in each. Beyond the rank the eigenvalues are 0, and directions any. */
  readonly latents: number;
  /** About 0 instead of the mean. */
  readonly uncentred?: boolean;
  /** Numbers in units of their own deviation; one that never changes stays as it is. */
  readonly standardize?: boolean;
}

/** Above it the matrix that is decomposed takes more than 800 MB. */
const LARGEST = 10_000;

/** The first k principal components; float64, deterministic. @throws InputError where so many are not there to be had. */
export async function fitPca(engine: Engine, dataset: Dataset, options: PcaOptions): Promise<Pca> {
  const [n, d] = [dataset.length, sizeOf(dataset.shape)];
  refuseMissing(dataset);
  checkComponents(options.latents, n, d);
  return n < d ? pcaOfRows(engine, dataset, options) : pcaOfCovariance(engine, dataset, options);
}

function checkComponents(k: number, n: number, d: number): void {
  const most = Math.min(n, d);
  if (!(Number.isInteger(k) && k >= 1 && k <= most)) {
    const known = `${n} examples of ${d} numbers`;
    throw new InputError(`PCA: of ${known}, 1 to ${most} components can be taken, got ${k}`);
  }
  if (most > LARGEST) {
    const size = ((8 * most ** 2) / 2 ** 30).toFixed(1);
    throw new InputError(
      `PCA: ${n} examples of ${d} numbers need a matrix of ${size} GiB; take at most ${LARGEST} examples (--limit) or smaller ones`,
    );
  }
}

/** By the d × d covariance. */
async function pcaOfCovariance(engine: Engine, dataset: Dataset, options: PcaOptions): Promise<Pca> {
  const { count, mean: average, covariance } = await datasetMoments(engine, dataset);
  const d = average.length;
  const scale = average.map((_, i) => (options.standardize && Math.sqrt(covariance[i][i])) || 1);
  const mean = options.uncentred ? average.map(() => 0) : average;
  const second = new Float64Array(d * d); // E (x − mean)(x − mean)ᵀ in units of the scale
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) {
      const apart = (average[i] - mean[i]) * (average[j] - mean[j]);
      second[i * d + j] = (covariance[i][j] + apart) / (scale[i] * scale[j]);
    }
  }
  const matrix = { data: second, shape: [d, d] };
  const { values, vectors } = await topEigen(engine, matrix, options.latents);
  return assembled({ count, mean, scale, totalVariance: trace(matrix) }, values, vectors);
}

/**
 * Fewer examples than numbers: with Y the n centred examples, the n × n matrix YYᵀ/n = UΛUᵀ has the same eigenvalues, and the
 * components are the rows of UᵀY, of length √(nλ). Jolliffe 2002, §3.5.
 */
async function pcaOfRows(engine: Engine, dataset: Dataset, options: PcaOptions): Promise<Pca> {
  const [n, d] = [dataset.length, sizeOf(dataset.shape)];
  const average = featureMeans(dataset);
  const deviations = options.standardize ? featureDeviations(dataset, average) : undefined;
  const scale = Array.from(average, (_, j) => deviations?.[j] || 1);
  const mean = Array.from(average, (value) => (options.uncentred ? 0 : value));
  const centred = Float64Array.from(numbersOf(dataset), (value, i) => (value - mean[i % d]) / scale[i % d]);
  const rows = { data: centred, shape: [n, d] };
  const x = data("x", [n, d]);
  const inner = await computed(engine, matmul(x, x, { transposeB: true }), { x: rows });
  const matrix = { data: inner.map((value) => value / n), shape: [n, n] };
  const { values, vectors } = await topEigen(engine, matrix, options.latents);
  const k = values.length;
  const u = { data: Float64Array.from(vectors.flat()), shape: [k, n] };
  const directions = await computed(engine, matmul(data("u", [k, n]), x), { u, x: rows }); // UᵀY  [k, d]
  const rounding = n * Number.EPSILON * values[0];
  const block: Block = values.map((value, i) =>
    value > rounding ? directions.slice(i * d, (i + 1) * d) : new Float64Array(d),
  );
  const random = stream(0, "pca/null");
  const components = orthonormalised(block, () => Float64Array.from({ length: d }, () => random.normal()));
  return assembled(
    { count: n, mean, scale, totalVariance: trace(matrix) },
    values,
    components.map((component) => Array.from(component)),
  );
}

async function computed(
  engine: Engine,
  output: Tensor,
  feeds: Readonly<Record<string, NdArray>>,
): Promise<Float64Array> {
  const program = await compile(engine, { output }, { precision: "float64" });
  try {
    return Float64Array.from((await program.run(feeds)).output.data);
  } finally {
    await program.release();
  }
}

function assembled(known: Omit<Pca, "components" | "eigenvalues">, values: Vector, vectors: Matrix): Pca {
  return { ...known, eigenvalues: values.map((value) => Math.max(0, value)), components: vectors.map(largestPositive) };
}

/** The mean squared error per example of its reconstructions, in units of the scale: Σ_{j>k} λ_j. */
export function pcaError({ eigenvalues, totalVariance }: Pca): number {
  return Math.max(
    0,
    eigenvalues.reduce((left, value) => left - value, totalVariance),
  );
}

/** The two maps as matrices: z = (x − μ)·inward, x̂ = μ + z·outward. */
export interface PcaMaps<T> {
  /** μ [d] */
  readonly mean: T;
  /** (V/scale)ᵀ [d, k] */
  readonly inward: T;
  /** V·scale [k, d] */
  readonly outward: T;
}

export function pcaMaps({ mean, scale, components }: Pca): PcaMaps<NdArray<Float64Array>> {
  const [k, d] = [components.length, mean.length];
  const inward = new Float64Array(d * k);
  const outward = new Float64Array(k * d);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < d; j++) {
      inward[j * k + i] = components[i][j] / scale[j];
      outward[i * d + j] = components[i][j] * scale[j];
    }
  }
  return {
    mean: { data: Float64Array.from(mean), shape: [d] },
    inward: { data: inward, shape: [d, k] },
    outward: { data: outward, shape: [k, d] },
  };
}

/** [..., d] → [..., k] */
export function encodePca({ mean, inward }: PcaMaps<Tensor>, x: Tensor): Tensor {
  return matmul(sub(x, mean), inward);
}

/** [..., k] → [..., d] */
export function decodePca({ mean, outward }: PcaMaps<Tensor>, z: Tensor): Tensor {
  return add(mean, matmul(z, outward));
}
