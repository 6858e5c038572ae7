import { InputError } from "../errors.ts";
import {
  add,
  div,
  equal,
  exp,
  matmul,
  maximum,
  mean,
  mul,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";

/** A positive semi-definite function of two points. */
export interface Kernel {
  readonly name: string;
  /** Of each point of x with each of y: [..., n, d], [m, d] → [..., n, m]. */
  readonly between: (x: Tensor, y: Tensor) => Tensor;
}

/**
 * exp(−γ‖x − y‖²), by ‖x − y‖² = ‖x‖² + ‖y‖² − 2xᵀy about the mean of y, so that less cancels: in float32 the exponent is known to
 * about 10⁻⁷·γ(‖x‖² + ‖y‖²), a few 10⁻⁷ where γ suits the data.
 */
export function rbf(gamma: number): Kernel {
  checkPositive("rbf", "gamma", gamma);
  return {
    name: "rbf",
    between: (given, others) => {
      const centre = mean(others, 0); // [d]
      const [x, y] = [sub(given, centre), sub(others, centre)];
      const products = matmul(x, y, { transposeB: true }); // [..., n, m]
      const lengths = add(squaredNorms(x), sum(square(y), -1)); // [..., n, 1] + [m]
      return exp(mul(-gamma, maximum(sub(lengths, mul(2, products)), 0)));
    },
  };
}

export interface PolynomialOptions {
  readonly gamma: number;
  readonly degree: number;
  readonly coefficient: number;
}

/** (γxᵀy + c)^degree; c ≥ 0, or it were not a kernel. */
export function polynomial({ gamma, degree, coefficient }: PolynomialOptions): Kernel {
  checkPositive("polynomial", "gamma", gamma);
  if (!(Number.isInteger(degree) && degree >= 1)) {
    throw new InputError(`polynomial kernel: the degree must be a whole number from 1, got ${degree}`);
  }
  if (!(coefficient >= 0 && Number.isFinite(coefficient))) {
    throw new InputError(`polynomial kernel: the coefficient must be a number from 0, got ${coefficient}`);
  }
  return {
    name: "polynomial",
    between: (x, y) => {
      const base = add(mul(gamma, matmul(x, y, { transposeB: true })), coefficient);
      return Array.from({ length: degree - 1 }).reduce<Tensor>((power) => mul(power, base), base);
    },
  };
}

/** xᵀy/(‖x‖‖y‖), 0 where one of them is 0. */
export const cosine: Kernel = {
  name: "cosine",
  between: (x, y) => matmul(unit(x), unit(y), { transposeB: true }),
};

function unit(x: Tensor): Tensor {
  const squared = squaredNorms(x);
  return div(x, sqrt(where(equal(squared, 0), 1, squared)));
}

/** [..., n, d] → [..., n, 1] */
function squaredNorms(x: Tensor): Tensor {
  return reshape(sum(square(x), -1), [...x.shape.slice(0, -1), 1]);
}

function checkPositive(kernel: string, what: string, value: number): void {
  if (value > 0 && Number.isFinite(value)) return;
  throw new InputError(`${kernel} kernel: ${what} must be a number above 0, got ${value}`);
}
