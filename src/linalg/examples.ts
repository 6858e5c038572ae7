import type { Dataset } from "../data/dataset.ts";
import { InputError, ShapeError } from "../errors.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import type { Matrix } from "./matrix.ts";

/** Examples as rows of float64 numbers, read a block at a time. */
export interface Examples {
  /** What errors begin with. */
  readonly name: string;
  /** The number of rows. */
  readonly length: number;
  /** Numbers in a row, d. */
  readonly size: number;
  /** Writes the rows from `start` on into `out`, as many as it holds: [rows·d]. */
  read(start: number, out: Float64Array): void;
}

/** A dataset's examples, each as one row. */
export function datasetExamples(dataset: Dataset): Examples {
  const size = sizeOf(dataset.shape);
  let [numbers, rows] = [new Float32Array(0), new Uint32Array(0)];
  return {
    name: dataset.name,
    length: dataset.length,
    size,
    read: (start, out) => {
      if (numbers.length !== out.length) {
        numbers = new Float32Array(out.length);
        rows = new Uint32Array(out.length / size);
      }
      for (let i = 0; i < rows.length; i++) rows[i] = start + i;
      dataset.read(rows, numbers);
      out.set(numbers);
    },
  };
}

/** Rows of plain numbers. @throws InputError where there is none; ShapeError where they differ in length. */
export function rowExamples(rows: Matrix, name = "rows"): Examples {
  if (rows.length === 0 || rows[0].length === 0) {
    throw new InputError(`${name}: at least one row of at least one number is expected, got none`);
  }
  const size = rows[0].length;
  const numbers = Float64Array.from(rows.flat());
  if (rows.some((row) => row.length !== size)) throw new ShapeError(`${name}: rows of ${size} numbers are expected`);
  return {
    name,
    length: rows.length,
    size,
    read: (start, out) => out.set(numbers.subarray(start * size, start * size + out.length)),
  };
}

/** The same examples in other units: (x − centre)/unit, each number by itself. */
export function rescaledExamples(
  examples: Examples,
  { centre, unit }: { readonly centre: ArrayLike<number>; readonly unit: ArrayLike<number> },
): Examples {
  const { size } = examples;
  return {
    ...examples,
    read: (start, out) => {
      examples.read(start, out);
      for (let i = 0, j = 0; i < out.length; i++) {
        out[i] = (out[i] - centre[j]) / unit[j];
        if (++j === size) j = 0;
      }
    },
  };
}

/** Calls `visit` with blocks of at most so many rows, [rows, d], in order and one after the other; their memory is used again. */
export async function forEachBlockOf(
  examples: Examples,
  rows: number,
  visit: (block: NdArray<Float64Array>, start: number) => Promise<void>,
): Promise<void> {
  const { length, size } = examples;
  const room = (count: number): NdArray<Float64Array> => ({
    data: new Float64Array(count * size),
    shape: [count, size],
  });
  let block = room(Math.min(rows, length));
  for (let start = 0; start < length; start += rows) {
    if (length - start < block.shape[0]) block = room(length - start);
    examples.read(start, block.data);
    await visit(block, start);
  }
}
