import { addDiagonal, type Matrix, product, transposed } from "../linalg/matrix.ts";
import {
  drawLinearGaussian,
  exactPosterior,
  type Gaussian,
  type LinearGaussian,
  posteriorGap,
} from "../models/linear-gaussian.ts";
import type { LinearGaussianParameters } from "../models/linear-gaussian-program.ts";
import { stream } from "../random/stream.ts";
import { constant } from "../tensor/index.ts";

/** A model whose log p(x) and p(z|x) are known, an x, and a q(z|x) = N(m, LLᵀ) that is far from the posterior. */
export interface KnownPosterior {
  readonly model: LinearGaussian;
  readonly x: readonly number[];
  readonly exact: ReturnType<typeof exactPosterior>;
  /** Random, its covariance full; more than a nat from the posterior. */
  readonly wrong: Gaussian & { readonly lower: Matrix };
}

/** A random model with one of its examples and a random q. */
export function knownPosterior(seed: number, { d, k }: { readonly d: number; readonly k: number }): KnownPosterior {
  const { model, x } = drawLinearGaussian(seed, { d, k, n: 1 });
  const from = stream(seed, "wrong posterior");
  const exact = exactPosterior(model, x[0]);
  const mean = exact.mean.map((value) => Math.fround(value + from.normal()));
  const lower = exact.mean.map((_, i) =>
    exact.mean.map((_, j) => {
      if (j > i) return 0;
      return Math.fround(i === j ? 0.3 + 0.4 * from.uniform() : 0.3 * from.normal());
    }),
  );
  const wrong = { mean, lower, covariance: product(lower, transposed(lower)) };
  const gap = posteriorGap(model, x[0], wrong);
  if (gap < 1)
    throw new Error(`known posterior: seed ${seed} gives a q only ${gap} nats from the posterior; take another`);
  return { model, x: x[0], exact, wrong };
}

/** Its parameters, written into a program. */
export function asConstants({ weight, mean, variance }: LinearGaussian): LinearGaussianParameters {
  return {
    weight: constant(weight.flat(), [weight.length, weight[0].length]),
    mean: constant(mean, [mean.length]),
    variance: constant(variance),
  };
}

/** The diagonal covariance of these deviations. */
export function diagonal(scale: readonly number[]): number[][] {
  return addDiagonal(
    scale.map(() => scale.map(() => 0)),
    1,
  ).map((row, i) => row.map((value) => value * scale[i] ** 2));
}
