import { type Dataset, numbersOf } from "../data/dataset.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";

/** All examples of a dataset: [n, …shape]. */
export function readAll(dataset: Dataset): NdArray<Float32Array> {
  return { data: numbersOf(dataset), shape: [dataset.length, ...dataset.shape] };
}

/** Rows of `perRow` examples, each above a row of their counterparts; a last, shorter pair of rows is left out unless it is the only one. */
export function pairs(
  above: NdArray<Float32Array>,
  below: NdArray<Float32Array>,
  perRow: number,
): NdArray<Float32Array> {
  const [count, ...shape] = above.shape;
  const width = Math.min(perRow, count);
  const rows = Math.floor(count / width);
  const size = width * sizeOf(shape);
  const data = new Float32Array(2 * rows * size);
  for (let row = 0; row < rows; row++) {
    data.set(above.data.subarray(row * size, (row + 1) * size), 2 * row * size);
    data.set(below.data.subarray(row * size, (row + 1) * size), (2 * row + 1) * size);
  }
  return { data, shape: [2 * rows * width, ...shape] };
}
