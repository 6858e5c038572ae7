import { conditioned } from "../data/conditions.ts";
import { type Dataset, firstOf } from "../data/dataset.ts";
import { openLike } from "../data/open.ts";
import { InputError } from "../errors.ts";
import { type ConditionFlags, statedOf } from "./condition-flags.ts";
import { type ExampleFlags, integerFlag } from "./flags.ts";
import { openOwnData } from "./own-data.ts";
import type { Workplace } from "./use-run.ts";

/** The parts of a run's own data. */
export const SPLITS = ["test", "validation", "train"] as const;
type Split = (typeof SPLITS)[number];

/** Examples for a run, and what a stamp calls them. */
export interface ChosenExamples {
  readonly dataset: Dataset;
  readonly split: string;
}

/** What of a workplace examples are opened with. */
export type Source = Pick<Workplace, "run" | "config" | "watch" | "say">;

/** Those in a file or folder, or a part of the run's own: the test part where there is one, else the validation part. */
export async function chooseExamples(
  source: Source,
  path: string | undefined,
  flags: ExampleFlags & ConditionFlags,
): Promise<ChosenExamples> {
  const { condition } = source.config.data;
  const given = (dataset: Dataset): Dataset => conditioned(dataset, condition, statedOf(flags));
  const limit = integerFlag("limit", flags.limit);
  if (path !== undefined) {
    if (flags.split !== undefined) {
      throw new InputError(`--split names a part of the run's own data; leave it out beside ${path}`);
    }
    const dataset = await openLike(path, source.config.data, source.watch("reading", "files"));
    for (const notice of dataset.notices ?? []) source.say(notice);
    return { dataset: given(firstOf(dataset, limit ?? dataset.length)), split: path };
  }
  if (flags.split !== undefined && !isSplit(flags.split)) {
    throw new InputError(`--split: ${SPLITS.join(", ")} is expected, got "${flags.split}"`);
  }
  const parts = await openOwnData(source);
  const split = flags.split ?? (parts.test ? "test" : "validation");
  const dataset = parts[split];
  if (!dataset) throw new InputError("--split test: this run has no test data; name a file, or use validation");
  return { dataset: given(firstOf(dataset, limit ?? dataset.length)), split };
}

function isSplit(name: string): name is Split {
  return SPLITS.some((split) => split === name);
}
