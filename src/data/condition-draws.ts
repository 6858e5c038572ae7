/** Conditions for new examples, which have none of their own. */
import { stream } from "../random/stream.ts";
import {
  type ConditionField,
  type GivenColumn,
  type GivenValue,
  type GivenValues,
  placeOf,
  statedColumn,
} from "./conditions.ts";

/**
 * A condition for each of `count` new examples: what is stated; else, of a single category, each class of the training part in turn, and of several
 * fields categories drawn by their shares in it and numbers at their mean. The first n of more are the same n.
 */
export function newConditions(
  fields: readonly ConditionField[],
  values: GivenValues,
  count: number,
  seed: number,
): readonly GivenColumn[] {
  return fields.map((field) => {
    if (Object.hasOwn(values, field.name)) return statedColumn(field, values[field.name], count);
    const { name, kind } = field;
    if (kind === "number") return { kind, name, numbers: new Float64Array(count).fill(field.mean) };
    const met = [...field.values.keys()].filter((place) => field.shares[place] > 0);
    if (fields.length === 1) {
      return {
        kind,
        name,
        values: field.values,
        codes: Int32Array.from({ length: count }, (_, i) => met[i % met.length]),
      };
    }
    const random = stream(seed, `condition/${name}`);
    const codes = Int32Array.from({ length: count }, () => drawn(field.shares, random.uniform()));
    return { kind, name, values: field.values, codes };
  });
}

/** The place where the shares, added up, pass u. */
function drawn(shares: readonly number[], u: number): number {
  let sum = 0;
  let last = 0;
  for (const [place, share] of shares.entries()) {
    if (share > 0) last = place;
    sum += share;
    if (u < sum) return place;
  }
  return last;
}

/** What is stated, and of all else the most frequent class and the mean: one condition for a whole figure. */
export function usualCondition(fields: readonly ConditionField[], values: GivenValues = {}): GivenValues {
  const usual = fields.map((field): readonly [string, GivenValue] => {
    if (field.kind === "number") return [field.name, field.mean];
    return [field.name, field.values[field.shares.indexOf(Math.max(...field.shares))]];
  });
  return { ...Object.fromEntries(usual), ...values };
}

/** Conditions on the way from one to another, at these shares of it: numbers go evenly, classes change in the middle. */
export function conditionsBetween(
  fields: readonly ConditionField[],
  [from, to]: readonly [GivenValues, GivenValues],
  shares: readonly number[],
): GivenValues {
  const at = ({ name, kind }: ConditionField, share: number): GivenValue => {
    const [a, b] = [single(from[name]), single(to[name])];
    return kind === "number" ? Number(a) + share * (Number(b) - Number(a)) : share < 0.5 ? a : b;
  };
  return Object.fromEntries(fields.map((field) => [field.name, shares.map((share) => at(field, share))]));
}

function single(value: GivenValue | readonly GivenValue[]): GivenValue {
  return typeof value === "object" ? value[0] : value;
}

/** What `newConditions` gives, in words; of examples that share one condition, what `usualCondition` gives. */
export function conditionWords(
  fields: readonly ConditionField[],
  values: GivenValues,
  of: "new examples" | "one condition",
): string {
  const words = fields.map((field) => {
    const { name, kind } = field;
    if (Object.hasOwn(values, name)) {
      const value = single(values[name]);
      return `${name} = ${kind === "category" ? field.values[placeOf(field, value)] : value}`;
    }
    if (kind === "number") return `${name} = ${Number(field.mean.toPrecision(4))} (its mean in training)`;
    if (of === "one condition") return `${name} = ${single(usualCondition([field])[name])} (the most frequent)`;
    return fields.length === 1 ? `each ${name} in turn` : `${name} drawn by its shares in training`;
  });
  return `given ${words.join(", ")}`;
}
