import { NumericalError, ShapeError } from "../errors.ts";
import { stream } from "../random/stream.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { data, matmul } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { addScaled, type Block, combined, inner, orthonormalised } from "./block.ts";
import { type Eigen, symmetricEigen } from "./eigen.ts";

/** A symmetric matrix in one piece, row by row: [n, n]. */
export type Symmetric = NdArray<Float64Array>;

/** Vectors beyond those asked for: the iteration converges as fast as the last of them differs from the last one asked for. */
const SPARE = 20;

/** Matrices up to this size are decomposed whole: that takes milliseconds. */
const SMALL = 128;

/** Blocks wider than n over this take longer than the decomposition of the whole matrix. */
const WIDE = 7;

/** ‖Av − λv‖ ≤ 10⁻¹²·λ₁ for each pair. */
const TOLERANCE = 1e-12;

/** Rounds after which a matrix is decomposed whole, or given up where that would take minutes. */
const ROUNDS = 60;
const WHOLE = 2000;

/** What a filter may amplify the first vector beyond the last one asked for, so that the digits of that one do not drown. */
const AMPLIFICATION = 1e9;

/** A longer filter gains nothing. */
const LONGEST = 20;

/**
 * The k largest eigenvalues of a symmetric matrix without negative ones, and their vectors; float64.
 *
 * Subspace iteration with Chebyshev polynomials that are small on the unwanted eigenvalues, [0, β], and Rayleigh–Ritz: Saad,
 * Numerical Methods for Large Eigenvalue Problems, 2011, §5.2–5.3; Zhou, Saad, Tiago & Chelikowsky 2006, algorithm 4.2. The products are the
 * engine's. The start is drawn by a fixed seed, so the result is that of the matrix. Small matrices, and k near n, are decomposed whole.
 */
export async function topEigen(engine: Engine, matrix: Symmetric, k: number): Promise<Eigen> {
  const [n] = matrix.shape;
  if (matrix.shape.length !== 2 || matrix.shape[1] !== n || !(Number.isInteger(k) && k >= 1 && k <= n)) {
    throw new ShapeError(`topEigen: 1 to n pairs of a matrix [n, n] are expected, got ${k} of [${matrix.shape}]`);
  }
  if (!matrix.data.every(Number.isFinite)) {
    throw new NumericalError(`topEigen: the matrix [${matrix.shape}] holds numbers that are not finite`);
  }
  const width = Math.min(n, k + Math.max(SPARE, Math.ceil(k / 4)));
  if (n <= SMALL || WIDE * width > n) return whole(matrix, k);
  const program = await compile(
    engine,
    { y: matmul(data("x", [width, n]), data("a", [n, n])) },
    { precision: "float64" },
  );
  const times = async (block: Block): Promise<Block> => {
    const x = new Float64Array(width * n);
    for (const [i, vector] of block.entries()) x.set(vector, i * n);
    const { y } = await program.run({ x: { data: x, shape: [width, n] }, a: matrix }); // A is symmetric: XᵀA = (AX)ᵀ
    const out = Float64Array.from(y.data);
    return block.map((_, i) => out.subarray(i * n, (i + 1) * n));
  };
  try {
    const found = await iterate(times, n, width, k);
    if (found || n <= WHOLE) return found ?? whole(matrix, k);
  } finally {
    await program.release();
  }
  const spectrum = `the ${k} largest of ${n} eigenvalues lie too close to those after them`;
  throw new NumericalError(`topEigen: ${spectrum}, ${ROUNDS} rounds did not part them; ask for more or for fewer`);
}

/** Σ_i A_ii */
export function trace({ data, shape: [n] }: Symmetric): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += data[i * n + i];
  return total;
}

/** By the decomposition of the whole matrix. */
function whole({ data, shape: [n] }: Symmetric, k: number): Eigen {
  const rows = Array.from({ length: n }, (_, i) => Array.from(data.subarray(i * n, (i + 1) * n)));
  const { values, vectors } = symmetricEigen(rows);
  return { values: values.slice(0, k), vectors: vectors.slice(0, k) };
}

async function iterate(
  times: (block: Block) => Promise<Block>,
  n: number,
  width: number,
  k: number,
): Promise<Eigen | undefined> {
  const random = stream(0, "linalg/top-eigen");
  const draw = (): Float64Array => Float64Array.from({ length: n }, () => random.normal());
  let block: Block = Array.from({ length: width }, draw);
  for (let round = 0; round < ROUNDS; round++) {
    const basis = orthonormalised(block, draw);
    const ritz = rayleighRitz(basis, await times(basis));
    const first = ritz.values[0];
    if (ritz.residuals.slice(0, k).every((residual) => residual <= TOLERANCE * first)) {
      return { values: ritz.values.slice(0, k), vectors: ritz.vectors.slice(0, k).map((vector) => Array.from(vector)) };
    }
    if (!(first > 0)) return undefined;
    block = await filtered(times, ritz, k);
  }
  return undefined;
}

interface Ritz {
  /** Descending. */
  readonly values: readonly number[];
  readonly vectors: Block;
  /** AX for the vectors X. */
  readonly images: Block;
  /** ‖Av − λv‖ of each. */
  readonly residuals: readonly number[];
}

/** The best eigenpairs in the space of an orthonormal basis Q: QᵀAQ = UΘUᵀ, vectors QU. */
function rayleighRitz(basis: Block, images: Block): Ritz {
  const projected = basis.map((a, i) => images.map((b, j) => (inner(a, b) + inner(basis[j], images[i])) / 2));
  const { values, vectors: turns } = symmetricEigen(projected);
  const turned = (block: Block): Block => turns.map((turn) => combined(turn, block));
  const [vectors, imagesOfVectors] = [turned(basis), turned(images)];
  const residuals = values.map((value, j) => {
    const left = imagesOfVectors[j].slice();
    addScaled(left, -value, vectors[j]);
    return Math.sqrt(inner(left, left));
  });
  return { values, vectors, images: imagesOfVectors, residuals };
}

/**
 * T_m(t)X of t = 2A/β − I: within ±1 on [0, β] and growing fast beyond. By T_{m+1}(t) = 2t T_m(t) − T_{m−1}(t), scaled to 1 at λ₁
 * by σ_m = T_{m−1}(t₁)/T_m(t₁).
 */
async function filtered(
  times: (block: Block) => Promise<Block>,
  { values, vectors, images }: Ritz,
  k: number,
): Promise<Block> {
  const beta = Math.max(values[values.length - 1], values[0] * Number.EPSILON);
  const [first, last] = [values[0], Math.max(values[k - 1], beta)].map((value) => (2 * value) / beta - 1);
  // T_m(t) grows as exp(m arcosh t)
  const apart = Math.acosh(first) - Math.acosh(last);
  const degree = Math.max(1, Math.min(LONGEST, Math.floor(Math.log(AMPLIFICATION) / apart)));
  /** c·t·X − c′·X₋ */
  const step = (block: Block, imagesOfBlock: Block, c: number, back: number, before: Block): Block =>
    imagesOfBlock.map((image, i) =>
      image.map((value, at) => c * ((2 / beta) * value - block[i][at]) - back * before[i][at]),
    );
  let sigma = 1 / first;
  let before = vectors;
  let now = step(vectors, images, sigma, 0, vectors);
  for (let m = 2; m <= degree; m++) {
    const next = 1 / (2 * first - sigma);
    const following = step(now, await times(now), 2 * next, sigma * next, before);
    [before, now, sigma] = [now, following, next];
  }
  return now;
}
