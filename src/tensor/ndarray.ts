/** The arrays a value can live in; the dtype of a tensor says which. */
export type Data = Float32Array | Float64Array | Int32Array | Uint8Array;

/** A value: numbers in row-major order and their shape. */
export interface NdArray<T extends Data = Data> {
  readonly data: T;
  readonly shape: readonly number[];
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
