import { type Dataset, subset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import type { TrainedModel } from "../trained/trained-model.ts";
import { chooseExamples, type Source } from "./examples.ts";

/** The posterior's mean of one example: an image file, or one of the run's own by its number. */
export async function encodeOne(
  model: TrainedModel<"encode">,
  source: Source,
  which: string,
  split: string | undefined,
): Promise<readonly number[]> {
  const isNumber = /^\d+$/.test(which);
  if (!isNumber && model.facts.data.shape.length !== 3) {
    throw new InputError(`${which}: the number (from 0) of one of the run's own examples is expected`);
  }
  const codes = await model.encode(isNumber ? await numbered(source, Number(which), split) : [which]);
  return Array.from(codes.mean.data);
}

async function numbered(source: Source, row: number, split: string | undefined): Promise<Dataset> {
  const chosen = await chooseExamples(source, undefined, { split });
  if (row < chosen.dataset.length) return subset(chosen.dataset, [row]);
  throw new InputError(`example ${row}: the ${chosen.split} part has examples 0 to ${chosen.dataset.length - 1}`);
}
