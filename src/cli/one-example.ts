import { type Dataset, subset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import type { RunConfig } from "../run/config.ts";
import type { TrainedModel } from "../trained/trained-model.ts";
import { chooseExamples } from "./examples.ts";

/** The posterior's mean of one example: an image file, or one of the run's own by its number. */
export async function encodeOne(
  model: TrainedModel<"encode">,
  config: RunConfig,
  which: string,
  split: string | undefined,
): Promise<readonly number[]> {
  const codes = await model.encode(/^\d+$/.test(which) ? await numbered(config, Number(which), split) : [which]);
  return Array.from((codes.mean ?? Object.values(codes)[0]).data);
}

async function numbered(config: RunConfig, row: number, split: string | undefined): Promise<Dataset> {
  const chosen = await chooseExamples(config, undefined, { split });
  if (row < chosen.dataset.length) return subset(chosen.dataset, [row]);
  throw new InputError(`example ${row}: the ${chosen.split} part has examples 0 to ${chosen.dataset.length - 1}`);
}
