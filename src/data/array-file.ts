/** Arrays in files, IDX or .npy: read into memory, or by index where they lie when they are larger than that. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { InputError } from "../errors.ts";
import { type Data, type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { type Annotations, type ArrayDatasetOptions, arrayDataset, type Dataset, rowsDataset } from "./dataset.ts";
import { checkByteCount, decodeElements, decodeInto, type Elements, firstBytes, widthOf } from "./elements.ts";
import { contentOf, fileSize, firstBytesOf, isGzip, type Watch } from "./file-bytes.ts";
import { idxHeader, isIdx } from "./idx.ts";
import { isNpy, npyHeader } from "./npy.ts";
import { missingRemedy, type ReadingOptions } from "./reading.ts";
import { fileRows, memoryLimit, type RowLayout, type RowWriter, rowWriter } from "./row-file.ts";
import type { Rows } from "./rows.ts";
import { transpose } from "./transpose.ts";

export interface ArrayFileOptions extends ReadingOptions {
  /** Bytes of data that are read into memory; more are read by index. Default: a quarter of what is free, at most 1 GiB. */
  readonly limit?: number;
}

/**
 * The dataset in an IDX or .npy file, gzipped or not: both told by content, never by name. Data larger than the limit stay in
 * the file, which is then read by index and must not change; gzipped ones are unpacked into a temporary file.
 *
 * Rank 2 is [examples, features]. Rank 3 is grey images [examples, height, width], given as [1, height, width]. Rank 4 is
 * [examples, channels, height, width] where the second size is 1, 3 or 4, else [examples, height, width, channels] where the
 * last one is, which is brought into the first order; images of 1, 3 or 4 rows and as many channels are read the first way.
 * Labels are taken from the file beside it where the names are the usual ones: `…images-idx3…` and `…labels-idx1…`.
 *
 * Throws InputError, in one line with the file and the place, where there is no such file, it is not a dataset, a number is
 * NaN (unless `missing` is "keep") or ±∞ or outside the stated measure, or Fortran order is larger than the limit. Progress is told in bytes of the file.
 * The checksum is the SHA-256 of the decompressed bytes.
 */
export async function openArrayFile(path: string, options: ArrayFileOptions = {}): Promise<Dataset> {
  const { measure, missing, limit = Math.min(memoryLimit(), 2 ** 30) } = options;
  const content = await openContent(path, options);
  try {
    const examples = examplesOf(content.header.shape, path);
    const about = { name: path, measure, missing, missingRemedy, labels: await labelsBeside(path, examples.length) };
    if (byteCount(content.header) > limit) return await largeDataset(content, examples, about, limit);
    const { array, checksum } = await readArray(content);
    return arrayDataset(inOrder(array.data, examples.length, examples), { ...about, checksum });
  } finally {
    await content.rest.return();
  }
}

/** A file whose header is known, and whose bytes, decompressed and from the first one on, are still to be read. */
interface Content {
  readonly path: string;
  readonly compressed: boolean;
  readonly header: Elements;
  /** What was read to find the header, and all that follows it. */
  readonly head: Uint8Array;
  readonly rest: AsyncGenerator<Uint8Array, void>;
}

const HEADER_BYTES = 2 ** 17; // the header of an array of numbers takes less than 2¹⁶, whoever wrote it

async function openContent(path: string, watch: Watch): Promise<Content> {
  const size = await fileSize(path);
  const compressed = isGzip(await firstBytesOf(path, 2));
  const rest = contentOf(path, watch);
  try {
    const head = await firstOf(rest, HEADER_BYTES);
    const header = headerOf(head, path);
    if (!compressed) checkByteCount(header, size - header.offset, path);
    return { path, compressed, header, head, rest };
  } catch (error) {
    await rest.return();
    throw error;
  }
}

/** So many bytes from the start, or a few more, or all that there are. */
async function firstOf(chunks: AsyncGenerator<Uint8Array, void>, count: number): Promise<Uint8Array> {
  const taken: Uint8Array[] = [];
  for (let length = 0; length < count; ) {
    const { done, value } = await chunks.next();
    if (done) break;
    taken.push(value);
    length += value.length;
  }
  return Buffer.concat(taken);
}

function headerOf(head: Uint8Array, path: string): Elements {
  if (head.length === 0) throw new InputError(`${path}: the file is empty`);
  if (isNpy(head)) return npyHeader(head, path);
  if (isIdx(head)) return idxHeader(head, path);
  throw new InputError(
    `${path}: byte 0: expected an IDX or .npy file (gzipped or not), got one that begins with ${firstBytes(head)}`,
  );
}

/** Goes through all bytes, telling where in the content each piece begins, and gives their checksum. */
async function readThrough(
  { path, header, head, rest }: Content,
  take: (piece: Uint8Array, start: number) => void,
): Promise<string> {
  const hash = createHash("sha256");
  let length = 0;
  const pass = (piece: Uint8Array): void => {
    hash.update(piece);
    take(piece, length);
    length += piece.length;
  };
  pass(head);
  for await (const piece of rest) pass(piece);
  checkByteCount(header, length - header.offset, path);
  return `sha256:${hash.digest("hex")}`;
}

async function readArray(content: Content): Promise<{ readonly array: NdArray; readonly checksum: string }> {
  const { path, header } = content;
  const bytes = new Uint8Array(header.offset + byteCount(header));
  const checksum = await readThrough(content, (piece, start) => {
    if (start < bytes.length) bytes.set(piece.subarray(0, bytes.length - start), start);
  });
  return { array: decodeElements(bytes, path, header), checksum };
}

/** What the axes of an array are: [examples, …]. */
interface Examples {
  readonly length: number;
  /** Of one example as it lies in the file. */
  readonly stored: readonly number[];
  /** How its axes are brought into the order [channels, height, width], where they lie in another one. */
  readonly axes?: readonly number[];
  readonly shape: readonly number[];
}

const imageChannels: readonly number[] = [1, 3, 4];

function examplesOf(all: readonly number[], path: string): Examples {
  const [length, ...stored] = all;
  if (all.length === 1) {
    const remedy = "give the images file, or reshape to [examples, 1] if each number is an example";
    throw new InputError(
      `${path}: expected examples of at least rank 2, got shape [${all}]: these are labels; ${remedy}`,
    );
  }
  if (stored.length === 1) return { length, stored, shape: stored };
  if (stored.length === 2) return { length, stored, shape: [1, ...stored] };
  if (stored.length === 3) {
    const [height, width, channels] = stored;
    if (imageChannels.includes(stored[0])) return { length, stored, shape: stored };
    if (imageChannels.includes(channels)) {
      return { length, stored, axes: [2, 0, 1], shape: [channels, height, width] };
    }
  }
  const expected = "[n, features], [n, height, width], [n, channels, height, width] or [n, height, width, channels]";
  throw new InputError(`${path}: expected shape ${expected} with 1, 3 or 4 channels, got [${all}]`);
}

/** The numbers of so many examples as an array whose axes are in order: [rows, …shape]. */
function inOrder(data: Data, rows: number, { stored, axes, shape }: Examples): NdArray {
  if (axes === undefined) return { data, shape: [rows, ...shape] };
  return transpose({ data, shape: [rows, ...stored] }, [0, ...axes.map((axis) => axis + 1)]);
}

/** Rows whose axes are brought into order each time that they are read. */
function rowsInOrder(rows: Rows, examples: Examples): Rows {
  if (examples.axes === undefined) return rows;
  return {
    ...rows,
    read(indices, out) {
      rows.read(indices, out);
      out.set(inOrder(out.subarray(0, indices.length * rows.size), indices.length, examples).data);
    },
  };
}

const MOST_NUMBERS = 2 ** 28; // of one example: a gibibyte of floats

/** Examples that stay on disk: where they are, or unpacked in a temporary file. */
async function largeDataset(
  content: Content,
  examples: Examples,
  about: Pick<ArrayDatasetOptions, "name" | "labels" | "measure" | "missing" | "missingRemedy">,
  limit: number,
): Promise<Dataset> {
  const { path, compressed, header } = content;
  const layout = { ...header, length: examples.length, size: sizeOf(examples.stored) };
  if (layout.size > MOST_NUMBERS) {
    throw new InputError(`${path}: expected examples of at most ${MOST_NUMBERS} numbers, got [${examples.stored}]`);
  }
  if (header.fortran) {
    const fault = `Fortran order, in which ${byteCount(header)} bytes cannot be read by row and do not fit into memory`;
    throw new InputError(`${path}: ${fault} (${Math.round(limit)} bytes); save np.ascontiguousarray(array)`);
  }
  if (!compressed) {
    const checksum = await readThrough(content, () => {});
    const notices = ["too large for memory: read from the file as it is needed, so leave the file as it is"];
    return rowsDataset(rowsInOrder(fileRows(path, layout), examples), examples.shape, { ...about, checksum, notices });
  }
  const writer = rowWriter({ ...layout, dtype: header.type === "u1" ? "uint8" : "float32", limit });
  try {
    const checksum = await readThrough(content, rowsOf(layout, path, writer));
    const notices = [
      "too large for memory: unpacked into a temporary file; without gzip it is read from where it lies",
    ];
    return rowsDataset(rowsInOrder(writer.finish(), examples), examples.shape, { ...about, checksum, notices });
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

/** Takes the pieces of a file, one after another, and writes the rows in them. */
function rowsOf(layout: RowLayout, path: string, writer: RowWriter): (piece: Uint8Array, start: number) => void {
  const { offset, length, size, type } = layout;
  const rowBytes = size * widthOf(type);
  const rows = Math.max(1, Math.floor(2 ** 20 / rowBytes));
  const block = new Uint8Array(rows * rowBytes);
  const numbers = type === "u1" ? new Uint8Array(rows * size) : new Float32Array(rows * size);
  const end = offset + length * rowBytes;
  let filled = 0;
  return (piece, start) => {
    for (let at = Math.max(start, offset); at < Math.min(start + piece.length, end); ) {
      const part = piece.subarray(at - start, Math.min(at + block.length - filled, end) - start);
      block.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < block.length && at < end) continue;
      const decoded = numbers.subarray(0, (filled / rowBytes) * size);
      decodeInto(decoded, block, path, { ...layout, offset: at - filled });
      writer.write((at - filled - offset) / rowBytes, decoded);
      filled = 0;
    }
  };
}

function byteCount({ shape, type }: Elements): number {
  return sizeOf(shape) * widthOf(type);
}

async function labelsBeside(path: string, length: number): Promise<Annotations["labels"]> {
  const name = basename(path);
  const labelsName = name.replace(/images([-.])idx3/, "labels$1idx1");
  const labelsPath = join(dirname(path), labelsName);
  if (labelsName === name || !existsSync(labelsPath)) return undefined;
  const content = await openContent(labelsPath, {});
  try {
    const { shape } = content.header;
    if (shape.length === 1 && shape[0] === length) {
      const { data } = (await readArray(content)).array;
      if (data instanceof Uint8Array || data instanceof Int32Array) return data;
    }
    throw new InputError(`${labelsPath}: expected ${length} integer labels for ${name}, got shape [${shape}]`);
  } finally {
    await content.rest.return();
  }
}
