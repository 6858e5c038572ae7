import { InputError } from "../errors.ts";
import type { Vector } from "../linalg/matrix.ts";
import { largestPositive } from "../linalg/sign.ts";
import { solvePositive } from "../linalg/solve-positive.ts";
import { type Symmetric, topEigen, trace } from "../linalg/top-eigen.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { data, matmul, sub, type Tensor } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import type { Kernel } from "./kernels.ts";

/*
 * Kernel PCA: principal components in the space that a kernel is the inner product of. Schölkopf, Smola & Müller 1998, "Nonlinear
 * component analysis as a kernel eigenvalue problem". With K̄ the kernel matrix of the examples, centred in that space, and
 * K̄α = λα, ‖α‖ = 1, an example's code is k̄(x)ᵀα/√λ (their eq. 24, centred as in appendix B).
 */

/** What the two maps need, as numbers or as tensors; its size grows with the number of examples n. */
export interface KernelPcaMaps<T> {
  /** X [n, d]: the training examples */
  readonly examples: T;
  /** The mean of k(·, x_j) over the training examples, [n]. */
  readonly centre: T;
  /** A: α/√λ, [n, k] */
  readonly projection: T;
  /** Z: the codes of the training examples, [n, k] */
  readonly codes: T;
  /** C = (k(Z, Z) + αI)⁻¹X, [n, d] */
  readonly dual: T;
}

export interface KernelPca {
  readonly maps: KernelPcaMaps<NdArray<Float64Array>>;
  /** Of K̄, descending, all above 0; as many as there are components. */
  readonly eigenvalues: Vector;
  /** Components asked for that are not there, as their eigenvalues are 0 to rounding. */
  readonly dropped: number;
  /** Σ_j λ_j over all n: the trace of K̄. */
  readonly total: number;
}

export interface KernelPcaOptions {
  readonly kernel: Kernel;
  /** k, from 1 to the number of examples. */
  readonly latents: number;
  /**
   * Of the regression from codes to examples, in units of the mean k(z, z): scikit-learn's `alpha` where that is 1, as it is of the
   * kernels rbf and cosine. 1 by default; below 10⁻³ a program in float32 begins to lose digits.
   */
  readonly ridge?: number;
}

/** Above it the kernel matrix takes more than 800 MB. */
const LARGEST = 10_000;

/** Kernel values that are made at once. */
const BLOCK = 2 ** 22;

/** An eigenvalue is 0 where it is below this part of the first one, as scikit-learn has it. */
const ZERO = 1e-12;

/** The examples are one point where the centred kernel is this part of the kernel: rounding alone leaves some 10⁻¹⁶. */
const SAME = 64 * Number.EPSILON;

/** Fits the examples [n, d]; float64. Time grows with n³, memory with n². */
export async function fitKernelPca(
  engine: Engine,
  examples: NdArray<Float64Array>,
  { kernel, latents, ridge = 1 }: KernelPcaOptions,
): Promise<KernelPca> {
  const [n] = examples.shape;
  checkSize(n, latents);
  const raw = await kernelMatrix(engine, kernel, examples);
  const before = trace(raw);
  const { matrix, centre } = centred(raw);
  const total = trace(matrix);
  if (!(total > SAME * before)) {
    throw new InputError(
      `kernel PCA: to the ${kernel.name} kernel all ${n} examples are the same, so there are no components`,
    );
  }
  const { values, vectors } = await topEigen(engine, matrix, latents);
  const zero = Math.max(ZERO, n * Number.EPSILON) * values[0];
  const eigenvalues = values.filter((value) => value > zero);
  const k = eigenvalues.length;
  const [projection, codes] = [new Float64Array(n * k), new Float64Array(n * k)];
  for (const [j, value] of eigenvalues.entries()) {
    const root = Math.sqrt(value);
    const alpha = largestPositive(vectors[j]);
    const shift = alpha.reduce((total, entry) => total + entry, 0) / n; // 0 but for rounding; see encodeKernelPca
    for (let i = 0; i < n; i++) {
      projection[i * k + j] = (alpha[i] - shift) / root;
      codes[i * k + j] = alpha[i] * root;
    }
  }
  const latent = { data: codes, shape: [n, k] };
  const maps = {
    examples,
    centre: { data: centre, shape: [n] },
    projection: { data: projection, shape: [n, k] },
    codes: latent,
    dual: await kernelRidge(engine, kernel, latent, examples, ridge),
  };
  return { maps, eigenvalues, dropped: latents - k, total };
}

function checkSize(n: number, k: number): void {
  if (n > LARGEST) {
    const size = ((8 * n ** 2) / 2 ** 30).toFixed(1);
    throw new InputError(
      `kernel PCA: ${n} examples need a kernel matrix of ${size} GiB; take at most ${LARGEST} (--limit), or PCA`,
    );
  }
  if (Number.isInteger(k) && k >= 1 && k <= n) return;
  throw new InputError(`kernel PCA: of ${n} examples, 1 to ${n} components can be taken, got ${k}`);
}

/** k(x_i, x_j) of all rows, in blocks of rows. */
async function kernelMatrix(engine: Engine, kernel: Kernel, rows: NdArray<Float64Array>): Promise<Symmetric> {
  const [n, d] = rows.shape;
  const output = kernel.between(data("x", ["rows", d]), data("y", [n, d]));
  const program = await compile(engine, { output }, { precision: "float64" });
  const out = new Float64Array(n * n);
  const most = Math.max(1, Math.floor(BLOCK / n));
  try {
    for (let start = 0; start < n; start += most) {
      const end = Math.min(start + most, n);
      const x = { data: rows.data.subarray(start * d, end * d), shape: [end - start, d] };
      out.set((await program.run({ x, y: rows })).output.data, start * n);
    }
  } finally {
    await program.release();
  }
  return { data: out, shape: [n, n] };
}

/** K̄ = (I − 11ᵀ/n)K(I − 11ᵀ/n), in place, and the means of K's columns. Schölkopf et al. 1998, appendix B. */
function centred({ data: entries, shape }: Symmetric): { readonly matrix: Symmetric; readonly centre: Float64Array } {
  const [n] = shape;
  const centre = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) centre[j] += entries[i * n + j] / n;
  const middle = centre.reduce((total, value) => total + value, 0) / n;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const value = (entries[i * n + j] + entries[j * n + i]) / 2 - centre[i] - centre[j] + middle;
      entries[i * n + j] = value;
      entries[j * n + i] = value;
    }
  }
  return { matrix: { data: entries, shape }, centre };
}

/**
 * The pre-image of a code, learned: kernel ridge regression from codes to examples with the same kernel, C = (k(Z, Z) + αI)⁻¹X.
 * Bakır, Weston & Schölkopf 2004, "Learning to find pre-images"; scikit-learn's `fit_inverse_transform`. There α is absolute, which
 * a polynomial kernel of 10¹¹ does not feel: its regression would be singular to rounding.
 */
async function kernelRidge(
  engine: Engine,
  kernel: Kernel,
  codes: NdArray<Float64Array>,
  examples: NdArray<Float64Array>,
  ridge: number,
): Promise<NdArray<Float64Array>> {
  if (!(ridge > 0 && Number.isFinite(ridge))) {
    throw new InputError(`kernel PCA: the ridge must be a number above 0, got ${ridge}`);
  }
  const matrix = await kernelMatrix(engine, kernel, codes);
  const [n] = matrix.shape;
  const alpha = (ridge * trace(matrix)) / n;
  for (let i = 0; i < n; i++) matrix.data[i * n + i] += alpha;
  return solvePositive(engine, matrix, examples);
}

/**
 * k̄(x)ᵀA, the kernel centred by the training examples: [..., d] → [..., k]. The columns of A sum to 0, so of the centring only the
 * means of the columns of K are left.
 */
export function encodeKernelPca(kernel: Kernel, maps: KernelPcaMaps<Tensor>, x: Tensor): Tensor {
  return matmul(sub(kernel.between(x, maps.examples), maps.centre), maps.projection);
}

/** k(z, Z)C, the kernel ridge pre-image: [..., k] → [..., d]. */
export function decodeKernelPca(kernel: Kernel, maps: KernelPcaMaps<Tensor>, z: Tensor): Tensor {
  return matmul(kernel.between(z, maps.codes), maps.dual);
}
