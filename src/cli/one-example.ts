import { type GivenValues, statedValues, valuesOf } from "../data/conditions.ts";
import { type Dataset, subset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import type { TrainedModel } from "../trained/trained-model.ts";
import { type ConditionFlags, statedOf } from "./condition-flags.ts";
import { chooseExamples, type Source } from "./examples.ts";
import type { ExampleFlags } from "./flags.ts";

/** The posterior's mean of one example, and what was given with it. */
export interface EncodedExample {
  readonly code: readonly number[];
  readonly given: GivenValues;
}

/** Encodes an image file, or one of the run's own examples by its number. */
export async function encodeOne(
  model: TrainedModel<"encode">,
  source: Source,
  which: string,
  flags: ConditionFlags & Pick<ExampleFlags, "split">,
): Promise<EncodedExample> {
  const isNumber = /^\d+$/.test(which);
  if (!isNumber && model.facts.data.shape.length !== 3) {
    throw new InputError(`${which}: the number (from 0) of one of the run's own examples is expected`);
  }
  const { condition } = model.facts.data;
  const own = isNumber ? await numbered(source, Number(which), flags) : undefined;
  const codes = await model.encode(own ?? [which], own ? {} : statedOf(flags));
  const columns = condition && own?.given?.map((column) => [column.name, valuesOf(column)[0]]);
  const given = columns ? Object.fromEntries(columns) : statedValues(condition, statedOf(flags));
  return { code: Array.from(codes.mean.data), given };
}

async function numbered(
  source: Source,
  row: number,
  { class: label, given, split }: ConditionFlags & Pick<ExampleFlags, "split">,
): Promise<Dataset> {
  const chosen = await chooseExamples(source, undefined, { class: label, given, split });
  if (row < chosen.dataset.length) return subset(chosen.dataset, [row]);
  throw new InputError(`example ${row}: the ${chosen.split} part has examples 0 to ${chosen.dataset.length - 1}`);
}
