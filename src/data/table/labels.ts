/** A column of classes. */
import { InputError } from "../../errors.ts";
import type { Annotations } from "../dataset.ts";
import { quoted } from "./cells.ts";

export const MOST_CLASSES = 1000;

/** Takes the label of each row. */
export class LabelReader {
  readonly #path: string;
  readonly #name: string;
  /** Whether the user asked for them, or they are used where they are sound. */
  readonly #wanted: boolean;
  readonly #classes = new Map<string, number>();
  readonly #met: number[] = [];
  #fault: string | undefined;

  constructor(path: string, name: string, wanted: boolean) {
    this.#path = path;
    this.#name = name;
    this.#wanted = wanted;
  }

  /** Whether the row counts: one without a label does not, where labels were asked for. */
  accepts(cell: string): boolean {
    return cell !== "" || !this.#wanted;
  }

  /** Takes a row that counts. Throws InputError above 1,000 classes. */
  take(cell: string, line: number): void {
    if (this.#fault !== undefined) return;
    if (cell === "") {
      this.#fault = `line ${line} has none`;
      return;
    }
    let found = this.#classes.get(cell);
    if (found === undefined) {
      found = this.#classes.size;
      this.#classes.set(cell, found);
      if (found >= MOST_CLASSES) this.#tooMany(line);
    }
    this.#met.push(found);
  }

  #tooMany(line: number): void {
    this.#fault = `expected at most ${MOST_CLASSES} classes, got more`;
    if (!this.#wanted) return;
    const place = `${this.#path}: line ${line}, column ${quoted(this.#name)}`;
    throw new InputError(`${place}: ${this.#fault}; --label is for a column of classes`);
  }

  /** Classes in the order of their numbers, then those that are texts in the order of theirs. */
  finish(): Pick<Annotations, "labels" | "labelNames"> & { readonly notices: readonly string[] } {
    const name = quoted(this.#name);
    if (this.#fault !== undefined) return { notices: [`the labels in column ${name} are not used: ${this.#fault}`] };
    const labelNames = [...this.#classes.keys()].sort(inOrder);
    if (this.#wanted && labelNames.length === 1) {
      return { notices: [`column ${name} has one class only (${quoted(labelNames[0])}), so there are no labels`] };
    }
    const places = new Map(labelNames.map((label, place) => [label, place]));
    const numbers = Array.from(this.#classes.keys(), (label) => places.get(label) ?? 0);
    return { labels: Int32Array.from(this.#met, (label) => numbers[label]), labelNames, notices: [] };
  }
}

/** Numbers by their size, then texts. */
export function inOrder(a: string, b: string): number {
  const [x, y] = [Number(a), Number(b)];
  const byNumber = Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || x - y;
  return byNumber || (a < b ? -1 : Number(a > b));
}
