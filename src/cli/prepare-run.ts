import { existsSync } from "node:fs";
import { availableMemory } from "node:process";
import { z } from "zod";
import { openEngine } from "#engine";
import { InputError } from "../errors.ts";
import { stepsPerBatch } from "../inference/ways.ts";
import { formatArchitecture } from "../models/architecture.ts";
import { type AnyModel, type DataDescription, isPointModel, likelihoodName, type UpdateRule } from "../models/model.ts";
import { builtInModel, type ModelName, partsOf } from "../models/names.ts";
import { distributionNames, stepsInTurn } from "../models/programs.ts";
import { programsIn } from "../run/artifacts.ts";
import { type RunConfig, runConfig } from "../run/config.ts";
import { settleOptions, vaeOptions } from "../run/defaults.ts";
import { type Checkpoint, createRun, openRun, type Run, refuseTaken } from "../run/folder.ts";
import { parseCounts, type TrainOptions } from "../run/options.ts";
import { checkBatch, checkGame } from "../run/options-together.ts";
import { buildModel, dataFacts, describeRunData, openRunData, type RunData, type Watch } from "../run/prepare.ts";
import { keptParameters } from "../run/rebuild.ts";
import {
  capacitySchedule,
  klWeightSchedule,
  learningRateSchedule,
  objectiveOptions,
  optimizerOptions,
  type SettledOptions,
  totalSteps,
  wayOptions,
} from "../run/training-options.ts";
import { environment } from "../run/versions.ts";
import type { Engine } from "../runtime/engine.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { trainingBytes } from "../training/bytes.ts";
import { modelTraining } from "../training/fit.ts";
import type { LoopState } from "../training/loop.ts";
import type { Training } from "../training/training.ts";
import { type OpenModel, settleComponents } from "./choose.ts";
import { kebab } from "./gather-options.ts";
import { formatBytes } from "./terminal.ts";

/** A run about to be trained: everything is open and fits together, and nothing has been written unless it went on before. */
export interface PreparedRun {
  readonly options: SettledOptions;
  readonly engine: Engine;
  readonly data: RunData;
  readonly description: DataDescription;
  readonly model: AnyModel;
  readonly training: Training;
  readonly run: Run;
  readonly resume?: LoopState;
  readonly steps: number;
  /** What the user should hear: another engine, another machine, an older checkpoint. */
  readonly notices: readonly string[];
}

export type Target =
  /** `flags` are the options that were given as such, not by a file. */
  | { readonly kind: "new"; readonly path: string; readonly force: boolean; readonly flags: readonly string[] }
  | { readonly kind: "resume"; readonly path: string };

/** The first folder runs/NAME-1, runs/NAME-2, … that is free. */
export function freeRunPath(name: string): string {
  for (let number = 1; ; number++) {
    const path = `runs/${name}-${number}`;
    if (!existsSync(path)) return path;
  }
}

/** Opens data, model, engine and folder. Mistakes come to light before the folder is made. */
export async function prepareRun(
  given: TrainOptions,
  target: Target,
  threads: number,
  watch: Watch,
  choosing: Watch = {},
): Promise<PreparedRun> {
  if (target.kind === "new") refuseTaken(target.path, target.force); // before models are fitted to choose among them
  const before = target.kind === "resume" ? openRun(target.path, { write: true }) : undefined;
  try {
    const engine = await openEngine({ engine: given.engine, threads });
    const data = await openRunData(given, watch);
    const description = describeRunData(data);
    const open = async (asked: TrainOptions): Promise<OpenModel & { tight: readonly string[] }> => {
      const options = settleOptions(asked, description, data.train.length);
      const model = await buildModel(options, description);
      if (target.kind === "new" && isGame(model)) checkGame(target.flags, asked, (option) => `--${kebab(option)}`);
      const tight = memoryWarning(options, model, description);
      const training = await openTraining(options, engine, data, model, description);
      const steps = model.rule ? ruleSteps(options, model.rule) : totalSteps(options, training.stepsPerEpoch);
      return { options, engine, data, description, model, training, steps, tight };
    };
    const chosen = await settleComponents(given, data.validation, open, choosing);
    const { tight, steps, ...common } = await open(chosen.options);
    const { options, model, training } = common;
    const checkpoint = before?.readCheckpoint();
    const inherited = options.from !== undefined && checkpoint === undefined ? inherit(training, options.from) : [];
    const config = configOf(options, engine, data, description, model, training);
    const notices = engine.notice ? [engine.notice] : [];
    for (const part of [data.source, data.validation, data.test]) {
      for (const line of part?.notices ?? []) if (!notices.includes(line)) notices.push(line);
    }
    notices.push(...chosen.notices, ...inherited, ...tight, ...warnings(options, steps, model));
    if (!model.rule) notices.push(...lateFalls(options, steps / training.stepsPerEpoch));
    if (target.kind === "new") {
      if (model.rule) await training.rehearse();
      const run = createRun(target.path, config, { force: target.force });
      return { ...common, run, steps, notices };
    }
    const run = before ?? openRun(target.path, { write: true });
    const changes = differences(runConfig(run), config, target.path);
    notices.push(...changes);
    if (checkpoint?.warning) notices.push(checkpoint.warning);
    const resume =
      checkpoint && restore(training, checkpoint, [`${target.path}/checkpoint.safetensors`, ...changes].join(", "));
    run.cutMetrics(training.step);
    return { ...common, run, resume, steps, notices };
  } catch (error) {
    before?.close();
    throw error;
  }
}

function isGame(model: AnyModel): boolean {
  return !isPointModel(model) && model.phases !== undefined;
}

/** A closed form is one step, whatever was asked for. */
function ruleSteps(options: TrainOptions, { steps }: UpdateRule): number {
  return steps === 1 ? 1 : (options.steps ?? steps);
}

/** Training that may not fit: what it keeps, and two thirds of the intermediates, as the engine uses their memory again. */
function memoryWarning(options: SettledOptions, model: AnyModel, description: DataDescription): readonly string[] {
  if (model.rule) return [];
  const { batch: batchSize, samples } = options;
  const bytes = trainingBytes(model, description, {
    batchSize,
    samples,
    optimizer: optimizerOptions(options),
    objective: objectiveOptions(options),
  });
  const needed = bytes.parameters + bytes.gradients + bytes.slots + (2 / 3) * bytes.activations;
  const free = availableMemory();
  if (needed <= free) return [];
  return [
    `training may need ${formatBytes(needed)} of memory and ${formatBytes(free)} are free: a smaller --batch or network helps`,
  ];
}

/** Settings that are allowed and hardly meant. */
function warnings(options: TrainOptions, steps: number, model: AnyModel): readonly string[] {
  if (isPointModel(model) || model.rule) return [];
  const { objective } = model;
  const { klWarmup, klPeriod, klWeight, capacitySteps, bound, inference, from } = options;
  const lines: string[] = [];
  if (objective !== undefined && (klWeight !== undefined || klWarmup > 0)) {
    lines.push(
      "the model has an objective of its own: the KL weight's options change nothing, unless it asks for klWeight",
    );
  } else if (klPeriod === undefined && klWarmup >= steps) {
    lines.push(
      `the KL weight never reaches its height: --kl-warmup ${klWarmup} is longer than the ${steps} steps of this run`,
    );
  }
  const idle = (["bound", "gradient", "kl", "baseline", "freeBits", "capacity"] as const).find((name) =>
    name === "bound" ? bound !== "elbo" : options[name] !== undefined,
  );
  if (objective !== undefined && idle !== undefined) {
    lines.push(`the model has an objective of its own: --${kebab(idle)} changes nothing`);
  }
  if ((inference === "encoder" || inference === "decoder") && from === undefined) {
    lines.push(`--inference ${inference} without --from: the other side stays at its random start`);
  }
  if (capacitySteps !== undefined && capacitySteps >= steps) {
    lines.push(
      `the capacity never reaches its height: --capacity-steps ${capacitySteps} is longer than the ${steps} steps of this run`,
    );
  }
  return lines;
}

/** Falls of the learning rate that the run is over before. */
function lateFalls({ decay, decayEpochs = "" }: TrainOptions, epochs: number): readonly string[] {
  const late = decay === "steps" ? parseCounts(decayEpochs).filter((epoch) => epoch >= epochs) : [];
  if (late.length === 0) return [];
  return [
    `the learning rate does not fall after epoch ${late.join(" and ")}: --decay-epochs, and the run has ${Math.ceil(epochs)}`,
  ];
}

function openTraining(
  options: SettledOptions,
  engine: Engine,
  { train }: RunData,
  model: AnyModel,
  description: DataDescription,
): Promise<Training> {
  checkBatch(options, train.length, model);
  const way = wayOptions(options);
  const turn = stepsPerBatch(way) * stepsInTurn(model, description); // the one or the other is 1
  const stepsPerEpoch = Math.floor(train.length / options.batch) * turn;
  return modelTraining({
    engine,
    model,
    description,
    dataset: train,
    seed: options.seed,
    batchSize: options.batch,
    samples: options.samples,
    optimizer: optimizerOptions(options),
    learningRate: learningRateSchedule(options, totalSteps(options, stepsPerEpoch), stepsPerEpoch),
    way,
    objective: objectiveOptions(options),
    klWeight: klWeightSchedule(options),
    capacity: capacitySchedule(options),
    clipNorm: options.clip,
  });
}

/**
 * Begins with the parameters of another run, where names and shapes are the same; what only one of the two has is told.
 * @throws InputError where there are no such parameters, or one has another shape.
 */
function inherit({ parameters }: Training, path: string): readonly string[] {
  const kept = keptParameters(openRun(path, { write: false }));
  const missing: string[] = [];
  for (const [name, { data, shape }] of parameters) {
    const given = kept.get(name);
    if (!given) missing.push(name);
    else if (given.shape.join() !== shape.join()) {
      throw new InputError(
        `--from ${path}: ${name} has the shape [${given.shape.join(", ")}] there and [${shape.join(", ")}] here; give this run the same model`,
      );
    } else data.set(given.data);
  }
  if (missing.length === parameters.size)
    throw new InputError(`--from ${path}: none of its parameters are of this model`);
  return missing.length === 0 ? [] : [`begun afresh, as ${path} has none: ${missing.join(", ")}`];
}

function configOf(
  options: TrainOptions,
  engine: Engine,
  data: RunData,
  description: DataDescription,
  model: AnyModel,
  { parameters }: Training,
): RunConfig {
  return {
    options: { ...options, threads: engine.threads },
    data: dataFacts(options, data, description, model),
    model: {
      latents: model.latents,
      ...family(options),
      ...(model.space === undefined || model.space === "real" ? {} : { space: model.space }),
      likelihood: likelihoodName(model),
      ...distributionNames(model, description),
      programs: [...programsIn(model, description)],
      parameters: Array.from(parameters.values(), ({ shape }) => sizeOf(shape)).reduce((a, b) => a + b, 0),
      unit: model.unit ?? 1,
      ...networksOf(options, description),
    },
    environment: environment(engine),
  };
}

function family({ model }: TrainOptions): { family?: ModelName } {
  const name = builtInModel(model);
  return name === undefined ? {} : { family: name };
}

/** The networks of a built-in model that has them, as options write them. */
function networksOf(options: TrainOptions, description: DataDescription): { encoder?: string; decoder?: string } {
  const name = builtInModel(options.model);
  if (name === undefined || !partsOf[name].includes("encoder")) return {};
  const { architecture, decoder = architecture } = vaeOptions(options, description);
  return { encoder: formatArchitecture(architecture), decoder: formatArchitecture(decoder) };
}

/**
 * What is no longer as it was when the run began. Other data would make another run: that is an error; another machine
 * or version may change the last bits: that is told.
 */
function differences(before: RunConfig, now: RunConfig, path: string): readonly string[] {
  if (before.data.checksum !== now.data.checksum) {
    throw new InputError(`${path}: was trained on other data (${before.data.checksum}, now ${now.data.checksum})`);
  }
  const notices: string[] = [];
  if (before.data.moduleChecksum !== now.data.moduleChecksum) {
    notices.push(`${now.options.model ?? "the model"} has changed since this run began`);
  }
  const changed = Object.keys(now.environment).filter((key) => before.environment[key] !== now.environment[key]);
  if (changed.length > 0) {
    const list = changed.map((key) => `${key} ${before.environment[key]} → ${now.environment[key]}`).join(", ");
    notices.push(`not the machine or version this run began on (${list}): its last bits may differ`);
  }
  return notices;
}

const loopSchema = z.object({
  sums: z.record(z.string(), z.number()),
  counts: z.record(z.string(), z.number()).optional(), // checkpoints of an earlier version count all terms alike
  count: z.number(),
  best: z.object({ value: z.number(), epoch: z.number() }).optional(),
});

/** Puts a checkpoint back into memory. */
function restore(training: Training, { tensors, metadata }: Checkpoint, file: string): LoopState {
  const step = Number(metadata.step);
  if (!Number.isInteger(step) || metadata.loop === undefined) {
    throw new InputError(`${file}: holds tensors but no training state; it is no checkpoint of a run`);
  }
  training.restore({ step, tensors }, file);
  const loop = loopSchema.safeParse(JSON.parse(metadata.loop));
  if (!loop.success)
    throw new InputError(`${file}: its training state is not this version's; train again with --config`);
  const { sums, count, counts = Object.fromEntries(Object.keys(sums).map((name) => [name, count])) } = loop.data;
  return { ...loop.data, counts };
}
