/** What a table looks like, from its first lines: what separates its cells, its header, and what its columns hold. */
import { InputError } from "../../errors.ts";
import { isNumeric, kindOfCell, quoted } from "./cells.ts";
import { forEachRow, type TableText } from "./rows.ts";

export type ColumnKind = "numbers" | "text" | "empty";

export interface TableLayout {
  /** " " stands for runs of blanks. */
  readonly delimiter: string;
  readonly header: boolean;
  /** The header's, or "column 1", "column 2" …: all different. */
  readonly names: readonly string[];
  readonly kinds: readonly ColumnKind[];
  /** The first column, where it has no name and is a different integer in each row: what pandas and R write before the others. */
  readonly index?: number;
  readonly notices: readonly string[];
}

const SAMPLE_ROWS = 1000;
const MOST_COLUMNS = 2 ** 20;

/** The rows of the table that the first lines hold in full. */
type Sample = readonly (readonly string[])[];

/**
 * The layout of a table. `hints` are names of columns that there should be, for a header that cannot be told from the rows below.
 * Throws InputError where two columns have one name, or there are more than 2²⁰.
 */
export async function tableLayout(path: string, text: TableText, hints: readonly string[]): Promise<TableLayout> {
  const delimiter = await delimiterOf(path, text);
  const rows = await sampleOf(path, text.head, text.complete, delimiter, SAMPLE_ROWS + 1);
  if (rows.length === 0) throw new InputError(`${path}: the file is empty`);
  const [first] = rows;
  if (first.length > MOST_COLUMNS) {
    throw new InputError(`${path}: first line: expected at most ${MOST_COLUMNS} columns, got ${first.length}`);
  }
  const below = kindsOf(first.length, rows.slice(1));
  const counts = rows.length > 1 && countsFromZero(first) && !countsFromZero(rows[1]);
  const header = counts || isHeader(first, below, hints);
  if (header && rows.length === 1 && text.complete) {
    throw new InputError(`${path}: expected rows below the header line, got none`);
  }
  const names = namesOf(path, first, header);
  const notices = counts
    ? [
        `the first line counts the columns (${first.slice(0, 4).join(", ")} …): it was read as their names, not as a row`,
      ]
    : [];
  const kinds = header && rows.length > 1 ? below : kindsOf(first.length, rows);
  const index = header && isIndex(first, rows.slice(1)) ? 0 : undefined;
  return { delimiter, header, names, kinds, index, notices };
}

/** In the order in which they are taken where nothing else decides. */
const delimiters = [",", ";", "\t", "|", " "] as const;

async function delimiterOf(path: string, text: TableText): Promise<string> {
  const { lines, complete } = firstLines(text);
  const firstLine = /\S.*/.exec(Buffer.from(lines).toString())?.[0].trimEnd() ?? "";
  const there = delimiters.filter((delimiter) => firstLine.includes(delimiter));
  // In a single column nothing separates; a comma in it is a decimal one.
  if (there.length === 0) return ";";
  if (there.length === 1 && there[0] !== " ") return there[0];
  let best: { readonly delimiter: string; readonly score: number } = { delimiter: ";", score: 0 };
  for (const delimiter of there) {
    const rows = await sampleOf(path, lines, complete, delimiter, 20).catch(() => []);
    const score = likelihoodOf(rows, delimiter);
    if (score > best.score) best = { delimiter, score };
  }
  return best.delimiter;
}

/** How much the rows look like those of a table: equally many cells, at least two, and numbers below the first row. */
function likelihoodOf(rows: Sample, delimiter: string): number {
  const width = rows[0]?.length ?? 0;
  if (width < 2) return 0;
  const below = rows.length > 1 ? rows.slice(1) : rows;
  const even = below.filter((row) => row.length === width).length / below.length;
  const cells = below.flat();
  const numbers = cells.filter((cell) => kindOfCell(cell) !== "text").length / cells.length;
  // Blanks stand in texts, too.
  if (delimiter === " " && (even < 1 || numbers < 0.5)) return 0;
  return even + numbers;
}

const FEW_BYTES = 2 ** 16;

/** Whole lines of about 64 KiB, and three at least. */
function firstLines({ head, complete }: TableText): { readonly lines: Uint8Array; readonly complete: boolean } {
  let end = head.subarray(0, FEW_BYTES).lastIndexOf(10) + 1;
  for (let line = 0, at = 0; line < 3; line++) {
    at = endOfLine(head, at);
    end = Math.max(end, at);
  }
  return { lines: head.subarray(0, end), complete: complete && end === head.length };
}

function endOfLine(text: Uint8Array, start: number): number {
  const end = text.indexOf(10, start);
  return end < 0 ? text.length : end + 1;
}

/** The first rows of whole lines, without blanks around the cells; where the text goes on, a quoted cell may do so too. */
async function sampleOf(
  path: string,
  text: Uint8Array,
  complete: boolean,
  delimiter: string,
  most: number,
): Promise<Sample> {
  const rows: string[][] = [];
  try {
    await forEachRow([text], { path, delimiter }, (cells) => {
      if (rows.length < most) rows.push(cells.map((cell) => cell.trim()));
    });
  } catch (error) {
    if (complete || !(error instanceof InputError)) throw error;
  }
  return rows;
}

function kindsOf(columns: number, rows: Sample): ColumnKind[] {
  return Array.from({ length: columns }, (_, column) => {
    let [numbers, texts] = [0, 0];
    for (const row of rows) {
      if (column >= row.length) continue;
      const kind = kindOfCell(row[column]);
      if (isNumeric(kind)) numbers++;
      else if (kind === "text") texts++;
    }
    if (numbers + texts === 0) return "empty";
    return numbers >= 0.9 * (numbers + texts) ? "numbers" : "text";
  });
}

function isHeader(first: readonly string[], below: readonly ColumnKind[], hints: readonly string[]): boolean {
  const isText = first.map((cell) => kindOfCell(cell) === "text");
  if (first.some((_, column) => isText[column] && below[column] === "numbers")) return true;
  // A column may well be named na.
  const isName = (cell: string): boolean => cell !== "" && !isNumeric(kindOfCell(cell));
  if (hints.some((hint) => isName(hint.trim()) && first.includes(hint.trim()))) return true;
  const words = first.filter((cell) => cell !== "");
  return words.length > 0 && first.every((cell, column) => isText[column] || cell === "") && allDiffer(words);
}

/** Whether a row is 0, 1, 2 …, perhaps after a nameless one: the names that pandas gives columns without names. */
function countsFromZero(row: readonly string[]): boolean {
  const counted = row[0] === "" ? row.slice(1) : row;
  return counted.length >= 3 && counted.every((cell, i) => cell === String(i));
}

function isIndex(first: readonly string[], rows: Sample): boolean {
  if (first.length < 2 || first[0] !== "" || first.slice(1).includes("") || rows.length < 2) return false;
  return rows.every((row) => /^\d+$/.test(row[0] ?? "")) && allDiffer(rows.map((row) => row[0]));
}

function allDiffer(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}

function namesOf(path: string, first: readonly string[], header: boolean): string[] {
  const places = new Map<string, number>();
  return first.map((cell, i) => {
    const name = header && cell !== "" ? cell : `column ${i + 1}`;
    const before = places.get(name);
    if (before !== undefined) {
      const fault = `columns ${before + 1} and ${i + 1} are both named ${quoted(name)}`;
      throw new InputError(`${path}: header line: ${fault}; give each a name of its own`);
    }
    places.set(name, i);
    return name;
  });
}
