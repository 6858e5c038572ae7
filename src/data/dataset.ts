import { bytesOf, fnv1a32 } from "../checksum.ts";
import { InputError } from "../errors.ts";
import { permutation, stream } from "../random/stream.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { type Conditions, type GivenColumn, someRows } from "./conditions.ts";
import { forEachBlock, type Numbers, type Rows, rowsInMemory } from "./rows.ts";

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
  /** What the class numbers mean, where the data have words for them: the names of sub-folders, the text of a column. */
  readonly labelNames?: readonly string[];
  /** The column of a table that the classes are of. */
  readonly labelColumn?: string;
  /** Where each example is from, such as a file within its folder or "line 17". */
  readonly sources?: readonly string[];
  /** The names of a table's columns: [features]. */
  readonly columns?: readonly string[];
  /** How many numbers are missing, each NaN, of data that were read to keep such; undefined of all others, which have none. */
  readonly missing?: number;
  /** Columns that were read to be given, not modelled. */
  readonly given?: readonly GivenColumn[];
  /** What is given of each example, as the model takes it. */
  readonly conditions?: Conditions;
  /** What a user should hear of how the data were read, a line each. */
  readonly notices?: readonly string[];
  /** Writes the examples of these rows one after another into `out`: [indices.length, …shape]. uint8 data may be read as float32. */
  read(indices: ArrayLike<number>, out: Uint8Array | Float32Array): void;
}

/** What is known of examples beside their numbers. */
export type Annotations = Pick<
  Dataset,
  "labels" | "labelNames" | "labelColumn" | "sources" | "columns" | "given" | "notices"
>;

export interface ArrayDatasetOptions extends Annotations {
  readonly name: string;
  /** Default: what the numbers look like, see `guessMeasure`. A stated one is checked against every number. */
  readonly measure?: Measure;
  /** "keep": NaN stands for a number that is missing. By default it is refused, `missingRemedy` saying what to do. */
  readonly missing?: "keep";
  readonly missingRemedy?: string;
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

/** All 0 or 1 → "binary"; other bytes → "bytes"; other floats within [0, 1] → "unit", else "real". Counts and categories must be stated. */
export function guessMeasure(data: Numbers): Measure {
  if (data.every(contains.binary)) return "binary";
  if (data instanceof Uint8Array) return "bytes";
  return data.every(contains.unit) ? "unit" : "real";
}

/** The narrowest measure that all of these are within: of bytes and zeros, bytes. */
function widest(seen: readonly Measure[]): Measure {
  const byWidth: readonly Measure[] = ["real", "unit", "bytes"];
  return byWidth.find((measure) => seen.includes(measure)) ?? "binary";
}

/** Whether all numbers of one measure are numbers of the other too: what is binary is in the unit interval and real. */
export function isWithin(inner: Measure, outer: Measure): boolean {
  if (inner === "binary" && outer === "bytes") return true;
  const nested: readonly Measure[] = ["binary", "unit", "real"];
  return inner === outer || (nested.includes(inner) && nested.indexOf(inner) < nested.indexOf(outer));
}

/**
 * The rows of an array [n, …shape] as a dataset, over the array's own memory where it is uint8 or float32.
 * float64 is rounded to float32; int32 must be exact in it, so within ±2²⁴.
 * Throws InputError for an array without rows or features, for numbers outside the stated measure, and for NaN (unless `missing`
 * is "keep") and ±∞.
 */
export function arrayDataset(array: NdArray, options: ArrayDatasetOptions): Dataset {
  const { name } = options;
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
  const data = storable(array, name, (i) => placeOf(i, size));
  const dtype = data instanceof Uint8Array ? "uint8" : "float32";
  const checksum = options.checksum ?? fnv1a32(new TextEncoder().encode(`${dtype}[${array.shape}]`), bytesOf(data));
  return rowsDataset(rowsInMemory(data, size), shape, { ...options, checksum });
}

/**
 * Rows of examples of this shape as a dataset. Their numbers are looked at once, for what they are.
 * Throws InputError where labels are not one for each row, for numbers outside the stated measure, and for NaN and ±∞ as
 * `arrayDataset` does.
 */
export function rowsDataset(
  rows: Rows,
  shape: readonly number[],
  options: ArrayDatasetOptions & { readonly checksum: string },
): Dataset {
  const { name, measure, checksum, missing: _, missingRemedy: __, ...annotations } = options;
  const { length, dtype } = rows;
  const { labels } = annotations;
  if (labels !== undefined && labels.length !== length) {
    throw new InputError(`${name}: expected one label for each of ${length} examples, got ${labels.length}`);
  }
  const found = examine(rows, options);
  const notices = found.missing ? [...(annotations.notices ?? []), missingNotice(found.missing, rows)] : undefined;
  return {
    ...annotations,
    ...(notices && { notices }),
    ...(found.missing !== undefined && { missing: found.missing }),
    name,
    length,
    shape,
    dtype,
    measure: measure ?? found.measure,
    checksum,
    read(indices, out) {
      if (out instanceof Uint8Array && dtype === "float32" && (measure !== "bytes" || found.missing)) {
        throw new InputError(`${name}: float32 data would be cut to integers; read it into a Float32Array`);
      }
      for (let i = 0; i < indices.length; i++) checkedRow(indices[i], length, name);
      rows.read(indices, out);
    },
  };
}

function missingNotice(missing: number, { length, size }: Rows): string {
  return `${missing} of ${length * size} numbers are missing (${((100 * missing) / (length * size)).toPrecision(2)} %)`;
}

/** The narrowest measure of all numbers, each of which must be finite and one of the stated measure, and how many are missing. */
function examine(
  rows: Rows,
  { name, measure: stated, missing: policy, missingRemedy }: ArrayDatasetOptions,
): { readonly measure: Measure; readonly missing?: number } {
  const keep = policy === "keep";
  if (rows.dtype === "uint8" && stated === "bytes")
    return keep ? { measure: "bytes", missing: 0 } : { measure: "bytes" };
  const known = stated === undefined ? Number.isFinite : (x: number) => Number.isFinite(x) && contains[stated](x);
  const fits = keep ? (x: number) => Number.isNaN(x) || known(x) : known;
  const seen: Measure[] = [];
  let missing = 0;
  forEachBlock(rows, (block, firstRow) => {
    const stray = block.findIndex((value) => !fits(value));
    if (stray >= 0) {
      const value = block[stray];
      const expected =
        stated === undefined || !Number.isFinite(value)
          ? "a finite float32 number"
          : `a number of the measure "${stated}"`;
      const remedy = Number.isNaN(value) && missingRemedy ? `; ${missingRemedy}` : "";
      throw new InputError(
        `${name}: ${placeOf(firstRow * rows.size + stray, rows.size)}: expected ${expected}, got ${value}${remedy}`,
      );
    }
    const numbers = keep ? block.filter((value) => !Number.isNaN(value)) : block;
    missing += block.length - numbers.length;
    seen.push(guessMeasure(numbers));
  });
  return keep ? { measure: widest(seen), missing } : { measure: widest(seen) };
}

function placeOf(i: number, size: number): string {
  return `row ${Math.floor(i / size)}, column ${i % size} (from 0)`;
}

/** The numbers of all examples: [n, …shape]. */
export function numbersOf(dataset: Dataset): Float32Array {
  const all = new Float32Array(dataset.length * sizeOf(dataset.shape));
  dataset.read(
    Uint32Array.from({ length: dataset.length }, (_, i) => i),
    all,
  );
  return all;
}

/** The examples of these rows, in this order; rows may repeat. Reads through to the dataset. */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  if (indices.length === 0) throw new InputError(`${dataset.name}: a subset needs at least one row`);
  const rows = Uint32Array.from(indices, (row) => checkedRow(row, dataset.length, dataset.name));
  const { labels, conditions } = dataset;
  const part: Dataset = {
    ...dataset,
    length: rows.length,
    checksum: `rows ${fnv1a32(bytesOf(rows))} of ${dataset.checksum}`,
    labels:
      labels instanceof Uint8Array
        ? Uint8Array.from(rows, (row) => labels[row])
        : labels && Int32Array.from(rows, (row) => labels[row]),
    sources: dataset.sources && Array.from(rows, (row) => dataset.sources?.[row] ?? ""),
    given: dataset.given?.map((column) => someRows(column, rows)),
    conditions: conditions && {
      ...conditions,
      read: (positions, out) =>
        conditions.read(
          Uint32Array.from(positions, (position) => rows[position]),
          out,
        ),
    },
    read(positions, out) {
      const indices = Uint32Array.from(positions, (position) => rows[checkedRow(position, rows.length, dataset.name)]);
      dataset.read(indices, out);
    },
  };
  return dataset.missing ? { ...part, missing: missingIn(part) } : part;
}

/** How many of its numbers are NaN. */
function missingIn(dataset: Dataset): number {
  let missing = 0;
  forEachBlock({ ...dataset, size: sizeOf(dataset.shape) }, (block) => {
    for (const value of block) if (Number.isNaN(value)) missing++;
  });
  return missing;
}

/** The first examples, at most so many. */
export function firstOf(dataset: Dataset, count: number): Dataset {
  if (count >= dataset.length) return dataset;
  return subset(
    dataset,
    Array.from({ length: count }, (_, i) => i),
  );
}

/** The names of so many columns: those that the data have, else x0, x1, … */
export function columnNames(columns: readonly string[] | undefined, count: number): readonly string[] {
  return columns ?? Array.from({ length: count }, (_, j) => `x${j}`);
}

/**
 * Two disjoint parts that together are the whole, each in the dataset's order: `fraction` of the examples (rounded) go to
 * `validation`; of labelled ones the same share of every class, to within one example. Which ones depends on the seed, the
 * labels and the number of examples alone.
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
  const order = interleaved(permutation(dataset.length, stream(seed, "data/split")), dataset.labels);
  return {
    train: subset(dataset, order.slice(held).sort()),
    validation: subset(dataset, order.slice(0, held).sort()),
  };
}

/** The same rows with the classes spread evenly, so that every stretch from the start holds each class by its share. */
function interleaved(order: Uint32Array, labels: Dataset["labels"]): Uint32Array {
  if (labels === undefined) return order;
  const sizes = new Map<number, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const met = new Map<number, number>();
  const places = new Float64Array(labels.length);
  for (const row of order) {
    const label = labels[row];
    const before = met.get(label) ?? 0;
    met.set(label, before + 1);
    places[row] = (before + 0.5) / (sizes.get(label) ?? 1); // where in its class, from 0 to 1
  }
  return Uint32Array.from(Array.from(order).sort((a, b) => places[a] - places[b]));
}

/** The smallest and the largest number: those that bytes and zeros and ones can be, and of other data those that are observed. */
export function numberRange(dataset: Dataset): readonly [number, number] {
  if (dataset.measure === "bytes") return [0, 255];
  if (dataset.measure === "binary") return [0, 1];
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  forEachBlock({ ...dataset, size: sizeOf(dataset.shape) }, (block) => {
    for (const value of block) {
      if (Number.isNaN(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  });
  return [low, high];
}

/** The mean of each feature over all examples that have it, in the data's own units, summed in float64: [features]. */
export function featureMeans(dataset: Dataset): Float64Array {
  return featureAverages(dataset, (value) => value);
}

/** The standard deviation of each feature about the given means, in raw units, the divisor as in the mean; float64, in blocks of rows. */
export function featureDeviations(dataset: Dataset, means: ArrayLike<number>): Float64Array {
  return featureAverages(dataset, (value, feature) => (value - means[feature]) ** 2).map(Math.sqrt);
}

function featureAverages(dataset: Dataset, term: (value: number, feature: number) => number): Float64Array {
  const size = sizeOf(dataset.shape);
  const sums = new Float64Array(size);
  const counts = new Float64Array(size).fill(dataset.length);
  forEachBlock({ ...dataset, size }, (block) => {
    for (let i = 0, feature = 0; i < block.length; i++) {
      if (Number.isNaN(block[i])) counts[feature]--;
      else sums[feature] += term(block[i], feature);
      if (++feature === size) feature = 0;
    }
  });
  return sums.map((sum, feature) => sum / counts[feature]);
}

/** The numbers as uint8 or float32. */
function storable({ data }: NdArray, name: string, place: (i: number) => string): Numbers {
  if (data instanceof Uint8Array) return data;
  if (data instanceof Int32Array) {
    const inexact = data.findIndex((value) => Math.abs(value) > 2 ** 24);
    if (inexact >= 0) {
      throw new InputError(
        `${name}: ${place(inexact)}: expected an integer that float32 holds exactly (within ±2^24), got ${data[inexact]}`,
      );
    }
  }
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

function checkedRow(row: number, length: number, name: string): number {
  if (Number.isInteger(row) && row >= 0 && row < length) return row;
  throw new InputError(`${name}: expected a row from 0 to ${length - 1}, got ${row}`);
}
