/** The columns of a table by the words of a user. */
import { InputError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";
import { quoted } from "./cells.ts";

/** Where a column is that is told by name or, where no column has that name, by number from 1. */
export function findColumn(wanted: string, names: readonly string[]): number | undefined {
  const named = names.indexOf(wanted.trim());
  if (named >= 0) return named;
  const position = /^\s*\d+\s*$/.test(wanted) ? Number(wanted) - 1 : -1;
  return position >= 0 && position < names.length ? position : undefined;
}

/** The error for a column that is not there. */
export function unknownColumn(
  path: string,
  option: "columns" | "label" | "condition",
  wanted: string,
  { names, header }: { readonly names: readonly string[]; readonly header: boolean },
): InputError {
  const place = `${path}: --${option}: expected a column of the table, got ${quoted(wanted)}`;
  if (!header) return new InputError(`${place}; it has no header line, so give numbers from 1 to ${names.length}`);
  const meant = nearest(wanted.slice(0, 100), names.slice(0, 10_000));
  return new InputError(
    `${place}; did you mean ${quoted(meant ?? names[0])}? (or give a number from 1 to ${names.length})`,
  );
}
