/** Columns of a table that are given with each row, not modelled. */
import { InputError } from "../../errors.ts";
import type { GivenColumn } from "../conditions.ts";
import { quoted } from "./cells.ts";
import type { GivenChoice } from "./choice.ts";
import { inOrder, MOST_CLASSES } from "./labels.ts";
import type { NumberReader } from "./numbers.ts";

/** Takes the given values of each row. */
export class GivenReader {
  /** The first column that lacks a value in the row that was read last. */
  missing: number | undefined;
  readonly #path: string;
  readonly #names: readonly string[];
  readonly #columns: readonly { readonly choice: GivenChoice; readonly classes: Map<string, number>; met: number[] }[];
  readonly #numbers: NumberReader;
  readonly #row: number[] = [];

  constructor(path: string, names: readonly string[], choices: readonly GivenChoice[], numbers: NumberReader) {
    this.#path = path;
    this.#names = names;
    this.#columns = choices.map((choice) => ({ choice, classes: new Map(), met: [] }));
    this.#numbers = numbers;
  }

  /** Reads a row, which `keep` takes. Throws InputError for what is no number in a column of numbers, and above 1,000 classes. */
  read(cells: readonly string[], line: number): void {
    this.missing = undefined;
    for (const [i, { choice, classes }] of this.#columns.entries()) {
      const { column, kind } = choice;
      const cell = cells[column].trim();
      this.#row[i] =
        kind === "number" ? this.#numbers.read(cell, line, column) : this.#place(cell, classes, line, column);
      if (Number.isNaN(this.#row[i])) this.missing ??= column;
    }
  }

  #place(cell: string, classes: Map<string, number>, line: number, column: number): number {
    if (cell === "") return Number.NaN;
    const known = classes.get(cell);
    if (known !== undefined) return known;
    if (classes.size === MOST_CLASSES) {
      const place = `${this.#path}: line ${line}, column ${quoted(this.#names[column])}`;
      throw new InputError(
        `${place}: expected at most ${MOST_CLASSES} values, got more; --condition is for classes and numbers`,
      );
    }
    classes.set(cell, classes.size);
    return classes.size - 1;
  }

  keep(): void {
    for (const [i, { met }] of this.#columns.entries()) met.push(this.#row[i]);
  }

  /** Values in the order of their numbers, then those that are texts in the order of theirs. */
  finish(): readonly GivenColumn[] {
    return this.#columns.map(({ choice, classes, met }): GivenColumn => {
      const name = this.#names[choice.column];
      if (choice.kind === "number") return { kind: "number", name, numbers: Float32Array.from(met) };
      const values = [...classes.keys()].sort(inOrder);
      const places = new Map(values.map((value, place) => [value, place]));
      const codes = Array.from(classes.keys(), (value) => places.get(value) ?? 0);
      return { kind: "category", name, values, codes: Int32Array.from(met, (code) => codes[code]) };
    });
  }
}
