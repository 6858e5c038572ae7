import { kl } from "../../distributions/kl.ts";
import { multivariateNormal } from "../../distributions/multivariate-normal.ts";
import { addDiagonal, apply, dot, product, transposed } from "../../linalg/matrix.ts";
import { type Moments, moments } from "../../linalg/moments.ts";
import { drawLinearGaussian, type LinearGaussian } from "../../models/linear-gaussian.ts";
import { analyticReconstruction, linearGaussianModel } from "../../models/linear-gaussian-program.ts";
import type { Model } from "../../models/model.ts";
import { priorFamilies } from "../../models/priors.ts";
import { fitProbabilisticPca, meanLogLikelihood } from "../../models/probabilistic-pca.ts";
import { stream } from "../../random/stream.ts";
import type { Engine } from "../../runtime/engine.ts";
import { lowerTriangle, matmul, mean, neg, sub, type Tensor } from "../../tensor/index.ts";
import { parameter } from "../../tensor/leaves.ts";
import { modelTraining } from "../../training/fit.ts";
import { asConstants } from "../known-posterior.ts";
import { table } from "../linear-vae.ts";
import type { Measurement, SystemRow } from "../row.ts";

const SEED = 33;
const [D, K] = [5, 2];
const ROWS = 2000;
const FITS = 1500;
/** μ, W up to rotations, and η. */
const PARAMETERS = D + D * K - (K * (K - 1)) / 2 + 1;
const TWO_SIDED_999 = 3.2905;

const { model: truth } = drawLinearGaussian(SEED, { d: D, k: K, n: 1 });

/** What very many held-out rows of this generator would have: its own mean and covariance. */
function generated({ weight, mean: centre, variance }: LinearGaussian): Moments {
  return {
    count: Number.POSITIVE_INFINITY,
    mean: centre,
    covariance: addDiagonal(product(weight, transposed(weight)), variance),
  };
}

/** n rows of x = Wz + μ + √η·ε. */
function drawRows({ weight, mean: centre, variance }: LinearGaussian, n: number, fit: number): number[][] {
  const from = stream(SEED, "rows of the generator", fit);
  const [k, deviation] = [weight[0].length, Math.sqrt(variance)];
  return Array.from({ length: n }, () => {
    const z = Array.from({ length: k }, () => from.normal());
    return weight.map((row, i) => centre[i] + dot(row, z) + deviation * from.normal());
  });
}

/**
 * θ* is unknown, and of n rows the fit is the most likely θ: 2n·E[log p_θ*(x) − log p_θ̂(x)] over new x is χ² with as many degrees as
 * there are parameters, as n grows (Wilks 1938; Akaike 1974). Of many fits the sum is χ² with so many times more, near a normal.
 */
function heldOutExcess(): readonly Measurement[] {
  const unseen = generated(truth);
  const best = meanLogLikelihood(truth, unseen);
  const excesses = Array.from({ length: FITS }, (_, fit) => {
    const model = fitProbabilisticPca(moments(drawRows(truth, ROWS, fit)), K);
    return 2 * ROWS * (best - meanLogLikelihood(model, unseen));
  });
  const average = excesses.reduce((total, value) => total + value, 0) / FITS;
  const error = Math.sqrt((2 * PARAMETERS) / FITS);
  const apart = Math.abs(average - PARAMETERS) / error;
  const spread = Math.sqrt(excesses.reduce((total, value) => total + (value - average) ** 2, 0) / (FITS - 1));
  return [
    {
      what: `2n·(held-out excess of θ* over the fit), n = ${ROWS.toLocaleString("en-US")} rows, mean of ${FITS.toLocaleString("en-US")} fits, against p = ${PARAMETERS} parameters`,
      measured: average,
      expected: PARAMETERS,
      error: apart,
      tolerance: TWO_SIDED_999,
      because: "standard errors of a mean of χ²_p: 99.9 % of its range",
      planted: Math.abs(apart - (0.05 * PARAMETERS) / error),
    },
    {
      what: "its standard deviation between fits, against √(2p)",
      measured: spread,
      expected: Math.sqrt(2 * PARAMETERS),
      error: Math.abs(spread / Math.sqrt(2 * PARAMETERS) - 1),
      // var of s²/σ² is 2/N + (12/p)/N for χ²_p, half of that for s
      tolerance: TWO_SIDED_999 * Math.sqrt((0.5 + 3 / PARAMETERS) / FITS),
      because: "relative; 99.9 % of its range",
    },
  ];
}

const PRIOR = { mean: [1.5, -0.7], scale: [0.4, 2] };
const COLUMNS = [
  [1, 0.5],
  [-1, 0.5],
  [0.5, 1],
  [0.5, -1],
]; // orthogonal
const ETA = 0.3;

/** p(z) = N(m, diag s²) learned, everything else of p known: with orthogonal columns the most likely m and s are known too. */
async function learnedPrior(engine: Engine): Promise<readonly Measurement[]> {
  const from = stream(SEED, "prior");
  const rows = Array.from({ length: 500 }, () => {
    const z = PRIOR.mean.map((m, j) => m + PRIOR.scale[j] * from.normal());
    return apply(COLUMNS, z).map((value) => Math.fround(value + Math.sqrt(ETA) * from.normal()));
  });
  const data = table("a generator with its own prior", rows);
  const known = { weight: COLUMNS, mean: COLUMNS.map(() => 0), variance: ETA };
  // w_jᵀx/‖w_j‖² ~ N(m_j, s_j² + η/‖w_j‖²)
  const likeliest = transposed(COLUMNS).map((column) => {
    const size = dot(column, column);
    const { mean: centre, covariance } = moments(rows.map((row) => [dot(row, column) / size]));
    return { mean: centre[0], scale: Math.sqrt(covariance[0][0] - ETA / size) };
  });
  const STEPS = 1500;
  const training = await modelTraining({
    engine,
    model: withLearnedPrior(known),
    description: data.description,
    dataset: data.dataset,
    seed: SEED,
    batchSize: rows.length,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate: { kind: "warmupCosine", peak: 0.05, warmup: 10, total: STEPS },
    klWeight: { kind: "constant", value: 1 },
  });
  for (let step = 0; step < STEPS; step++) await training.runStep();
  const found = (name: string): number[] => Array.from(training.parameters.get(`prior/${name}`)?.data ?? []);
  const [means, scales] = [found("mean"), found("logScale").map(Math.exp)];
  await training.release();
  return PRIOR.mean.flatMap((_, j): Measurement[] => [
    {
      what: `learned p(z), latent ${j + 1}: its mean, from 0, against the most likely; the generator's is ${PRIOR.mean[j]}`,
      measured: means[j],
      expected: likeliest[j].mean,
      error: Math.abs(means[j] - likeliest[j].mean),
      tolerance: 1e-3,
      because: "gradient steps in float32",
    },
    {
      what: `its deviation, from 1; the generator's is ${PRIOR.scale[j]}`,
      measured: scales[j],
      expected: likeliest[j].scale,
      error: Math.abs(scales[j] - likeliest[j].scale),
      tolerance: 1e-3,
      because: "gradient steps in float32",
    },
  ]);
}

/** θ is the prior's m and s; q has every linear-Gaussian posterior within reach, and the bound its closed form. */
function withLearnedPrior(known: LinearGaussian): Model {
  const latents = COLUMNS[0].length;
  const d = COLUMNS.length;
  const prior = priorFamilies["learned-normal"].build({
    latents,
    components: 1,
    temperature: 1,
    relaxed: false,
    pseudoPosterior: () => {
      throw new Error("row 33: no pseudo-inputs");
    },
  });
  const gain = parameter("encoder/gain", [d, latents], { law: "normal", scale: 0.3 });
  const offset = parameter("encoder/offset", [latents], { law: "constant", value: 0 });
  const raw = parameter("encoder/triangle", [(latents * (latents + 1)) / 2], { law: "constant", value: 0 });
  const encoder = (x: Tensor) => multivariateNormal(sub(matmul(x, gain), offset), lowerTriangle(raw, latents));
  const theta = asConstants(known);
  return {
    ...linearGaussianModel(theta, encoder),
    prior,
    latents,
    objective: (_terms, x) => {
      const q = encoder(x);
      return neg(mean(sub(analyticReconstruction(theta, q, x), kl(q, prior))));
    },
  };
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  return [...heldOutExcess(), ...(await learnedPrior(engine))];
}

/** Row 33: the generator is not known, only rows of it. */
export const row33: SystemRow = {
  row: 33,
  title: "Unknown θ*: what a fit to n rows costs on new ones, and a learned p(z)",
  measure,
};
