import { categorical } from "../../distributions/categorical.ts";
import type { Reparameterized } from "../../distributions/distribution.ts";
import { kl } from "../../distributions/kl.ts";
import { multivariateNormal, multivariateNormalPrecision } from "../../distributions/multivariate-normal.ts";
import { standardNormal } from "../../distributions/normal.ts";
import { type Matrix, product, transposed } from "../../linalg/matrix.ts";
import { moments } from "../../linalg/moments.ts";
import { choleskyFactor } from "../../linalg/positive.ts";
import { gaussianMixture } from "../../models/gaussian-mixture.ts";
import { drawLinearGaussian, exactPosterior, logEvidence } from "../../models/linear-gaussian.ts";
import { analyticReconstruction } from "../../models/linear-gaussian-program.ts";
import { fitProbabilisticPca } from "../../models/probabilistic-pca.ts";
import { stream } from "../../random/stream.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, mul, sub, sum, type Tensor } from "../../tensor/index.ts";
import type { Precision } from "../../tensor/tensor.ts";
import { executable } from "../execute.ts";
import { asConstants } from "../known-posterior.ts";
import { EXACT, type Measurement, type SystemRow } from "../row.ts";

const SEED = 28;
const D = 4;
const LATENTS = 2;
const EXAMPLES = 8;
const COMPONENTS = 5;

/** What each example's bound, divergence and evidence are: [examples] each. */
interface Claim {
  readonly what: string;
  readonly reconstruction: Tensor;
  readonly rate: Tensor;
  /** KL(q ‖ p(z|x)); 0 where q is the posterior. */
  readonly gap: Tensor;
  readonly evidence: Tensor;
}

const from = stream(SEED, "posteriors");
const normals = (count: number): number[] => Array.from({ length: count }, () => Math.fround(from.normal()));

/** Lower triangles with a positive diagonal: [count][k][k]. */
function triangles(count: number, k: number): readonly Matrix[] {
  const entry = (i: number, j: number): number => (i === j ? 0.3 + from.uniform() : 0.5 * from.normal());
  const indices = Array.from({ length: k }, (_, i) => i);
  return Array.from({ length: count }, () => indices.map((i) => indices.map((j) => (j > i ? 0 : entry(i, j)))));
}

/** Row 17's model, fitted to data: probabilistic PCA. */
function linearGaussian(): readonly Claim[] {
  const { x } = drawLinearGaussian(SEED, { d: D, k: LATENTS, n: 60 });
  const model = fitProbabilisticPca(moments(x), LATENTS);
  const rows = x.slice(0, EXAMPLES);
  const parameters = asConstants(model);
  const posteriors = rows.map((row) => exactPosterior(model, row));
  const means = constant(
    posteriors.flatMap(({ mean }) => mean),
    [EXAMPLES, LATENTS],
  );
  const factor = constant(choleskyFactor(posteriors[0].precision).flat(), [LATENTS, LATENTS]); // the same for every x
  const exact = multivariateNormalPrecision(means, factor);
  const wrong = multivariateNormal(
    constant(normals(EXAMPLES * LATENTS), [EXAMPLES, LATENTS]),
    constant(triangles(EXAMPLES, LATENTS).flat(2), [EXAMPLES, LATENTS, LATENTS]),
  );
  const evidence = constant(
    rows.map((row) => logEvidence(model, row)),
    [EXAMPLES],
  );
  const claim = (what: string, q: Reparameterized, gap: Tensor): Claim => {
    const reconstruction = analyticReconstruction(parameters, q, constant(rows.flat(), [EXAMPLES, D]));
    const rate = kl(q, standardNormal(LATENTS));
    return { what, reconstruction, rate, gap, evidence };
  };
  return [
    claim("probabilistic PCA, q = p(z|x): ELBO = log p(x)", exact, mul(0, evidence)),
    claim("probabilistic PCA, random q: ELBO = log p(x) − KL(q ‖ p(z|x))", wrong, kl(wrong, exact)),
  ];
}

/** Probabilities e^ℓ/Σ e^ℓ. */
function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const shares = logits.map((logit) => Math.exp(logit - largest));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => share / total);
}

/** Row 18's model: a mixture of Gaussians with full covariances, z one of its components. */
function mixtureOfGaussians(): readonly Claim[] {
  const [logits, lower] = [normals(COMPONENTS), triangles(COMPONENTS, D)];
  const means = Array.from({ length: COMPONENTS }, () => normals(D));
  const rows = Array.from({ length: EXAMPLES }, () => normals(D).map((value) => 1.5 * value));
  const covariances = lower.map((factor) => product(factor, transposed(factor)));
  const known = gaussianMixture({ weights: softmax(logits), means, covariances });
  const evidence = constant(rows.map(known.logProb), [EXAMPLES]);
  const components = multivariateNormal(
    constant(means.flat(), [COMPONENTS, D]),
    constant(lower.flat(2), [COMPONENTS, D, D]),
  );
  const prior = categorical(constant(logits, [COMPONENTS]), 0);
  const logLikelihood = components.logProb(constant(rows.flat(), [EXAMPLES, 1, D])); // log p(x|z) of each component  [examples, C]
  const claim = (what: string, ofQ: Matrix): Claim => {
    const shares = ofQ.map(softmax);
    const q = constant(shares.flat(), [EXAMPLES, COMPONENTS]);
    const gaps = shares.map((one, i) => known.posteriorGap(rows[i], one));
    return {
      what,
      reconstruction: sum(mul(q, logLikelihood), -1), // Σ_z q(z|x) log p(x|z)
      rate: kl(categorical(constant(ofQ.flat(), [EXAMPLES, COMPONENTS]), 0), prior),
      gap: constant(gaps, [EXAMPLES]),
      evidence,
    };
  };
  return [
    claim("mixture of Gaussians, q = p(z|x): ELBO = log p(x)", rows.map(known.logJoint)),
    claim(
      "mixture of Gaussians, random q: ELBO = log p(x) − KL(q ‖ p(z|x))",
      rows.map(() => normals(COMPONENTS)),
    ),
  ];
}

const claims: readonly Claim[] = [...linearGaussian(), ...mixtureOfGaussians()];

async function held(engine: Engine, claim: Claim, precision: Precision): Promise<Measurement> {
  const { what, reconstruction, rate, gap, evidence } = claim;
  const elbo = sub(reconstruction, rate);
  //
  const program = await executable(engine, { elbo, reconstruction, rate, gap, log: mul(1, evidence) }, precision);
  const values = await program.run({});
  await program.release();
  const largest = Math.max(...Object.values(values).flatMap(({ data }) => Array.from(data, Math.abs)));
  const apart = Array.from(values.elbo.data, (bound, i) => Math.abs(bound + values.gap.data[i] - values.log.data[i]));
  const mean = Array.from(values.gap.data).reduce((total, value) => total + value, 0) / EXAMPLES;
  const note = mean > 0.01 ? `, KL ${mean.toFixed(2)} in the mean` : "";
  return {
    what: `${what}${note}, each of ${EXAMPLES} examples, ${precision}; the first is shown`,
    measured: values.elbo.data[0],
    expected: values.log.data[0] - values.gap.data[0],
    error: Math.max(...apart) / largest,
    tolerance: EXACT[precision],
  };
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const precision of ["float64", "float32"] as const) {
    for (const claim of claims) measurements.push(await held(engine, claim, precision));
  }
  return measurements;
}

/** Row 28: by Jensen ELBO ≤ log p(x), and q* = p(z|x) closes the gap. */
export const row28: SystemRow = { row: 28, title: "Jensen and the optimal posterior", measure };
