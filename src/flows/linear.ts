import type { Matrix } from "../linalg/matrix.ts";
import { zeros } from "../nn/initialisers.ts";
import { affine, concat, neg, scope, sub, type Tensor, transpose, triangle } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import type { Initial } from "../tensor/tensor.ts";
import type { Bijection } from "./bijection.ts";
import { everywhere, leadOf } from "./event.ts";

export interface LinearOptions {
  /** Of the rotation that W starts as. */
  readonly seed?: number;
  /** What W starts as instead, by its rows. */
  readonly weight?: Matrix;
}

/** A factored matrix W [d, d]. */
export interface Factors {
  /** W itself. */
  readonly weight: () => Tensor;
  /** W⁻¹y of y [..., d] */
  readonly solve: (y: Tensor) => Tensor;
  /** log|det W| */
  readonly logAbsDeterminant: Tensor;
}

/** z = Wx + b, with the bias `name/bias` [d]. log|det ∂z/∂x| = log|det W| */
export function linear(kind: string, name: string, d: number, factors: Factors): Bijection {
  const bias = parameter(`${name}/bias`, [d], zeros);
  return {
    name: kind,
    forward: (x) =>
      scope(name, () => ({
        value: affine(x, transpose(factors.weight()), bias),
        logAbsDetJacobian: everywhere(factors.logAbsDeterminant, leadOf(kind, x, d)),
      })),
    inverse: (z) =>
      scope(name, () => ({
        value: factors.solve(sub(z, bias)),
        logAbsDetJacobian: everywhere(neg(factors.logAbsDeterminant), leadOf(kind, z, d)),
      })),
  };
}

/**
 * A lower triangular matrix [d, d] of the given diagonal and, below it, a parameter that starts as the given matrix: d(d − 1)/2
 * numbers row by row. Of one number there is no parameter.
 */
export function lowerOf(name: string, diagonal: Tensor, start: Matrix): Tensor {
  const d = start.length;
  if (d === 1) return triangle(diagonal, d);
  const below = parameter(name, [(d * (d - 1)) / 2], values(start.flatMap((row, i) => row.slice(0, i))));
  return triangle(concat([diagonal, below], -1), d);
}

/** These numbers at the start. */
export function values(of: readonly number[]): Initial {
  return { law: "values", values: of };
}
