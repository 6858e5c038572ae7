/** Probabilistic PCA and factor analysis as models of the command: their programs, their rules, and numbers that are missing. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset, type Dataset } from "../../src/data/dataset.ts";
import { reconstructionError } from "../../src/evaluation/reconstruction.ts";
import { datasetMoments, moments } from "../../src/linalg/moments.ts";
import { type FactorModel, meanLogLikelihood } from "../../src/models/factor-analysis.ts";
import { type AnyModel, describeData, type RuleStep } from "../../src/models/model.ts";
import { observedLogLikelihoods, observedRows } from "../../src/models/probabilistic-pca-missing.ts";
import { decoderProgram, densityProgram, encoderProgram } from "../../src/models/programs.ts";
import { stream } from "../../src/random/stream.ts";
import { correlations } from "../../src/report/correlations.ts";
import { parseOptions } from "../../src/run/options.ts";
import { buildModel } from "../../src/run/prepare.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { wineRows } from "../../src/systems/linear-vae.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { modelTraining } from "../../src/training/fit.ts";
import type { Training } from "../../src/training/training.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const D = 13;
/** Each column about a number of its own, and as float32 has them, which data are. */
const rows = wineRows().map((row) => row.map((value, j) => Math.fround(value + 2 + j)));

/** The rows without a tenth of their numbers, drawn by themselves. */
function withGaps(all: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const from = stream(9, "gaps");
  return all.map((row) => row.map((value) => (from.uniform() < 0.1 ? Number.NaN : value)));
}

function datasetOf(all: readonly (readonly number[])[], missing?: "keep"): Dataset {
  return arrayDataset({ data: Float32Array.from(all.flat()), shape: [all.length, D] }, { name: "wine", missing });
}

interface Setting {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly gaps?: boolean;
}

const settings: readonly Setting[] = [
  { name: "probabilistic PCA", options: { model: "probabilistic-pca" } },
  { name: "probabilistic PCA by EM", options: { model: "probabilistic-pca", em: true } },
  { name: "probabilistic PCA of standardised data", options: { model: "probabilistic-pca", standardize: true } },
  { name: "factor analysis", options: { model: "factor-analysis" } },
  { name: "probabilistic PCA with gaps", options: { model: "probabilistic-pca", missing: "keep" }, gaps: true },
  {
    name: "probabilistic PCA with gaps, standardised",
    options: { model: "probabilistic-pca", missing: "keep", standardize: true },
    gaps: true,
  },
  { name: "factor analysis with gaps", options: { model: "factor-analysis", missing: "keep" }, gaps: true },
];

function modelOf(options: Setting["options"], dataset: Dataset): Promise<AnyModel> {
  const parsed = parseOptions({ data: "wine", latents: 2, ...options }, (option) => `--${option}`);
  return buildModel(parsed, describeData(dataset));
}

/** So many steps of a model's rule in float64: the last one, and the parameters. */
async function fitted(
  { options, gaps }: Setting,
  all: readonly (readonly number[])[],
  steps: number,
): Promise<{ model: AnyModel; dataset: Dataset; told: readonly RuleStep[]; values: ReadonlyMap<string, NdArray> }> {
  const dataset = datasetOf(all, gaps ? "keep" : undefined);
  const model = await modelOf(options, dataset);
  if (!model.rule) throw new Error("it has a rule");
  const fit = await model.rule.open({ engine, dataset, seed: 3 });
  const told: RuleStep[] = [];
  while (told.length < steps && !told.at(-1)?.converged) told.push(await fit.step());
  return { model, dataset, told, values: fit.parameters() };
}

/** W, μ and ψ of the exported parameters. */
function factorsOf(values: ReadonlyMap<string, NdArray>): FactorModel {
  const numbers = (name: string): readonly number[] => Array.from(values.get(name)?.data ?? []);
  const weight = numbers("decoder/weight");
  const k = weight.length / D;
  return {
    weight: Array.from({ length: D }, (_, j) => weight.slice(j * k, (j + 1) * k)),
    mean: numbers("decoder/mean"),
    noiseVariances: numbers("decoder/scale").map((scale) => scale ** 2),
  };
}

describe.each(settings)("$name", (setting) => {
  const all = setting.gaps ? withGaps(rows) : rows;

  it("has log p(x) as its ELBO, whatever z is drawn", async () => {
    const { model, dataset, values } = await fitted(setting, all, 20);
    const density = await compile(engine, densityProgram(model, describeData(dataset)) ?? {}, {
      values,
      precision: "float64",
    });
    const from = stream(2, "draws");
    const epsilon = Float64Array.from({ length: 2 * rows.length * 2 }, () => from.normal());
    const numbers = Float64Array.from(all.flat());
    const out = await density.run({
      x: { data: numbers, shape: [rows.length, D] },
      epsilon: { data: epsilon, shape: [2, rows.length, 2] },
    });
    await density.release();
    const expected = observedLogLikelihoods(factorsOf(values), observedRows(all));
    for (let i = 0; i < epsilon.length / 2; i++) {
      const elbo = out.logLikelihood.data[i] + out.logPrior.data[i] - out.logPosterior.data[i];
      // 1e-9: float64 rounding of sums of some tens of nats, divided by noise variances down to 0.005
      expect(Math.abs(elbo - expected[i % rows.length])).toBeLessThan(1e-9);
    }
  });

  it("tells the likelihood of its own training data, which never falls", async () => {
    const { told, values } = await fitted(setting, all, 12);
    for (const [i, { terms }] of told.entries()) {
      if (i > 0) expect(terms.logLikelihood).toBeGreaterThan(told[i - 1].terms.logLikelihood - 1e-10);
    }
    const next = await fitted(setting, all, 13);
    const reached = setting.gaps
      ? observedLogLikelihoods(factorsOf(values), observedRows(all)).reduce((a, b) => a + b, 0) / rows.length
      : meanLogLikelihood(factorsOf(values), moments(rows));
    // A step of EM tells of the parameters that it took, a closed form of those that it gives.
    expect(next.told.at(-1)?.terms.logLikelihood).toBeCloseTo(reached, 9);
  });

  it("stopped after a step and restored, goes on to the same bits", async () => {
    const dataset = datasetOf(all, setting.gaps ? "keep" : undefined);
    const model = await modelOf(setting.options, dataset);
    const open = (): Promise<Training> =>
      modelTraining({
        engine,
        model,
        description: describeData(dataset),
        dataset,
        seed: 3,
        batchSize: 10,
        samples: 1,
        optimizer: { kind: "adam" },
        learningRate: { kind: "constant", value: 1e-3 },
        klWeight: { kind: "constant", value: 1 },
      });
    const [whole, first, second] = [await open(), await open(), await open()];
    for (let step = 0; step < 7; step++) await whole.runStep();
    for (let step = 0; step < 3; step++) await first.runStep();
    const { step, tensors } = first.snapshot();
    const kept = new Map(
      Array.from(tensors, ([name, { data, shape }]) => [name, { data: data.slice(), shape }] as const),
    );
    second.restore({ step, tensors: kept }, "the checkpoint");
    for (let step = 3; step < 7; step++) await second.runStep();
    expect(second.snapshot()).toEqual(whole.snapshot());
    expect([...second.parameters]).toEqual([...whole.parameters]);
  });
});

/** Numbers of other sizes: the density changes by Σ log of the factors, where the fit goes along with them. */
const sizes = Array.from({ length: D }, (_, j) => 10 ** ((j % 5) - 2));

it.each([...settings.filter(({ options }) => options.standardize === true || options.model === "factor-analysis")])(
  "$name: columns in other units give the same model",
  async (setting) => {
    const all = setting.gaps ? withGaps(rows) : rows;
    const { counts } = observedRows(all);
    const shift = sizes.reduce((total, size, j) => total + (counts[j] / rows.length) * Math.log(size), 0);
    const scaled = all.map((row) => row.map((value, j) => value * sizes[j]));
    const [small, large] = [await fitted(setting, all, 30), await fitted(setting, scaled, 30)];
    const [before, after] = [small, large].map(({ told }) => told.at(-1)?.terms.logLikelihood ?? Number.NaN);
    // 1e-5: float32 rounds the numbers in other units anew, by 6e-8 of each
    expect(Math.abs(before - shift - after)).toBeLessThan(1e-5);
    const [one, other] = [small, large].map(({ values }) => factorsOf(values));
    for (const [j, size] of sizes.entries()) {
      expect(other.noiseVariances[j] / size ** 2 / one.noiseVariances[j]).toBeCloseTo(1, 4);
    }
  },
);

it("probabilistic PCA as it is depends on the units", async () => {
  const [small, large] = [
    await fitted(settings[0], rows, 1),
    await fitted(
      settings[0],
      rows.map((row) => row.map((value, j) => value * sizes[j])),
      1,
    ),
  ];
  const shift = sizes.reduce((total, size) => total + Math.log(size), 0);
  const apart = (small.told[0].terms.logLikelihood ?? 0) - shift - (large.told[0].terms.logLikelihood ?? 0);
  expect(apart).toBeGreaterThan(1);
});

it("latents that nobody asked for are as many as can be", async () => {
  const two = arrayDataset({ data: Float32Array.from([1, 2, 3, 5, 4, 1]), shape: [3, 2] }, { name: "two" });
  for (const model of ["probabilistic-pca", "factor-analysis"]) {
    const built = await buildModel(
      parseOptions({ data: "two", model }, (option) => option),
      describeData(two),
    );
    expect(built.latents).toBe(1);
  }
});

/** Rows of whole numbers in two dimensions of 13. */
const flat = rows
  .map(([a, b]) => [Math.round(10 * a), Math.round(10 * b)])
  .map(([a, b]) => Array.from({ length: D }, (_, j) => (j + 1) * a + ((j * j) % 5) * b));

it.each(settings.filter(({ options }) => options.model === "probabilistic-pca"))(
  "$name: data that lie in as many dimensions as there are latents are refused",
  async (setting) => {
    const left = setting.gaps ? "at its floor, 1e-9 of the mean variance," : "0";
    const message = `probabilistic PCA: the data lie in 2 dimensions of 13, so the noise left is ${left} and the density infinite; take fewer latents`;
    await expect(fitted(setting, setting.gaps ? withGaps(flat) : flat, 200)).rejects.toThrow(message);
    expect((await fitted({ ...setting, options: { ...setting.options, latents: 1 } }, flat, 200)).told).not.toEqual([]);
  },
);

it("a closed form refuses them before anything is written", async () => {
  const { rule } = await modelOf(settings[0].options, datasetOf(flat));
  const fit = await rule?.open({ engine, dataset: datasetOf(flat), seed: 3 });
  await expect(fit?.rehearse?.()).rejects.toThrow("the data lie in 2 dimensions of 13");
});

it("what a number that is missing would have been is no part of the reconstruction error", async () => {
  const { model, dataset, values } = await fitted(settings[4], withGaps(rows), 20);
  const encoder = await compile(engine, encoderProgram(model, describeData(dataset)), { values });
  const decoder = await compile(engine, decoderProgram(model), { values });
  const error = await reconstructionError({ encoder, decoder, dataset, seed: 0 });
  const x = { data: Float32Array.from(withGaps(rows).flat()), shape: [rows.length, D] };
  const { mean: z } = await encoder.run({ x });
  const { mean } = await decoder.run({ z });
  const squares = Array.from(x.data, (value, i) => (value - mean.data[i]) ** 2).filter(
    (square) => !Number.isNaN(square),
  );
  const expected = Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length);
  expect(squares.length).toBeLessThan(x.data.length);
  expect(error?.rmse).toBeCloseTo(expected, 6);
  expect(error?.perExample.every(Number.isFinite)).toBe(true);
  await encoder.release();
  await decoder.release();
});

it("pairs of columns are correlated over the rows that have both", () => {
  const x = [1, 2, 3, 4, Number.NaN, 7].map((value, i) => [value, [2, 4, 7, 8, 100, Number.NaN][i]]);
  const [[, r]] = correlations(x, 2);
  const [[, expected]] = correlations(x.slice(0, 4), 2);
  expect(r).toBe(expected);
  expect(r).toBeCloseTo(10.5 / Math.sqrt(5 * 22.75), 12); // of [1, 2, 3, 4] and [2, 4, 7, 8], by hand
});

describe("data with gaps are refused in one line by what needs every number:", () => {
  const gaps = datasetOf(withGaps(rows), "keep");
  const message =
    /^wine: \d+ numbers are missing, .*: --model probabilistic-pca or factor-analysis, with --missing keep$/;

  it("another model", async () => {
    const description = describeData(gaps);
    const model = await buildModel(
      parseOptions({ data: "wine", encoder: "mlp 4", latents: 2 }, (option) => option),
      description,
    );
    const training = modelTraining({
      engine,
      model,
      description,
      dataset: gaps,
      seed: 0,
      batchSize: 10,
      samples: 1,
      optimizer: { kind: "adam" },
      learningRate: { kind: "constant", value: 1e-3 },
      klWeight: { kind: "constant", value: 1 },
    });
    await expect(training).rejects.toThrow(message);
  });

  it("a covariance", () => expect(datasetMoments(engine, gaps)).rejects.toThrow(message));

  it("options that have no use for them", () => {
    const parse = (options: Readonly<Record<string, unknown>>) => () =>
      parseOptions(options, (option) => `--${option}`);
    expect(parse({ model: "flow", missing: "keep" })).toThrow(
      "--missing: changes nothing with --model flow; it is for probabilistic-pca, factor-analysis",
    );
    expect(parse({ missing: "drop" })).toThrow('--missing: keep is expected, got "drop"');
    expect(parse({ model: "probabilistic-pca", tolerance: 1e-3 })).toThrow(
      "--tolerance: changes nothing without --em or --missing keep: without them probabilistic-pca is a closed form",
    );
    expect(parse({ model: "factor-analysis", standardize: true })).toThrow("--standardize: changes nothing");
    expect(parse({ model: "factor-analysis", tolerance: 1e-3 })).not.toThrow();
  });
});
