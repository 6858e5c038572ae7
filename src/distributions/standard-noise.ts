import { add, log, minimum, mul, neg, normalCdf, sub, type Tensor } from "../tensor/index.ts";

/** The largest float32 below 1. */
const BELOW_ONE = 1 - 2 ** -24;

/** U[0, 1) from N(0, 1): u = Φ(ε), kept below 1. */
export function uniformOf(normal: Tensor): Tensor {
  return minimum(normalCdf(normal), BELOW_ONE);
}

/** U(0, 1) from U[0, 1) in steps of 2⁻²⁴: the ends, where logarithms are infinite, are moved in by half a step and a step. */
export function openUniform(u: Tensor): Tensor {
  return add(mul(u, 1 - 2 ** -23), 2 ** -24);
}

/** The standard logistic L = log u − log(1 − u) from U[0, 1). */
export function logisticOf(uniform: Tensor): Tensor {
  const u = openUniform(uniform);
  return sub(log(u), log(sub(1, u)));
}

/** The standard Gumbel g = −log(−log u) from U[0, 1). */
export function gumbelOf(uniform: Tensor): Tensor {
  return neg(log(neg(log(openUniform(uniform)))));
}
