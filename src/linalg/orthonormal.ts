import { NumericalError } from "../errors.ts";
import { type CompiledFunction, compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { data, matmul } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { type Block, orthonormalised } from "./block.ts";
import type { Matrix } from "./matrix.ts";
import { choleskyFactor, invertLower } from "./positive.ts";

/** Orthonormal rows, the large products by the engine. */
export interface Orthonormal {
  /** Rows that span the same as those of X [width, n], in turn. */
  of(x: NdArray): Promise<NdArray>;
  /** Of drawn vectors. */
  drawn(): Promise<NdArray>;
  release(): Promise<void>;
}

/** How far XXᵀ may be from I: some hundred roundings. */
const ORTHONORMAL = 1e-14;

/**
 * By Cholesky twice: with XXᵀ = LLᵀ the rows of L⁻¹X are orthonormal to κ(X)²·10⁻¹⁶, and those of a second time to rounding.
 * Yamamoto, Nakatsukasa, Yanagisawa & Fukaya 2015. Vectors too near to parallel for it, and zeros, go through Gram–Schmidt.
 */
export async function openOrthonormal(
  engine: Engine,
  [width, n]: readonly [number, number],
  draw: () => Float64Array,
): Promise<Orthonormal> {
  const vectors = matmul(data("turns", [width, width]), data("x", [width, n]));
  const outputs = { vectors, products: matmul(vectors, vectors, { transposeB: true }) };
  const program = await compile(engine, outputs, { precision: "float64" });
  const of = async (x: NdArray): Promise<NdArray> =>
    (await byCholesky(program, x)) ?? together(orthonormalised(rowsOf(x), draw));
  return {
    of,
    drawn: () => of(together(Array.from({ length: width }, draw))),
    release: () => program.release(),
  };
}

/** Undefined where XXᵀ is not positive definite to rounding, or the rows come out as no such. */
async function byCholesky(program: CompiledFunction, x: NdArray): Promise<NdArray | undefined> {
  const [width] = x.shape;
  let found = await program.run({ x, turns: identity(width) });
  for (let pass = 1; pass <= 2; pass++) {
    const turns = inverseRoot(found.products);
    if (!turns) return undefined;
    found = await program.run({ x: found.vectors, turns });
  }
  const ones = identity(width).data;
  let apart = 0;
  for (let i = 0; i < ones.length; i++) apart = Math.max(apart, Math.abs(found.products.data[i] - ones[i]));
  return apart <= ORTHONORMAL ? found.vectors : undefined;
}

/** T, lower triangular, with TGTᵀ = I: of the unit diagonal D⁻¹GD⁻¹ = LLᵀ it is L⁻¹D⁻¹. Undefined where there is none. */
function inverseRoot(products: NdArray): NdArray | undefined {
  const rows = symmetricRows(products);
  const lengths = rows.map((row, i) => Math.sqrt(row[i]));
  const cosines = rows.map((row, i) => row.map((value, j) => value / lengths[i] / lengths[j]));
  const turns = new Float64Array(products.data.length);
  try {
    for (const [i, row] of invertLower(choleskyFactor(cosines)).entries()) {
      for (let j = 0; j <= i; j++) turns[i * lengths.length + j] = row[j] / lengths[j];
    }
  } catch (error) {
    if (error instanceof NumericalError) return undefined;
    throw error;
  }
  return { data: turns, shape: products.shape };
}

/** A symmetric matrix by its rows, of one that is so but for rounding. */
export function symmetricRows({ data: entries, shape: [n] }: NdArray): Matrix {
  const each = Array.from({ length: n }, (_, i) => i);
  return each.map((i) => each.map((j) => (entries[i * n + j] + entries[j * n + i]) / 2));
}

function identity(n: number): NdArray {
  const entries = new Float64Array(n * n);
  for (let i = 0; i < n; i++) entries[i * n + i] = 1;
  return { data: entries, shape: [n, n] };
}

function together(block: Block): NdArray {
  const [width, n] = [block.length, block[0].length];
  const all = new Float64Array(width * n);
  for (const [i, vector] of block.entries()) all.set(vector, i * n);
  return { data: all, shape: [width, n] };
}

function rowsOf({ data: numbers, shape: [width, n] }: NdArray): Block {
  const all = Float64Array.from(numbers);
  return Array.from({ length: width }, (_, i) => all.subarray(i * n, (i + 1) * n));
}
