import { type Dataset, isWithin, split } from "../data/dataset.ts";
import { embeddedFashion } from "../data/fashion.ts";
import { openDataset } from "../data/open.ts";
import { InputError } from "../errors.ts";
import type { DataDescription, Model } from "../models/model.ts";
import { vae } from "../models/vae.ts";
import type { RunConfig } from "./config.ts";
import { type TrainOptions, vaeOptions } from "./options.ts";
import { loadUserModel, moduleChecksum } from "./user-model.ts";

/** What a run trains, validates and is scored on. */
export interface RunData {
  /** All examples that training may see, and the two parts they are split into. */
  readonly source: Dataset;
  readonly train: Dataset;
  readonly validation: Dataset;
  /** Held out altogether, where there are such examples. */
  readonly test?: Dataset;
}

/** Opens the data and splits them by the seed. */
export async function openRunData(
  options: Pick<TrainOptions, "data" | "test" | "validation" | "seed">,
): Promise<RunData> {
  const { source, test } = await openSource(options);
  const { train, validation } = split(source, { seed: options.seed, fraction: options.validation });
  return { source, train, validation, test };
}

async function openSource({
  data,
  test,
}: Pick<TrainOptions, "data" | "test">): Promise<{ source: Dataset; test?: Dataset }> {
  const { train, test: held } = data === undefined ? await embeddedFashion() : { train: await openDataset(data) };
  return { source: train, test: test === undefined ? held : await openHeldOut(test, train) };
}

/**
 * Examples to score a model on that was trained on others.
 * @throws InputError where they have another shape, or numbers that its likelihood may be no density on.
 */
export async function openHeldOut(path: string, trained: Pick<Dataset, "shape" | "measure">): Promise<Dataset> {
  const held = await openDataset(path);
  if (held.shape.join() === trained.shape.join() && isWithin(held.measure, trained.measure)) return held;
  throw new InputError(
    `${path}: [${held.shape.join(", ")}] of ${held.measure} do not fit the training data, [${trained.shape.join(", ")}] of ${trained.measure}`,
  );
}

/** The model that the options name, built for these data. */
export async function buildModel(options: TrainOptions, description: DataDescription): Promise<Model> {
  if (options.model !== undefined) return loadUserModel(options.model, description);
  return vae(vaeOptions(options), description);
}

/** The data and the module by their content, so that a run can tell when it is no longer what it was. */
export function provenance(options: TrainOptions, data: RunData): RunConfig["data"] {
  return {
    checksum: data.source.checksum,
    examples: data.source.length,
    shape: [...data.source.shape],
    measure: data.source.measure,
    ...(data.test ? { testChecksum: data.test.checksum } : {}),
    ...(options.model === undefined ? {} : { moduleChecksum: moduleChecksum(options.model) }),
  };
}
