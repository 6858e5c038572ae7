import type { Reparameterized } from "../../distributions/distribution.ts";
import { laplace } from "../../distributions/laplace.ts";
import { logistic } from "../../distributions/logistic.ts";
import { multivariateNormal } from "../../distributions/multivariate-normal.ts";
import { normal } from "../../distributions/normal.ts";
import { evidenceLowerBound } from "../../inference/elbo.ts";
import { apply, difference, type Matrix, product } from "../../linalg/matrix.ts";
import { posteriorGap } from "../../models/linear-gaussian.ts";
import { linearGaussianModel } from "../../models/linear-gaussian-program.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, lowerTriangle, type Tensor } from "../../tensor/index.ts";
import { type Copied, copied, drawNoise, gradientsOfDraws, valuesOf } from "../draws.ts";
import { asConstants, diagonal, knownPosterior } from "../known-posterior.ts";
import type { Measurement, SystemRow } from "../row.ts";
import { average, unbiased } from "../unbiased.ts";

const SEED = 53;
const LATENTS = 3;
const DRAWS = 100_000;

const { model, x, exact, wrong } = knownPosterior(SEED, { d: 5, k: LATENTS });
const scale = wrong.lower.map((row, i) => row[i]);

/** A family of q = T(ε; φ), ε ~ ν: its φ = (mean, shape) with a copy for every draw, and ∇_φ ELBO by hand. */
interface Family {
  readonly name: string;
  readonly covariance: Matrix;
  /** By how much its entropy is below that of a Normal of the same covariance, in nats. */
  readonly entropyLost?: number;
  readonly parameters: readonly Copied[];
  readonly posterior: Reparameterized;
  /** ∂ELBO/∂shape; ∂ELBO/∂mean = −Λ(m − E[z|x]) for all of them. */
  readonly byShape: readonly number[];
}

const mean = copied("mean", wrong.mean);
const precision = exact.precision;

/** Standard noise: its variance v and its entropy. */
interface Noise {
  readonly variance: number;
  readonly entropy: number;
}
const entropyOfNormal = (variance: number): number => 0.5 * Math.log(2 * Math.PI * Math.E * variance);

/** T = m + s⊙ε of variance v·s²: ELBO = … − ½ Σ_j Λ_jj v s_j² + Σ_j log s_j. */
function diagonalFamily(
  name: string,
  { variance, entropy }: Noise,
  of: (mean: Tensor, scale: Tensor) => Reparameterized,
): Family {
  const spread = copied("scale", scale);
  return {
    name,
    covariance: diagonal(scale.map((s) => s * Math.sqrt(variance))),
    entropyLost: LATENTS * (entropyOfNormal(variance) - entropy),
    parameters: [mean, spread],
    posterior: of(mean.tensor, spread.tensor),
    byShape: scale.map((s, j) => 1 / s - variance * precision[j][j] * s),
  };
}

/** One s for all: ∂ELBO/∂s = k/s − s·tr Λ. */
function isotropic(s: number): Family {
  const spread = copied("scale", [s]);
  return {
    name: "isotropic, m + s·ε",
    covariance: diagonal(scale.map(() => s)),
    parameters: [mean, spread],
    posterior: normal(mean.tensor, spread.tensor),
    byShape: [LATENTS / s - s * precision.reduce((trace, row, j) => trace + row[j], 0)],
  };
}

/** L of full covariance, its diagonal by exp: ∂ELBO/∂log L_ii = 1 − L_ii(ΛL)_ii, ∂ELBO/∂L_ij = −(ΛL)_ij below it. */
function full(lower: Matrix): Family {
  const slopes = product(precision, lower); // ΛL
  const raw = copied("raw", [
    ...lower.map((row, i) => Math.log(row[i])),
    ...lower.flatMap((row, i) => row.slice(0, i)),
  ]);
  return {
    name: "full covariance, m + Lε",
    covariance: wrong.covariance,
    parameters: [mean, raw],
    posterior: multivariateNormal(mean.tensor, lowerTriangle(raw.tensor, LATENTS)),
    byShape: [
      ...lower.map((row, i) => 1 - row[i] * slopes[i][i]),
      ...slopes.flatMap((row, i) => row.slice(0, i).map((slope) => -slope)),
    ],
  };
}

function fixed(s: number): Family {
  return {
    name: `fixed covariance, m + ${s}·ε`,
    covariance: diagonal(scale.map(() => s)),
    parameters: [mean],
    posterior: normal(mean.tensor, s),
    byShape: [],
  };
}

const families: readonly Family[] = [
  diagonalFamily("diagonal, m + s⊙ε", { variance: 1, entropy: entropyOfNormal(1) }, (m, s) => normal(m, s)),
  diagonalFamily("diagonal with Laplace noise, m + s⊙ε", { variance: 2, entropy: 1 + Math.LN2 }, (m, s) =>
    laplace(m, s),
  ),
  diagonalFamily("diagonal with logistic noise, m + s⊙ε", { variance: Math.PI ** 2 / 3, entropy: 2 }, (m, s) =>
    logistic(m, s),
  ),
  isotropic(0.5),
  full(wrong.lower),
  fixed(0.6),
];

async function measureOne(engine: Engine, family: Family): Promise<Measurement> {
  const { posterior, parameters, byShape, covariance, entropyLost = 0, name } = family;
  const joint = linearGaussianModel(asConstants(model), () => posterior);
  const { elbo } = evidenceLowerBound(joint, constant(x, [x.length]), drawNoise(posterior)); // [draws]
  const gradients = gradientsOfDraws(elbo, parameters);
  const { data, shape } = await valuesOf(engine, gradients, posterior, {
    draws: DRAWS,
    seed: SEED,
    copies: parameters,
  });
  const byMean = apply(precision, difference(exact.mean, wrong.mean));
  const gap = (posteriorGap(model, x, { mean: wrong.mean, covariance }) + entropyLost).toFixed(1);
  return unbiased(`length of ∇_φ ELBO, ${name}, q ${gap} nats off`, average(data, shape[1]), [...byMean, ...byShape]);
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const family of families) measurements.push(await measureOne(engine, family));
  return measurements;
}

/** Row 5: z = T(ε; φ), ε ~ ν, so that ∇_φ goes through the draw. */
export const row05: SystemRow = { row: 5, title: "Reparameterization z = T(ε; φ), ε ~ ν", measure };
