/** Columns of a table that number its rows. */

/** In fewer rows integers that rise may be anything. */
const FEW = 10;
/** The share of the rows by which the numbers may skip some, or lack some. */
const GAPS = 0.1;

/** Sees every row that holds a number, those too that are left out: 1, 2, 3, 4 counts the rows whichever of them are kept. */
export class RowCounting {
  #rows = 0;
  readonly #first: Float32Array;
  readonly #last: Float32Array;
  readonly #jumps: Uint8Array;
  readonly #gaps: boolean;

  /** `gaps`: whether a column that counts may lack numbers, as it may where rows that do are left out. */
  constructor(size: number, { gaps }: { readonly gaps: boolean }) {
    this.#gaps = gaps;
    this.#first = new Float32Array(size).fill(Number.NaN);
    this.#last = new Float32Array(size).fill(Number.NEGATIVE_INFINITY);
    this.#jumps = new Uint8Array(size);
  }

  /** Takes a row, in which NaN is missing. */
  see(row: Float32Array): void {
    this.#rows++;
    for (let i = 0; i < row.length; i++) {
      const value = row[i];
      if (Number.isNaN(value)) {
        if (!this.#gaps) this.#jumps[i] = 1;
        continue;
      }
      if (Number.isNaN(this.#first[i])) this.#first[i] = value;
      if (!(Number.isInteger(value) && value > this.#last[i])) this.#jumps[i] = 1;
      this.#last[i] = value;
    }
  }

  /** Whether these are integers that rise from row to row, as far as there are rows. */
  counts(feature: number): boolean {
    const span = this.#last[feature] - this.#first[feature] + 1;
    return this.#rows >= FEW && this.#jumps[feature] === 0 && Math.abs(span - this.#rows) <= GAPS * this.#rows;
  }
}
