/** Numbers as they are kept: a byte or a float each. */
export type Numbers = Uint8Array | Float32Array;

/** Rows of equally many numbers, read by index, wherever they lie. */
export interface Rows {
  readonly length: number;
  /** Numbers in a row. */
  readonly size: number;
  readonly dtype: "uint8" | "float32";
  /** Writes these rows one after another into `out`; each index is one of a row. Bytes may be read as floats. */
  read(indices: ArrayLike<number>, out: Numbers): void;
}

/** The rows of an array that is in memory: a view, not a copy. */
export function rowsInMemory(data: Numbers, size: number): Rows {
  return {
    length: data.length / size,
    size,
    dtype: data instanceof Uint8Array ? "uint8" : "float32",
    read(indices, out) {
      for (let i = 0; i < indices.length; i++) {
        const start = indices[i] * size;
        out.set(data.subarray(start, start + size), i * size);
      }
    },
  };
}

/** Goes through all rows in blocks of about a million numbers: [rows, size], a view that the next block overwrites. */
export function forEachBlock(
  { length, size, dtype, read }: Rows,
  visit: (block: Numbers, firstRow: number) => void,
): void {
  const blockRows = Math.max(1, Math.min(length, Math.floor(2 ** 20 / size)));
  const block = dtype === "uint8" ? new Uint8Array(blockRows * size) : new Float32Array(blockRows * size);
  for (let start = 0; start < length; start += blockRows) {
    const rows = Math.min(blockRows, length - start);
    read(
      Uint32Array.from({ length: rows }, (_, i) => start + i),
      block,
    );
    visit(block.subarray(0, rows * size), start);
  }
}
