import { InputError } from "../errors.ts";
import { permutation, stream } from "../random/stream.ts";
import type { CodeRows } from "./latents.ts";

/** How rows are chosen where there are more than are looked at. */
export interface TwoSampleOptions {
  readonly seed?: number;
  /** At most so many rows of each sample, drawn without replacement. */
  readonly most?: number;
}

/** The two samples, or why they cannot be compared. */
export function checkedPair(what: string, first: CodeRows, second: CodeRows, fewest: number): readonly CodeRows[] {
  if (first.shape[1] !== second.shape[1]) {
    throw new InputError(
      `${what}: rows of one width are expected, got ${first.shape[1]} and ${second.shape[1]} numbers; use codes of one encoder's width`,
    );
  }
  for (const { shape, data: values } of [first, second]) {
    if (shape[0] < fewest) {
      throw new InputError(`${what}: at least ${fewest} rows of each sample are expected, got ${shape[0]}; give more`);
    }
    const stray = values.findIndex((value) => !Number.isFinite(value));
    if (stray < 0) continue;
    throw new InputError(
      `${what}: finite numbers are expected, got ${values[stray]} in row ${Math.floor(stray / shape[1])}`,
    );
  }
  return [first, second];
}

/** At most so many rows, drawn by the seed; in random order where they are to be split. */
export function drawn(
  { data: values, shape: [n, k] }: CodeRows,
  most: number,
  seed: number,
  sample: number,
  shuffled = false,
): CodeRows {
  if (n <= most && !shuffled) return { data: values, shape: [n, k] };
  const order = permutation(n, stream(seed, "two-sample", sample)).subarray(0, most);
  const picked = new Float64Array(order.length * k);
  for (const [i, row] of order.entries()) picked.set(values.subarray(row * k, (row + 1) * k), i * k);
  return { data: picked, shape: [order.length, k] };
}
