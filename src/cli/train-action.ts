import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { InputError } from "../errors.ts";
import { runConfig } from "../run/config.ts";
import { openRun } from "../run/folder.ts";
import type { TrainOptions } from "../run/options.ts";
import { evaluateRun, writeResults } from "./evaluation-run.ts";
import { Interrupted, interruptible } from "./exit.ts";
import { freeRunPath, type PreparedRun, prepareRun, type Target } from "./prepare-run.ts";
import { printNumbers } from "./print-numbers.ts";
import { createMeter, createProgress } from "./progress.ts";
import { gatherOptions } from "./train.ts";
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
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const threads = options.threads ?? Math.min(availableParallelism(), 2);
  const prepared = await prepareRun(options, target, threads);
  const { run, training, steps, notices } = prepared;
  const stop = interruptible(say);
  try {
    for (const notice of notices) say(notice);
    say(introduction(prepared));
    const progress = createProgress({ stream: process.stderr, total: steps });
    const outcome = await trainRun(prepared, progress, stop.signal);
    if (outcome === "interrupted") {
      say(`stopped after step ${training.step} of ${steps}; go on with: reparam train --resume ${run.path}`);
      stop.signal.throwIfAborted();
    }
    if (outcome === "stopped early") say(`no better validation ELBO for ${options.patience} epochs: stopped`);
    exportRun(prepared);
    await finish(prepared, request.json ?? false, stop.signal);
  } catch (error) {
    if (error instanceof Interrupted && training.step === steps) {
      say(`trained, not evaluated; finish with: reparam train --resume ${run.path}`);
    }
    throw error;
  } finally {
    stop.dispose();
    run.close();
    await training.release();
  }
}

/** Held-out numbers, the report, and where they are. */
async function finish(prepared: PreparedRun, json: boolean, signal: AbortSignal): Promise<void> {
  const { run, engine, data, options } = prepared;
  const dataset = data.test ?? data.validation;
  const split = data.test ? "test" : "validation";
  const meter = createMeter({ stream: process.stderr, label: "evaluating", total: dataset.length, unit: "examples" });
  const { seed, evaluationSamples: samples } = options;
  const evaluation = await evaluateRun(engine, run, {
    dataset,
    split,
    samples,
    seed,
    signal,
    onProgress: (done) => meter.update(done),
  }).finally(() => meter.finish());
  await writeResults(engine, run, evaluation, dataset);
  if (json) {
    process.stdout.write(`${JSON.stringify({ run: run.path, split, numbers: evaluation.numbers })}\n`);
    return;
  }
  printNumbers(evaluation.numbers, process.stdout);
  process.stdout.write(`\nrun     ${run.path}\nreport  ${run.path}/report.html\n`);
}

function introduction({ model, data, training, run, engine, steps }: PreparedRun): string {
  const parameters = Array.from(training.parameters.values(), ({ data: values }) => values.length);
  const count = parameters.reduce((a, b) => a + b, 0).toLocaleString("en-US");
  const from = training.step > 0 ? ` from step ${training.step} of ${steps}` : "";
  const threads = `${engine.threads} ${engine.threads === 1 ? "thread" : "threads"}`;
  const examples = data.train.length.toLocaleString("en-US");
  return `training ${run.path}${from}: ${examples} examples of [${data.train.shape.join(", ")}], ${model.latents} latents, ${count} parameters; ${engine.name} engine, ${threads}`;
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
      `--resume goes on with the options of ${resume}; leave out ${clash === "data" ? "DATA" : `--${clash}`}, or start a new run with --config ${resume}/config.json`,
    );
  }
  return { options: runConfig(openRun(resume, { write: false })).options, target: { kind: "resume", path: resume } };
}
