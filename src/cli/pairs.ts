import { type Dataset, numbersOf } from "../data/dataset.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";

/** All examples of a dataset: [n, …shape]. */
export function readAll(dataset: Dataset): NdArray<Float32Array> {
  return { data: numbersOf(dataset), shape: [dataset.length, ...dataset.shape] };
}

/** Rows of `width` examples, each above a row of their counterparts; what the last two rows lack has the value `blank`. */
export function pairs(
  above: NdArray<Float32Array>,
  below: NdArray<Float32Array>,
  { width, blank }: { readonly width: number; readonly blank: number },
): NdArray<Float32Array> {
  const [count, ...shape] = above.shape;
  const rows = Math.ceil(count / width);
  const size = width * sizeOf(shape);
  const data = new Float32Array(2 * rows * size).fill(blank);
  for (let row = 0; row < rows; row++) {
    data.set(above.data.subarray(row * size, (row + 1) * size), 2 * row * size);
    data.set(below.data.subarray(row * size, (row + 1) * size), (2 * row + 1) * size);
  }
  return { data, shape: [2 * rows * width, ...shape] };
}
