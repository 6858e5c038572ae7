import { basename } from "node:path";
import { InputError } from "../errors.ts";
import { formatNumber } from "../report/numbers.ts";
import { runConfig } from "../run/config.ts";
import { openRun } from "../run/folder.ts";
import { defaultThreads } from "../run/machine.ts";
import { klWeight, type TrainOptions } from "../run/options.ts";
import { type Evaluation, evaluateRun, writeResults } from "./evaluation-run.ts";
import { interruptible } from "./exit.ts";
import { gatherOptions, kebab } from "./gather-options.ts";
import { freeRunPath, type PreparedRun, prepareRun, type Target } from "./prepare-run.ts";
import { printNumbers } from "./print-numbers.ts";
import { createMeter, createProgress } from "./progress.ts";
import { exportRun, trainRun } from "./training-run.ts";

export interface TrainRequest {
  readonly out?: string;
  readonly resume?: string;
  readonly force?: boolean;
  readonly config?: string;
  readonly json?: boolean;
  /** Options given as flags. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** Trains, evaluates on held-out examples and writes the report. */
export async function trainFromFlags(request: TrainRequest): Promise<void> {
  const { options, target } = whatToDo(request);
  const prepared = await prepareRun(options, target, options.threads ?? defaultThreads());
  const { run, training, notices } = prepared;
  const stage: Stage = { log: say };
  const stop = interruptible((line) => stage.log(line));
  try {
    for (const line of [...notices, introduction(prepared)]) say(line);
    await trainUntilStopped(prepared, stage, stop.signal);
    exportRun(prepared);
    const evaluation = await evaluateHeldOut(prepared, stage, stop.signal);
    if (request.json) {
      const { split, numbers } = evaluation;
      process.stdout.write(`${JSON.stringify({ run: run.path, split, numbers })}\n`);
      return;
    }
    printNumbers(evaluation.numbers, process.stdout);
    process.stdout.write(`\nrun     ${run.path}\nreport  ${run.path}/report.html\n`);
  } finally {
    stop.dispose();
    run.close();
    await training.release();
  }
}

/** Where a line goes that comes at any time, as a Ctrl-C's does: above the live line of the work that is under way. */
interface Stage {
  log: (line: string) => void;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function trainUntilStopped(prepared: PreparedRun, stage: Stage, signal: AbortSignal): Promise<void> {
  const { run, training, steps, options } = prepared;
  const progress = createProgress({ stream: process.stderr, total: steps });
  stage.log = progress.log;
  const outcome = await trainRun(prepared, progress, signal);
  stage.log = say;
  if (outcome === "stopped early") say(`no better validation ELBO for ${options.patience} epochs: stopped`);
  if (outcome !== "interrupted") return;
  say(`stopped after step ${training.step} of ${steps}; go on with: reparam train --resume ${run.path}`);
  signal.throwIfAborted();
}

/** Held-out numbers and the report. */
async function evaluateHeldOut(prepared: PreparedRun, stage: Stage, signal: AbortSignal): Promise<Evaluation> {
  const { run, engine, data, options } = prepared;
  const [dataset, split] = data.test ? [data.test, "test"] : [data.validation, "validation"];
  const { seed, evaluationSamples: samples } = options;
  const meter = createMeter({ stream: process.stderr, label: "evaluating", total: dataset.length, unit: "examples" });
  stage.log = meter.log;
  try {
    const onProgress = (done: number): void => meter.update(done);
    const evaluation = await evaluateRun(engine, run, { dataset, split, samples, seed, signal, onProgress });
    await writeResults(engine, run, evaluation, dataset);
    return evaluation;
  } catch (error) {
    meter.finish();
    if (signal.aborted) say(`trained, not evaluated; finish with: reparam train --resume ${run.path}`);
    throw error;
  } finally {
    meter.finish();
  }
}

function introduction({ model, data, training, run, engine, steps, options }: PreparedRun): string {
  const parameters = Array.from(training.parameters.values(), ({ data: values }) => values.length);
  const count = parameters.reduce((a, b) => a + b, 0).toLocaleString("en-US");
  const from = training.step > 0 ? ` from step ${training.step} of ${steps}` : "";
  const threads = `${engine.threads} ${engine.threads === 1 ? "thread" : "threads"}`;
  const examples = data.train.length.toLocaleString("en-US");
  return `training ${run.path}${from}: ${examples} examples of [${data.train.shape.join(", ")}], ${model.latents} latents, ${count} parameters; ${engine.name} engine, ${threads}${weights(options)}`;
}

/** With a fixed variance η the weight of the KL has two readings, w in nats and λ beside the squared error: both are told. */
function weights(options: TrainOptions): string {
  if (options.variance === undefined) return "";
  const w = klWeight(options);
  return `; KL weight w = ${formatNumber(w)} nats, λ = 2ηw = ${formatNumber(2 * options.variance * w)} at η = ${options.variance}`;
}

/** A new run by flags and config file, or one that goes on by its own config. */
function whatToDo(request: TrainRequest): { options: TrainOptions; target: Target } {
  const { out, resume, force = false, config, given } = request;
  if (resume === undefined) {
    const options = gatherOptions(given, config);
    const name = options.data === undefined ? "fashion" : basename(options.data).split(".")[0];
    return { options, target: { kind: "new", path: out ?? freeRunPath(name), force } };
  }
  const clash = out !== undefined ? "out" : config !== undefined ? "config" : force ? "force" : Object.keys(given)[0];
  if (clash !== undefined) {
    throw new InputError(
      `--resume goes on with the options of ${resume}; leave out ${clash === "data" ? "DATA" : `--${kebab(clash)}`}, or start a new run with --config ${resume}/config.json`,
    );
  }
  return { options: runConfig(openRun(resume, { write: false })).options, target: { kind: "resume", path: resume } };
}
