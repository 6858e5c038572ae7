import { type Dataset, subset } from "../data/dataset.ts";
import { openLike } from "../data/open.ts";
import { InputError } from "../errors.ts";
import type { RunConfig } from "../run/config.ts";
import { openRunData, type RunData, type Watch } from "../run/prepare.ts";
import { type ExampleFlags, integerFlag } from "./flags.ts";

/** The parts of a run's own data. */
export const SPLITS = ["test", "validation", "train"] as const;
type Split = (typeof SPLITS)[number];

/** Examples for a run, and what a stamp calls them. */
export interface ChosenExamples {
  readonly dataset: Dataset;
  readonly split: string;
}

/** Those in a file or folder, or a part of the run's own: the test part where there is one, else the validation part. */
export async function chooseExamples(
  config: RunConfig,
  path: string | undefined,
  flags: ExampleFlags,
  watch: Watch = {},
): Promise<ChosenExamples> {
  const { options, data } = config;
  const limit = integerFlag("limit", flags.limit);
  if (path !== undefined) {
    if (flags.split !== undefined) {
      throw new InputError(`--split names a part of the run's own data; leave it out beside ${path}`);
    }
    return { dataset: first(await openLike(path, data, watch), limit), split: path };
  }
  if (flags.split !== undefined && !isSplit(flags.split)) {
    throw new InputError(`--split: ${SPLITS.join(", ")} is expected, got "${flags.split}"`);
  }
  const parts = await openRunData(options, watch);
  refuseOtherData(config, parts);
  const split = flags.split ?? (parts.test ? "test" : "validation");
  const dataset = parts[split];
  if (!dataset) throw new InputError("--split test: this run has no test data; name a file, or use validation");
  return { dataset: first(dataset, limit), split };
}

/** @throws InputError where the data are no longer those that the run was trained on. */
export function refuseOtherData({ options, data }: RunConfig, { source }: RunData): void {
  if (source.checksum === data.checksum) return;
  throw new InputError(
    `${options.data ?? "the embedded data"}: is not what this run was trained on (${source.checksum}, then ${data.checksum})`,
  );
}

function first(dataset: Dataset, limit: number | undefined): Dataset {
  if (limit === undefined || limit >= dataset.length) return dataset;
  return subset(
    dataset,
    Array.from({ length: limit }, (_, i) => i),
  );
}

function isSplit(name: string): name is Split {
  return SPLITS.some((split) => split === name);
}
