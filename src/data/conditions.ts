/** What is given with an example and not modelled, the y of p(x|y): classes as one of so many, numbers in standard units. */
import { InputError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Dataset } from "./dataset.ts";
import { quoted, someOf } from "./table/cells.ts";

/** A column that is given, as it was read: a value for each example. */
export type GivenColumn =
  | {
      readonly kind: "category";
      readonly name: string;
      readonly values: readonly string[];
      /** Which value each example has. */
      readonly codes: ArrayLike<number>;
    }
  | { readonly kind: "number"; readonly name: string; readonly numbers: ArrayLike<number> };

/** How a model takes a column: what the training part says of it. */
export type ConditionField =
  | {
      readonly kind: "category";
      readonly name: string;
      readonly values: readonly string[];
      /** Of the training examples: they add up to 1. */
      readonly shares: readonly number[];
    }
  | { readonly kind: "number"; readonly name: string; readonly mean: number; readonly deviation: number };

/** The condition of each example as numbers: one-hot for a category, (v − mean)/deviation for a number, field after field. */
export interface Conditions {
  readonly fields: readonly ConditionField[];
  /** Numbers of one example. */
  readonly width: number;
  /** Writes the conditions of these examples one after another into `out`: [indices.length, width]. */
  read(indices: ArrayLike<number>, out: Float32Array): void;
}

/** The name of the condition that is the class of an example, where the data are no table. */
export const LABEL = "label";

/** Numbers that a condition takes. */
export function conditionWidth(fields: readonly ConditionField[]): number {
  return fields.reduce((width, field) => width + (field.kind === "category" ? field.values.length : 1), 0);
}

/** The classes of a dataset as a column; undefined where it has none. */
export function labelColumn({ labels, labelNames }: Dataset): GivenColumn | undefined {
  if (labels === undefined) return undefined;
  if (labelNames !== undefined) return { kind: "category", name: LABEL, values: labelNames, codes: labels };
  const classes = [...new Set(labels)].sort((a, b) => a - b);
  const places = new Map(classes.map((label, place) => [label, place]));
  const codes = Int32Array.from(labels, (label) => places.get(label) ?? 0);
  return { kind: "category", name: LABEL, values: classes.map(String), codes };
}

/** The columns that training examples are given: those that their table was read for, or their classes. @throws InputError where there are none. */
export function givenColumns(dataset: Dataset): readonly GivenColumn[] {
  if (dataset.given !== undefined) return dataset.given;
  const label = labelColumn(dataset);
  if (label) return [label];
  throw new InputError(
    `${dataset.name}: --condition label: the data have no classes; of a folder they are its sub-folders, of a table --label or a column`,
  );
}

/** How a model takes columns, by the training part. @throws InputError for a column that is the same in every row. */
export function describeConditions(columns: readonly GivenColumn[]): readonly ConditionField[] {
  return columns.map((column): ConditionField => {
    const { name, kind } = column;
    if (kind === "category") {
      const counts = new Float64Array(column.values.length);
      for (let i = 0; i < column.codes.length; i++) counts[column.codes[i]] += 1;
      const shares = Array.from(counts, (count) => count / column.codes.length);
      if (shares.some((share) => share < 1 && share > 0)) return { kind, name, values: column.values, shares };
      const [only] = column.values.filter((_, place) => shares[place] > 0);
      throw constant(name, quoted(only));
    }
    const numbers = Float64Array.from(column.numbers);
    const mean = numbers.reduce((total, value) => total + value, 0) / numbers.length;
    const variance = numbers.reduce((total, value) => total + (value - mean) ** 2, 0) / numbers.length;
    if (variance > 0) return { kind, name, mean, deviation: Math.sqrt(variance) };
    throw constant(name, String(mean));
  });
}

function constant(name: string, value: string): InputError {
  return new InputError(
    `--condition: ${quoted(name)} is ${value} for every training example, so it says nothing; leave it out`,
  );
}

/** The same column of these rows. */
export function someRows(column: GivenColumn, rows: Uint32Array): GivenColumn {
  if (column.kind === "number") return { ...column, numbers: Float64Array.from(rows, (row) => column.numbers[row]) };
  return { ...column, codes: Int32Array.from(rows, (row) => column.codes[row]) };
}

/** Columns as a model takes them, one for each field. @throws InputError for a value that the model does not know. */
export function encodeConditions(columns: readonly GivenColumn[], fields: readonly ConditionField[]): Conditions {
  const width = conditionWidth(fields);
  let next = 0;
  const writers = fields.map((field, i) => {
    const at = next;
    next += field.kind === "category" ? field.values.length : 1;
    return writerOf(field, columns[i], at);
  });
  return {
    fields,
    width,
    read: (indices, out) => {
      out.fill(0, 0, indices.length * width);
      for (let i = 0; i < indices.length; i++) for (const write of writers) write(indices[i], out, i * width);
    },
  };
}

/** Writes an example's value of one field, which begins at `at` of a row. */
function writerOf(field: ConditionField, column: GivenColumn, at: number) {
  if (field.kind === "number" && column.kind === "number") {
    const { mean, deviation } = field;
    return (example: number, out: Float32Array, row: number): void => {
      out[row + at] = (column.numbers[example] - mean) / deviation;
    };
  }
  if (field.kind === "category" && column.kind === "category") {
    const met = new Set(Array.from(column.codes));
    const places = column.values.map((value, code) => (met.has(code) ? placeOf(field, value) : -1));
    return (example: number, out: Float32Array, row: number): void => {
      out[row + at + places[column.codes[example]]] = 1;
    };
  }
  throw new InputError(`${field.name}: ${field.kind === "number" ? "numbers are" : "a category is"} expected`);
}

/** Which value of a category is meant: the one of that name or, where none is called by a number, by its number from 0. */
export function placeOf({ name, values }: ConditionField & { readonly kind: "category" }, value: GivenValue): number {
  const text = String(value).trim();
  const named = values.indexOf(text);
  if (named >= 0) return named;
  const number = /^\d+$/.test(text) && !values.some((one) => /^\d+$/.test(one)) ? Number(text) : -1;
  if (number >= 0 && number < values.length) return number;
  const meant = nearest(text.slice(0, 100), values);
  const hint = meant === undefined || /^\d+$/.test(text) ? "" : `; did you mean ${quoted(meant)}?`;
  throw new InputError(`${name}: this model knows ${someOf(values)}, and not ${quoted(text)}${hint}`);
}

/** A value as a user gives it: of a category its name or number, of a number itself. */
export type GivenValue = string | number;
/** Values by the names of their fields: one for all examples, or one for each. */
export type GivenValues = Readonly<Record<string, GivenValue | readonly GivenValue[]>>;

/** What is given in words of the command (`--class`, `--given`) or of an app. */
export interface Stated {
  /** The value of the only category. */
  readonly class?: GivenValue;
  readonly condition?: GivenValues;
}

/** What is stated, by field. @throws InputError where the model takes no such thing. */
export function statedValues(fields: readonly ConditionField[] | undefined, stated: Stated): GivenValues {
  const { class: label, condition = {} } = stated;
  const names = Object.keys(condition);
  if (fields === undefined) {
    if (label === undefined && names.length === 0) return {};
    const what = label === undefined ? `condition ${names[0]}` : `class ${label}`;
    throw new InputError(
      `${what}: this model was trained without --condition, so nothing is given to it; leave it out`,
    );
  }
  const all = fields.map(({ name }) => name);
  const stray = names.find((name) => !all.includes(name));
  if (stray !== undefined) {
    throw new InputError(`condition ${quoted(stray)}: this model is given ${someOf(all)}`);
  }
  if (label === undefined) return condition;
  const [category, ...others] = fields.filter(({ kind }) => kind === "category");
  if (category === undefined || others.length > 0 || category.name in condition) {
    throw new InputError(
      `class ${label}: this model is given ${someOf(all)}; say them by name, as in ${example(fields)}`,
    );
  }
  return { ...condition, [category.name]: label };
}

/** A condition in full as `--given` has it: age=40,sex=f. */
function example(fields: readonly ConditionField[]): string {
  const parts = fields.map((field) => {
    return `${field.name}=${field.kind === "category" ? field.values[0] : Number(field.mean.toPrecision(2))}`;
  });
  return parts.join(",");
}

/** A stated value, or one for each of `count` examples, as a column. */
export function statedColumn(
  field: ConditionField,
  given: GivenValue | readonly GivenValue[],
  count: number,
): GivenColumn {
  const many = typeof given === "object" ? given : Array.from({ length: count }, () => given);
  const { name, kind } = field;
  if (many.length !== count) {
    throw new InputError(`${name}: a value for each of ${count} examples is expected, got ${many.length}`);
  }
  if (kind === "category") {
    return { kind, name, values: field.values, codes: Int32Array.from(many, (value) => placeOf(field, value)) };
  }
  const numbers = many.map((value) => (String(value).trim() === "" ? Number.NaN : Number(value)));
  const stray = numbers.findIndex((value) => !Number.isFinite(value));
  if (stray >= 0) throw new InputError(`${name}: a number is expected, got ${quoted(String(many[stray]))}`);
  return { kind, name, numbers };
}

/** The values of columns by their names, one for each example. */
export function valuesByName(columns: readonly GivenColumn[] = []): Readonly<Record<string, readonly GivenValue[]>> {
  return Object.fromEntries(columns.map((column) => [column.name, valuesOf(column)]));
}

/** The values of a column, one for each example. */
export function valuesOf(column: GivenColumn): readonly GivenValue[] {
  if (column.kind === "number") return Array.from(column.numbers);
  return Array.from(column.codes, (code) => column.values[code]);
}

/**
 * The examples with the condition that a model takes: their own, or what is stated instead.
 * @throws InputError where neither says it.
 */
export function conditioned(
  dataset: Dataset,
  fields: readonly ConditionField[] | undefined,
  stated: Stated = {},
): Dataset {
  const values = statedValues(fields, stated);
  if (fields === undefined) return dataset;
  const label = labelColumn(dataset);
  const own = [...(dataset.given ?? []), ...(label ? [label] : [])];
  const given = columnsFor(fields, values, { ...dataset, own });
  return { ...dataset, given, conditions: named(dataset.name, () => encodeConditions(given, fields)) };
}

/** A column for each field: what is stated, else one of the examples' own. @throws InputError where neither says it. */
export function columnsFor(
  fields: readonly ConditionField[],
  values: GivenValues,
  examples: { readonly name: string; readonly length: number; readonly own: readonly GivenColumn[] },
): readonly GivenColumn[] {
  return fields.map((field) => {
    if (Object.hasOwn(values, field.name)) return statedColumn(field, values[field.name], examples.length);
    const found = examples.own.find(({ name }) => name === field.name);
    if (found) return found;
    const known = field.kind === "category" ? ` (${someOf(field.values)})` : "";
    const remedy = `say it for all, as in --given ${example([field])}`;
    throw new InputError(
      `${examples.name}: this model is given ${quoted(field.name)}${known}, which is not said here; ${remedy}`,
    );
  });
}

/** The conditions that a program takes, so many numbers each. @throws InputError where the examples have none, or others. */
export function conditionsOf({ name, conditions }: Pick<Dataset, "name" | "conditions">, width: number): Conditions {
  if (conditions?.width === width) return conditions;
  const got = conditions === undefined ? "none" : `one of ${conditions.width}`;
  throw new InputError(
    `${name}: this model takes a condition of ${width} numbers with each example, and got ${got}; see --condition`,
  );
}

/** Labels alone as a condition, one-hot: for a training that uses classes beside the model. @throws InputError without labels. */
export function labelCondition(dataset: Dataset): Conditions {
  const { given: _, ...unread } = dataset;
  const columns = givenColumns(unread);
  return encodeConditions(columns, describeConditions(columns));
}

/** Mistakes in the values of a dataset begin with its name. */
function named<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${name}: ${error.message}`);
    throw error;
  }
}
