import { conditionWords, newConditions } from "../data/condition-draws.ts";
import { type GivenValue, type Stated, statedValues, valuesByName } from "../data/conditions.ts";
import type { RunFacts } from "../run/facts.ts";

/** What new examples are given: nothing, of a model without a condition. */
export interface GivenSamples {
  readonly options: Stated;
  /** In words, with a comma after them. */
  readonly words: string;
  /** A value for each example, by column. */
  readonly columns?: Readonly<Record<string, readonly GivenValue[]>>;
  /** Examples in a row of a picture, so that each class has a column of its own. */
  readonly perRow?: number;
}

/** More classes than this are no columns of a picture. */
const MOST_COLUMNS = 20;

/** @throws InputError where the model takes no such thing. */
export function givenSamples({ data }: RunFacts, stated: Stated, count: number, seed: number): GivenSamples {
  const { condition: fields } = data;
  const values = statedValues(fields, stated);
  if (fields === undefined) return { options: {}, words: "" };
  const given = newConditions(fields, values, count, seed);
  const columns = valuesByName(given);
  const [first] = Object.values(columns);
  const classes = fields.length === 1 && Object.keys(values).length === 0 ? new Set(first).size : 0;
  const perRow = classes > 0 && classes <= Math.min(count, MOST_COLUMNS) ? classes : undefined;
  return {
    options: { condition: columns },
    words: `${conditionWords(fields, values, "new examples")}, `,
    columns,
    perRow,
  };
}
