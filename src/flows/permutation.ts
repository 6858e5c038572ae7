import { InputError } from "../errors.ts";
import { permutation as randomOrder, stream } from "../random/stream.ts";
import { customGradient, gather, indices, type Tensor, transpose } from "../tensor/index.ts";
import type { Bijection } from "./bijection.ts";
import { everywhere, leadOf } from "./event.ts";

/** x[..., order] */
function permuted(x: Tensor, order: readonly number[], back: readonly number[]): Tensor {
  return customGradient(taken(x, order), [x], (upstream) => [permuted(upstream, back, order)]);
}

/** Of many events by their columns, each copied whole: taken one number at a time, 512 × 64 of them take three times as long. */
function taken(x: Tensor, order: readonly number[]): Tensor {
  if (x.shape.length < 2) return gather(x, indices(order), -1);
  return transpose(gather(transpose(x), indices(order), -2));
}

/** z_j = x_(order_j): an order given, or drawn from a seed. log|det J| = 0 */
export function permutation(d: number, order: readonly number[] | { readonly seed: number }): Bijection {
  const forward = "seed" in order ? Array.from(randomOrder(d, stream(order.seed, "permutation"))) : [...order];
  if (forward.length !== d || forward.toSorted((a, b) => a - b).some((place, i) => place !== i)) {
    throw new InputError(`permutation: each of 0 to ${d - 1} once is expected, got ${forward.join(", ")}`);
  }
  const back = forward.map((_, i) => forward.indexOf(i));
  const name = "permutation";
  return {
    name,
    forward: (x) => ({ value: permuted(x, forward, back), logAbsDetJacobian: everywhere(0, leadOf(name, x, d)) }),
    inverse: (z) => ({ value: permuted(z, back, forward), logAbsDetJacobian: everywhere(0, leadOf(name, z, d)) }),
  };
}

/** The numbers in the opposite order. */
export function reversal(d: number): Bijection {
  const order = Array.from({ length: d }, (_, i) => d - 1 - i);
  return { ...permutation(d, order), name: "reversal" };
}
