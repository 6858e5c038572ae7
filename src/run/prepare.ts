import { conditioned, describeConditions, givenColumns, LABEL } from "../data/conditions.ts";
import { type Dataset, numberRange, split } from "../data/dataset.ts";
import { embeddedFashion } from "../data/fashion.ts";
import { kindOf, openDataset, openLike } from "../data/open.ts";
import type { DataKind, ReadingOptions } from "../data/reading.ts";
import { InputError } from "../errors.ts";
import { families } from "../models/families.ts";
import { inferredBy } from "../models/inference.ts";
import { type AnyModel, type DataDescription, describeData, isPointModel } from "../models/model.ts";
import { builtInModel } from "../models/names.ts";
import { takesCondition } from "../models/takes-condition.ts";
import { familyOptions } from "./defaults.ts";
import type { RunFacts } from "./facts.ts";
import { readingOptions, type TrainOptions } from "./options.ts";
import { refinementOptions } from "./training-options.ts";
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
  const { given: condition } = source;
  const heldOut = (path: string): Promise<Dataset> => openLike(path, { ...source, kind, condition }, watch);
  const test = options.test === undefined ? embedded?.test : await heldOut(options.test);
  const parts =
    typeof validation === "string"
      ? { train: source, validation: await heldOut(validation) }
      : split(source, { seed, fraction: Math.max(validation, 1 / source.length) }); // one example at least
  return withConditions({ source, kind, ...parts, test }, readingOptions(options).condition);
}

/** The parts with what is given of their examples, as the training part has it. */
function withConditions(data: RunData, names: readonly string[] | undefined): RunData {
  if (names === undefined) return data;
  const stray = data.train.given === undefined ? names.find((name) => name !== LABEL) : undefined;
  if (stray !== undefined) {
    throw new InputError(
      `--condition ${stray}: columns are for a table, and these data are none; their classes are "label"`,
    );
  }
  const fields = describeConditions(givenColumns(data.train));
  const { train, validation, test } = data;
  return {
    ...data,
    train: conditioned(train, fields),
    validation: conditioned(validation, fields),
    test: test && conditioned(test, fields),
  };
}

/** What a model is told of a run's data: of the training part, but for categories, all of which it must have a probability for. */
export function describeRunData({ train, validation, test }: RunData): DataDescription {
  const description = describeData(train);
  if (description.categories === undefined) return description;
  const largest = [train, validation, ...(test ? [test] : [])].map((part) => numberRange(part)[1]);
  return { ...description, categories: Math.max(...largest) + 1 };
}

/** The model that the options name, built for these data. */
export async function buildModel(options: TrainOptions, description: DataDescription): Promise<AnyModel> {
  const name = builtInModel(options.model);
  const model =
    name === undefined
      ? await loadUserModel(options.model ?? "", description)
      : families[name].build(familyOptions(options, description), description);
  return isPointModel(model) ? model : inferredBy(model, options.inference, refinementOptions(options));
}

/**
 * What a run keeps of its data: their content, so that it can tell when they are no longer what they were, and their units; and how to give
 * a condition, unless the model, once trained, takes none.
 */
export function dataFacts(
  options: TrainOptions,
  { source, train, test, kind }: RunData,
  description: DataDescription,
  model?: AnyModel,
): RunFacts["data"] {
  const { means, deviations, range } = description;
  const given = model === undefined || takesCondition(model, description) ? train.conditions : undefined;
  const { checksum, length: examples, shape, measure, columns, missing, labelNames, labelColumn } = source;
  const table = shape.length === 1 && deviations !== undefined && (measure === "real" || measure === "unit");
  return {
    checksum,
    examples,
    shape: [...shape],
    measure,
    kind,
    range: measure === "unit" ? [0, 1] : [...(range ?? numberRange(source))],
    ...(columns ? { columns: [...columns] } : {}),
    ...(missing === undefined ? {} : { missing }),
    ...(table ? { standardisation: { means: Array.from(means), deviations: Array.from(deviations) } } : {}),
    ...(labelNames ? { labelNames: [...labelNames] } : {}),
    ...(labelColumn ? { labelColumn } : {}),
    ...(given ? { condition: given.fields } : {}),
    ...(test ? { testChecksum: test.checksum } : {}),
    ...(builtInModel(options.model) === undefined ? { moduleChecksum: moduleChecksum(options.model ?? "") } : {}),
  };
}
