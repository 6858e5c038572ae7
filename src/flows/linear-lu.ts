import { Matrix as Dense, LuDecomposition } from "ml-matrix";
import { InputError } from "../errors.ts";
import { transposed } from "../linalg/matrix.ts";
import { constant, exp, matmul, mul, sum, triangularInverse } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import type { Bijection } from "./bijection.ts";
import { type LinearOptions, linear, lowerOf, values } from "./linear.ts";
import { startOf } from "./rotation.ts";

/**
 * z = Wx + b, W = PLU: P a permutation that stays, L lower triangular with a diagonal of 1, U upper triangular, whose diagonal has signs
 * that stay and learned logarithms. log|det W| = Σ log|U_ii|. Kingma & Dhariwal 2018, eq. 10–11. Parameters `name/lower` (L below the
 * diagonal), `name/upper` (Uᵀ below the diagonal), `name/logDiagonal` and `name/bias`.
 */
export function linearLu(name: string, d: number, options: LinearOptions = {}): Bijection {
  const start = startOf(name, d, options);
  const found = new LuDecomposition(new Dense(start.map((row) => [...row])));
  if (found.isSingular())
    throw new InputError(`${name}: weight: a matrix with an inverse is expected, got a singular one`);
  const lower = found.lowerTriangularMatrix.to2DArray();
  const upper = found.upperTriangularMatrix.to2DArray();
  const diagonal = upper.map((row, i) => row[i]);
  const pivots = found.pivotPermutationVector; // row i of LU is row pivots[i] of W

  const logDiagonal = parameter(`${name}/logDiagonal`, [d], values(diagonal.map((u) => Math.log(Math.abs(u)))));
  const signs = constant(diagonal.map(Math.sign), [d]);
  const ones = constant(new Float64Array(d).fill(1), [d]);
  const p = constant(
    start.flatMap((_, row) => pivots.map((pivot) => (pivot === row ? 1 : 0))),
    [d, d],
  );
  const l = lowerOf(`${name}/lower`, ones, lower);
  const uTransposed = lowerOf(`${name}/upper`, mul(signs, exp(logDiagonal)), transposed(upper));
  return linear("linearLu", name, d, {
    weight: () => matmul(p, matmul(l, uTransposed, { transposeB: true })),
    // W⁻¹ = U⁻¹L⁻¹Pᵀ, of rows y ↦ yP(L⁻¹)ᵀ(U⁻¹)ᵀ, where (U⁻¹)ᵀ = (Uᵀ)⁻¹
    solve: (y) =>
      matmul(matmul(matmul(y, p), triangularInverse(l), { transposeB: true }), triangularInverse(uTransposed)),
    logAbsDeterminant: sum(logDiagonal),
  });
}
