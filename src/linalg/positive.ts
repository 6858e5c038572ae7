import { CholeskyDecomposition, Matrix as Dense } from "ml-matrix";
import { NumericalError, ShapeError } from "../errors.ts";
import type { Matrix, Vector } from "./matrix.ts";

/** A symmetric positive definite matrix A = LLᵀ, factored once. */
export interface Factored {
  /** L, by its rows. */
  readonly lower: number[][];
  /** log det A = 2 Σ log L_ii */
  readonly logDeterminant: number;
  /** A⁻¹b */
  solve(b: Vector): number[];
  /** A⁻¹, symmetric to the bit. */
  inverse(): number[][];
}

/**
 * A = LLᵀ of a symmetric positive definite matrix, of which the lower triangle is read; float64.
 * @throws NumericalError where it is not positive definite.
 */
export function factorPositive(a: Matrix): Factored {
  const k = a.length;
  const ragged = a.find((row) => row.length !== k);
  if (ragged) throw new ShapeError(`cholesky: ${k} rows need ${k} numbers each, got ${ragged.length}`);
  const symmetric = a.map((row, i) => row.map((_, j) => (j <= i ? a[i][j] : a[j][i])));
  const known = symmetric.every((row) => row.every(Number.isFinite));
  const found = known ? new CholeskyDecomposition(new Dense(symmetric)) : undefined;
  if (!found?.isPositiveDefinite()) {
    const reason = known ? "is not positive definite; add to its diagonal" : "holds numbers that are not finite";
    throw new NumericalError(`cholesky: the matrix [${k}, ${k}] ${reason}`);
  }
  const lower = found.lowerTriangularMatrix.to2DArray();
  return {
    lower,
    logDeterminant: 2 * lower.reduce((total, row, i) => total + Math.log(row[i]), 0),
    solve: (b) => found.solve(Dense.columnVector([...b])).to1DArray(),
    inverse: () => {
      const columns = found.solve(Dense.eye(k)).to2DArray();
      return columns.map((row, i) => row.map((value, j) => (value + columns[j][i]) / 2));
    },
  };
}

/** The lower triangle L with LLᵀ = A. @throws NumericalError where A is not positive definite. */
export function choleskyFactor(a: Matrix): number[][] {
  return factorPositive(a).lower;
}

/** A⁻¹, symmetric to the bit. @throws NumericalError where A is not positive definite. */
export function inversePositive(a: Matrix): number[][] {
  return factorPositive(a).inverse();
}

/** L⁻¹ of a lower triangle L, row after row: L_ii (L⁻¹)_i = e_i − Σ_{k<i} L_ik (L⁻¹)_k. */
export function invertLower(lower: Matrix): readonly Float64Array[] {
  const inverse: Float64Array[] = [];
  for (const [i, row] of lower.entries()) {
    const next = new Float64Array(row.length);
    next[i] = 1;
    for (let k = 0; k < i; k++) {
      const [factor, before] = [row[k], inverse[k]];
      for (let j = 0; j <= k; j++) next[j] -= factor * before[j];
    }
    for (let j = 0; j <= i; j++) next[j] /= row[i];
    inverse.push(next);
  }
  return inverse;
}
