/** Which rows of a table were left out, and why. */
import { InputError } from "../../errors.ts";
import { missingRemedy } from "../reading.ts";
import { quoted } from "./cells.ts";

/** 1 row, 2 rows. */
export function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Rows that do not count. */
export class LeftOut {
  #rows = 0;
  #firstLine = 0;
  #blank = 0;
  #firstBlank = 0;
  #unlabelled = 0;
  #firstUnlabelled = 0;
  /** Of each column, the rows in which it is the first that is missing. */
  readonly #columns = new Map<number, number>();

  row(line: number, column: number): void {
    if (this.#rows++ === 0) this.#firstLine = line;
    this.#columns.set(column, (this.#columns.get(column) ?? 0) + 1);
  }

  /** A row without any number. */
  blank(line: number): void {
    if (this.#blank++ === 0) this.#firstBlank = line;
  }

  unlabelled(line: number): void {
    if (this.#unlabelled++ === 0) this.#firstUnlabelled = line;
  }

  /** Throws InputError where too few rows are left. */
  check(path: string, names: readonly string[], kept: number, stated: boolean): void {
    if (kept >= (stated ? 1 : 2)) return;
    const read = this.#rows + this.#blank + this.#unlabelled + kept;
    if (read === 0) throw new InputError(`${path}: expected rows below the header line, got none`);
    if (kept === 1)
      throw new InputError(`${path}: expected two rows at least, got one${read > 1 ? " without gaps" : ""}`);
    if (this.#blank > 0 && this.#rows === 0)
      throw new InputError(`${path}: expected rows with numbers, got none in ${read}`);
    if (this.#rows === 0) throw new InputError(`${path}: expected rows with a label, got none in ${read}`);
    const where = `${this.#worst(names)}; leave such columns out (--columns names those to take), or, ${missingRemedy}`;
    throw new InputError(`${path}: expected rows without missing values, got none in ${read}: ${where}`);
  }

  notices(names: readonly string[], kept: number): string[] {
    const most = this.#rows > kept ? `; ${this.#worst(names)}` : "";
    const were = (count: number, what: string, line: number): string =>
      `${countOf(count, "row")} ${what} ${count === 1 ? "was" : "were"} left out (the first in line ${line})`;
    return [
      ...(this.#rows > 0 ? [`${were(this.#rows, "with missing values", this.#firstLine)}${most}`] : []),
      ...(this.#blank > 0 ? [were(this.#blank, "without any number", this.#firstBlank)] : []),
      ...(this.#unlabelled > 0 ? [were(this.#unlabelled, "without a label", this.#firstUnlabelled)] : []),
    ];
  }

  #worst(names: readonly string[]): string {
    const [column, count] = [...this.#columns].reduce((worst, one) => (one[1] > worst[1] ? one : worst));
    return `column ${quoted(names[column])} lacks ${count}`;
  }
}
