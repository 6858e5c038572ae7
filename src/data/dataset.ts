import { bytesOf, fnv1a32 } from "../checksum.ts";
import { InputError } from "../errors.ts";
import { permutation, stream } from "../random/stream.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";

/** What the numbers are; it decides which likelihoods are densities on them. */
export const measures = ["bytes", "unit", "binary", "real", "count", "category"] as const;
export type Measure = (typeof measures)[number];

/** Examples of one shape, read by row. Plain numbers: nothing is scaled, binarised or normalised here. */
export interface Dataset {
  /** Where the data is from: a file's path, or a word for data in memory. Errors begin with it. */
  readonly name: string;
  /** The number of examples, at least 1. */
  readonly length: number;
  /** One example's shape; images are [channels, height, width]. */
  readonly shape: readonly number[];
  readonly dtype: "uint8" | "float32";
  readonly measure: Measure;
  /** Of the content: "sha256:…" of a file's bytes (decompressed), "fnv1a32:…" of an array in memory; of a subset, its rows too. */
  readonly checksum: string;
  /** One class number per example, where known. */
  readonly labels?: Uint8Array | Int32Array;
  /** Writes the examples of these rows one after another into `out`: [indices.length, …shape]. uint8 data may be read as float32. */
  read(indices: ArrayLike<number>, out: Uint8Array | Float32Array): void;
}

export interface ArrayDatasetOptions {
  readonly name: string;
  /** Default: what the numbers look like, see `guessMeasure`. A stated one is checked against every number. */
  readonly measure?: Measure;
  readonly labels?: Uint8Array | Int32Array;
  /** Default: "fnv1a32:…" of dtype, shape and numbers. */
  readonly checksum?: string;
}

const natural = (value: number): boolean => Number.isInteger(value) && value >= 0;

const contains: Readonly<Record<Measure, (value: number) => boolean>> = {
  bytes: (value) => natural(value) && value <= 255,
  unit: (value) => value >= 0 && value <= 1,
  binary: (value) => value === 0 || value === 1,
  real: () => true,
  count: natural,
  category: natural,
};

/** uint8 → "bytes"; floats: all 0 or 1 → "binary", all within [0, 1] → "unit", else "real". Counts and categories must be stated. */
export function guessMeasure(data: Uint8Array | Float32Array): Measure {
  if (data instanceof Uint8Array) return "bytes";
  if (data.every(contains.binary)) return "binary";
  return data.every(contains.unit) ? "unit" : "real";
}

/** Whether all numbers of one measure are numbers of the other too: what is binary is in the unit interval and real. */
export function isWithin(inner: Measure, outer: Measure): boolean {
  const nested: readonly Measure[] = ["binary", "unit", "real"];
  return inner === outer || (nested.includes(inner) && nested.indexOf(inner) < nested.indexOf(outer));
}

/**
 * The rows of an array [n, …shape] as a dataset, over the array's own memory where it is uint8 or float32.
 * float64 is rounded to float32; int32 must be exact in it, so within ±2²⁴.
 * Throws InputError for an array without rows or features, for numbers outside the stated measure, and for NaN and ±∞.
 */
export function arrayDataset(array: NdArray, { name, measure, labels, checksum }: ArrayDatasetOptions): Dataset {
  const [length, ...shape] = array.shape;
  const size = sizeOf(shape);
  if (array.shape.length < 2 || length < 1 || size < 1) {
    throw new InputError(
      `${name}: expected shape [examples, features, …] with at least one of each, got [${array.shape}]`,
    );
  }
  if (array.data.length !== length * size) {
    throw new InputError(
      `${name}: expected ${length * size} numbers for shape [${array.shape}], got ${array.data.length}`,
    );
  }
  if (labels !== undefined && labels.length !== length) {
    throw new InputError(`${name}: expected one label for each of ${length} examples, got ${labels.length}`);
  }

  const place = (i: number): string => `row ${Math.floor(i / size)}, column ${i % size} (from 0)`;
  const data = storable(array, name, place);
  if (measure !== undefined) {
    const stray = data.findIndex((value) => !contains[measure](value));
    if (stray >= 0) {
      throw new InputError(
        `${name}: ${place(stray)}: expected a number of the measure "${measure}", got ${data[stray]}`,
      );
    }
  }

  const dtype = data instanceof Uint8Array ? "uint8" : "float32";
  return {
    name,
    length,
    shape,
    dtype,
    measure: measure ?? guessMeasure(data),
    checksum: checksum ?? fnv1a32(new TextEncoder().encode(`${dtype}[${array.shape}]`), bytesOf(data)),
    labels,
    read(indices, out) {
      if (out instanceof Uint8Array && dtype === "float32") {
        throw new InputError(`${name}: float32 data would be cut to integers; read it into a Float32Array`);
      }
      for (let i = 0; i < indices.length; i++) {
        const row = checkedRow(indices[i], length, name);
        out.set(data.subarray(row * size, (row + 1) * size), i * size);
      }
    },
  };
}

/** The examples of these rows, in this order; rows may repeat. Reads through to the dataset. */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  if (indices.length === 0) throw new InputError(`${dataset.name}: a subset needs at least one row`);
  const rows = Uint32Array.from(indices, (row) => checkedRow(row, dataset.length, dataset.name));
  const { labels } = dataset;
  return {
    ...dataset,
    length: rows.length,
    checksum: `rows ${fnv1a32(bytesOf(rows))} of ${dataset.checksum}`,
    labels:
      labels instanceof Uint8Array
        ? Uint8Array.from(rows, (row) => labels[row])
        : labels && Int32Array.from(rows, (row) => labels[row]),
    read(positions, out) {
      const indices = Uint32Array.from(positions, (position) => rows[checkedRow(position, rows.length, dataset.name)]);
      dataset.read(indices, out);
    },
  };
}

/**
 * Two disjoint parts that together are the whole, each in the dataset's order: `fraction` of the examples (rounded) go to
 * `validation`. Which ones depends on the seed and the number of examples alone.
 */
export function split(
  dataset: Dataset,
  { seed, fraction }: { readonly seed: number; readonly fraction: number },
): { readonly train: Dataset; readonly validation: Dataset } {
  const held = Math.round(fraction * dataset.length);
  if (!(held >= 1 && held < dataset.length)) {
    const expected = `a share that leaves at least one of ${dataset.length} examples on either side`;
    throw new InputError(`${dataset.name}: validation fraction: expected ${expected}, got ${fraction}`);
  }
  const order = permutation(dataset.length, stream(seed, "data/split"));
  return {
    train: subset(dataset, order.slice(held).sort()),
    validation: subset(dataset, order.slice(0, held).sort()),
  };
}

/** The mean of each feature over all examples, in the data's own units, summed in float64: [features]. */
export function featureMeans(dataset: Dataset): Float64Array {
  return featureAverages(dataset, (value) => value);
}

/** The standard deviation of each feature about the given means, in raw units, the divisor n; float64, in blocks of rows. */
export function featureDeviations(dataset: Dataset, means: ArrayLike<number>): Float64Array {
  return featureAverages(dataset, (value, feature) => (value - means[feature]) ** 2).map(Math.sqrt);
}

function featureAverages(dataset: Dataset, term: (value: number, feature: number) => number): Float64Array {
  const size = sizeOf(dataset.shape);
  const sums = new Float64Array(size);
  const blockRows = Math.max(1, Math.min(dataset.length, Math.floor(2 ** 20 / size)));
  const block = new Float32Array(blockRows * size);
  for (let start = 0; start < dataset.length; start += blockRows) {
    const rows = Math.min(blockRows, dataset.length - start);
    const indices = Uint32Array.from({ length: rows }, (_, i) => start + i);
    dataset.read(indices, block);
    for (let i = 0, feature = 0; i < rows * size; i++) {
      sums[feature] += term(block[i], feature);
      if (++feature === size) feature = 0;
    }
  }
  return sums.map((sum) => sum / dataset.length);
}

/** The numbers as uint8 or float32, all finite. */
function storable({ data }: NdArray, name: string, place: (i: number) => string): Uint8Array | Float32Array {
  if (data instanceof Uint8Array) return data;
  if (data instanceof Int32Array) {
    const inexact = data.findIndex((value) => Math.abs(value) > 2 ** 24);
    if (inexact >= 0) {
      throw new InputError(
        `${name}: ${place(inexact)}: expected an integer that float32 holds exactly (within ±2^24), got ${data[inexact]}`,
      );
    }
  }
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  const stray = floats.findIndex((value) => !Number.isFinite(value));
  if (stray >= 0) {
    throw new InputError(`${name}: ${place(stray)}: expected a finite float32 number, got ${data[stray]}`);
  }
  return floats;
}

function checkedRow(row: number, length: number, name: string): number {
  if (Number.isInteger(row) && row >= 0 && row < length) return row;
  throw new InputError(`${name}: expected a row from 0 to ${length - 1}, got ${row}`);
}
