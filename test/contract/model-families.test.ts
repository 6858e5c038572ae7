import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset, type Dataset, type Measure } from "../../src/data/dataset.ts";
import { exactAverages } from "../../src/evaluation/averages.ts";
import { estimateLikelihood } from "../../src/evaluation/likelihood.ts";
import type { ObjectiveOptions } from "../../src/inference/objective.ts";
import { inferenceNames } from "../../src/inference/ways.ts";
import { inferredBy } from "../../src/models/inference.ts";
import { likelihoodFamilies, likelihoodFor } from "../../src/models/likelihoods.ts";
import { describeData } from "../../src/models/model.ts";
import { likelihoodNames, posteriorNames, priorNames, scaleNames } from "../../src/models/names.ts";
import {
  decoderProgram,
  densityProgram,
  encoderProgram,
  likelihoodProgram,
  priorProgram,
} from "../../src/models/programs.ts";
import { type VaeOptions, vae } from "../../src/models/vae.ts";
import { lower } from "../../src/onnx/lower.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { modelTraining } from "../../src/training/fit.ts";

/*
 * Every posterior, prior, likelihood, scale, gradient estimator and way of inference that the command names: it trains, its
 * programs are written as files are, with everything inside, and the likelihood of the data under it is a finite number.
 */
let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const ROWS = 40;
const COLUMNS = 3;

/** A small table of each measure. */
function table(measure: Measure): Dataset {
  const random = stream(4, `families/${measure}`);
  const draw: Readonly<Record<Measure, () => number>> = {
    real: () => 3 + 2 * random.normal(),
    unit: () => 0.05 + 0.9 * random.uniform(),
    binary: () => random.below(2),
    bytes: () => random.below(256),
    count: () => random.below(12),
    category: () => random.below(4),
  };
  const values = Array.from({ length: ROWS * COLUMNS }, draw[measure]);
  const data = measure === "bytes" ? Uint8Array.from(values) : Float32Array.from(values);
  const labels = Int32Array.from({ length: ROWS }, (_, i) => i % 3);
  return arrayDataset({ data, shape: [ROWS, COLUMNS] }, { name: "table", measure, labels });
}

interface Setting {
  readonly options: Partial<VaeOptions>;
  readonly measure?: Measure;
  readonly objective?: ObjectiveOptions;
  readonly samples?: number;
  readonly inference?: (typeof inferenceNames)[number];
  readonly positive?: boolean;
}

/** Six steps of training, the files of the result, and the mean log-likelihood of its data. */
async function run({ options, measure = "real", objective, samples = 2, inference = "joint", positive }: Setting) {
  const given = table(measure);
  const dataset = positive
    ? arrayDataset({ data: positives(given), shape: [ROWS, COLUMNS] }, { name: "table" })
    : given;
  const description = describeData(dataset);
  const base = vae(
    {
      likelihood: likelihoodFor(measure),
      latents: 2,
      architecture: { kind: "mlp", widths: [5] },
      components: 3,
      ...options,
    },
    description,
  );
  const model = inferredBy(base, inference, { steps: 2, rate: 0.01 });
  const training = await modelTraining({
    engine,
    model,
    description,
    dataset,
    seed: 1,
    batchSize: 10,
    samples,
    objective,
    way: { inference, innerSteps: 2, outerSteps: 1, lineSearch: inference === "em" },
    optimizer: { kind: "adam" },
    learningRate: { kind: "constant", value: 1e-3 },
    klWeight: { kind: "constant", value: 1 },
  });
  const losses: number[] = [];
  for (let step = 0; step < 6; step++) losses.push((await training.runStep()).loss);
  const values = new Map(training.parameters);
  for (const [name, value] of await exactAverages(engine, model, description, values, dataset, 0))
    values.set(name, value);
  await training.release();
  const programs = [encoderProgram(model, description), decoderProgram(model), priorProgram(model)];
  expect(programs[0].mean.shape).toEqual(["batch", 2]); // the code, whatever the family calls its parameters
  expect(programs[1].mean.shape).toEqual(["batch", COLUMNS]);
  const draw = likelihoodProgram(model);
  lower(draw.outputs, { values, fed: draw.fed });
  for (const program of programs) lower(program, { values });
  const density = await compile(engine, densityProgram(model, description), { values });
  const estimate = await estimateLikelihood({ density, dataset, samples: 4, seed: 0 });
  await density.release();
  return { losses, estimate, inputs: density.program.inputs.map(({ leaf }) => leaf.kind) };
}

function positives(dataset: Dataset): Float32Array {
  const values = new Float32Array(dataset.length * COLUMNS);
  dataset.read(
    Uint32Array.from({ length: dataset.length }, (_, i) => i),
    values,
  );
  return values.map((value) => Math.abs(value) + 0.1);
}

async function works(setting: Setting): Promise<void> {
  const { losses, estimate, inputs } = await run(setting);
  expect(losses.every(Number.isFinite)).toBe(true);
  expect(new Set(losses).size).toBe(losses.length); // no step was the one before
  expect(Number.isFinite(estimate.elbo.value)).toBe(true);
  expect(Number.isFinite(estimate.logLikelihood.value)).toBe(true);
  expect(new Set(inputs)).toEqual(new Set(["data", "noise"])); // all that is trained is inside
}

describe("trains and is written:", () => {
  it.each(posteriorNames)("--posterior %s", (posterior) => works({ options: { posterior } }));
  it.each(priorNames)("--prior %s", (prior) => works({ options: { prior } }));
  it.each(scaleNames)("--scale %s", (scale) => works({ options: { scale } }));
  it.each(inferenceNames)("--inference %s", (inference) => works({ options: {}, inference }));

  it.each(likelihoodNames)("--likelihood %s", (likelihood) => {
    const { measures, between } = likelihoodFamilies[likelihood];
    const positive = between !== undefined && measures[0] === "real";
    return works({ options: { likelihood, binarize: "stochastic" }, measure: measures[0], positive });
  });

  it.each(["laplace", "student-t", "continuous-logistic", "logistic"] as const)(
    "--likelihood %s with a scale by the network",
    (likelihood) =>
      works({ options: { likelihood, scale: "network" }, measure: likelihood === "logistic" ? "bytes" : "real" }),
  );

  const objectives: readonly (ObjectiveOptions & { readonly name: string })[] = [
    { name: "importance", bound: "importance" },
    { name: "doubly reparameterized", bound: "importance", gradient: "doubly-reparameterized" },
    { name: "sticking the landing", rate: "sampled", gradient: "sticking-the-landing" },
    { name: "score function, leave-one-out", gradient: "score-function", baseline: "leave-one-out" },
    { name: "score function, moving average", gradient: "score-function", baseline: "moving-average" },
    { name: "free bits", freeBits: 0.5 },
    { name: "capacity", capacity: true },
  ];
  it.each(objectives)("$name", ({ name: _, ...objective }) => works({ options: {}, objective, samples: 3 }));
});

it("posteriors of each example's own and refined ones are for families whose draws have a path", async () => {
  const setting = { options: { posterior: "bernoulli" }, inference: "per-example" } as const;
  await expect(run(setting)).rejects.toThrow(
    "--inference per-example: goes by gradients in an example's own numbers, and draws of the posterior Bernoulli have no path to them; use --posterior diagonal, or --inference joint",
  );
  await works({ options: { posterior: "straight-through" }, inference: "semi-amortized" });
  await works({ options: { posterior: "mixture" }, inference: "per-example" });
});

it("a learned scale near its bound is told by the share of its numbers", async () => {
  // Rows that repeat one row: nothing keeps the scale up but its bound.
  const same = arrayDataset({ data: new Float32Array(ROWS).fill(3), shape: [ROWS, 1] }, { name: "same" });
  const wide = { ...describeData(same), deviations: [1] };
  const model = vae({ likelihood: "normal", latents: 1, architecture: { kind: "mlp", widths: [4] } }, wide);
  const training = await modelTraining({
    engine,
    model,
    description: wide,
    dataset: same,
    seed: 0,
    batchSize: ROWS,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate: { kind: "warmupCosine", peak: 0.02, warmup: 0, total: 800 },
    klWeight: { kind: "constant", value: 1 },
  });
  const first = (await training.runStep()).terms;
  let last = first;
  for (let step = 0; step < 799; step++) last = (await training.runStep()).terms;
  await training.release();
  expect([first.scaleAtBound, last.scaleAtBound]).toEqual([0, 1]);
  expect(last.reconstruction).toBeLessThan(-Math.log(1e-3)); // and the density stays below that of the least scale
});

describe("is refused in one line that names the options:", () => {
  const description = describeData(table("real"));
  const build = (options: Partial<VaeOptions>) => () =>
    vae({ likelihood: "normal", latents: 2, ...options }, description);

  it("a posterior in another space than the prior", () => {
    expect(build({ posterior: "diagonal", prior: "uniform" })).toThrow(
      "--posterior diagonal with --prior uniform: the one lies in R^k, the other in [0, 1]^k, so the rate is infinite; use --posterior uniform",
    );
    expect(build({ posterior: "bernoulli", prior: "normal" })).toThrow("{0, 1}^k");
  });

  it("a scale that the likelihood has not", () => {
    expect(build({ likelihood: "laplace", scale: "full" })).toThrow(
      "--scale full: the likelihood laplace has --scale shared, columns, network only",
    );
    expect(build({ scale: "columns", variance: 1 })).toThrow(
      "--variance: fixes the scale, and --scale columns learns it",
    );
  });

  it("a density that the data do not lie in", () => {
    expect(build({ likelihood: "gamma" })).toThrow(/--likelihood gamma is a density on numbers between 0 and Infinity/);
    expect(build({ likelihood: "poisson" })).toThrow("--likelihood poisson is no density on real data");
  });

  it("a full covariance of images", () => {
    const image = { ...description, shape: [1, 3, 1] };
    expect(() => vae({ likelihood: "normal", scale: "full" }, image)).toThrow("--scale full: is for rows of a table");
  });
});
