import { InputError } from "../errors.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { transpose } from "./transpose.ts";

/** The number types of files, named as in NumPy: boolean, unsigned, signed or float, and the size in bytes. */
export const elementTypes = ["b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"] as const;
export type ElementType = (typeof elementTypes)[number];

/** How numbers are written in a file. */
export interface Encoding {
  readonly type: ElementType;
  readonly littleEndian: boolean;
}

/** What lies in a file from a byte offset to its end, as its header says. */
export interface Elements extends Encoding {
  readonly shape: readonly number[];
  readonly offset: number;
  /** The first axis runs fastest, not the last. */
  readonly fortran: boolean;
}

interface Decoder {
  readonly bytes: number;
  readonly array: Uint8ArrayConstructor | Int32ArrayConstructor | Float32ArrayConstructor;
  readonly read: (view: DataView, at: number, littleEndian: boolean) => number;
}

const decoders: Readonly<Record<ElementType, Decoder>> = {
  b1: { bytes: 1, array: Float32Array, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
  u1: { bytes: 1, array: Uint8Array, read: (view, at) => view.getUint8(at) },
  i1: { bytes: 1, array: Int32Array, read: (view, at) => view.getInt8(at) },
  u2: { bytes: 2, array: Int32Array, read: (view, at, little) => view.getUint16(at, little) },
  i2: { bytes: 2, array: Int32Array, read: (view, at, little) => view.getInt16(at, little) },
  u4: { bytes: 4, array: Int32Array, read: (view, at, little) => view.getUint32(at, little) },
  i4: { bytes: 4, array: Int32Array, read: (view, at, little) => view.getInt32(at, little) },
  u8: { bytes: 8, array: Int32Array, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  i8: { bytes: 8, array: Int32Array, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  f2: { bytes: 2, array: Float32Array, read: (view, at, little) => halfToNumber(view.getUint16(at, little)) },
  f4: { bytes: 4, array: Float32Array, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, array: Float32Array, read: (view, at, little) => view.getFloat64(at, little) },
};

/** More axes than NumPy itself allows are a damaged header. */
export const maxRank = 64;

/** The bytes that one number takes in a file. */
export function widthOf(type: ElementType): number {
  return decoders[type].bytes;
}

/** Throws InputError where a file has not the bytes that its header promises after `offset`, but `got`. */
export function checkByteCount({ type, shape, offset }: Elements, got: number, file: string): void {
  const expected = sizeOf(shape) * widthOf(type);
  if (got === expected) return;
  const fault = got < expected ? "truncated" : "too long, or its header is damaged";
  throw malformed(file, offset, `${expected} bytes for ${type} of shape [${shape}]`, `${got}: the file is ${fault}`);
}

/**
 * The numbers of a file as the nearest of our arrays: u1 as Uint8Array (a view of `bytes`, not a copy), the other integers as
 * Int32Array, floats and booleans (0 and 1) as Float32Array; row-major, so that Fortran order is a copy.
 * Narrowed: f8 is rounded to float32 (to ±Infinity beyond ±3.4e38); u4, u8 and i8 must fit into int32.
 * Throws InputError where the bytes are too few, too many, or hold an integer that does not fit.
 */
export function decodeElements(bytes: Uint8Array, file: string, elements: Elements): NdArray {
  const { type, shape, offset } = elements;
  checkByteCount(elements, bytes.length - offset, file);
  const payload = bytes.subarray(offset);
  const data = type === "u1" ? payload : new decoders[type].array(payload.length / widthOf(type));
  if (data !== payload) decodeInto(data, payload, file, elements);
  if (!elements.fortran) return { data, shape };
  return transpose({ data, shape: shape.toReversed() }, [...shape.keys()].reverse());
}

interface Bounds {
  readonly low: number;
  readonly high: number;
  readonly told: string;
}

const int32: Bounds = {
  low: -(2 ** 31),
  high: 2 ** 31 - 1,
  told: "an integer within int32 (−2147483648 to 2147483647)",
};
const exactInFloat32: Bounds = {
  low: -(2 ** 24),
  high: 2 ** 24,
  told: "an integer that float32 holds exactly (within ±2^24)",
};

/**
 * Decodes as many numbers as fill `out`. `offset` is where `bytes` lie in the file, for messages.
 * Throws InputError for an integer that does not fit into int32, or that is beyond ±2²⁴ where `out` is of floats.
 */
export function decodeInto(
  out: Uint8Array | Int32Array | Float32Array,
  bytes: Uint8Array,
  file: string,
  { type, littleEndian, offset }: Encoding & { readonly offset: number },
): void {
  if (type === "u1") {
    out.set(bytes.subarray(0, out.length));
    return;
  }
  const { bytes: width, array, read } = decoders[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, out.length * width);
  const bounds = out instanceof Float32Array ? exactInFloat32 : int32;
  for (let i = 0; i < out.length; i++) {
    const value = read(view, i * width, littleEndian);
    if (array === Int32Array && !(value >= bounds.low && value <= bounds.high)) {
      throw malformed(file, offset + i * width, bounds.told, `${value}`);
    }
    out[i] = value;
  }
}

/** The error for a file that breaks its format at a byte: one line. */
export function malformed(file: string, offset: number, expected: string, got: string): InputError {
  return new InputError(`${file}: byte ${offset}: expected ${expected}, got ${got}`);
}

/** The first four bytes in hexadecimal, to tell what a file is when it is none of ours. */
export function firstBytes(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** IEEE 754 binary16: one sign bit, five of exponent (bias 15), ten of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
