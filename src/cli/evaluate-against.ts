import type { Dataset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { comparableLikelihood } from "../evaluation/likelihood.ts";
import { comparePaired, type PairedComparison } from "../evaluation/paired.ts";
import { type RunConfig, runConfig } from "../run/config.ts";
import { openRun } from "../run/folder.ts";
import type { Engine } from "../runtime/engine.ts";
import type { Watched } from "../trained/trained-model.ts";
import { checkKnown } from "./compare-runs.ts";
import { type Evaluation, evaluateRun } from "./evaluation-run.ts";

/** One of the two runs that are compared. */
interface Compared {
  readonly path: string;
  readonly config: RunConfig;
}

/** How the examples were evaluated: the other run is evaluated the same way. */
export interface Common extends Watched {
  readonly dataset: Dataset;
  readonly split: string;
  readonly samples: number;
  readonly seed: number;
  readonly chunk?: number;
}

/**
 * Evaluates another run on the same examples, binarised by the same draws, and compares log p(x) example by example.
 * @throws InputError where the two are densities on different things.
 */
export async function compareWith(
  other: string,
  first: Compared & { readonly evaluation: Evaluation },
  engine: Engine,
  common: Common,
): Promise<{ readonly comparison: PairedComparison; readonly notices: readonly string[] }> {
  const run = openRun(other, { write: false });
  const config = runConfig(run);
  const refuse = (what: string, here: string, there: string): never => {
    throw new InputError(
      `--against ${other}: ${what} of ${first.path} are expected, ${here}, got ${there}; log p(x) of different things cannot be compared`,
    );
  };
  const [mine, theirs] = [first.config.data, config.data];
  if (mine.shape.join() !== theirs.shape.join()) {
    refuse("examples of the shape", `[${mine.shape.join(", ")}]`, `[${theirs.shape.join(", ")}]`);
  }
  if (mine.columns?.join() !== theirs.columns?.join()) {
    refuse("the columns", mine.columns?.join(", ") ?? "none", theirs.columns?.join(", ") ?? "none");
  }
  if (mine.measure !== theirs.measure) refuse("numbers of the measure", mine.measure, theirs.measure);
  for (const one of [first, { path: other, config }]) checkKnown(one);
  const [observation, otherObservation] = [first.config, config].map(({ model }) => model.observation);
  const both = observation !== undefined && otherObservation !== undefined; // else a model has no density, which is told below
  if (both && observation !== otherObservation) refuse("data", `"${observation}"`, `"${otherObservation}"`);
  const { estimate } = await evaluateRun(engine, run, common);
  const own = first.evaluation.estimate;
  if (!own || !estimate) {
    throw new InputError(
      `--against ${other}: ${own ? other : first.path} has no density, so there is no log p(x) to compare; reparam compare ${first.path} ${other} compares what both have`,
    );
  }
  const examples = `${common.dataset.checksum}, ${observation}, seed ${common.seed}`;
  const comparison = comparePaired(
    { name: first.path, examples, values: comparableLikelihood(own).perExample },
    { name: other, examples, values: comparableLikelihood(estimate).perExample },
  );
  return { comparison, notices: trainedOnThem(first.config, config, other, common.split) };
}

/** A line where the other run may have been trained on the examples that were held out from the first. */
function trainedOnThem(first: RunConfig, second: RunConfig, other: string, split: string): readonly string[] {
  const same = first.data.checksum === second.data.checksum;
  const [a, b] = [first.options, second.options];
  const splitAlike = a.seed === b.seed && a.validation === b.validation;
  if (split === "test" && same) return [];
  if (same && splitAlike) return [];
  const why = same ? "split the same data otherwise" : "was trained on other data";
  return [`${other} ${why} (seed, validation part or file): it may have seen some of these examples in training`];
}
