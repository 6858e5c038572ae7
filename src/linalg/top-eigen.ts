import { NumericalError, ShapeError } from "../errors.ts";
import { stream } from "../random/stream.ts";
import { type CompiledFunction, compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { data, matmul, mul, sqrt, square, sub, sum } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { type Eigen, symmetricEigen } from "./eigen.ts";
import { type Orthonormal, openOrthonormal, symmetricRows } from "./orthonormal.ts";

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
  if (!allFinite(matrix.data)) {
    throw new NumericalError(`topEigen: the matrix [${matrix.shape}] holds numbers that are not finite`);
  }
  const width = Math.min(n, k + Math.max(SPARE, Math.ceil(k / 4)));
  if (n <= SMALL || WIDE * width > n) return whole(matrix, k);
  const programs = await openPrograms(engine, matrix, width);
  try {
    const found = await iterate(programs, n, k);
    if (found || n <= WHOLE) return found ?? whole(matrix, k);
  } finally {
    await programs.release();
  }
  const spectrum = `the ${k} largest of ${n} eigenvalues lie too close to those after them`;
  throw new NumericalError(`topEigen: ${spectrum}, ${ROUNDS} rounds did not part them; ask for more or for fewer`);
}

function allFinite(numbers: Float64Array): boolean {
  for (const value of numbers) if (!Number.isFinite(value)) return false; // ten times as fast as `every`
  return true;
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

/** What the engine does with vectors in rows, X [width, n]; A is symmetric, so that (AXᵀ)ᵀ = XA. */
interface Programs {
  /** X ↦ orthonormal rows of the same span. */
  readonly basis: Orthonormal;
  /** Q ↦ QA and QAQᵀ */
  readonly project: CompiledFunction;
  /** U, Q, QA, θ ↦ the vectors UQ, UQA and the lengths of (UQA − θUQ). */
  readonly turn: CompiledFunction;
  /** X, X₋ ↦ aXA − cX − c₋X₋ */
  readonly step: CompiledFunction;
  readonly matrix: Symmetric;
  readonly release: () => Promise<void>;
}

async function openPrograms(engine: Engine, matrix: Symmetric, width: number): Promise<Programs> {
  const [n] = matrix.shape;
  const [a, x, before] = [data("a", [n, n]), data("x", [width, n]), data("before", [width, n])];
  const images = matmul(x, a);
  const turns = data("turns", [width, width]);
  const vectors = matmul(turns, x);
  const turned = matmul(turns, data("images", [width, n]));
  const left = sub(turned, mul(data("values", [width, 1]), vectors));
  const next = sub(sub(mul(data("scale", []), images), mul(data("own", []), x)), mul(data("back", []), before));
  const precision = "float64";
  const project = await compile(engine, { images, projected: matmul(images, x, { transposeB: true }) }, { precision });
  const turn = await compile(engine, { vectors, turned, residuals: sqrt(sum(square(left), -1)) }, { precision });
  const step = await compile(engine, { next }, { precision });
  const random = stream(0, "linalg/top-eigen");
  const draw = (): Float64Array => Float64Array.from({ length: n }, () => random.normal());
  const basis = await openOrthonormal(engine, [width, n], draw);
  const release = async (): Promise<void> => {
    for (const program of [project, turn, step, basis]) await program.release();
  };
  return { basis, project, turn, step, matrix, release };
}

async function iterate(programs: Programs, n: number, k: number): Promise<Eigen | undefined> {
  let block = await programs.basis.drawn();
  for (let round = 0; round < ROUNDS; round++) {
    const ritz = await rayleighRitz(programs, block);
    const { values, vectors, residuals } = ritz;
    if (residuals.slice(0, k).every((residual) => residual <= TOLERANCE * values[0])) {
      const found = Array.from({ length: k }, (_, i) => Array.from(vectors.data.subarray(i * n, (i + 1) * n)));
      return { values: values.slice(0, k), vectors: found };
    }
    if (!(values[0] > 0)) return undefined;
    block = await programs.basis.of(await filtered(programs, ritz, k));
  }
  return undefined;
}

interface Ritz {
  /** Descending. */
  readonly values: readonly number[];
  /** X [width, n] */
  readonly vectors: NdArray;
  /** XA [width, n] */
  readonly images: NdArray;
  /** ‖Av − λv‖ of each. */
  readonly residuals: readonly number[];
}

/** The best eigenpairs in the space of an orthonormal basis, the rows of Q: QAQᵀ = UᵀΘU, vectors UQ. */
async function rayleighRitz({ project, turn, matrix }: Programs, x: NdArray): Promise<Ritz> {
  const [width] = x.shape;
  const { images, projected } = await project.run({ x, a: matrix });
  const { values, vectors: turns } = symmetricEigen(symmetricRows(projected));
  const feeds = {
    x,
    images,
    turns: { data: Float64Array.from(turns.flat()), shape: [width, width] },
    values: { data: Float64Array.from(values), shape: [width, 1] },
  };
  const { vectors, turned, residuals } = await turn.run(feeds);
  return { values, vectors, images: turned, residuals: Array.from(residuals.data) };
}

/**
 * T_m(t)X of t = 2A/β − I: within ±1 on [0, β] and growing fast beyond. By T_{m+1}(t) = 2t T_m(t) − T_{m−1}(t), scaled to 1 at λ₁
 * by σ_m = T_{m−1}(t₁)/T_m(t₁).
 */
async function filtered({ step, matrix }: Programs, { values, vectors, images }: Ritz, k: number): Promise<NdArray> {
  const beta = Math.max(values[values.length - 1], values[0] * Number.EPSILON);
  const [first, last] = [values[0], Math.max(values[k - 1], beta)].map((value) => (2 * value) / beta - 1);
  // T_m(t) grows as exp(m arcosh t)
  const apart = Math.acosh(first) - Math.acosh(last);
  const degree = Math.max(1, Math.min(LONGEST, Math.floor(Math.log(AMPLIFICATION) / apart)));
  /** c·t·X − back·X₋ */
  const stepped = async (x: NdArray, c: number, back: number, before: NdArray): Promise<NdArray> => {
    const one = (value: number): NdArray => ({ data: Float64Array.of(value), shape: [] });
    const scalars = { scale: one((2 * c) / beta), own: one(c), back: one(back) };
    return (await step.run({ ...scalars, a: matrix, x, before })).next;
  };
  let sigma = 1 / first;
  let before = vectors;
  const start = new Float64Array(vectors.data.length);
  for (let i = 0; i < start.length; i++) start[i] = sigma * ((2 / beta) * images.data[i] - vectors.data[i]);
  let now: NdArray = { data: start, shape: vectors.shape };
  for (let m = 2; m <= degree; m++) {
    const next = 1 / (2 * first - sigma);
    const following = await stepped(now, 2 * next, sigma * next, before);
    [before, now, sigma] = [now, following, next];
  }
  return now;
}
