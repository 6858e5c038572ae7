/** Which columns of a table are the features, and which one is the label. */
import { InputError } from "../../errors.ts";
import { LABEL } from "../conditions.ts";
import type { ReadingOptions } from "../reading.ts";
import { quoted, someOf } from "./cells.ts";
import type { ColumnKind, TableLayout } from "./layout.ts";
import { findColumn, unknownColumn } from "./names.ts";

/** A column that is given with each row, and as what its cells are read. */
export interface GivenChoice {
  readonly column: number;
  readonly kind: "category" | "number";
}

export interface ColumnChoice {
  /** Positions of the features, in their order. */
  readonly features: readonly number[];
  /** Whether the user named them: then they stay even where they are constant. */
  readonly stated: boolean;
  readonly label?: number;
  readonly given: readonly GivenChoice[];
  readonly notices: readonly string[];
}

/** Throws InputError for a column that is not there, one that is named twice, and where no column of numbers is left. */
export function chooseColumns(
  path: string,
  layout: TableLayout,
  options: Pick<ReadingOptions, "columns" | "label" | "labelIfThere" | "condition" | "conditionIfThere">,
): ColumnChoice {
  const label = labelColumn(path, layout, options);
  const given = givenChoices(path, layout, label, options);
  if (options.columns !== undefined) {
    const features = statedColumns(path, layout, options.columns);
    const both = given.find(({ column }) => features.includes(column));
    if (both !== undefined) {
      const name = quoted(layout.names[both.column]);
      throw new InputError(
        `${path}: column ${name} is both given and modelled; leave it out of --condition or --columns`,
      );
    }
    if (label === undefined || !features.includes(label)) return { features, stated: true, label, given, notices: [] };
    if (options.label === undefined) return { features, stated: true, given, notices: [] };
    const name = quoted(layout.names[label]);
    throw new InputError(`${path}: column ${name} is both the label and one of --columns; leave it out of one of them`);
  }
  const { kinds, names, index } = layout;
  const apart = new Set([label, index, ...given.map(({ column }) => column)]);
  const rest = [...names.keys()].filter((column) => !apart.has(column));
  const features = rest.filter((column) => kinds[column] === "numbers");
  if (features.length === 0) {
    const got =
      rest.length === 0 ? "none beside it" : `${kinds[rest[0]] === "text" ? "text" : "no values"} in ${someOf(names)}`;
    throw new InputError(
      `${path}: expected columns of numbers, got ${got}; are cells separated by one of , ; | or tabs?`,
    );
  }
  const leftOut = (kind: ColumnKind, what: string): string[] => {
    const left = rest.filter((column) => kinds[column] === kind).map((column) => names[column]);
    return left.length > 0 ? [`columns ${what} were left out: ${someOf(left)}`] : [];
  };
  const indexNotice = "the first column has no name and numbers the rows: it was left out (--columns takes it)";
  const notices = [
    ...leftOut("text", "of text"),
    ...leftOut("empty", "without values"),
    ...(index === undefined || index === label ? [] : [indexNotice]),
  ];
  return { features, stated: false, label, given, notices };
}

/** The columns that are given: texts and the label's as categories, others as numbers, unless it is known as what. */
function givenChoices(
  path: string,
  layout: TableLayout,
  label: number | undefined,
  { condition = [], conditionIfThere = [] }: Pick<ReadingOptions, "condition" | "conditionIfThere">,
): readonly GivenChoice[] {
  const { names, kinds } = layout;
  const wanted = condition.map((word): GivenChoice => {
    const column = findColumn(word, names) ?? (word === LABEL ? label : undefined);
    if (column === undefined) throw unknownColumn(path, "condition", word, layout);
    return { column, kind: column === label || kinds[column] === "text" ? "category" : "number" };
  });
  const there = conditionIfThere.flatMap(({ name, kind }): readonly GivenChoice[] => {
    const column = findColumn(name, names);
    return column === undefined ? [] : [{ column, kind }];
  });
  const all = [...wanted, ...there];
  const twice = all.find(({ column }, i) => all.findIndex((one) => one.column === column) < i);
  if (twice === undefined) return all;
  const name = quoted(names[twice.column]);
  throw new InputError(`${path}: --condition: column ${name} is given twice; give it once`);
}

function labelColumn(
  path: string,
  layout: TableLayout,
  { label, labelIfThere }: Pick<ReadingOptions, "label" | "labelIfThere">,
): number | undefined {
  if (label === undefined) return labelIfThere === undefined ? undefined : findColumn(labelIfThere, layout.names);
  const found = findColumn(label, layout.names);
  if (found === undefined) throw unknownColumn(path, "label", label, layout);
  return found;
}

function statedColumns(path: string, layout: TableLayout, wanted: readonly string[]): number[] {
  if (wanted.length === 0) throw new InputError(`${path}: --columns: expected one column at least, got none`);
  const places = new Map(layout.names.map((name, column) => [name, column]));
  const columns = wanted.map((word) => {
    const column = places.get(word) ?? findColumn(word, layout.names);
    if (column === undefined) throw unknownColumn(path, "columns", word, layout);
    return column;
  });
  const seen = new Set<number>();
  for (const column of columns) {
    if (seen.has(column)) {
      throw new InputError(`${path}: --columns: column ${quoted(layout.names[column])} is given twice; give it once`);
    }
    seen.add(column);
  }
  return columns;
}
