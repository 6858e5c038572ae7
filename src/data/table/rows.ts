/** The text of a table as rows of cells, each with the line of the file that it begins in. */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { InputError } from "../../errors.ts";
import { contentOf, type Watch } from "../file-bytes.ts";

/** The most bytes in a line, and characters in a row: more are no table, or a quote that was never closed. */
const MOST = 2 ** 28;

const NEWLINE = 10;

/** The decompressed bytes of a file of text. */
export interface TableText {
  /** The first lines: for a look at what the table is. */
  readonly head: Uint8Array;
  /** Whether `head` is all that there is. */
  readonly complete: boolean;
  /** Everything from the start, once. Who stops before the end calls `close`. */
  all(): AsyncGenerator<Uint8Array, void, void>;
  /** "sha256:…" of all bytes, when they have been read. */
  checksum(): string;
  close(): Promise<void>;
}

const HEAD_LINES = 1002;
const HEAD_BYTES = 2 ** 24;

/** The text of a file, gzipped or not. Throws InputError where it is no UTF-8. */
export async function tableText(path: string, watch: Watch): Promise<TableText> {
  const hash = createHash("sha256");
  const lines = linesOf(path, contentOf(path, watch), (piece) => hash.update(piece));
  try {
    const taken: Uint8Array[] = [];
    let [bytes, count, complete] = [0, 0, false];
    while (count < HEAD_LINES && (bytes < HEAD_BYTES || count < 3)) {
      const { done, value } = await lines.next();
      if (done) {
        complete = true;
        break;
      }
      taken.push(value.text);
      bytes += value.text.length;
      count += value.newlines;
    }
    const head = Buffer.concat(taken);
    return {
      head,
      complete,
      async *all() {
        yield* taken;
        for await (const { text } of lines) yield text;
      },
      checksum: () => `sha256:${hash.digest("hex")}`,
      close: async () => {
        await lines.return();
      },
    };
  } catch (error) {
    await lines.return();
    throw error;
  }
}

interface Lines {
  readonly text: Uint8Array;
  readonly newlines: number;
}

/** The same bytes cut at ends of lines, each checked to be text. */
async function* linesOf(
  path: string,
  pieces: AsyncGenerator<Uint8Array, void, void>,
  see: (piece: Uint8Array) => void,
): AsyncGenerator<Lines, void, void> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let line = 1;
  for await (const piece of pieces) {
    see(piece);
    const end = piece.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const text = checkedText(path, Buffer.concat([...rest, piece.subarray(0, end)]), line);
      const newlines = newlinesIn(text);
      [rest, restBytes] = [[], 0];
      line += newlines;
      yield { text, newlines };
    }
    rest.push(piece.subarray(end));
    restBytes += piece.length - end;
    if (restBytes > MOST)
      throw new InputError(`${path}: line ${line}: expected a table, got a line above ${MOST} bytes`);
  }
  if (restBytes > 0) yield { text: checkedText(path, Buffer.concat(rest), line), newlines: 0 };
}

function newlinesIn(text: Uint8Array): number {
  let count = 0;
  for (let at = text.indexOf(NEWLINE); at >= 0; at = text.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

function checkedText(path: string, text: Uint8Array, firstLine: number): Uint8Array {
  if (firstLine === 1 && isUtf16(text)) {
    throw new InputError(`${path}: line 1: expected UTF-8, got UTF-16; save it as "CSV UTF-8"`);
  }
  if (isUtf8(text) && !text.includes(0)) return text;
  for (let line = firstLine, start = 0; ; line++) {
    const newline = text.indexOf(NEWLINE, start);
    const end = newline < 0 ? text.length : newline + 1;
    const row = text.subarray(start, end);
    if (row.includes(0))
      throw new InputError(`${path}: line ${line}: expected text, got a zero byte: this is no table`);
    if (!isUtf8(row)) {
      throw new InputError(`${path}: line ${line}: expected UTF-8, got another encoding; save it as "CSV UTF-8"`);
    }
    start = end;
  }
}

/** Whether the bytes begin with the mark of UTF-16 of either order. */
export function isUtf16(bytes: Uint8Array): boolean {
  return (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
}

/** Takes one row: its cells, and the line (from 1) of the file in which it begins. */
export type RowVisitor = (cells: readonly string[], line: number) => void;

export interface ParseOptions {
  readonly path: string;
  /** " " stands for runs of blanks. */
  readonly delimiter: string;
}

/** Goes through the rows, without empty lines. Throws InputError where a quote is not closed, and what `visit` throws. */
export async function forEachRow(
  text: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { path, delimiter }: ParseOptions,
  visit: RowVisitor,
): Promise<void> {
  const lines = new LineCounter();
  const parser = parse({
    bom: true,
    delimiter,
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_quotes: true, // 5" in a cell is no fault of a table of numbers
    relax_column_count: true, // what is ragged is told with its line by who knows the header
    skip_empty_lines: true,
    max_record_size: MOST,
    on_record: (record: string[], { lines: counted }): null => {
      const line = lines.startOf(record, counted);
      const cells = delimiter === " " ? record.filter((cell) => cell !== "") : record;
      if (cells.length > 0) visit(cells, line);
      return null;
    },
  });
  try {
    await pipeline(text, parser, async (nothing) => {
      for await (const _ of nothing);
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new InputError(`${path}: line ${lines.end + 1}: ${faults[error.code] ?? `no sound table (${error.code})`}`);
  }
}

const faults: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a cell here or below begins with a " that is never closed; close it, or leave it out',
  CSV_MAX_RECORD_SIZE: `a row above ${MOST} characters: a cell begins with a " that is never closed; close it`,
};

/** Where rows begin, from where the parser says that they end. */
class LineCounter {
  /** The line in which the last row ended. */
  end = 0;
  /** The parser counts "\r\n" within quotes as two lines. */
  #surplus = 0;

  startOf(cells: readonly string[], counted: number): number {
    if (counted - this.#surplus <= this.end + 1) {
      this.end = counted - this.#surplus;
      return this.end;
    }
    // There are empty lines before it, or line breaks in it.
    const breaks = cells.join(",").match(/\r\n|\n|\r/g) ?? [];
    this.#surplus += breaks.filter((text) => text.length === 2).length;
    this.end = counted - this.#surplus;
    return this.end - breaks.length;
  }
}
