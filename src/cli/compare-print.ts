import type { ComparisonInput } from "../report/comparison-input.ts";
import { type ComparisonTable, comparisonTable } from "../report/comparison-rows.ts";
import { painter } from "./terminal.ts";

/** A column is so wide at most: longer text goes on in the next line. */
const WIDEST = 26;
/** Of a terminal that does not tell, or a file. */
const WIDTH = 120;
const GAP = "  ";

/** The table of a comparison, a column for each model; more than fit beside each other follow below. */
export function printComparison(input: ComparisonInput, stream: NodeJS.WriteStream): void {
  const table = comparisonTable(input);
  const { apart, footnotes } = table;
  const names = table.groups.flatMap((group) => group.names);
  const heading = Math.max(...table.rows.map((row) => row.heading.length));
  const fit = Math.max(1, Math.floor(((stream.columns || WIDTH) - heading) / (WIDEST + GAP.length)));
  for (let from = 0; from < names.length; from += fit) {
    if (from > 0) stream.write("\n");
    writeBlock(table, { from, to: Math.min(names.length, from + fit), heading }, stream);
  }
  const { dim } = { dim: (text: string): string => painter(stream)("dim", text) };
  stream.write(`\n${footnotes.map((note, i) => dim(`${i + 1}  ${note}`)).join("\n")}\n`);
  for (const line of [...(apart === undefined ? [] : [apart]), ...input.notices]) stream.write(`\n${line}\n`);
}

interface Block {
  readonly from: number;
  readonly to: number;
  /** The width of the headings. */
  readonly heading: number;
}

function writeBlock({ groups, rows }: ComparisonTable, { from, to, heading }: Block, stream: NodeJS.WriteStream): void {
  const paint = painter(stream);
  const names = groups.flatMap((group) => group.names).slice(from, to);
  const of = groups.flatMap((group) => group.names.map(() => group.of ?? "no density")).slice(from, to);
  const first = [
    { heading: "", cells: names, bold: true },
    ...(groups.length > 1 ? [{ heading: "log p(x) of", cells: of, bold: false }] : []),
  ];
  const written = rows.map((row) => ({
    heading: row.heading,
    cells: row.cells.slice(from, to).map(({ text, note }) => (note === undefined ? text : `${text} [${note}]`)),
    bold: false,
  }));
  const lines = [...first, ...written].map((row) => ({
    ...row,
    cells: row.cells.map((cell) => wrapped(cell, WIDEST)),
  }));
  const widths = names.map((_, j) => Math.max(...lines.map(({ cells }) => Math.max(...cells[j].map(lengthOf)))));
  for (const { heading: title, cells, bold } of lines) {
    for (let line = 0; line < Math.max(...cells.map((cell) => cell.length)); line++) {
      const parts = cells.map((cell, j) => {
        const text = (cell[line] ?? "").padEnd(widths[j]);
        return bold ? paint("bold", text) : text;
      });
      stream.write(`${[(line === 0 ? title : "").padEnd(heading), ...parts].join(GAP).trimEnd()}\n`);
    }
  }
}

function lengthOf(text: string): number {
  return text.length;
}

/** Lines of whole words, no longer than this where a word is not. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
