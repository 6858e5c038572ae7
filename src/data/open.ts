import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { InputError } from "../errors.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { arrayDataset, type Dataset } from "./dataset.ts";
import { firstBytes } from "./elements.ts";
import { isIdx, parseIdx } from "./idx.ts";
import { isNpy, parseNpy } from "./npy.ts";
import { transpose } from "./transpose.ts";

/**
 * The dataset in an IDX or .npy file, gzipped or not: both told by content, never by name. Read into memory as a whole.
 *
 * Rank 2 is [examples, features]. Rank 3 is grey images [examples, height, width], given as [1, height, width]. Rank 4 is
 * [examples, channels, height, width] where the second size is 1, 3 or 4, else [examples, height, width, channels] where the
 * last one is, which is brought into the first order; images of 1, 3 or 4 rows and as many channels are read the first way.
 * Labels are taken from the file beside it where the names are the usual ones: `…images-idx3…` and `…labels-idx1…`.
 *
 * Throws InputError, in one line with the file and the place, where there is no such file, it is not a dataset, or a number
 * is NaN or ±∞. The checksum is the SHA-256 of the decompressed bytes.
 */
export async function openDataset(path: string): Promise<Dataset> {
  const bytes = await readContent(path);
  const array = images(parse(bytes, path), path);
  const labels = await labelsBeside(path, array.shape[0]);
  const checksum = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  return arrayDataset(array, { name: path, labels, checksum });
}

const imageChannels: readonly number[] = [1, 3, 4];

function images(array: NdArray, path: string): NdArray {
  const { shape } = array;
  if (shape.length === 1) {
    const remedy = "give the images file, or reshape to [examples, 1] if each number is an example";
    throw new InputError(
      `${path}: expected examples of at least rank 2, got shape [${shape}]: these are labels; ${remedy}`,
    );
  }
  if (shape.length === 2) return array;
  if (shape.length === 3) return { data: array.data, shape: [shape[0], 1, shape[1], shape[2]] };
  if (shape.length === 4) {
    if (imageChannels.includes(shape[1])) return array;
    if (imageChannels.includes(shape[3])) return transpose(array, [0, 3, 1, 2]);
  }
  const expected = "[n, features], [n, height, width], [n, channels, height, width] or [n, height, width, channels]";
  throw new InputError(`${path}: expected shape ${expected} with 1, 3 or 4 channels, got [${shape}]`);
}

async function labelsBeside(path: string, length: number): Promise<Uint8Array | Int32Array | undefined> {
  const name = basename(path);
  const labelsName = name.replace(/images([-.])idx3/, "labels$1idx1");
  const labelsPath = join(dirname(path), labelsName);
  if (labelsName === name || !existsSync(labelsPath)) return undefined;
  const { data, shape } = parse(await readContent(labelsPath), labelsPath);
  const integers = data instanceof Uint8Array || data instanceof Int32Array;
  if (integers && shape.length === 1 && shape[0] === length) return data;
  throw new InputError(`${labelsPath}: expected ${length} integer labels for ${name}, got shape [${shape}]`);
}

function parse(bytes: Uint8Array, path: string): NdArray {
  if (isNpy(bytes)) return parseNpy(bytes, path);
  if (isIdx(bytes)) return parseIdx(bytes, path);
  throw new InputError(
    `${path}: byte 0: expected an IDX or .npy file (gzipped or not), got one that begins with ${firstBytes(bytes)}`,
  );
}

const faults: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EISDIR: "a directory; give the file of the images in it",
  EACCES: "no permission to read it",
  EPERM: "no permission to read it",
  ERR_FS_FILE_TOO_LARGE: "larger than 2 GiB; split it",
};

/** The bytes of the file, decompressed where they are gzip. */
async function readContent(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: ${faults[error.code ?? ""] ?? `cannot be read (${error.code ?? error.message})`}`);
  });
  const content = bytes[0] === 0x1f && bytes[1] === 0x8b ? await decompress(bytes, path) : bytes;
  if (content.length === 0) throw new InputError(`${path}: the file is empty`);
  return content;
}

function decompress(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  return promisify(gunzip)(bytes, { chunkSize: 2 ** 20 }).catch((error: Error) => {
    throw new InputError(`${path}: not a sound gzip file (${error.message}); copy or download it again`);
  });
}
