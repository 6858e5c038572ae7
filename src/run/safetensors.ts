/**
 * The safetensors format (https://huggingface.co/docs/safetensors): eight bytes with the length of the header, the header
 * as JSON, then the numbers of all tensors without gaps, little-endian as on every machine the engine runs on.
 * Ours begin with a checksum, `{"__metadata__":{"fileChecksum":"fnv1a32:89abcdef", …`, over every byte after its digits: the
 * rest of the header and the data. Other readers see a piece of metadata; files without it are read unchecked.
 */
import { bytesOf, fnv1a32 } from "../checksum.ts";
import { InputError } from "../errors.ts";
import { type Data, type NdArray, sizeOf } from "../tensor/ndarray.ts";

/** Named tensors and the text that goes with them. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, NdArray>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

type Dtype = keyof typeof DTYPES;

const DTYPES = {
  F64: { bytes: 8, array: (buffer: ArrayBuffer): Data => new Float64Array(buffer) },
  F32: { bytes: 4, array: (buffer: ArrayBuffer): Data => new Float32Array(buffer) },
  I32: { bytes: 4, array: (buffer: ArrayBuffer): Data => new Int32Array(buffer) },
  U8: { bytes: 1, array: (buffer: ArrayBuffer): Data => new Uint8Array(buffer) },
} as const;

const PREFIX_BYTES = 8;
const METADATA = "__metadata__";
const CHECKSUM_KEY = "fileChecksum";
const CHECKSUM_START = `{"${METADATA}":{"${CHECKSUM_KEY}":"`;
const NO_CHECKSUM = "fnv1a32:00000000";

/**
 * The bytes of a safetensors file: F32, F64, I32 and U8 by the arrays' types, wider ones first so that each lies aligned.
 * The metadata's key `fileChecksum` is the file's own.
 * @throws InputError when a tensor's shape does not fit its numbers, or its name is the format's own `__metadata__`.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, NdArray>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const ordered = [...tensors].map(([name, array]) => ({ name, ...array, dtype: dtypeOf(array.data) }));
  ordered.sort((a, b) => DTYPES[b.dtype].bytes - DTYPES[a.dtype].bytes);

  let size = 0;
  const entries = ordered.map(({ name, dtype, shape, data }) => {
    if (name === METADATA) throw new InputError(`safetensors: a tensor cannot be named ${METADATA}: rename it`);
    if (sizeOf(shape) !== data.length) {
      const needed = `shape [${shape.join(", ")}] needs ${sizeOf(shape)} numbers`;
      throw new InputError(`safetensors: tensor ${quote(name)}: ${needed}, got ${data.length}`);
    }
    const begin = size;
    size += data.byteLength;
    return [name, { dtype, shape, data_offsets: [begin, size] }] as const;
  });
  const text = [`${CHECKSUM_START}${NO_CHECKSUM}"`, ...members(Object.entries(metadata))].join(",");
  const json = new TextEncoder().encode(`${[`${text}}`, ...members(entries)].join(",")}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;

  const bytes = new Uint8Array(PREFIX_BYTES + headerBytes + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, PREFIX_BYTES, PREFIX_BYTES + headerBytes);
  bytes.set(json, PREFIX_BYTES);
  let offset = PREFIX_BYTES + headerBytes;
  for (const { data } of ordered) {
    bytes.set(bytesOf(data), offset);
    offset += data.byteLength;
  }
  const checked = PREFIX_BYTES + CHECKSUM_START.length + NO_CHECKSUM.length;
  bytes.set(new TextEncoder().encode(fnv1a32(bytes.subarray(checked))), checked - NO_CHECKSUM.length);
  return bytes;
}

/** The members of a JSON object in the given order, which an object would not keep for names such as "12". */
function members(entries: readonly (readonly [string, unknown])[]): string[] {
  return entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
}

/**
 * The tensors of a safetensors file, copied out of `bytes`, in file order.
 * @param file its name, for messages.
 * @throws InputError when a byte is missing, changed or out of place, or a dtype is not F32, F64, I32 or U8.
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): TensorFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = bytes.length < PREFIX_BYTES ? Number.NaN : Number(view.getBigUint64(0, true));
  if (!(headerBytes >= 2 && headerBytes <= bytes.length - PREFIX_BYTES)) {
    const claim = Number.isNaN(headerBytes) ? "shorter than 8 bytes" : `a header of ${headerBytes} bytes`;
    throw malformed(file, `${claim} in a file of ${bytes.length}: it is truncated, or another format`);
  }
  const text = new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes));
  verifyChecksum(bytes, text, file);

  const header = parseHeader(text, file);
  const data = bytes.subarray(PREFIX_BYTES + headerBytes);
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]) => parseEntry(name, value, file))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  let reached = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== reached) {
      const fault = begin < reached ? "overlaps the one before it" : "leaves a gap";
      throw malformed(file, `tensor ${quote(name)} ${fault}: it begins at byte ${begin}, expected ${reached}`);
    }
    reached = end;
  }
  if (reached !== data.length) throw malformed(file, `its tensors take ${reached} bytes, its data ${data.length}`);

  const tensors = new Map<string, NdArray>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const copy = new Uint8Array(end - begin);
    copy.set(data.subarray(begin, end));
    tensors.set(name, { data: DTYPES[dtype].array(copy.buffer), shape });
  }
  return { tensors, metadata: parseMetadata(header[METADATA], file) };
}

function verifyChecksum(bytes: Uint8Array, header: string, file: string): void {
  if (!header.startsWith(`${CHECKSUM_START}fnv1a32:`)) return;
  const end = CHECKSUM_START.length + NO_CHECKSUM.length;
  const expected = header.slice(CHECKSUM_START.length, end);
  const actual = fnv1a32(bytes.subarray(PREFIX_BYTES + end));
  if (actual === expected) return;
  throw new InputError(`${file}: is corrupted: checksum ${actual}, expected ${expected}; delete it or restore a copy`);
}

function parseHeader(text: string, file: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw malformed(file, "its header is not JSON");
  }
  if (!isRecord(header)) throw malformed(file, "its header is not a JSON object");
  return header;
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  if (value !== undefined && !isRecord(value)) throw malformed(file, `its ${METADATA} is not a JSON object`);
  const metadata = Object.entries(value ?? {}).map(([key, text]) => {
    if (typeof text !== "string") throw malformed(file, `its metadata ${quote(key)} is not text`);
    return [key, text] as const;
  });
  return Object.fromEntries(metadata.filter(([key]) => key !== CHECKSUM_KEY));
}

function parseEntry(name: string, value: unknown, file: string): Entry {
  const { dtype, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  if (!isDtype(dtype)) {
    const expected = Object.keys(DTYPES).join(", ");
    throw malformed(file, `tensor ${quote(name)} has dtype ${JSON.stringify(dtype)}, expected ${expected}`);
  }
  if (!isCounts(shape)) throw malformed(file, `tensor ${quote(name)} has shape ${JSON.stringify(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw malformed(file, `tensor ${quote(name)} has data_offsets ${JSON.stringify(offsets)}, expected [begin, end]`);
  }
  const [begin, end] = offsets;
  const size = sizeOf(shape) * DTYPES[dtype].bytes;
  if (end - begin !== size) {
    const type = `${dtype} [${shape.join(", ")}]`;
    throw malformed(file, `tensor ${quote(name)}: ${type} needs ${size} bytes, its data_offsets span ${end - begin}`);
  }
  return { name, dtype, shape, begin, end };
}

function dtypeOf(data: Data): Dtype {
  if (data instanceof Float32Array) return "F32";
  if (data instanceof Float64Array) return "F64";
  return data instanceof Int32Array ? "I32" : "U8";
}

function malformed(file: string, fault: string): InputError {
  return new InputError(`${file}: is no valid safetensors file: ${fault}; delete it or restore a copy`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(DTYPES, value);
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

function quote(name: string): string {
  return JSON.stringify(name);
}
