import { NumericalError } from "../errors.ts";
import { estimateLikelihood } from "../evaluation/likelihood.ts";
import { meanTerms } from "../evaluation/terms.ts";
import { KL_WEIGHT } from "../inference/elbo.ts";
import { isPointModel } from "../models/model.ts";
import { densityProgram, gaugeOf, type Outputs, termsProgram } from "../models/programs.ts";
import { exportModel } from "../run/artifacts.ts";
import { runConfig } from "../run/config.ts";
import { objectiveOptions } from "../run/training-options.ts";
import { compile } from "../runtime/compile.ts";
import { type LoopState, type Means, type Outcome, train } from "../training/loop.ts";
import type { Snapshot } from "../training/training.ts";
import { exportedValues } from "./exported-values.ts";
import type { PreparedRun } from "./prepare-run.ts";
import type { Progress } from "./progress.ts";
import { openHistory } from "./training-history.ts";

/** The term of a model with an exact density. */
const LOG_LIKELIHOOD = "logLikelihood";
/** Samples per example for the validation ELBO after each epoch: their noise is the same every time. */
const VALIDATION_SAMPLES = 1;

/** Trains a prepared run to its end, or until the signal: metrics, checkpoints and the best parameters go to its folder. */
export async function trainRun(prepared: PreparedRun, progress: Progress, signal: AbortSignal): Promise<Outcome> {
  const { run, training, options, steps } = prepared;
  const epochs = Math.ceil(steps / training.stepsPerEpoch);
  const validate = await validator(prepared);
  const history = await openHistory(prepared, runConfig(run));
  const started = performance.now();
  const first = training.step;
  const byRule = prepared.model.rule !== undefined;
  const stepsPerBatch = training.stepsPerEpoch / Math.floor(prepared.data.train.length / options.batch); // those of a turn
  let recent: Means = {};
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
      gauge: gaugeOf(prepared.model, objectiveOptions(options)),
      patience: options.patience,
      checkpointEvery: options.checkpointEvery,
      onStep: ({ step, terms }, epoch) => {
        recent = byRule ? terms : smooth(recent, terms);
        const seconds = (performance.now() - started) / 1000;
        const batches = (step + 1 - first) / stepsPerBatch;
        const examplesPerSecond = byRule ? undefined : (batches * options.batch) / seconds;
        progress.update({ step: step + 1, epoch, epochs, terms: recent, examplesPerSecond });
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
          remarks: step === steps || training.converged ? training.remarks?.() : undefined,
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
    const remedy = byRule ? "" : `; a lower --learning-rate (it was ${options.learningRate}) or --clip 100 may help`;
    throw new NumericalError(`${error.message}; ${where}${remedy}`);
  } finally {
    progress.finish();
    await validate.release();
    await history.release();
  }
}

/** Exponentially smoothed terms, so that the line can be read. */
function smooth(before: Means, terms: Means): Means {
  const next = Object.entries(terms).map(([name, value]) => {
    const known = before[name];
    return [name, known === undefined ? value : 0.98 * known + 0.02 * value] as const;
  });
  return { ...before, ...Object.fromEntries(next) };
}

function onlyParameters({ tensors }: Snapshot): Snapshot["tensors"] {
  return new Map([...tensors].filter(([name]) => name.startsWith("parameter/")));
}

type Validator = (() => Promise<Means>) & {
  /** The rate of each latent when it was last asked, where the closed form splits. */
  readonly rates: () => readonly number[] | undefined;
  readonly release: () => Promise<void>;
};

/** The validation numbers with the parameters as they are: a program with the live memory as its inputs. */
async function validator(prepared: PreparedRun): Promise<Validator> {
  const { model, description } = prepared;
  const density = densityProgram(model, description);
  const told = isPointModel(model) && model.gauge.term !== LOG_LIKELIHOOD; // by a number of its own
  if (density && !told) return densityValidator(prepared, density);
  if (!isPointModel(model)) throw new TypeError("a latent-variable model has a density");
  const { engine, training, data, options } = prepared;
  const program = await compile(engine, termsProgram(model, description), { name: "validation" });
  const { parameters } = training;
  const validate = (): Promise<Means> =>
    meanTerms({ program, dataset: data.validation, parameters, seed: options.seed });
  return Object.assign(validate, { release: () => program.release(), rates: () => undefined });
}

/** The bound, or of an exact density log p(x) itself. */
async function densityValidator(prepared: PreparedRun, outputs: Outputs): Promise<Validator> {
  const { engine, model, training, data, options } = prepared;
  const density = await compile(engine, outputs, { name: "validation" });
  let latest: readonly number[] | undefined;
  const importance = options.bound === "importance";
  const validate = async (): Promise<Means> => {
    const { elbo, reconstruction, rate, rates, logLikelihood } = await estimateLikelihood({
      density,
      dataset: data.validation,
      parameters: training.parameters,
      samples: importance ? options.samples : VALIDATION_SAMPLES,
      seed: options.seed,
    });
    if (isPointModel(model) || model.rule) return { [LOG_LIKELIHOOD]: logLikelihood.value };
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
