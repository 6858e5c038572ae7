/** The features of a table as rows of floats, as they are read. */
import { type RowWriter, rowWriter } from "../row-file.ts";
import type { Rows } from "../rows.ts";

const BLOCK_NUMBERS = 2 ** 16;

/** Collects rows, in which NaN is missing, and sees which of their columns ever change. */
export class FeatureWriter {
  /** Rows taken. */
  length = 0;
  readonly #size: number;
  readonly #writer: RowWriter;
  readonly #block: Float32Array;
  #filled = 0;
  readonly #first: Float32Array;
  readonly #varies: Uint8Array;

  constructor(size: number, limit: number | undefined) {
    this.#size = size;
    this.#writer = rowWriter({ size, dtype: "float32", limit });
    this.#block = new Float32Array(Math.max(1, Math.floor(BLOCK_NUMBERS / size)) * size);
    this.#first = new Float32Array(size).fill(Number.NaN);
    this.#varies = new Uint8Array(size);
  }

  take(row: Float32Array): void {
    for (let i = 0; i < row.length; i++) {
      if (Number.isNaN(this.#first[i])) this.#first[i] = row[i];
      else if (row[i] !== this.#first[i] && !Number.isNaN(row[i])) this.#varies[i] = 1;
    }
    this.#block.set(row, this.#filled);
    this.#filled += row.length;
    this.length++;
    if (this.#filled === this.#block.length) this.#flush();
  }

  #flush(): void {
    if (this.#filled === 0) return;
    this.#writer.write(this.length - this.#filled / this.#size, this.#block.subarray(0, this.#filled));
    this.#filled = 0;
  }

  /** Whether this number is another one in some row. */
  varies(feature: number): boolean {
    return this.#varies[feature] === 1;
  }

  /** The number in the first row that has one; NaN where none has. */
  first(feature: number): number {
    return this.#first[feature];
  }

  finish(): Rows {
    this.#flush();
    return this.#writer.finish();
  }

  abandon(): void {
    this.#writer.abandon();
  }
}

/** The same rows with these of their numbers alone. */
export function someColumns(rows: Rows, columns: readonly number[]): Rows {
  if (columns.length === rows.size) return rows;
  const whole = new Float32Array(rows.size);
  return {
    ...rows,
    size: columns.length,
    read(indices, out) {
      for (let i = 0; i < indices.length; i++) {
        rows.read([indices[i]], whole);
        for (let j = 0; j < columns.length; j++) out[i * columns.length + j] = whole[columns[j]];
      }
    },
  };
}
