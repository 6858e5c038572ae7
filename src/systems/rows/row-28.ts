import { categorical } from "../../distributions/categorical.ts";
import type { Reparameterized } from "../../distributions/distribution.ts";
import { kl } from "../../distributions/kl.ts";
import { mixture } from "../../distributions/mixture.ts";
import { multivariateNormal, multivariateNormalPrecision } from "../../distributions/multivariate-normal.ts";
import { standardNormal } from "../../distributions/normal.ts";
import { moments } from "../../linalg/moments.ts";
import { choleskyFactor } from "../../linalg/positive.ts";
import { drawLinearGaussian, exactPosterior, logEvidence } from "../../models/linear-gaussian.ts";
import { analyticReconstruction } from "../../models/linear-gaussian-program.ts";
import { fitProbabilisticPca } from "../../models/probabilistic-pca.ts";
import { stream } from "../../random/stream.ts";
import type { Engine } from "../../runtime/engine.ts";
import { add, constant, exp, logSoftmax, mul, sub, sum, type Tensor } from "../../tensor/index.ts";
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

/** Lower triangles with a positive diagonal: [count, k, k]. */
function triangles(count: number, k: number): Tensor {
  const values = Array.from({ length: count }, () =>
    Array.from({ length: k * k }, (_, at) => {
      const [i, j] = [Math.floor(at / k), at % k];
      return j > i ? 0 : i === j ? 0.3 + from.uniform() : 0.5 * from.normal();
    }),
  );
  return constant(values.flat(), [count, k, k]);
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
    triangles(EXAMPLES, LATENTS),
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

/** Row 18's model: a mixture of Gaussians with full covariances, z one of its components. */
function gaussianMixture(): readonly Claim[] {
  const prior = constant(normals(COMPONENTS), [COMPONENTS]);
  const components = multivariateNormal(constant(normals(COMPONENTS * D), [COMPONENTS, D]), triangles(COMPONENTS, D));
  const x = normals(EXAMPLES * D).map((value) => 1.5 * value);
  const logLikelihood = components.logProb(constant(x, [EXAMPLES, 1, D])); // log p(x|z) of each component  [examples, C]
  const evidence = mixture(prior, components).logProb(constant(x, [EXAMPLES, D]));
  const exact = add(logSoftmax(prior, -1), logLikelihood); // log p(x, z), the posterior's logits
  const wrong = constant(normals(EXAMPLES * COMPONENTS), [EXAMPLES, COMPONENTS]);
  const claim = (what: string, logits: Tensor, gap: Tensor): Claim => {
    const reconstruction = sum(mul(exp(logSoftmax(logits, -1)), logLikelihood), -1); // Σ_z q(z|x) log p(x|z)
    const rate = kl(categorical(logits, 0), categorical(prior, 0));
    return { what, reconstruction, rate, gap, evidence };
  };
  return [
    claim("mixture of Gaussians, q = p(z|x): ELBO = log p(x)", exact, mul(0, evidence)),
    claim(
      "mixture of Gaussians, random q: ELBO = log p(x) − KL(q ‖ p(z|x))",
      wrong,
      kl(categorical(wrong, 0), categorical(exact, 0)),
    ),
  ];
}

const claims: readonly Claim[] = [...linearGaussian(), ...gaussianMixture()];

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
  const note = mean > 0 ? `, KL ${mean.toFixed(2)} in the mean` : "";
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
