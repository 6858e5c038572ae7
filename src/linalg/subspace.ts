import { Matrix as Dense, QrDecomposition, SingularValueDecomposition } from "ml-matrix";
import { ShapeError } from "../errors.ts";
import type { Matrix } from "./matrix.ts";

/**
 * The largest angle between the spaces that the columns of a [d][k] and b [d][k] span, in degrees: 0 where the two are one.
 * sin θ = ‖(I − QQᵀ)R‖₂ for orthonormal bases Q and R, which keeps small angles; Björck & Golub 1973, eq. 13.
 */
export function largestAngle(a: Matrix, b: Matrix): number {
  if (a.length !== b.length || a[0].length !== b[0].length) {
    const [ofA, ofB] = [a, b].map((each) => `[${each.length}, ${each[0].length}]`);
    throw new ShapeError(`largest angle: two matrices of one shape are expected, got ${ofA} and ${ofB}`);
  }
  const [q, r] = [a, b].map((each) => new QrDecomposition(new Dense(each.map((row) => [...row]))).orthogonalMatrix);
  const apart = Dense.sub(r, q.mmul(q.transpose().mmul(r)));
  const sine = new SingularValueDecomposition(apart).norm2;
  return (Math.asin(Math.min(1, sine)) * 180) / Math.PI;
}
