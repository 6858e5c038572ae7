import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { arrayDataset, type Dataset, featureDeviations, featureMeans, numbersOf } from "../data/dataset.ts";
import { openDataset } from "../data/open.ts";
import type { Distribution } from "../distributions/distribution.ts";
import { kl } from "../distributions/kl.ts";
import type { Schedule } from "../inference/phase.ts";
import type { Matrix } from "../linalg/matrix.ts";
import { datasetMoments, type Moments, moments } from "../linalg/moments.ts";
import type { LinearGaussian } from "../models/linear-gaussian.ts";
import { analyticReconstruction, type LinearGaussianParameters } from "../models/linear-gaussian-program.ts";
import type { DataDescription, Model } from "../models/model.ts";
import { vae } from "../models/vae.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import {
  constant,
  data,
  identityMatrix,
  mean,
  neg,
  reshape,
  slice,
  square,
  sub,
  type Tensor,
  transpose,
} from "../tensor/index.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { modelTraining } from "../training/fit.ts";

/** Examples, their moments, and what a model is told of them: the means, and 1 as every deviation. */
export interface Table {
  readonly dataset: Dataset;
  readonly moments: Moments;
  readonly description: DataDescription;
}

/** Rows as a table; their numbers are float32, as a dataset holds them. */
export function table(name: string, rows: Matrix): Table {
  const d = rows[0].length;
  const data = Float32Array.from(rows.flat());
  const known = moments(rows.map((row) => row.map(Math.fround)));
  const dataset = arrayDataset({ data, shape: [rows.length, d] }, { name, measure: "real" });
  return { dataset, moments: known, description: { shape: [d], measure: "real", means: known.mean } };
}

const wineSchema = z.object({ rows: z.array(z.array(z.number())) });

/** The wine data of scikit-learn, 178 × 13, standardised by their population deviation, float32. */
export function wineRows(): Matrix {
  const file = new URL("../../test/golden/values/probabilistic_pca.json", import.meta.url);
  const { rows } = wineSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const { mean: centre, covariance } = moments(rows);
  return rows.map((row) => row.map((value, j) => Math.fround((value - centre[j]) / Math.sqrt(covariance[j][j]))));
}

/** The 1,797 optical digits of scikit-learn, 8×8 pixels from 0 to 16: test/golden/scripts/digits.py. */
export function openDigits(): Promise<Dataset> {
  return openDataset(fileURLToPath(new URL("../../test/golden/values/digits-8x8-idx3-ubyte.gz", import.meta.url)));
}

/** Images as rows of numbers, divided by one number, so that the deviation of all pixels about their own means is `spread`. */
export async function imageTable(engine: Engine, images: Dataset, spread: number): Promise<Table> {
  const d = sizeOf(images.shape);
  const deviations = featureDeviations(images, featureMeans(images));
  const unit = Math.sqrt(deviations.reduce((total, value) => total + value * value, 0) / d) / spread;
  const data = numbersOf(images).map((value) => value / unit);
  const dataset = arrayDataset({ data, shape: [images.length, d] }, { name: images.name, measure: "real" });
  const known = await datasetMoments(engine, dataset);
  return { dataset, moments: known, description: { shape: [d], measure: "real", means: known.mean } };
}

export interface LinearVaeOptions {
  readonly latents: number;
  readonly posterior: "diagonal" | "full";
  /** Whether E_q log p(x|z) is taken in closed form or by samples. */
  readonly expectation: "analytic" | "sampled";
}

/** The built-in VAE without a hidden layer on either side: p(x|z) = N(Wz + μ, ηI), q(z|x) by an affine map of x. */
export function linearVae({ latents, posterior, expectation }: LinearVaeOptions, description: DataDescription): Model {
  const architecture = { kind: "mlp" as const, widths: [] };
  const model = vae({ architecture, latents, likelihood: "normal", posterior }, description);
  if (expectation === "sampled") return model;
  return { ...model, objective: (_terms, x) => neg(mean(analyticElbo(model, x))) };
}

/** W, μ and η of a decoder that is affine, as it decodes the origin and the unit vectors. */
function affineParts({ decoder, latents }: Model): LinearGaussianParameters {
  const located = (z: Tensor): Tensor => decoder(z).parameters.mean;
  const origin = located(constant(new Float32Array(latents), [1, latents])); // [1, d]
  const weight = transpose(sub(located(identityMatrix(latents)), origin)); // [d, k]
  const { scale } = decoder(constant(new Float32Array(latents), [1, latents])).parameters;
  return { weight, mean: reshape(origin, [weight.shape[0]]), variance: mean(square(slice(scale, -1, 0, 1))) };
}

/** The bound with the expectation in closed form: x [batch, d] → [batch]. */
export function analyticElbo(model: Model, x: Tensor): Tensor {
  const q: Distribution = model.encoder(x);
  return sub(analyticReconstruction(affineParts(model), q, x), kl(q, model.prior));
}

/** What a linear VAE has learned, and its mean bound in closed form over the examples. */
export interface LinearFit {
  readonly model: LinearGaussian;
  readonly elbo: number;
}

export interface LinearTraining {
  readonly steps: number;
  readonly rate: number;
  readonly samples: number;
  readonly batchSize: number;
  readonly seed: number;
}

/** Trains by Adam with a rate that falls to 0 along half a cosine. */
export async function trainLinearVae(
  engine: Engine,
  { dataset, description }: Table,
  options: LinearVaeOptions,
  { steps, rate, samples, batchSize, seed }: LinearTraining,
): Promise<LinearFit> {
  const model = linearVae(options, description);
  const learningRate: Schedule = { kind: "warmupCosine", peak: rate, warmup: Math.ceil(steps / 50), total: steps };
  const training = await modelTraining({
    engine,
    model,
    description,
    dataset,
    seed,
    batchSize,
    samples,
    optimizer: { kind: "adam" },
    learningRate,
    klWeight: { kind: "constant", value: 1 },
  });
  for (let step = 0; step < steps; step++) await training.runStep();
  const fit = await linearFit(engine, model, dataset, training.parameters);
  await training.release();
  return fit;
}

/** W, μ, η in numbers, and the bound in float32 of each example, its mean in float64. */
export async function linearFit(
  engine: Engine,
  model: Model,
  dataset: Dataset,
  parameters: ReadonlyMap<string, NdArray>,
): Promise<LinearFit> {
  const { weight, mean: centre, variance } = affineParts(model);
  const [d] = dataset.shape;
  const elbo = analyticElbo(model, data("x", ["batch", d]));
  const program = await compile(engine, { weight, centre, variance, elbo }, { values: parameters });
  const values = await program.run({ x: { data: numbersOf(dataset), shape: [dataset.length, d] } });
  await program.release();
  const k = model.latents;
  const flat = Array.from(values.weight.data);
  return {
    model: {
      weight: Array.from({ length: d }, (_, i) => flat.slice(i * k, (i + 1) * k)),
      mean: Array.from(values.centre.data),
      variance: values.variance.data[0],
    },
    elbo: Array.from(values.elbo.data).reduce((total, value) => total + value, 0) / dataset.length,
  };
}
