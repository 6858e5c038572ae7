import { InputError } from "../errors.ts";
import { comparableLikelihood, estimateLikelihood } from "../evaluation/likelihood.ts";
import { type Choice, chooseByHeldOut, type Standing } from "../evaluation/model-choice.ts";
import { densityProgram } from "../models/programs.ts";
import { formatWithError } from "../report/numbers.ts";
import { parseCounts, type TrainOptions } from "../run/options.ts";
import type { Watch } from "../run/prepare.ts";
import { compile } from "../runtime/compile.ts";
import { train } from "../training/loop.ts";
import type { PreparedRun } from "./prepare-run.ts";
import { counted } from "./terminal.ts";

/** A model that is ready to be trained, and the data for it. */
export type OpenModel = Pick<
  PreparedRun,
  "options" | "engine" | "data" | "description" | "model" | "training" | "steps"
>;

/**
 * The options with the number of components that `choose` settles: each is trained as the run will be, and scored by log p(x) of the
 * validation part. Options that hold a number already, as those of a run do, stay as they are.
 */
export async function settleComponents(
  given: TrainOptions,
  validation: { readonly length: number },
  open: (options: TrainOptions) => Promise<OpenModel>,
  { signal, onProgress }: Watch,
): Promise<{ readonly options: TrainOptions; readonly notices: readonly string[] }> {
  const { choose, components: settled } = given;
  if (choose === undefined || settled !== undefined) return { options: given, notices: [] };
  const { length } = validation;
  if (length < 2) {
    throw new InputError(`--choose: 2 validation examples or more are expected, got ${length}; raise --validation`);
  }
  const counts = [...new Set(parseCounts(choose))].sort((a, b) => a - b);
  let done = 0;
  const candidates = counts.map((components) => ({
    name: counted(components, "component"),
    components,
    score: async () => {
      onProgress?.(done, counts.length);
      const values = await trainedScores(await open({ ...given, components }), signal);
      done += 1;
      return values;
    },
  }));
  const choice = await chooseByHeldOut(candidates, `the ${length} validation examples`);
  onProgress?.(counts.length, counts.length);
  return {
    options: { ...given, components: choice.chosen.components },
    notices: told(choice, counted(length, "example")),
  };
}

/** Trains to the end, and gives log p(x) of each validation example. */
async function trainedScores(
  { options, engine, data, description, model, training, steps }: OpenModel,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  try {
    await train(training, { steps, signal });
    signal?.throwIfAborted();
    const outputs = densityProgram(model, description);
    if (outputs === undefined) throw new InputError("--choose: a model with a density p(x) is expected");
    const density = await compile(engine, outputs, { name: "choice" });
    try {
      const estimate = await estimateLikelihood({
        density,
        dataset: data.validation,
        parameters: training.parameters,
        samples: options.evaluationSamples,
        seed: options.seed,
        signal,
      });
      return comparableLikelihood(estimate).perExample;
    } finally {
      await density.release();
    }
  } finally {
    await training.release();
  }
}

/** The candidates, the best first, a line each; then which is taken, and why. */
function told({ standings, chosen, failed }: Choice, examples: string): readonly string[] {
  const [best] = standings;
  const why =
    chosen.name === best.name
      ? "the best, and no smaller one is within one standard error of it"
      : `the fewest within one standard error of ${best.name}, by the differences`;
  return [
    `log p(x) of ${examples} held out, in nats each:`,
    ...standings.map((standing) => `  ${line(standing, best)}`),
    ...failed.map((one) => `  ${one}`),
    `chosen: ${chosen.name}, ${why}`,
  ];
}

function line({ name, logLikelihood, behind }: Standing, best: Standing): string {
  const mean = `${name}: ${formatWithError(logLikelihood.value, logLikelihood.error)}`;
  if (behind === undefined) return mean;
  const { value, error } = behind.difference;
  return `${mean}, ${formatWithError(-value, error)} less than ${best.name}`;
}
