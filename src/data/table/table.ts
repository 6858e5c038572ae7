/** Tables in text files: CSV, TSV and their like. */
import { InputError } from "../../errors.ts";
import { type Annotations, type Dataset, rowsDataset } from "../dataset.ts";
import type { ReadingOptions } from "../reading.ts";
import type { Rows } from "../rows.ts";
import { quoted, someOf } from "./cells.ts";
import { type ColumnChoice, chooseColumns } from "./choice.ts";
import { RowCounting } from "./counting.ts";
import { FeatureWriter, someColumns } from "./features.ts";
import { GivenReader } from "./given.ts";
import { LabelReader } from "./labels.ts";
import { type TableLayout, tableLayout } from "./layout.ts";
import { countOf, LeftOut } from "./left-out.ts";
import { NumberReader } from "./numbers.ts";
import { forEachRow, isUtf16, type TableText, tableText } from "./rows.ts";

export interface TableOptions extends ReadingOptions {
  /** Bytes of numbers that are kept in memory; more go into a temporary file. Default: a quarter of the memory that is free. */
  readonly limit?: number;
}

/** Whether a file that begins with these bytes is text: UTF-8, or text in another encoding, which `openTable` tells how to mend. */
export function isTable(bytes: Uint8Array): boolean {
  if (isUtf16(bytes)) return true;
  // Tabs, ends of lines and form feeds are the only control characters of a text.
  if (bytes.some((byte) => byte < 9 || byte === 11 || (byte > 13 && byte < 32))) return false;
  return !/^\s*<(?:\?xml|!--|!DOCTYPE|svg)/i.test(Buffer.from(bytes.subarray(0, 256)).toString()); // an image: SVG
}

/**
 * The rows of a table as float32: [features]. The file is UTF-8 text, gzipped or not; the delimiter (comma, semicolon, tab,
 * bar, blanks), the header and decimal commas are found by looking. Features are the columns of numbers (nine in ten of the
 * cells in the first 1,000 rows) that are not the same in every row, or `columns` in their order. Rows with missing numbers
 * (empty, NA, NaN, null, ?, …; with `missing: "keep"` those are NaN, and rows without any number) or, of a table with `label`, without a label are left out, as those are that lack what is given
 * (`condition`: columns that are no features). What was left out is in `notices`.
 * `sources` are "line 2", …, for up to 4 million rows. The checksum is the SHA-256 of the decompressed bytes.
 *
 * Throws InputError, in one line with the file and the place, for rows of unequal length, texts, infinities and numbers beyond
 * float32 in a column of numbers, separators of thousands, and where nothing to train on is left.
 */
export async function openTable(path: string, options: TableOptions = {}): Promise<Dataset> {
  const { columns = [], label, condition = [], measure, missing } = options;
  const text = await tableText(path, options);
  try {
    const hints = [...columns, ...condition, ...(label === undefined ? [] : [label])];
    const layout = await tableLayout(path, text, hints);
    const choice = chooseColumns(path, layout, options);
    const table = await readTable(path, text, layout, choice, options);
    try {
      const { rows, abandon: _, ...annotations } = table;
      return rowsDataset(rows, [rows.size], {
        ...annotations,
        name: path,
        measure,
        missing,
        checksum: text.checksum(),
      });
    } catch (error) {
      table.abandon();
      throw error;
    }
  } finally {
    await text.close();
  }
}

type Table = Annotations & { readonly rows: Rows; readonly abandon: () => void };

async function readTable(
  path: string,
  text: TableText,
  layout: TableLayout,
  choice: ColumnChoice,
  options: TableOptions,
): Promise<Table> {
  const { names, delimiter } = layout;
  const { features } = choice;
  const keep = options.missing === "keep";
  const numbers = new NumberReader(path, delimiter, names);
  const given = new GivenReader(path, names, choice.given, numbers);
  const writer = new FeatureWriter(features.length, options.limit);
  const counting = new RowCounting(features.length, { gaps: !keep });
  const left = new LeftOut();
  const labels =
    choice.label === undefined ? undefined : new LabelReader(path, names[choice.label], options.label !== undefined);
  const lines: number[] = [];
  const row = new Float32Array(features.length);
  let header = layout.header;

  const take = (cells: readonly string[], line: number): void => {
    if (cells.length === 1 && names.length > 1 && cells[0].trim() === "") return; // a line of blanks
    if (cells.length !== names.length) throw ragged(path, cells, line, layout);
    if (header) {
      header = false;
      return;
    }
    let missing = -1;
    let gaps = 0;
    for (let i = 0; i < features.length; i++) {
      row[i] = numbers.read(cells[features[i]].trim(), line, features[i]);
      if (!Number.isNaN(row[i])) continue;
      gaps++;
      if (missing < 0 && !keep) missing = features[i];
    }
    if (gaps < features.length) counting.see(row);
    given.read(cells, line);
    if (missing < 0 && given.missing !== undefined) missing = given.missing;
    const label = choice.label === undefined ? "" : cells[choice.label].trim();
    if (missing >= 0) left.row(line, missing);
    else if (gaps === features.length) left.blank(line);
    else if (labels && !labels.accepts(label)) left.unlabelled(line);
    else {
      labels?.take(label, line);
      given.keep();
      if (lines.length < MOST_SOURCES + 1) lines.push(line);
      writer.take(row);
    }
  };

  try {
    await forEachRow(text.all(), { path, delimiter }, take);
    left.check(path, names, writer.length, choice.stated);
    const kept = keptFeatures(path, writer, counting, choice, names);
    const { notices, ...classes } = labels?.finish() ?? { notices: [] };
    return {
      ...classes,
      rows: someColumns(writer.finish(), kept.positions),
      abandon: () => writer.abandon(),
      labelColumn: choice.label === undefined ? undefined : names[choice.label],
      columns: kept.positions.map((position) => names[features[position]]),
      ...(choice.given.length > 0 ? { given: given.finish() } : {}),
      sources: lines.length > MOST_SOURCES ? undefined : lines.map((line) => `line ${line}`),
      notices: [
        ...layout.notices,
        ...numbers.finish(),
        ...choice.notices,
        ...kept.notices,
        ...left.notices(names, writer.length),
        ...notices,
      ],
    };
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

const MOST_SOURCES = 2 ** 22;

function ragged(path: string, cells: readonly string[], line: number, { names, delimiter }: TableLayout): InputError {
  const more = cells.length > names.length && delimiter === ",";
  const remedy = more
    ? "if these are decimal commas, separate cells by semicolons; put texts with commas in quotes"
    : "correct the line, or put a cell that holds the delimiter in quotes";
  const counts = `expected ${countOf(names.length, "cell")} as in the first line, got ${cells.length}`;
  return new InputError(`${path}: line ${line}: ${counts}; ${remedy}`);
}

/** Columns that never change say nothing of a row and have no scale to be modelled at; those that count the rows say nothing either. */
function keptFeatures(
  path: string,
  writer: FeatureWriter,
  rowCounting: RowCounting,
  { features, stated }: ColumnChoice,
  names: readonly string[],
): { readonly positions: readonly number[]; readonly notices: readonly string[] } {
  const whole = [...features.keys()];
  const counting = stated ? [] : whole.filter((position) => rowCounting.counts(position));
  const all = counting.length === whole.length ? whole : whole.filter((position) => !counting.includes(position));
  const counted =
    all.length === whole.length
      ? []
      : counting.map((at) => `column ${quoted(names[features[at]])} counts the rows: left out; --columns takes it`);
  const constant = all.filter((position) => !writer.varies(position));
  if (constant.length === 0 || writer.length < 2) return { positions: all, notices: counted };
  const what = someOf(constant.map((position) => names[features[position]]));
  const notice =
    constant.length === 1
      ? `column ${what} ${Number.isNaN(writer.first(constant[0])) ? "has no values" : `is constant (${writer.first(constant[0])})`}`
      : `${constant.length} columns are constant: ${what}`;
  if (stated) return { positions: all, notices: [notice] };
  if (constant.length === all.length) {
    throw new InputError(`${path}: expected columns of numbers that differ between rows, got none: ${notice}`);
  }
  return { positions: all.filter((position) => writer.varies(position)), notices: [...counted, `${notice}: left out`] };
}
