/** What a cell of a table is, and how it stands in a message. */

/** `comma`: a number with a decimal comma. `grouped`: one with separators of thousands. */
export type CellKind = "number" | "comma" | "grouped" | "infinite" | "missing" | "text";

/** In lower case. Those of other programs too: C prints "-nan", a spreadsheet "#N/A", pandas "<NA>". */
const missing: ReadonlySet<string> = new Set(
  ["", "na", "n/a", "nan", "-nan", "null", "none", "?", "-"].concat("#n/a", "<na>"),
);
const longestMissing = Math.max(...Array.from(missing, (word) => word.length));

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const comma = /^[+-]?\d*,\d+(?:e[+-]?\d+)?$/i;
const infinite = /^[+-]?(?:inf|infinity|∞)$/i;
const grouped = [
  /^[+-]?\d{1,3}(?:[ '’\u00a0\u2009\u202f]\d{3})+(?:[.,]\d*)?$/, // 1 234 or 1'234.5
  /^[+-]?\d{1,3}(?:,\d{3})+\.\d*$/, //   1,234.5
  /^[+-]?\d{1,3}(?:\.\d{3})+,\d*$/, //   1.234,5
  /^[+-]?\d{1,3}(?:,\d{3}){2,}$/, //     1,234,567
  /^[+-]?\d{1,3}(?:\.\d{3}){2,}$/, //    1.234.567
] as const;

/** What a cell is, without the blanks around it. */
export function kindOfCell(cell: string): CellKind {
  if (number.test(cell)) return "number";
  if (cell.length <= longestMissing && missing.has(cell.toLowerCase())) return "missing";
  if (comma.test(cell)) return "comma";
  if (infinite.test(cell)) return "infinite";
  return grouped.some((pattern) => pattern.test(cell)) ? "grouped" : "text";
}

/** Whether a cell was meant as a number, if perhaps one that is refused. */
export function isNumeric(kind: CellKind): boolean {
  return kind !== "text" && kind !== "missing";
}

/** Whether a number with one comma may as well be one of thousands: 1,234 may, 0,123 and 1,5 may not. */
export function mayBeThousands(cell: string): boolean {
  return /^[+-]?[1-9]\d{0,2},\d{3}$/.test(cell);
}

/** A text of a file in quotes, short, with nothing in it that breaks the line or steers a terminal. */
export function quoted(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 39)}…` : text;
  const code = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(short).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, code);
}

/** Some of the names, in quotes: "a", "b" and 3 more. */
export function someOf(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return names.slice(0, 5).map(quoted).join(", ") + more;
}
