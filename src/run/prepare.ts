import { type Dataset, split } from "../data/dataset.ts";
import { embeddedFashion } from "../data/fashion.ts";
import { kindOf, openDataset, openLike } from "../data/open.ts";
import type { DataKind, ReadingOptions } from "../data/reading.ts";
import { forEachBlock } from "../data/rows.ts";
import type { DataDescription, Model } from "../models/model.ts";
import { vae } from "../models/vae.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { vaeOptions } from "./defaults.ts";
import type { RunFacts } from "./facts.ts";
import { readingOptions, type TrainOptions } from "./options.ts";
import { loadUserModel, moduleChecksum } from "./user-model.ts";

/** What a run trains, validates and is scored on. */
export interface RunData {
  /** All examples of the training file or folder. */
  readonly source: Dataset;
  readonly kind: DataKind;
  readonly train: Dataset;
  readonly validation: Dataset;
  /** Held out altogether, where there are such examples. */
  readonly test?: Dataset;
}

/** How far reading has come, and what stops it. */
export type Watch = Pick<ReadingOptions, "signal" | "onProgress">;

/** Opens the data and splits them by the seed, unless the validation part has a file of its own. */
export async function openRunData(options: TrainOptions, watch: Watch = {}): Promise<RunData> {
  const { data, validation, seed } = options;
  const embedded = data === undefined ? await embeddedFashion() : undefined;
  const source = embedded?.train ?? (await openDataset(data ?? "", { ...readingOptions(options), ...watch }));
  const kind = data === undefined ? "array" : await kindOf(data);
  const heldOut = (path: string): Promise<Dataset> => openLike(path, { ...source, kind }, watch);
  const test = options.test === undefined ? embedded?.test : await heldOut(options.test);
  const parts =
    typeof validation === "string"
      ? { train: source, validation: await heldOut(validation) }
      : split(source, { seed, fraction: Math.max(validation, 1 / source.length) }); // one example at least
  return { source, kind, ...parts, test };
}

/** The model that the options name, built for these data. */
export async function buildModel(options: TrainOptions, description: DataDescription): Promise<Model> {
  if (options.model !== undefined) return loadUserModel(options.model, description);
  return vae(vaeOptions(options, description), description);
}

/** What a run keeps of its data: their content, so that it can tell when they are no longer what they were, and their units. */
export function dataFacts(
  options: TrainOptions,
  { source, train, test, kind }: RunData,
  { means, deviations }: DataDescription,
): RunFacts["data"] {
  const { checksum, length: examples, shape, measure, columns, labelNames, labelColumn } = source;
  const table = shape.length === 1 && deviations !== undefined && (measure === "real" || measure === "unit");
  return {
    checksum,
    examples,
    shape: [...shape],
    measure,
    kind,
    range: rangeOf(train),
    ...(columns ? { columns: [...columns] } : {}),
    ...(table ? { standardisation: { means: Array.from(means), deviations: Array.from(deviations) } } : {}),
    ...(labelNames ? { labelNames: [...labelNames] } : {}),
    ...(labelColumn ? { labelColumn } : {}),
    ...(test ? { testChecksum: test.checksum } : {}),
    ...(options.model === undefined ? {} : { moduleChecksum: moduleChecksum(options.model) }),
  };
}

/** The smallest and the largest number that the measure allows, or of real numbers that there is. */
function rangeOf(dataset: Dataset): [number, number] {
  if (dataset.measure === "bytes") return [0, 255];
  if (dataset.measure === "binary" || dataset.measure === "unit") return [0, 1];
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  forEachBlock({ ...dataset, size: sizeOf(dataset.shape) }, (block) => {
    for (const value of block) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  });
  return [low, high];
}
