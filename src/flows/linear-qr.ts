import { InputError } from "../errors.ts";
import { transposed } from "../linalg/matrix.ts";
import { exp, identityMatrix, matmul, sum, triangularInverse } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import type { Bijection } from "./bijection.ts";
import { orthogonal, reflectedFrom } from "./householder.ts";
import { type LinearOptions, linear, lowerOf, values } from "./linear.ts";
import { startOf } from "./rotation.ts";

/**
 * z = Wx + b, W = QR: Q a product of reflections, R upper triangular with a positive diagonal. log|det W| = Σ log R_ii. Hoogeboom et al.
 * 2019. Parameters `name/reflections` (their directions in columns), `name/upper` (Rᵀ below the diagonal),
 * `name/logDiagonal` and `name/bias`.
 */
export function linearQr(name: string, d: number, options: LinearOptions = {}): Bijection {
  const { vectors, upper } = reflectedFrom(startOf(name, d, options));
  const diagonal = upper.map((row, i) => row[i]);
  if (diagonal.some((r) => r <= 0)) {
    throw new InputError(`${name}: weight: a matrix with an inverse is expected, got a singular one`);
  }
  const m = vectors.length;
  const q =
    m === 0
      ? identityMatrix(d)
      : orthogonal(parameter(`${name}/reflections`, [d, m], values(transposed(vectors).flat())));
  const logDiagonal = parameter(`${name}/logDiagonal`, [d], values(diagonal.map(Math.log)));
  const rTransposed = lowerOf(`${name}/upper`, exp(logDiagonal), transposed(upper));
  return linear("linearQr", name, d, {
    weight: () => matmul(q, rTransposed, { transposeB: true }),
    // W⁻¹ = R⁻¹Qᵀ, of rows y ↦ yQ(R⁻¹)ᵀ, where (R⁻¹)ᵀ = (Rᵀ)⁻¹
    solve: (y) => matmul(matmul(y, q), triangularInverse(rTransposed)),
    logAbsDeterminant: sum(logDiagonal),
  });
}
