/** The columns of a table by the words of a user. */
import { InputError } from "../errors.ts";
import { quoted } from "./table-cells.ts";

/** The word that takes the fewest single-letter changes to reach. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of words) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const changes = distance(word, candidate);
    if (changes < least) [best, least] = [candidate, changes];
  }
  return best;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}

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
  option: "columns" | "label",
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
