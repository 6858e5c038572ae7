import { dot, type Matrix, type Vector } from "../linalg/matrix.ts";
import {
  add,
  constant,
  div,
  identityMatrix,
  matmul,
  mul,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  transpose,
  triangularInverse,
} from "../tensor/index.ts";
import { entries } from "../tensor/ops/triangle.ts";
import { staticShape } from "../tensor/shape.ts";

/**
 * The product H₁…H_m of the reflections H = I − 2vvᵀ/‖v‖² along the columns of V [d, m], none of them 0: Q = I − VT⁻¹Vᵀ, of columns of
 * length 1, T = striu(VᵀV) + ½I. Joffrain et al. 2006.
 */
export function orthogonal(v: Tensor): Tensor {
  const [d, m] = staticShape("orthogonal", v.shape);
  const unit = div(v, sqrt(sum(square(v), 0))); // [d, m]
  const inner = matmul(unit, unit, { transposeA: true }); // [m, m]
  const below = constant(
    entries(m, (i, j) => (i > j ? 1 : 0)),
    [m, m],
  );
  const tTransposed = add(mul(inner, below), mul(0.5, identityMatrix(m)));
  return sub(
    identityMatrix(d),
    matmul(matmul(unit, transpose(triangularInverse(tTransposed))), unit, { transposeB: true }),
  );
}

export interface Reflected {
  /** Directions of reflections. */
  readonly vectors: Matrix;
  /** R, upper triangular, its diagonal not negative. */
  readonly upper: Matrix;
}

/**
 * W = H₁…H_m R by reflections; as many as d where det W has their sign, else d − 1. Golub & Van Loan 2013, §5.2.2, with the signs
 * that make R's diagonal positive.
 */
export function reflectedFrom(weight: Matrix): Reflected {
  const d = weight.length;
  let rest: Matrix = weight;
  const vectors: Vector[] = [];
  for (let k = 0; k < d; k++) {
    const v = reflection(
      rest.map((row) => row[k]),
      k,
    );
    if (!v) continue;
    const along = rest[0].map((_, j) =>
      dot(
        v,
        rest.map((row) => row[j]),
      ),
    );
    rest = rest.map((row, i) => row.map((value, j) => value - 2 * v[i] * along[j]));
    vectors.push(v);
  }
  // Two of the same do nothing, and can be learned apart.
  for (let axis = 0; vectors.length + 2 <= d; axis++) {
    const along = rest.map((_, i) => (i === axis ? 1 : 0));
    vectors.push(along, along);
  }
  return { vectors, upper: rest };
}

/** The unit v with (I − 2vvᵀ)x = ‖x‖e_k below row k, of the column x; undefined where x is that already. */
function reflection(column: Vector, k: number): Vector | undefined {
  const beyond = column.reduce((total, x, i) => (i > k ? total + x * x : total), 0);
  const at = column[k];
  if (beyond === 0 && at >= 0) return undefined;
  const length = Math.sqrt(at * at + beyond);
  const first = at > 0 ? -beyond / (at + length) : at - length; // x_k − ‖x‖, with nothing lost
  const size = Math.hypot(first, Math.sqrt(beyond));
  return column.map((x, i) => (i < k ? 0 : (i === k ? first : x) / size));
}
