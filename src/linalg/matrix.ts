/** Dense float64 vectors and matrices, a matrix by its rows. */
export type Vector = readonly number[];
export type Matrix = readonly Vector[];

/** aᵀb */
export function dot(a: Vector, b: Vector): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

/** Av */
export function apply(a: Matrix, v: Vector): number[] {
  return a.map((row) => dot(row, v));
}

/** Aᵀ */
export function transposed(a: Matrix): number[][] {
  return a[0].map((_, j) => a.map((row) => row[j]));
}

/** AB */
export function product(a: Matrix, b: Matrix): number[][] {
  const columns = transposed(b);
  return a.map((row) => apply(columns, row));
}

/** AᵀA: the inner products of A's columns. */
export function gram(a: Matrix): number[][] {
  const columns = transposed(a);
  return columns.map((column) => apply(columns, column));
}

/** A + cI, of a square matrix. */
export function addDiagonal(a: Matrix, c: number): number[][] {
  return a.map((row, i) => row.map((value, j) => (i === j ? value + c : value)));
}

/** A + B */
export function add(a: Matrix, b: Matrix): number[][] {
  return a.map((row, i) => row.map((value, j) => value + b[i][j]));
}

/** cA */
export function scaled(a: Matrix, c: number): number[][] {
  return a.map((row) => row.map((value) => c * value));
}

/** a − b */
export function difference(a: Vector, b: Vector): number[] {
  return a.map((value, i) => value - b[i]);
}

/** tr AB = Σ_ij A_ij B_ji, of symmetric matrices Σ_ij A_ij B_ij. */
export function traceOfProduct(a: Matrix, b: Matrix): number {
  let total = 0;
  for (const [i, row] of a.entries()) total += dot(row, b[i]);
  return total;
}
