import { join } from "node:path";
import { openEngine } from "#engine";
import { InputError, NumericalError } from "../errors.ts";
import { builtInModel, type ModelName, modelNames } from "../models/names.ts";
import { nearest } from "../nearest.ts";
import { runConfig } from "../run/config.ts";
import { settleOptions } from "../run/defaults.ts";
import { hasBegun, openRun } from "../run/folder.ts";
import { defaultThreads } from "../run/machine.ts";
import { optionNames, parseOptions, readingOptions, type TrainOptions } from "../run/options.ts";
import { checkBatch, isFor } from "../run/options-together.ts";
import { buildModel, describeRunData, openRunData, type RunData } from "../run/prepare.ts";
import type { Engine } from "../runtime/engine.ts";
import { type ComparedData, dataApart } from "./compare-runs.ts";
import { kebab } from "./gather-options.ts";
import { nameOf, trainFromFlags } from "./train-action.ts";

/** Models that are to be trained alike. */
export interface ModelsRequest {
  /** "vae,flow,pca" */
  readonly models: string;
  /** Where the runs go, each under its model's name; runs/compare-DATA by default. */
  readonly runs?: string;
  /** Options of training by name, the data among them. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly say: (line: string) => void;
}

/** Trains each of the models unless there is a run of it with the same options, and gives the paths of the runs. */
export async function trainModels({ models, runs, given, say }: ModelsRequest): Promise<readonly string[]> {
  const names = namesIn(models);
  const data = typeof given.data === "string" ? given.data : undefined;
  const folder = runs ?? `runs/compare-${data === undefined ? "fashion" : nameOf(data)}`;
  const planned = names.map((name) => {
    const own = optionsFor(name, names, given);
    return { name, path: join(folder, name), own, options: parsedFor(name, own) };
  });
  const states = await lookedAt(planned);
  for (const [i, { path, own }] of planned.entries()) {
    if (states[i] === "finished") say(`${path}: is trained with these options already`);
    else if (states[i] === "unfinished") await trainFromFlags({ resume: path, given: {}, quiet: true });
    else await trainFromFlags({ out: path, given: own, quiet: true });
  }
  return planned.map(({ path }) => path);
}

/** How far each is. All are looked at before anything is trained: a mistake comes to light at once. */
async function lookedAt(planned: readonly Planned[]): Promise<readonly Standing[]> {
  const open = keepingLast();
  await checkData(planned, open);
  const states: Standing[] = [];
  for (const { path, options } of planned) states.push(await standing(path, options, open));
  await checkModels(
    planned.filter((_, i) => states[i] === "missing"),
    open,
  );
  return states;
}

function flagOf(option: string): string {
  return option === "data" ? "DATA" : option === "model" ? "--models" : `--${kebab(option)}`;
}

function namesIn(models: string): readonly ModelName[] {
  const names = models.split(",").map((name) => name.trim());
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new InputError(`--models: ${twice} is named twice; name each model once`);
  return names.map((name) => {
    const known = name === "" ? undefined : builtInModel(name);
    if (known !== undefined) return known;
    const close = nearest(name, modelNames);
    throw new InputError(
      `--models: names out of ${modelNames.join(", ")} are expected, with commas, got "${name}"${close === undefined ? "" : `; did you mean ${close}?`}`,
    );
  });
}

/** Those of the options that this model takes. @throws InputError for one that none of the models does. */
function optionsFor(
  name: ModelName,
  names: readonly ModelName[],
  given: ModelsRequest["given"],
): Readonly<Record<string, unknown>> {
  const options = optionNames.filter((option) => option in given);
  const idle = options.find((option) => names.every((other) => !isFor(option, other)));
  if (idle !== undefined) {
    const able = modelNames.filter((other) => isFor(idle, other));
    throw new InputError(`${flagOf(idle)}: changes nothing with ${names.join(", ")}; it is for ${able.join(", ")}`);
  }
  const own = options.filter((option) => isFor(option, name)).map((option) => [option, given[option]]);
  return { ...Object.fromEntries(own), model: name };
}

function parsedFor(name: ModelName, own: Readonly<Record<string, unknown>>): TrainOptions {
  try {
    return parseOptions(own, flagOf);
  } catch (error) {
    throw naming(name, error);
  }
}

/** A mistake, with the model that it is one of. */
function naming(name: ModelName, error: unknown): unknown {
  if (!(error instanceof InputError)) return error;
  const message = `--models ${name}: ${error.message}`;
  return error instanceof NumericalError ? new NumericalError(message) : new InputError(message);
}

type OpenData = (options: TrainOptions) => Promise<RunData>;

/** Opens the data that options ask for; those of the last ones again where they are the same. */
function keepingLast(): OpenData {
  let last: { readonly key: string; readonly data: RunData } | undefined;
  return async (options) => {
    const { data, test, validation, seed } = options;
    const key = JSON.stringify([data, test, validation, seed, readingOptions(options)]);
    if (last?.key !== key) last = { key, data: await openRunData(options) };
    return last.data;
  };
}

interface Planned {
  readonly name: ModelName;
  readonly path: string;
  readonly options: TrainOptions;
}

/** Options by which data are read in another way, and which not every model takes. */
const ofReading = ["missing", "condition"] as const;

/** @throws InputError where models read the data in different ways, by an option that only some of them take. */
async function checkData([first, ...others]: readonly Planned[], open: OpenData): Promise<void> {
  const read = async ({ options }: Planned): Promise<ComparedData> => {
    const { source } = await open(options);
    return {
      ...source,
      shape: [...source.shape],
      columns: source.columns && [...source.columns],
      examples: source.length,
    };
  };
  const expected = await read(first);
  for (const other of others) {
    const apart = dataApart(expected, await read(other));
    if (!apart) continue;
    const [what, here, there] = apart;
    const cause = ofReading.find((option) => first.options[option] !== other.options[option]);
    const remedy = cause === undefined ? "" : `; ${flagOf(cause)} is for one of them alone: leave it out`;
    throw new InputError(
      `--models ${first.name},${other.name}: read other data, ${what} ${here} and ${there}${remedy}`,
    );
  }
}

/**
 * Builds each model for its data, and of one that is fitted without gradients takes the first step, which is all of a closed form.
 * @throws InputError that names the first model that cannot be.
 */
async function checkModels(planned: readonly Planned[], open: OpenData): Promise<void> {
  let engine: Engine | undefined;
  for (const { name, options } of planned) {
    const data = await open(options);
    const { threads = defaultThreads() } = options;
    try {
      const description = describeRunData(data);
      const settled = settleOptions(options, description, data.train.length);
      const model = await buildModel(settled, description);
      checkBatch(settled, data.train.length, model);
      const { rule } = model;
      if (!rule || options.choose !== undefined) continue; // of candidates, those that cannot be fitted are left out
      engine ??= await openEngine({ engine: options.engine, threads });
      const fit = await rule.open({ engine, dataset: data.train, seed: settled.seed });
      try {
        await (fit.rehearse ?? fit.step)();
      } finally {
        await fit.release?.();
      }
    } catch (error) {
      throw naming(name, error);
    }
  }
}

type Standing = "missing" | "unfinished" | "finished";

/** How far a run of these options is. @throws InputError where the folder holds another run. */
async function standing(path: string, given: TrainOptions, open: OpenData): Promise<Standing> {
  if (!hasBegun(path)) return "missing";
  const run = openRun(path, { write: false });
  const before = runConfig(run);
  const data = await open(given);
  const { components = given.choose === undefined ? undefined : before.options.components } = given; // found by that run
  const now = settleOptions({ ...given, components }, describeRunData(data), data.train.length);
  const changed = differences(before.options, now);
  if (before.data.checksum !== data.source.checksum) changed.unshift("other data");
  if (changed.length > 0) {
    throw new InputError(
      `${path}: holds a run with other options (${changed.join(", ")}); choose another folder with --runs, or remove it`,
    );
  }
  return run.readArtifact("evaluation.json") ? "finished" : "unfinished";
}

/** What changes no number of a run by itself, or only its last bits. */
const elsewhere = ["threads", "engine"];

function differences(before: TrainOptions, now: TrainOptions): string[] {
  const [then, here] = [before, now].map((options) => new Map<string, unknown>(Object.entries(options)));
  return [...new Set([...then.keys(), ...here.keys()])]
    .filter((option) => !elsewhere.includes(option) && then.get(option) !== here.get(option))
    .map((option) => `${flagOf(option)} ${then.get(option) ?? "not given"}, now ${here.get(option) ?? "not given"}`);
}
