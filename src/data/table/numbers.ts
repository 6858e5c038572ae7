/** The numbers in a table's cells. */
import { InputError } from "../../errors.ts";
import { kindOfCell, mayBeThousands, quoted } from "./cells.ts";

/** Reads cells as numbers, and sees to it that all are written in one way. */
export class NumberReader {
  readonly #path: string;
  readonly #delimiter: string;
  readonly #names: readonly string[];
  /** The first number with a decimal point and the first with a decimal comma, with their places. */
  #point: string | undefined;
  #comma: string | undefined;
  /** Where the only commas so far may separate thousands. */
  #unclear: string | undefined;
  #clear = false;
  #rounded: string | undefined;

  constructor(path: string, delimiter: string, names: readonly string[]) {
    this.#path = path;
    this.#delimiter = delimiter;
    this.#names = names;
  }

  /** The number in a cell as float32, NaN where it is missing. Throws InputError for everything else. */
  read(cell: string, line: number, column: number): number {
    const kind = kindOfCell(cell);
    switch (kind) {
      case "missing":
        return Number.NaN;
      case "number":
        if (this.#point === undefined && cell.includes(".")) this.#sawPoint(cell, line, column);
        return this.#float32(Number(cell), cell, line, column);
      case "comma":
        this.#sawComma(cell, line, column);
        return this.#float32(Number(cell.replace(",", ".")), cell, line, column);
      case "infinite":
        throw this.#fault(line, column, "a finite number", `${quoted(cell)}; correct it, or leave the row out`);
      case "grouped":
        throw this.#fault(line, column, "a number", `${quoted(cell)}; write it without separators of thousands`);
      case "text": {
        const remedy = "correct it, or leave the column out (--columns names those to take)";
        throw this.#fault(line, column, "a number", `${quoted(cell)}; ${remedy}`);
      }
    }
  }

  /** What a user should hear. Throws InputError where no comma says whether it is a decimal one. */
  finish(): string[] {
    if (this.#unclear !== undefined && !this.#clear) {
      throw new InputError(
        `${this.#path}: ${this.#unclear}: may be a decimal comma or a separator of thousands, like every comma here; write points`,
      );
    }
    const rounded = `whole numbers beyond 2^24 were rounded to float32 (the first in ${this.#rounded})`;
    return [
      ...(this.#comma === undefined ? [] : [`decimal commas were read as points (the first in ${this.#comma})`]),
      ...(this.#rounded === undefined ? [] : [rounded]),
    ];
  }

  #float32(value: number, cell: string, line: number, column: number): number {
    const float = Math.fround(value);
    if (!Number.isFinite(float)) {
      throw this.#fault(line, column, "a number within float32 (±3.4e38)", `${quoted(cell)}; scale the column`);
    }
    if (float !== value && Math.abs(value) > 2 ** 24 && this.#rounded === undefined && /^[+-]?\d+$/.test(cell)) {
      this.#rounded = this.#place(cell, line, column);
    }
    return float;
  }

  #sawPoint(cell: string, line: number, column: number): void {
    this.#point = this.#place(cell, line, column);
    this.#checkOneWay(this.#point, this.#comma);
  }

  #sawComma(cell: string, line: number, column: number): void {
    if (this.#delimiter === ",") {
      const why = "where cells are separated by commas, this may be a decimal comma or one of thousands; write a point";
      throw this.#fault(line, column, "a number", `${quoted(cell)}: ${why}`);
    }
    if (this.#comma === undefined) {
      this.#comma = this.#place(cell, line, column);
      this.#checkOneWay(this.#comma, this.#point);
    }
    if (this.#clear) return;
    this.#clear = !mayBeThousands(cell);
    this.#unclear ??= this.#place(cell, line, column);
  }

  #checkOneWay(here: string, other: string | undefined): void {
    if (other === undefined) return;
    throw new InputError(`${this.#path}: ${here}: a decimal comma and a decimal point (${other}); write one of them`);
  }

  #place(cell: string, line: number, column: number): string {
    return `line ${line}, column ${quoted(this.#names[column])}: ${quoted(cell)}`;
  }

  #fault(line: number, column: number, expected: string, got: string): InputError {
    const name = quoted(this.#names[column]);
    return new InputError(`${this.#path}: line ${line}, column ${name}: expected ${expected}, got ${got}`);
  }
}
