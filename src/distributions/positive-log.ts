import { abs, div, greater, less, log, log1p, mul, neg, softplus, sub, type Tensor, where } from "../tensor/index.ts";
import { asFloat } from "../tensor/op.ts";

/** The smallest float32 that keeps all its digits: smaller numbers, 0 included, are taken for it where a logarithm is due. */
const SMALLEST = 2 ** -126;

/** log x for x ≥ 0, never below log 2⁻¹²⁶ = −87.3 but where x is an exp: then the exponent itself. */
export function positiveLog(x: Tensor): Tensor {
  return x.op === "exp" ? log(x) : logAbove(x, SMALLEST);
}

/** log max(x, floor), with the gradient 0 at and below the floor. */
function logAbove(x: Tensor, floor: number): Tensor {
  const above = greater(x, floor);
  return where(above, log(where(above, x, 1)), Math.log(floor));
}

/** No float64 in (0, 1) is nearer to 1. */
const NEAREST_TO_ONE = 2 ** -53;

/** log x and log(1 − x) for x in [0, 1], kept finite at the ends, where they are −87.3 and −36.7; of a sigmoid from what it was made of, without loss at the ends. */
export function unitLogs(x: Tensor): { readonly log: Tensor; readonly logComplement: Tensor } {
  if (x.op === "sigmoid") {
    const y = asFloat(x.inputs[0]);
    return { log: neg(softplus(neg(y))), logComplement: neg(softplus(y)) };
  }
  const lower = less(x, 0.5);
  const upper = logAbove(sub(1, where(lower, 0, x)), NEAREST_TO_ONE);
  return { log: positiveLog(x), logComplement: where(lower, log1p(neg(where(lower, x, 0))), upper) };
}

/** x log x, and 0 at 0. */
export function xLogX(x: Tensor): Tensor {
  return mul(x, positiveLog(x));
}

/** log(x/m) for x ≥ 0 and m > 0: of the quotient where it is near 1, which keeps more digits, else the difference of the logarithms. */
export function logRatio(x: Tensor, m: Tensor): Tensor {
  const difference = sub(positiveLog(x), log(m));
  const near = less(abs(difference), 1);
  return where(near, log(where(near, div(x, m), 1)), difference);
}
