import { NumericalError } from "../errors.ts";
import { estimateLikelihood } from "../evaluation/likelihood.ts";
import { KL_WEIGHT } from "../inference/elbo.ts";
import { densityProgram } from "../models/programs.ts";
import { exportModel } from "../run/artifacts.ts";
import { runConfig } from "../run/config.ts";
import { compile } from "../runtime/compile.ts";
import { type LoopState, type Means, type Outcome, train } from "../training/loop.ts";
import type { Snapshot } from "../training/training.ts";
import { exportedValues } from "./exported-values.ts";
import type { PreparedRun } from "./prepare-run.ts";
import type { Progress } from "./progress.ts";
import { openHistory } from "./training-history.ts";

/** Samples per example for the validation ELBO after each epoch: their noise is the same every time. */
const VALIDATION_SAMPLES = 1;

/** The bound that decides which parameters are best: the one that is maximised. */
function monitored({ bound }: PreparedRun["options"]): "elbo" | "importanceBound" {
  return bound === "importance" ? "importanceBound" : "elbo";
}

/** Trains a prepared run to its end, or until the signal: metrics, checkpoints and the best parameters go to its folder. */
export async function trainRun(prepared: PreparedRun, progress: Progress, signal: AbortSignal): Promise<Outcome> {
  const { run, training, options, steps } = prepared;
  const epochs = Math.ceil(steps / training.stepsPerEpoch);
  const validate = await validator(prepared);
  const history = await openHistory(prepared, runConfig(run));
  const started = performance.now();
  const first = training.step;
  let recent: { elbo: number; reconstruction: number; rate: number } | undefined;
  const save = ({ step }: Snapshot, state: LoopState): Record<string, string> => ({
    step: String(step),
    loop: JSON.stringify(state),
  });
  try {
    return await train(training, {
      steps,
      resume: prepared.resume,
      signal,
      validate: async () => {
        await history.record(Math.ceil(training.step / training.stepsPerEpoch), training.step >= steps);
        return validate();
      },
      monitor: monitored(options),
      patience: options.patience,
      checkpointEvery: options.checkpointEvery,
      onStep: ({ step, terms }, epoch) => {
        recent = smooth(recent, terms);
        const seconds = (performance.now() - started) / 1000;
        const examplesPerSecond = ((step + 1 - first) * options.batch) / seconds;
        progress.update({ step: step + 1, epoch, epochs, ...recent, examplesPerSecond });
      },
      onEpoch: ({ step, epoch, train: means, validation, learningRate, hypers }) => {
        const seconds = (performance.now() - started) / 1000;
        run.appendMetrics({
          step,
          epoch,
          train: means,
          validation,
          rates: validate.rates(),
          learningRate,
          klWeight: hypers[KL_WEIGHT] ?? 1,
          seconds,
        });
      },
      onBest: (snapshot, state) => run.writeBest(onlyParameters(snapshot), save(snapshot, state)),
      onCheckpoint: (snapshot, state) => run.writeCheckpoint(snapshot.tensors, save(snapshot, state)),
    });
  } catch (error) {
    if (!(error instanceof NumericalError)) throw error;
    const kept = run.readCheckpoint();
    const where = kept
      ? `the checkpoint of step ${kept.metadata.step} is kept in ${run.path}`
      : "no checkpoint was made yet";
    throw new NumericalError(
      `${error.message}; ${where}; a lower --learning-rate (it was ${options.learningRate}) or --clip 100 may help`,
    );
  } finally {
    progress.finish();
    await validate.release();
    await history.release();
  }
}

/** Exponentially smoothed terms, so that the line can be read. */
function smooth(
  before: { elbo: number; reconstruction: number; rate: number } | undefined,
  terms: Means,
): { elbo: number; reconstruction: number; rate: number } {
  const next = (name: "elbo" | "reconstruction" | "rate"): number =>
    before === undefined ? terms[name] : 0.98 * before[name] + 0.02 * terms[name];
  return { elbo: next("elbo"), reconstruction: next("reconstruction"), rate: next("rate") };
}

function onlyParameters({ tensors }: Snapshot): Snapshot["tensors"] {
  return new Map([...tensors].filter(([name]) => name.startsWith("parameter/")));
}

type Validator = (() => Promise<Means>) & {
  /** The rate of each latent when it was last asked, where the closed form splits. */
  readonly rates: () => readonly number[] | undefined;
  readonly release: () => Promise<void>;
};

/** The validation bound with the parameters as they are: the density program with the live memory as its inputs. */
async function validator({ engine, model, description, training, data, options }: PreparedRun): Promise<Validator> {
  const density = await compile(engine, densityProgram(model, description), { name: "validation" });
  let latest: readonly number[] | undefined;
  const importance = monitored(options) === "importanceBound";
  const validate = async (): Promise<Means> => {
    const { elbo, reconstruction, rate, rates, logLikelihood } = await estimateLikelihood({
      density,
      dataset: data.validation,
      parameters: training.parameters,
      samples: importance ? options.samples : VALIDATION_SAMPLES,
      seed: options.seed,
    });
    latest = rates?.map((one) => Number(one.toPrecision(4)));
    const means = { elbo: elbo.value, reconstruction: reconstruction.value, rate: rate.value };
    return importance ? { ...means, importanceBound: logLikelihood.value } : means;
  };
  return Object.assign(validate, { release: () => density.release(), rates: () => latest });
}

/** Writes the ONNX files, of the best parameters or the last. */
export async function exportRun(prepared: PreparedRun): Promise<void> {
  const { run, engine, model, description } = prepared;
  const values = await exportedValues(engine, run, prepared);
  for (const [name, bytes] of exportModel(model, description, values)) run.writeArtifact(name, bytes);
}
