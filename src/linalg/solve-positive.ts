import { ShapeError } from "../errors.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { data, matmul } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { addScaled } from "./block.ts";
import { choleskyFactor, invertLower } from "./positive.ts";
import type { Symmetric } from "./top-eigen.ts";

/** Columns that are factored at once, by hand; the rest are the engine's products. */
const WIDTH = 256;

/** Of L, LLᵀ = A, some columns, from the diagonal down. */
interface Panel {
  readonly start: number;
  readonly width: number;
  /** [n − start, width]: the first `width` rows are the lower triangle on the diagonal. */
  readonly rows: Float64Array;
  /** The inverse of that triangle, [width, width]. */
  readonly inverse: Float64Array;
}

/**
 * X of AX = B for a symmetric positive definite A [n, n] and B [n, m], in float64: Cholesky in blocks of columns, the products by
 * the engine. Golub & Van Loan, Matrix Computations, 2013, §4.2.9.
 * @throws NumericalError where A is not positive definite.
 */
export async function solvePositive(
  engine: Engine,
  a: Symmetric,
  b: NdArray<Float64Array>,
): Promise<NdArray<Float64Array>> {
  const [n, m] = b.shape;
  if (a.shape.length !== 2 || a.shape[0] !== n || a.shape[1] !== n || b.shape.length !== 2) {
    throw new ShapeError(`solvePositive: [n, n] and [n, m] are expected, got [${a.shape}] and [${b.shape}]`);
  }
  const { plain, left, right, release } = await openProducts(engine);
  try {
    const panels = await factored(right, a);
    const x = b.data.slice();
    /** The rows of X in a panel's own block, and those below it. */
    const parts = ({ start, width }: Panel): readonly [Float64Array, Float64Array] => [
      x.subarray(start * m, (start + width) * m),
      x.subarray((start + width) * m),
    ];
    for (const panel of panels) {
      const [own, below] = parts(panel);
      own.set(await plain(panel.inverse, own, panel.width)); // L⁻¹B, block by block
      if (below.length > 0) addScaled(below, -1, await plain(belowDiagonal(panel), own, panel.width));
    }
    for (const panel of panels.toReversed()) {
      const [own, below] = parts(panel);
      if (below.length > 0) addScaled(own, -1, await left(belowDiagonal(panel), below, below.length / m));
      own.set(await left(panel.inverse, own, panel.width)); // L⁻ᵀL⁻¹B, from the last block up
    }
    return { data: x, shape: [n, m] };
  } finally {
    await release();
  }
}

function belowDiagonal({ rows, width }: Panel): Float64Array {
  return rows.subarray(width * width);
}

async function factored(right: Product, { data: entries, shape: [n] }: Symmetric): Promise<readonly Panel[]> {
  const panels: Panel[] = [];
  for (let start = 0; start < n; start += WIDTH) {
    const width = Math.min(WIDTH, n - start);
    const column = new Float64Array((n - start) * width);
    for (let i = start; i < n; i++) {
      column.set(entries.subarray(i * n + start, i * n + start + width), (i - start) * width);
    }
    for (const before of panels) {
      const rows = before.rows.subarray((start - before.start) * before.width);
      addScaled(column, -1, await right(rows, rows.subarray(0, width * before.width), before.width)); // − LLᵀ
    }
    const square = Array.from({ length: width }, (_, i) => Array.from(column.subarray(i * width, (i + 1) * width)));
    const inverse = new Float64Array(width * width);
    for (const [i, row] of invertLower(choleskyFactor(square)).entries()) inverse.set(row, i * width);
    panels.push({ start, width, rows: await right(column, inverse, width), inverse });
  }
  return panels;
}

/** A product over so many inner numbers of two matrices, row by row. */
type Product = (a: Float64Array, b: Float64Array, inner: number) => Promise<Float64Array>;

interface Products {
  /** AB */
  readonly plain: Product;
  /** AᵀB */
  readonly left: Product;
  /** ABᵀ */
  readonly right: Product;
  readonly release: () => Promise<void>;
}

async function openProducts(engine: Engine): Promise<Products> {
  const open = async (
    transposeA: boolean,
    transposeB: boolean,
  ): Promise<{ run: Product; release(): Promise<void> }> => {
    const [a, b] = [
      data("a", transposeA ? ["inner", "rows"] : ["rows", "inner"]),
      data("b", transposeB ? ["columns", "inner"] : ["inner", "columns"]),
    ];
    const program = await compile(engine, { y: matmul(a, b, { transposeA, transposeB }) }, { precision: "float64" });
    const shaped = (values: Float64Array, inner: number, first: boolean): NdArray => {
      const other = values.length / inner;
      return { data: values, shape: first ? [inner, other] : [other, inner] };
    };
    return {
      run: async (x, y, inner) => {
        const feeds = { a: shaped(x, inner, transposeA), b: shaped(y, inner, !transposeB) };
        return Float64Array.from((await program.run(feeds)).y.data);
      },
      release: () => program.release(),
    };
  };
  const [plain, left, right] = [await open(false, false), await open(true, false), await open(false, true)];
  return {
    plain: plain.run,
    left: left.run,
    right: right.run,
    release: async () => {
      for (const each of [plain, left, right]) await each.release();
    },
  };
}
