/**
 * The ladder: log p(x) of held-out digits from probabilistic PCA to a flow prior, each step beside the one before it:
 * `npx jiti examples/ladder.ts [--seeds N] [--picture FILE]`. docs/ladder.md says what the steps are.
 *
 * The 1,797 digits of scikit-learn (8×8 pixels, 0 to 16) as real numbers x + u, one draw of u uniform on [0, 1)^64. Every step has the
 * likelihood N(g(z), ηI) with one learned η, and as many latents: what changes is g, the bound that is descended, and p(z).
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { DataDescription, Dataset, Engine, Estimate, Model, ObjectiveOptions } from "reparam";
import {
  arrayDataset,
  comparePaired,
  compile,
  datasetMoments,
  decoderProgram,
  densityProgram,
  describeData,
  estimateLikelihood,
  fitProbabilisticPca,
  InputError,
  logEvidence,
  modelTraining,
  openEngine,
  split,
  vae,
} from "reparam";
import { openDataset } from "reparam/data";
import type { NdArray } from "reparam/tensor";
import { numbersOf } from "../src/data/dataset.ts";
import { estimate } from "../src/evaluation/likelihood.ts";
import type { ScoredExamples } from "../src/evaluation/paired.ts";
import { type Matrix, transposed } from "../src/linalg/matrix.ts";
import { largestAngle } from "../src/linalg/subspace.ts";
import { fitPca } from "../src/models/pca.ts";
import { stream } from "../src/random/stream.ts";
import { colour, svgFile } from "../src/report/svg-file.ts";

/** Steps of Adam, and the peak of a rate that falls to 0 along half a cosine. */
export interface Descent {
  readonly steps: number;
  readonly rate: number;
}

/** How large everything is; a test takes less of it. */
export interface LadderSettings {
  readonly latents: number;
  /** Hidden layers of the encoder, and of the decoder backwards. */
  readonly widths: readonly number[];
  readonly batch: number;
  /** Of the linear VAE, which is not stopped early, and of the others, which are as good as at their best validation value. */
  readonly linear: Descent;
  readonly deep: Descent;
  /** K of the importance-weighted bound. */
  readonly samples: number;
  readonly flow: { readonly layers: number; readonly hidden: readonly number[] };
  /** Steps between two looks at the validation images. */
  readonly validateEvery: number;
  readonly seeds: number;
  /** Of the test images' log p(x). */
  readonly importanceSamples: number;
}

export const usual: LadderSettings = {
  latents: 8,
  widths: [128],
  batch: 100,
  linear: { steps: 8000, rate: 1e-2 },
  deep: { steps: 4000, rate: 3e-3 },
  samples: 10,
  flow: { layers: 4, hidden: [32] },
  validateEvery: 100,
  seeds: 3,
  importanceSamples: 5000,
};

/** What one step of the ladder gives: log p(x) of every test image in nats, a mean over the seeds. */
export interface Rung {
  readonly name: string;
  readonly bound: string;
  readonly logLikelihood: Estimate;
  readonly perExample: Float64Array;
  /** The mean of each seed by itself. */
  readonly bySeed: readonly number[];
  /** The ELBO, by the same draws, where the model has one that is not log p(x). */
  readonly elbo?: number;
  /** The standard error and the bias of the mean by the draws of importance sampling; exact numbers have none. */
  readonly draws?: { readonly error: number; readonly bias: number; readonly untrusted: number };
  /** Over the step before, paired by image. */
  readonly gain?: Estimate;
  /** Degrees between the space that the decoder spans and that of PCA, where it is linear. */
  readonly angle?: number;
}

type Scored = Omit<Rung, "gain" | "logLikelihood">;

interface Parts {
  readonly train: Dataset;
  readonly validation: Dataset;
  readonly test: Dataset;
  readonly description: DataDescription;
  /** What log p(x + u) has less than log p of these numbers: d·log of the unit that they are divided by. */
  readonly unit: number;
}

interface Step {
  readonly name: string;
  readonly bound: string;
  readonly widths: readonly number[];
  readonly descent: Descent;
  readonly objective: ObjectiveOptions;
  readonly samples: number;
  readonly prior: "normal" | "flow";
}

const ELBO = { bound: "elbo" } as const;
const IMPORTANCE = { bound: "importance" } as const;

function trainedSteps({ widths, linear, deep, samples }: LadderSettings): readonly Step[] {
  const single = { objective: ELBO, samples: 1, prior: "normal" } as const;
  const weighted = {
    objective: IMPORTANCE,
    samples,
    bound: `importance-weighted, K = ${samples}`,
    widths,
    descent: deep,
  };
  return [
    { ...single, name: "linear VAE", bound: "ELBO", widths: [], descent: linear },
    { ...single, name: "VAE", bound: "ELBO", widths, descent: deep },
    { ...weighted, name: "importance-weighted", prior: "normal" },
    { ...weighted, name: "flow prior", prior: "flow" },
  ];
}

/** The examples as x + u in one unit for all numbers, in three parts; the model is told no deviations, so that η is one number in that unit. */
async function parts(digits: Dataset): Promise<Parts> {
  const [n, d] = [digits.length, digits.shape.reduce((product, size) => product * size, 1)];
  const from = stream(0, "ladder/dequantize");
  const rows = numbersOf(digits).map((pixel) => pixel + from.uniform());
  const real = (values: Float32Array): Dataset =>
    arrayDataset({ data: values, shape: [n, d] }, { name: digits.name, measure: "real" });
  const { deviations } = describeData(real(rows));
  const spread = Array.from(deviations ?? []);
  const unit = Math.sqrt(spread.reduce((total, value) => total + value ** 2, 0) / d);
  const { train: rest, validation: test } = split(real(rows.map((value) => value / unit)), {
    seed: 0,
    fraction: 2 / 9,
  });
  const { train, validation } = split(rest, { seed: 0, fraction: 1 / 7 });
  const { deviations: _, ...description } = describeData(train);
  return { train, validation, test, description, unit: d * Math.log(unit) };
}

interface Trained {
  readonly model: Model;
  readonly parameters: ReadonlyMap<string, NdArray>;
}

/** Adam with a rate that falls to 0; with networks the parameters are those of the best validation log p(x), 50 samples an image. */
async function trained(
  engine: Engine,
  { train, validation, description }: Parts,
  { widths, descent: { steps, rate }, objective, samples, prior }: Step,
  { latents, batch, flow, validateEvery }: LadderSettings,
  seed: number,
): Promise<Trained> {
  const model = vae({ architecture: { kind: "mlp", widths }, latents, likelihood: "normal", prior, flow }, description);
  const training = await modelTraining({
    engine,
    model,
    description,
    dataset: train,
    seed,
    batchSize: batch,
    samples,
    objective,
    optimizer: { kind: "adam" },
    learningRate: { kind: "warmupCosine", peak: rate, warmup: Math.ceil(steps / 20), total: steps },
    klWeight: { kind: "constant", value: 1 },
  });
  const density = await compile(engine, densityProgram(model, description));
  let best = Number.NEGATIVE_INFINITY;
  let parameters = training.parameters;
  for (let step = 1; step <= steps; step++) {
    await training.runStep();
    if (widths.length === 0 || (step % validateEvery !== 0 && step !== steps)) continue;
    const held = { density, parameters: training.parameters, dataset: validation, samples: 50, seed };
    const { value } = (await estimateLikelihood(held)).logLikelihood;
    if (value <= best) continue;
    best = value;
    parameters = new Map(
      Array.from(training.parameters, ([name, { data, shape }]) => [name, { data: data.slice(), shape }]),
    );
  }
  await density.release();
  await training.release();
  return { model, parameters };
}

/** What the decoder does to the unit vectors, less what it does to the origin: W [d][k]. */
async function decoderColumns(engine: Engine, { model, parameters }: Trained): Promise<number[][]> {
  const { latents: k } = model;
  const program = await compile(engine, decoderProgram(model), { values: parameters });
  const z = new Float32Array((k + 1) * k);
  for (let j = 0; j < k; j++) z[(j + 1) * k + j] = 1;
  const { mean } = await program.run({ z: { data: z, shape: [k + 1, k] } });
  await program.release();
  const d = mean.data.length / (k + 1);
  return Array.from({ length: d }, (_, i) =>
    Array.from({ length: k }, (_, j) => mean.data[(j + 1) * d + i] - mean.data[i]),
  );
}

/** A step from every seed: an image's log p(x) is the mean over them. */
async function rungOf(engine: Engine, of: Parts, step: Step, settings: LadderSettings, axes: Matrix): Promise<Scored> {
  const perExample = new Float64Array(of.test.length);
  const bySeed: number[] = [];
  let [elbo, variance, bias, untrusted, angle] = [0, 0, 0, 0, 0];
  for (let seed = 0; seed < settings.seeds; seed++) {
    const { model, parameters } = await trained(engine, of, step, settings, seed);
    const density = await compile(engine, densityProgram(model, of.description), { values: parameters });
    const held = await estimateLikelihood({ density, dataset: of.test, samples: settings.importanceSamples, seed });
    await density.release();
    if (step.widths.length === 0) {
      angle = Math.max(angle, largestAngle(axes, await decoderColumns(engine, { model, parameters })));
    }
    for (const [i, value] of held.perExample.logLikelihood.entries()) {
      perExample[i] += (value - of.unit) / settings.seeds;
    }
    bySeed.push(held.logLikelihood.value - of.unit);
    elbo += (held.elbo.value - of.unit) / settings.seeds;
    variance += held.estimator.error ** 2 / settings.seeds ** 2;
    bias += held.estimator.bias / settings.seeds;
    untrusted += held.estimator.untrusted / settings.seeds;
  }
  const draws = { error: Math.sqrt(variance), bias, untrusted };
  return {
    name: step.name,
    bound: step.bound,
    perExample,
    bySeed,
    elbo,
    draws,
    ...(step.widths.length === 0 && { angle }),
  };
}

/** Every step, from probabilistic PCA on; each is told as it is done. */
export async function ladder(
  engine: Engine,
  digits: Dataset,
  settings: LadderSettings,
  onRung: (rung: Rung) => void = () => {},
): Promise<readonly Rung[]> {
  const of = await parts(digits);
  const axes = transposed((await fitPca(engine, of.train, { latents: settings.latents })).components); // [d][k]
  const rungs: Rung[] = [];
  const add = (scored: Scored): void => {
    const before = rungs.at(-1);
    const examples = of.test.checksum;
    const gain = before && comparePaired(compared(scored, examples), compared(before, examples)).difference;
    const rung = { ...scored, gain, logLikelihood: estimate(scored.perExample) };
    rungs.push(rung);
    onRung(rung);
  };
  const closed = fitProbabilisticPca(await datasetMoments(engine, of.train), settings.latents);
  const [d, pixels] = [of.test.shape[0], numbersOf(of.test)];
  const perExample = Float64Array.from({ length: of.test.length }, (_, i) => {
    return logEvidence(closed, Array.from(pixels.subarray(i * d, (i + 1) * d))) - of.unit;
  });
  const bySeed = [estimate(perExample).value];
  const angle = largestAngle(axes, closed.weight);
  add({ name: "probabilistic PCA", bound: "log p(x), closed form", perExample, bySeed, angle });
  for (const step of trainedSteps(settings)) add(await rungOf(engine, of, step, settings, axes));
  return rungs;
}

function compared({ name, perExample: values }: Scored, examples: string): ScoredExamples {
  return { name, examples, values };
}

export const HEAD = `| Step | What is maximised | Test log p(x) | Above the step before | Seeds, lowest to highest | ELBO | Error of the draws |
| --- | --- | --- | --- | --- | --- | --- |`;

/** A row of the table, in nats per image; ± is one standard error between images, of the last column by the draws. */
export function row({ name, bound, logLikelihood, gain, bySeed, elbo, draws }: Rung): string {
  const cells = [
    name,
    bound,
    plusMinus(logLikelihood),
    gain ? plusMinus(gain, true) : "",
    bySeed.length > 1 ? `${Math.min(...bySeed).toFixed(2)} to ${Math.max(...bySeed).toFixed(2)}` : "",
    elbo === undefined ? "is log p(x)" : elbo.toFixed(2),
    draws ? `±${draws.error.toFixed(3)}, bias ${draws.bias.toFixed(3)}` : "exact",
  ];
  return `| ${cells.join(" | ")} |`;
}

function plusMinus({ value, error }: Estimate, signed = false): string {
  return `${signed && value >= 0 ? "+" : ""}${value.toFixed(2)} ± ${error.toFixed(2)}`;
}

/** log p(x) of each step with its standard error, best to the right. */
export function picture(rungs: readonly Rung[]): Promise<string> {
  const values = rungs.map(({ name, logLikelihood: { value, error }, gain }, i) => {
    return {
      name: `${i + 1}. ${name}`,
      value,
      low: value - error,
      high: value + error,
      gain: gain ? `${plusMinus(gain, true)}` : "",
    };
  });
  const [least, most] = [Math.min(...values.map(({ low }) => low)), Math.max(...values.map(({ high }) => high))];
  const domain = [least, most + 0.35 * (most - least)]; // the last gain stands to the right of its point
  const x = {
    type: "quantitative",
    scale: { domain, zero: false },
    title: "test log p(x) ± standard error, nats; paired gains",
  } as const;
  const y = { field: "name", type: "nominal", sort: null, title: null, axis: { labelLimit: 200 } } as const;
  return svgFile({
    caption: "Held-out log-likelihood of each step of the ladder",
    spec: {
      width: 460,
      height: 170,
      data: { values },
      layer: [
        {
          mark: { type: "rule", strokeWidth: 2 },
          encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y, color: { value: colour("muted") } },
        },
        {
          mark: { type: "point", filled: true, size: 70 },
          encoding: { x: { ...x, field: "value" }, y, color: { value: colour("ink") } },
        },
        {
          mark: { type: "text", align: "left", dx: 16, fontSize: 10 },
          encoding: { x: { ...x, field: "value" }, y, text: { field: "gain" }, color: { value: colour("muted") } },
        },
      ],
    },
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seeds: { type: "string" }, picture: { type: "string" } } });
  const seeds = values.seeds === undefined ? usual.seeds : Number(values.seeds);
  if (!(Number.isInteger(seeds) && seeds >= 1)) {
    throw new InputError(`ladder: --seeds: a whole number from 1 is expected, got ${values.seeds}`);
  }
  const digits = await openDataset(
    fileURLToPath(new URL("../test/golden/values/digits-8x8-idx3-ubyte.gz", import.meta.url)),
  );
  const start = performance.now();
  console.log(HEAD);
  const rungs = await ladder(await openEngine(), digits, { ...usual, seeds }, (rung) => console.log(row(rung)));
  for (const { name, angle, draws } of rungs) {
    if (angle !== undefined) console.log(`\n${name}: largest angle to PCA's subspace ${angle.toFixed(2)}°`);
    if (draws) console.log(`\n${name}: heavy-tailed weights for ${(100 * draws.untrusted).toFixed(0)} % of the images`);
  }
  console.log(`\n${((performance.now() - start) / 1000).toFixed(0)} s`);
  if (values.picture !== undefined) writeFileSync(values.picture, await picture(rungs));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
