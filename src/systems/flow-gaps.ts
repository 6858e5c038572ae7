import { Matrix as Dense, SingularValueDecomposition } from "ml-matrix";
import type { Distribution } from "../distributions/distribution.ts";
import { multivariateNormal } from "../distributions/multivariate-normal.ts";
import { standardNormal } from "../distributions/normal.ts";
import { flow } from "../flows/flow.ts";
import { evidenceLowerBound } from "../inference/elbo.ts";
import { gram, type Matrix, scaled, transposed } from "../linalg/matrix.ts";
import { choleskyFactor } from "../linalg/positive.ts";
import { constant, data, mul, sum, type Tensor } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { evaluate } from "../tensor/reference.ts";
import { gaussian, numericalJacobian, randomParameters } from "./bijection-checks.ts";
import { flowAsVae, isotropic, lawOfNoisy } from "./flow-as-vae.ts";
import { smoothFlow } from "./smooth-flow.ts";

export const D = 3;
export const EXAMPLES = 20;

export const f = smoothFlow("flow", D);
export const law = flow(standardNormal(D), f);
export const x = data("x", [EXAMPLES, D]);
export const feeds = { ...randomParameters([law.logProb(x)]), x: gaussian("x", [EXAMPLES, D], 1.5) };

/* E over ε ~ N(0, I) by 3 points along each axis with the weights of Gauss and Hermite: exact for polynomials of degree 5. */
const axis = [
  { at: -Math.sqrt(3), weight: 1 / 6 },
  { at: 0, weight: 2 / 3 },
  { at: Math.sqrt(3), weight: 1 / 6 },
];
const nodes = axis.flatMap((a) =>
  axis.flatMap((b) => axis.map((c) => ({ at: [a.at, b.at, c.at], weight: a.weight * b.weight * c.weight }))),
);
const epsilons = constant(
  nodes.flatMap(({ at }) => at),
  [nodes.length, 1, D],
);
const weights = constant(
  nodes.map(({ weight }) => weight),
  [nodes.length, 1],
);

/** A family of q(z|x) at a noise s. */
export type Family = (s: number) => (x: Tensor) => Distribution;

/** log p_flow(x) − ELBO for every x. */
export function leftBy(family: Family, s: number): readonly number[] {
  const { elbo } = evidenceLowerBound(flowAsVae(f, D, s, family(s)), x, epsilons); // [nodes, examples]
  const [bound, density] = evaluate([sum(mul(weights, elbo), 0), law.logProb(x)], feeds);
  return Array.from(density.data, (log, i) => log - bound.data[i]);
}

/** J_f at every x. */
function jacobians(): readonly Matrix[] {
  const anywhere = data("anywhere", ["points", D]);
  const map = (points: NdArray): ArrayLike<number> =>
    evaluate([f.forward(anywhere).value], { ...feeds, anywhere: points })[0].data;
  const row = (i: number): readonly number[] => Array.from(feeds.x.data).slice(i * D, (i + 1) * D);
  return Array.from({ length: EXAMPLES }, (_, i) => numericalJacobian(row(i), map));
}

/** ½Σ(σ_i² − 1 − log σ_i²), σ_i the singular values of J_g: those of J_f inverted. */
function gapOf(jacobian: Matrix): number {
  const { diagonal } = new SingularValueDecomposition(new Dense(jacobian.map((row) => [...row])));
  return diagonal.reduce((total, slope) => total + 0.5 * (slope ** -2 - 1 + 2 * Math.log(slope)), 0);
}

export interface Gaps {
  /** As s → 0 of N(f(x), s²I), for every x. */
  readonly limits: readonly number[];
  readonly isotropic: Family;
  /** N(f(x), s² J_f J_fᵀ), the Normal that follows f. */
  readonly following: Family;
  /** The law of f(x + sε). */
  readonly noisy: Family;
}

/** Three families of q around f(x), and the gap that the first leaves. */
export function gapsOfFlow(): Gaps {
  const slopes = jacobians();
  const factors = slopes.map((jacobian) => choleskyFactor(gram(transposed(jacobian)))); // of J_f J_fᵀ
  return {
    limits: slopes.map(gapOf),
    isotropic: (s) => isotropic(f, s),
    following: (s) => (at) =>
      multivariateNormal(
        f.forward(at).value,
        constant(
          factors.flatMap((factor) => scaled(factor, s).flat()),
          [EXAMPLES, D, D],
        ),
      ),
    noisy: (s) => lawOfNoisy(f, s),
  };
}
