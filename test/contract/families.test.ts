/** Every model that `--model` names, built as the command builds it, held to the same contract. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { optionGroups } from "../../src/cli/option-groups.ts";
import { arrayDataset, type Dataset, measures, subset } from "../../src/data/dataset.ts";
import { InputError } from "../../src/errors.ts";
import { estimateLikelihood } from "../../src/evaluation/likelihood.ts";
import {
  type AnyModel,
  type DataDescription,
  describeData,
  isPointModel,
  likelihoodName,
  observationName,
} from "../../src/models/model.ts";
import { densityModels, fittedModels, type ModelName, modelNames } from "../../src/models/names.ts";
import { densityProgram, distributionNames, gaugeOf } from "../../src/models/programs.ts";
import { exportModel, programsIn } from "../../src/run/artifacts.ts";
import { exactOf } from "../../src/run/facts.ts";
import { optionsSchema, parseOptions } from "../../src/run/options.ts";
import { checkFlags, games, isFor } from "../../src/run/options-together.ts";
import { buildModel, dataFacts } from "../../src/run/prepare.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { abilitiesIn } from "../../src/trained/able.ts";
import { load } from "../../src/trained/load.ts";
import { type Ability, abilities, type TrainedModel } from "../../src/trained/trained-model.ts";
import { modelTraining } from "../../src/training/fit.ts";
import type { StepResult, Training } from "../../src/training/training.ts";
import { entries, examplesOf } from "./family-entries.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

interface Built {
  readonly model: AnyModel;
  readonly description: DataDescription;
  readonly dataset: Dataset;
}

async function build(
  name: ModelName,
  dataset: Dataset,
  given: Readonly<Record<string, unknown>> = entries[name].options,
): Promise<Built> {
  const options = parseOptions({ data: "examples", model: name, ...given }, (option) => `--${option}`);
  const description = describeData(dataset);
  return { model: await buildModel(options, description), description, dataset };
}

/** Four steps of 16 rows are an epoch. */
const open = ({ model, description, dataset }: Built): Promise<Training> =>
  modelTraining({
    engine,
    model,
    description,
    dataset,
    seed: 1,
    batchSize: 16,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate: { kind: "constant", value: 5e-3 },
    klWeight: { kind: "constant", value: 1 },
  });

/** So many steps, or fewer where there is nothing left to do. */
async function steps(training: Training, count: number): Promise<readonly StepResult[]> {
  const results: StepResult[] = [];
  while (results.length < count && !training.converged) results.push(await training.runStep());
  return results;
}

/** A trained model and its parameters. */
async function trained(built: Built, count: number): Promise<ReadonlyMap<string, NdArray>> {
  const training = await open(built);
  await steps(training, count);
  const values = copied(training.parameters);
  await training.release();
  return values;
}

const copied = (values: ReadonlyMap<string, NdArray>): ReadonlyMap<string, NdArray> =>
  new Map(Array.from(values, ([name, { data, shape }]) => [name, { data: data.slice(), shape }]));

describe.each(modelNames)("%s", (name) => {
  const { options: _, betters, programs, parts, rounding, refuses = [], exact } = entries[name];
  const files: Record<string, Uint8Array> = {};
  let model: TrainedModel<Ability>;
  const can: readonly Ability[] = abilities.filter((ability) => programs.includes(programOf[ability]));
  const examples = examplesOf("real");

  it("is written as exactly the programs that it has, of parameters named after its parts", async () => {
    const built = await build(name, examples);
    const values = await trained(built, 4);
    expect(new Set(Array.from(values.keys(), (key) => key.split("/")[0]))).toEqual(new Set(parts));
    const written = exportModel(built.model, built.description, values);
    expect([...written.keys()]).toEqual(programs.map((program) => `${program}.onnx`));
    expect(programsIn(built.model, built.description)).toEqual(programs);
    Object.assign(files, Object.fromEntries(written), configAndScores(name, built));
  });

  it("betters what it is trained by", async () => {
    const built = await build(name, examples);
    const training = await open(built);
    const results = await steps(training, 120);
    await training.release();
    const told = results.flatMap(({ terms }) => (betters.term in terms ? [terms[betters.term]] : []));
    expect(told.every(Number.isFinite)).toBe(true);
    if (built.model.rule?.steps === 1) return; // a closed form has no worse before it
    expect(told.length).toBeGreaterThan(1);
    const third = Math.ceil(told.length / 3);
    const gained = average(told.slice(-third)) - average(told.slice(0, third));
    expect(betters.larger ? gained : -gained).toBeGreaterThan(0);
  });

  it("goes on from a snapshot to the bits of one that was never stopped", async () => {
    const built = await build(name, examples);
    const whole = await open(built);
    await steps(whole, 5); // of a game in the midst of a turn
    const kept = { ...whole.snapshot(), tensors: copied(whole.snapshot().tensors) };
    await steps(whole, 4);
    const resumed = await open(built);
    resumed.restore(kept, "kept");
    await steps(resumed, 4);
    const [a, b] = [whole, resumed].map((one) => one.snapshot());
    expect(b.step).toBe(a.step);
    expect([...b.tensors.keys()]).toEqual([...a.tensors.keys()]);
    for (const [key, { data }] of a.tensors) expect(b.tensors.get(key)?.data, key).toEqual(data);
    for (const key of whole.parameters.keys()) expect(a.tensors.has(`parameter/${key}`), key).toBe(true);
    expect(resumed.converged).toBe(whole.converged);
    await Promise.all([whole.release(), resumed.release()]);
  });

  it("is loaded of its files alone and does what it has programs for", async () => {
    model = await load(files, { runtime: engine });
    expect(abilitiesIn(model.facts)).toEqual(can);
    const { latents } = model.facts.model;
    const { mean: codes } = await model.encode(subset(examples, [3, 1, 4, 5, 9]));
    expect(codes.shape).toEqual([5, latents]);
    const shape = [5, ...examples.shape];
    const decoded = await model.decode(codes);
    expect(decoded.shape).toEqual(shape);
    const rebuilt = await model.reconstruct(subset(examples, [3, 1, 4, 5, 9]));
    expect(rebuilt).toEqual(decoded);
    if (can.includes("sample")) {
      const drawn = await model.sample(5, { seed: 2, from: "draw" });
      expect(drawn.shape).toEqual(shape);
      expect(await model.sample(5, { seed: 2, from: "draw" })).toEqual(drawn);
      expect(finite(drawn)).toBe(true);
    }
    if (can.includes("score")) {
      const { logLikelihood } = await model.score(subset(examples, [3, 1]));
      expect(Array.from(logLikelihood).every(Number.isFinite)).toBe(true);
    }
    expect([codes, decoded].every(finite)).toBe(true);
  });

  it("gives a row the same numbers alone as among others", async () => {
    const five = await model.encode(subset(examples, [3, 1, 4, 5, 9]));
    const { data } = await model.decode(five.mean);
    for (const [i, row] of [3, 1, 4, 5, 9].entries()) {
      const { mean } = await model.encode(subset(examples, [row]));
      const { data: alone } = await model.decode(mean);
      close(mean.data, five.mean.data.subarray(i * mean.data.length, (i + 1) * mean.data.length));
      close(alone, data.subarray(i * alone.length, (i + 1) * alone.length), rounding);
    }
  });

  it("refuses what it has no programs for, and names the models that can", async () => {
    const cannot = abilities.filter((ability) => !can.includes(ability));
    for (const ability of cannot) {
      const line = new RegExp(`: cannot ${ability}: ${name} has no [^\\n]*; these have: --model ${densityModels[0]}, `);
      const opening = load(files, { needs: [ability], runtime: engine });
      await expect(opening).rejects.toThrow(line);
      await expect(opening).rejects.toBeInstanceOf(InputError);
    }
    if (cannot.includes("sample")) await expect(model.sample(1)).rejects.toThrow(/these have: --model/);
    if (cannot.includes("score")) await expect(model.score(examples)).rejects.toThrow(/these have: --model/);
    await model.release();
    // What is told of models by name is so of the models themselves.
    expect(densityModels.includes(name)).toBe(programs.includes("density"));
    expect(programs.includes("prior")).toBe(programs.includes("density"));
  });

  it.each(measures.filter((one) => one !== "real" && !refuses.includes(one)))("takes %s data", async (measure) => {
    const built = await build(name, examplesOf(measure));
    const values = await trained(built, 3);
    const outputs = densityProgram(built.model, built.description);
    expect(outputs !== undefined).toBe(programs.includes("density"));
    if (!outputs) return;
    const density = await compile(engine, outputs, { values });
    const exact = exactOf({ family: name, observation: observationName(built.model) });
    const settings = { density, dataset: built.dataset, exactOf: exact, samples: 2, seed: 0 };
    const found = await estimateLikelihood(settings);
    expect(Number.isFinite(found.logLikelihood.value)).toBe(true);
    const isExact = entries[name].exact !== undefined && !isPointModel(built.model);
    expect(exact).toBe(isExact ? (measure === "unit" ? "x" : "x + u") : undefined);
    expect(found.exactOf).toBe(exact);
    await density.release();
  });

  it.each(refuses)("refuses %s data in one line that names a model which takes them", async (measure) => {
    const building = build(name, examplesOf(measure));
    await expect(building).rejects.toThrow(/^[^\n]*categories[^\n]*--model vae[^\n]*$/);
    await expect(building).rejects.toBeInstanceOf(InputError);
  });

  if (!exact) return;
  it("has a density whose exponential sums to 1, and every draw gives the same", async () => {
    const built = await build(name, examplesOf("real", 2), exact);
    const values = await trained(built, 60);
    const outputs = densityProgram(built.model, built.description) ?? {};
    const density = await compile(engine, outputs, { values });
    const { dataset, cell } = grid();
    const estimate = (seed: number, rows: Dataset) => estimateLikelihood({ density, dataset: rows, samples: 1, seed });
    const { logLikelihood } = (await estimate(1, dataset)).perExample;
    const mass = Array.from(logLikelihood, (value) => cell * Math.exp(value)).reduce((a, b) => a + b, 0);
    // Cells of a quarter of the least deviation, in which midpoints are off by less than 1e-4; as much lies outside.
    expect(Math.abs(mass - 1)).toBeLessThan(2e-3);
    const few = subset(dataset, [4000, 5000, 6000]);
    const again = (await estimate(2, few)).perExample.logLikelihood;
    close(
      again,
      [4000, 5000, 6000].map((row) => logLikelihood[row]),
    );
    await density.release();
  });
});

describe("an option that changes nothing with a model is refused and told who has it:", () => {
  it.each<[Readonly<Record<string, unknown>>, string]>([
    [{ model: "flow", kernel: "rbf" }, "--kernel: changes nothing with --model flow; it is for kernel-pca"],
    [
      { model: "gaussian-mixture", latents: 2 },
      "--latents: changes nothing with --model gaussian-mixture; it is for vae",
    ],
    [
      { model: "autoencoder", likelihood: "normal" },
      "--likelihood: changes nothing with --model autoencoder; it is for",
    ],
    [{ model: "pca", inference: "em" }, "--inference: is of the bound that --model vae is trained by"],
    [{ model: "adversarial-autoencoder", klWeight: 2 }, "--klWeight: is of the bound that --model vae is trained by"],
    [{ model: "adversarial-autoencoder", lineSearch: true }, "--lineSearch: changes nothing without one loss"],
    [{ model: "adversarial-autoencoder", patience: 3 }, "--patience: needs a number that tells the best epoch"],
    [{ model: "adversarial-autoencoder", keep: "best" }, "--keep: needs a number that tells the best epoch"],
    [{ model: "pca", batch: 8 }, "--batch: is of training by gradients, and --model pca is fitted without them"],
    [{ model: "gaussian-mixture", epochs: 8 }, "--epochs: is of training by gradients, and"],
    [{ model: "kernel-pca", steps: 8 }, "--steps: is of training by steps, and --model kernel-pca is fitted without"],
    [{ model: "kernel-pca", degree: 2 }, "--degree: changes nothing without --kernel polynomial"],
    [
      { model: "kernel-pca", kernel: "cosine", gamma: 2 },
      "--gamma: changes nothing without --kernel rbf or polynomial",
    ],
    [{ model: "flow", transform: "coupling", bins: 4 }, "--bins: changes nothing without --transform spline-"],
    [{ model: "probabilistic-pca", tolerance: 1 }, "--tolerance: changes nothing without --em or --missing keep"],
    [{ model: "fow" }, 'is expected; did you mean flow?, got "fow"'],
  ])("%j", (given, message) => {
    const from = (option: string): string => `--${option}`;
    const asking = (): void => checkFlags(Object.keys(given), parseOptions(given, from), from);
    expect(asking).toThrow(message);
    expect(asking).toThrow(InputError);
  });

  it("what is told of models by name is so of the models", async () => {
    for (const name of modelNames) {
      const { model } = await build(name, examplesOf("real"));
      expect(fittedModels.includes(name), name).toBe(model.rule !== undefined);
      expect(games.includes(name), name).toBe(model.rule === undefined && gaugeOf(model) === undefined);
      expect(isFor("patience", name), name).toBe(gaugeOf(model) !== undefined);
      // Of a density without latents nothing is a posterior.
      expect(exactOf({ family: name }) === "x", name).toBe(entries[name].exact !== undefined && !isPointModel(model));
    }
  });

  it("a game takes the flag for the parameters that it keeps", () => {
    const given = { model: "adversarial-autoencoder", keep: "last" };
    const from = (option: string): string => `--${option}`;
    expect(() => checkFlags(Object.keys(given), parseOptions(given, from), from)).not.toThrow();
  });

  it("the help has each option once, under a heading", () => {
    const grouped = [...optionGroups().values()].flat();
    expect([...grouped, "data"].toSorted()).toEqual(Object.keys(optionsSchema.shape).toSorted());
  });
});

/** The last program that each ability needs. */
const programOf = {
  encode: "encoder",
  decode: "decoder",
  reconstruct: "encoder",
  sample: "prior",
  score: "density",
} as const;

/** The midpoints of cells of the plane about the data, whose columns have the mean 3 and the deviation √5, and a cell's area. */
function grid(): { readonly dataset: Dataset; readonly cell: number } {
  const [side, width] = [100, 24];
  const at = (i: number): number => 3 + width * ((i + 0.5) / side - 0.5);
  const data = Float32Array.from({ length: 2 * side ** 2 }, (_, i) =>
    at(i % 2 === 0 ? Math.floor(i / 2 / side) : Math.floor(i / 2) % side),
  );
  return {
    dataset: arrayDataset({ data, shape: [side ** 2, 2] }, { name: "grid", measure: "real" }),
    cell: (width / side) ** 2,
  };
}

/** config.json and scores.json, as a run has them. */
function configAndScores(name: ModelName, { model, description, dataset }: Built): Record<string, Uint8Array> {
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const data = { source: dataset, kind: "array", train: dataset, validation: dataset } as const;
  const options = parseOptions({ data: "examples", model: name }, (option) => option);
  const config = {
    data: dataFacts(options, data, description, model),
    model: {
      latents: model.latents,
      family: name,
      likelihood: likelihoodName(model),
      ...distributionNames(model, description),
      programs: programsIn(model, description),
      parameters: 0,
      unit: model.unit ?? 1,
    },
    environment: {},
  };
  return {
    "config.json": text(config),
    ...(programsIn(model, description).includes("density")
      ? { "scores.json": text({ samples: 2, logLikelihood: [-9, -8, -7] }) }
      : {}),
  };
}

/** Matrices of another number of rows are multiplied in another order, in float32. */
function close(a: ArrayLike<number>, b: ArrayLike<number>, rounding = 1e-5): void {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) {
    expect(Math.abs(a[i] - b[i])).toBeLessThanOrEqual(rounding * Math.max(1, Math.abs(b[i])));
  }
}

const finite = ({ data }: NdArray): boolean => data.every(Number.isFinite);
const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
