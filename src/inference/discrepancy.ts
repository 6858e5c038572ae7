import { ShapeError } from "../errors.ts";
import {
  add,
  div,
  extent,
  matmul,
  maximum,
  mul,
  reshape,
  scope,
  square,
  sub,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { show } from "../tensor/shape.ts";

/** A positive definite function of two points that depends on their squared distance alone. */
export interface Kernel {
  readonly name: string;
  /** k as a function of ‖x − y‖², elementwise. */
  readonly of: (squared: Tensor) => Tensor;
  /** k(x, x) */
  readonly atZero: number;
}

/** The scales that the papers sum kernels over: no one of them is right from the first step to the last. */
const SCALES = [0.1, 0.2, 0.5, 1, 2, 5, 10];

/**
 * Σ_s sC/(sC + ‖x − y‖²), C = E‖p − p′‖² of two draws of the prior: 2k for N(0, I). Heavy-tailed, so that codes far off still have a gradient.
 * Tolstikhin et al. 2018, §4; the scales are those of the authors' code.
 */
export function inverseMultiquadratic(expectedSquare: number, scales: readonly number[] = SCALES): Kernel {
  const [first, ...others] = scales.map((scale) => scale * expectedSquare);
  const one = (c: number, squared: Tensor): Tensor => div(c, add(c, squared));
  return {
    name: "inverse multiquadratic",
    of: (squared) => others.reduce((total, c) => add(total, one(c, squared)), one(first, squared)),
    atZero: scales.length,
  };
}

/**
 * MMD²(P, Q) = E k(x, x′) + E k(y, y′) − 2E k(x, y) by the unbiased U-statistic, of independent rows x [..., n, k] and y [..., m, k]: [...].
 * 0 in the mean where P = Q, so often negative there. Gretton et al. 2012, eq. 3. Gradients are finite where points coincide;
 * n, m ≥ 2. Squared distances are formed by |x|² + |y|² − 2xᵀy: in float32 they are off by about 1e-7·|x|².
 */
export function maximumMeanDiscrepancy(x: Tensor, y: Tensor, kernel: Kernel): Tensor {
  if (x.shape.length < 2 || y.shape.length < 2 || x.shape.at(-1) !== y.shape.at(-1)) {
    throw new ShapeError(
      `maximum mean discrepancy: rows [n, k] and [m, k] of one width are expected, got ${show(x.shape)} and ${show(y.shape)}`,
    );
  }
  const few = [x, y].find(({ shape }) => shape.at(-2) === 1);
  if (few) throw new ShapeError(`maximum mean discrepancy: 2 rows or more are expected, got ${show(few.shape)}`);
  return scope("discrepancy", () => {
    const within = add(meanOffDiagonal(x, kernel), meanOffDiagonal(y, kernel));
    const between = div(sum(kernel.of(squaredDistances(x, y)), [-2, -1]), mul(extent(x, -2), extent(y, -2)));
    return sub(within, mul(2, between));
  });
}

/** 1/(n(n − 1)) Σ_{i ≠ j} k(x_i, x_j): the n pairs of a point with itself have k(x, x) each. */
function meanOffDiagonal(x: Tensor, { of, atZero }: Kernel): Tensor {
  const n = extent(x, -2);
  const all = sum(of(squaredDistances(x, x)), [-2, -1]); // [..., n, n] → [...]
  return div(sub(all, mul(n, atZero)), mul(n, sub(n, 1)));
}

/** ‖x_i − y_j‖²: [..., n, k] and [..., m, k] → [..., n, m], never below 0 by rounding. */
function squaredDistances(x: Tensor, y: Tensor): Tensor {
  const length = (rows: Tensor): Tensor => sum(square(rows), -1);
  const [ofX, ofY] = [length(x), length(y)];
  const lengths = add(
    reshape(ofX, [...ofX.shape, 1]),
    reshape(ofY, [...ofY.shape.slice(0, -1), 1, ...ofY.shape.slice(-1)]),
  );
  return maximum(sub(lengths, mul(2, matmul(x, y, { transposeB: true }))), 0);
}
