import { basename, resolve } from "node:path";
import { z } from "zod";
import type { Measure } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { families } from "../models/families.ts";
import { likelihoodName } from "../models/model.ts";
import { builtInModel } from "../models/names.ts";
import { distributionNames } from "../models/programs.ts";
import { formatNumber } from "../report/numbers.ts";
import { runConfig } from "../run/config.ts";
import { openRun, type Run } from "../run/folder.ts";
import { defaultThreads } from "../run/machine.ts";
import type { TrainOptions } from "../run/options.ts";
import { klWeight } from "../run/training-options.ts";
import type { Watched } from "../trained/trained-model.ts";
import type { Training } from "../training/training.ts";
import { type Evaluation, evaluateRun } from "./evaluation-run.ts";
import { interruptible } from "./exit.ts";
import { gatherOptions, kebab } from "./gather-options.ts";
import { networkLines } from "./network-lines.ts";
import { isExported } from "./own-data.ts";
import { freeRunPath, type PreparedRun, prepareRun, type Target } from "./prepare-run.ts";
import { printEvaluation } from "./print-numbers.ts";
import { createProgress } from "./progress.ts";
import { writeResults } from "./results.ts";
import { createStage, type Stage } from "./stage.ts";
import { counted, formatBytes, formatCount, formatDuration } from "./terminal.ts";
import { exportRun, trainRun } from "./training-run.ts";

export interface TrainRequest {
  readonly out?: string;
  readonly resume?: string;
  readonly force?: boolean;
  readonly config?: string;
  readonly json?: boolean;
  /** Leaves standard output to who asked for the run. */
  readonly quiet?: boolean;
  /** Options given as flags. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** Trains, evaluates on held-out examples and writes the report. */
export async function trainFromFlags(request: TrainRequest): Promise<void> {
  const { options, target } = whatToDo(request);
  const stage = createStage();
  const stop = interruptible(stage.say);
  try {
    const reading = stage.watch("reading", "files", stop.signal);
    const choosing = stage.watch("choosing", "candidates", stop.signal);
    const prepared = await prepareRun(options, target, options.threads ?? defaultThreads(), reading, choosing);
    stage.clear();
    try {
      await trainPrepared(prepared, request, stage, stop.signal);
    } finally {
      prepared.run.close();
      await prepared.training.release();
    }
  } finally {
    stage.clear();
    stop.dispose();
  }
}

async function trainPrepared(
  prepared: PreparedRun,
  request: TrainRequest,
  stage: Stage,
  signal: AbortSignal,
): Promise<void> {
  const { run, notices } = prepared;
  for (const line of [...notices, ...(await introduction(prepared))]) stage.say(line);
  await trainUntilStopped(prepared, stage, signal);
  await exportRun(prepared);
  const evaluation = await evaluateHeldOut(prepared, stage, signal);
  if (request.quiet) return;
  if (request.json) {
    const { split, numbers, remarks } = evaluation;
    process.stdout.write(`${JSON.stringify({ run: run.path, split, numbers, remarks })}\n`);
    return;
  }
  printEvaluation(evaluation, process.stdout);
  process.stdout.write(`\nrun     ${run.path}\nreport  ${run.path}/report.html\n`);
}

async function trainUntilStopped(prepared: PreparedRun, stage: Stage, signal: AbortSignal): Promise<void> {
  const { run, training, steps, options } = prepared;
  const progress = createProgress({ stream: process.stderr, total: steps });
  stage.lend(progress.log);
  const outcome = await trainRun(prepared, progress, signal);
  stage.clear();
  if (prepared.model.rule && steps > 1 && training.converged)
    stage.say(`converged after ${counted(training.step, "step")}`);
  if (outcome === "stopped early") stage.say(`no better validation bound for ${options.patience} epochs: stopped`);
  if (outcome !== "interrupted") {
    const kept = keptEpoch(run, options.keep);
    const last = Math.ceil(training.step / training.stepsPerEpoch);
    if (kept !== undefined && kept < last)
      stage.say(`kept the parameters of epoch ${kept} of ${last}, the best on validation`);
    return;
  }
  stage.say(`stopped after step ${training.step} of ${steps}; go on with: reparam train --resume ${run.path}`);
  signal.throwIfAborted();
}

/** The epoch whose parameters the model has, where those are not the last. */
function keptEpoch(run: Run, keep: TrainOptions["keep"]): number | undefined {
  if (keep === "last") return undefined;
  const loop = run.readBest()?.metadata.loop;
  const parsed = loop === undefined ? undefined : bestSchema.safeParse(JSON.parse(loop)).data;
  return parsed?.best.epoch;
}

const bestSchema = z.object({ best: z.object({ epoch: z.number() }) });

/** Held-out numbers, the validation scores and the report. */
async function evaluateHeldOut(prepared: PreparedRun, stage: Stage, signal: AbortSignal): Promise<Evaluation> {
  const { run, engine, data, options } = prepared;
  const [dataset, split] = data.test ? [data.test, "test"] : [data.validation, "validation"];
  const { seed, evaluationSamples: samples } = options;
  const watch = (label: string, unit: string): Watched => stage.watch(label, unit, signal);
  try {
    const watched = watch("evaluating", "examples");
    const evaluation = await evaluateRun(engine, run, { dataset, split, samples, seed, ownData: data, ...watched });
    await writeResults({ engine, run, evaluation, dataset, data, watch });
    return evaluation;
  } catch (error) {
    stage.clear();
    if (signal.aborted) stage.say(`trained, not evaluated; finish with: reparam train --resume ${run.path}`);
    throw error;
  }
}

/** What is going to be trained: shapes, sizes, and what it will cost by a few rehearsed steps. */
async function introduction(prepared: PreparedRun): Promise<readonly string[]> {
  const { model, description, data, training, run, engine, steps, options } = prepared;
  const from = training.step > 0 ? ` from step ${formatCount(training.step)} of ${formatCount(steps)}` : "";
  const threads = counted(engine.threads, "thread");
  const { columns, measure } = data.train;
  const shape = columns ? `${counted(columns.length, "column")} (${fewOf(columns)})` : data.train.shape.join("×");
  const examples = `${counted(data.train.length, "example")} of ${shape}, ${words[measure]}, ${formatCount(data.validation.length)} held out for validation`;
  const engineWords = `${formatBytes(process.memoryUsage().rss)} of memory; ${engine.name} engine, ${threads}`;
  const what = modelWords(prepared);
  if (model.rule) {
    const rule = steps === 1 ? "in closed form" : `by EM, ${counted(steps, "step")} at most`;
    return [`training ${run.path}${from}: ${examples}`, what, `${rule}, ${engineWords}`];
  }
  const stepSeconds = await rehearse(training);
  const left = formatDuration(stepSeconds * (steps - training.step));
  return [
    `training ${run.path}${from}: ${examples}`,
    ...networkLines(model, description),
    what,
    `about ${left} for ${counted(steps - training.step, "step")} of ${options.batch}, ${engineWords}`,
  ];
}

/** The model's distributions, and what of the bound is not the usual. */
function modelWords({ model, description, options }: PreparedRun): string {
  const name = builtInModel(options.model);
  const { posterior, prior } = distributionNames(model, description);
  const likelihood = likelihoodName(model);
  const given = posterior === undefined ? "p(x)" : "p(x|z)";
  const parts = [
    ...(name === undefined || name === "vae" ? [] : [families[name].title]),
    [
      ...(posterior === undefined ? [] : [`q(z|x) ${posterior}`]),
      ...(prior === undefined ? [] : [`p(z) ${prior}`]),
      counted(model.latents, "latent"),
    ].join(", "),
    ...(likelihood === undefined ? [] : [`${given} ${likelihood}`]),
  ];
  return `${parts.join("; ")}${ways(options)}${weights(options)}`;
}

/** What of the bound, its gradient and the inference is not the usual. */
function ways({ bound, samples, gradient, inference }: TrainOptions): string {
  const told = [
    bound === "importance" ? `importance-weighted bound of ${samples} samples` : "",
    gradient === undefined ? "" : `gradient ${gradient}`,
    inference === "joint" ? "" : `inference ${inference}`,
  ];
  return told
    .filter(Boolean)
    .map((one) => `; ${one}`)
    .join("");
}

/** What the numbers are, as the introduction says it. */
const words: Readonly<Record<Measure, string>> = {
  bytes: "8-bit",
  unit: "real in [0, 1]",
  binary: "zeros and ones",
  real: "real",
  count: "counts",
  category: "categories",
};

function fewOf(names: readonly string[]): string {
  const MOST = 6;
  return names.length > MOST ? `${names.slice(0, MOST).join(", ")}, …` : names.join(", ");
}

/** Seconds that a step takes: the middle one of three, after one that warms up. */
async function rehearse(training: Training): Promise<number> {
  const seconds: number[] = [];
  for (let i = 0; i < 4; i++) {
    const start = performance.now();
    await training.rehearse();
    seconds.push((performance.now() - start) / 1000);
  }
  return seconds.slice(1).sort((a, b) => a - b)[1];
}

/** With a fixed variance η the weight of the KL has two readings, w in nats and λ beside the squared error: both are told. */
function weights(options: TrainOptions): string {
  if (options.variance === undefined) return "";
  const w = klWeight(options);
  return `; KL weight w = ${formatNumber(w)} nats, λ = 2ηw = ${formatNumber(2 * options.variance * w)} at η = ${options.variance}`;
}

/** A run's name after its data: photos of ../photos/, table of table.csv. */
export function nameOf(path: string): string {
  return basename(resolve(path)).replace(/(?<=.)\.[^.]*(\.gz)?$/, "") || "run";
}

/** A new run by flags and config file, or one that goes on by its own config. */
function whatToDo(request: TrainRequest): { options: TrainOptions; target: Target } {
  const { out, resume, force = false, config, given } = request;
  if (resume === undefined) {
    const options = gatherOptions(given, config);
    const name = options.data === undefined ? "fashion" : nameOf(options.data);
    return { options, target: { kind: "new", path: out ?? freeRunPath(name), force, flags: Object.keys(given) } };
  }
  const clash = out !== undefined ? "out" : config !== undefined ? "config" : force ? "force" : Object.keys(given)[0];
  if (clash !== undefined) {
    throw new InputError(
      `--resume goes on with the options of ${resume}; leave out ${clash === "data" ? "DATA" : `--${kebab(clash)}`}, or start a new run with --config ${resume}/config.json`,
    );
  }
  const run = openRun(resume, { write: false });
  if (isExported(run))
    throw new InputError(`${resume}: is an exported model: the run that it is from goes on, not this`);
  return { options: runConfig(run).options, target: { kind: "resume", path: resume } };
}
