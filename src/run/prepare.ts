import { type Dataset, numberRange, split } from "../data/dataset.ts";
import { embeddedFashion } from "../data/fashion.ts";
import { kindOf, openDataset, openLike } from "../data/open.ts";
import type { DataKind, ReadingOptions } from "../data/reading.ts";
import { inferredBy } from "../models/inference.ts";
import { type DataDescription, describeData, type Model } from "../models/model.ts";
import { vae } from "../models/vae.ts";
import { vaeOptions } from "./defaults.ts";
import type { RunFacts } from "./facts.ts";
import { readingOptions, refinementOptions, type TrainOptions } from "./options.ts";
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

/** What a model is told of a run's data: of the training part, but for categories, all of which it must have a probability for. */
export function describeRunData({ train, validation, test }: RunData): DataDescription {
  const description = describeData(train);
  if (description.categories === undefined) return description;
  const largest = [train, validation, ...(test ? [test] : [])].map((part) => numberRange(part)[1]);
  return { ...description, categories: Math.max(...largest) + 1 };
}

/** The model that the options name, built for these data. */
export async function buildModel(options: TrainOptions, description: DataDescription): Promise<Model> {
  const model =
    options.model === undefined
      ? vae(vaeOptions(options, description), description)
      : await loadUserModel(options.model, description);
  return inferredBy(model, options.inference, refinementOptions(options));
}

/** What a run keeps of its data: their content, so that it can tell when they are no longer what they were, and their units. */
export function dataFacts(
  options: TrainOptions,
  { source, test, kind }: RunData,
  { means, deviations, range }: DataDescription,
): RunFacts["data"] {
  const { checksum, length: examples, shape, measure, columns, labelNames, labelColumn } = source;
  const table = shape.length === 1 && deviations !== undefined && (measure === "real" || measure === "unit");
  return {
    checksum,
    examples,
    shape: [...shape],
    measure,
    kind,
    range: measure === "unit" ? [0, 1] : [...(range ?? numberRange(source))],
    ...(columns ? { columns: [...columns] } : {}),
    ...(table ? { standardisation: { means: Array.from(means), deviations: Array.from(deviations) } } : {}),
    ...(labelNames ? { labelNames: [...labelNames] } : {}),
    ...(labelColumn ? { labelColumn } : {}),
    ...(test ? { testChecksum: test.checksum } : {}),
    ...(options.model === undefined ? {} : { moduleChecksum: moduleChecksum(options.model) }),
  };
}
