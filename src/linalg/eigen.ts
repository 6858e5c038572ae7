import { EigenvalueDecomposition, Matrix } from "ml-matrix";

export interface Eigen {
  /** Descending. */
  readonly values: readonly number[];
  /** One of unit length for each value. */
  readonly vectors: readonly (readonly number[])[];
}

/** Eigenvalues and eigenvectors of a symmetric matrix, given by its rows; float64. */
export function symmetricEigen(rows: readonly (readonly number[])[]): Eigen {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(new Matrix(rows.map((row) => [...row])), {
    assumeSymmetric: true,
  });
  const order = Array.from(realEigenvalues.keys()).sort((a, b) => realEigenvalues[b] - realEigenvalues[a]);
  return {
    values: order.map((i) => realEigenvalues[i]),
    vectors: order.map((i) => eigenvectorMatrix.getColumn(i)),
  };
}
