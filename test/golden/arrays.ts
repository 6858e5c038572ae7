import type { NdArray } from "../../src/tensor/ndarray.ts";

/** An array as `scripts/values.py` writes it: ∞ as a word, since JSON has no number for it. */
export interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}

export function float64({ data, shape }: GoldenArray): NdArray<Float64Array> {
  return { data: Float64Array.from(data, Number), shape };
}

export function float32({ data, shape }: GoldenArray): NdArray<Float32Array> {
  return { data: Float32Array.from(data, Number), shape };
}

/** ‖a − b‖ / ‖b‖ */
export function relativeDistance(a: Iterable<number>, b: Iterable<number>): number {
  const exact = Array.from(b);
  const differences = Array.from(a, (value, i) => value - exact[i]);
  if (differences.length !== exact.length)
    throw new RangeError(`${differences.length} against ${exact.length} numbers`);
  return norm(differences) / norm(exact);
}

function norm(values: readonly number[]): number {
  return Math.sqrt(values.reduce((total, value) => total + value * value, 0));
}

export function found<T>(values: ReadonlyMap<string, T>, name: string): T {
  const value = values.get(name);
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value;
}
