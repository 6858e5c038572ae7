import { InputError } from "../errors.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";

/** The number types of files, named as in NumPy: boolean, unsigned, signed or float, and the size in bytes. */
export const elementTypes = ["b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"] as const;
export type ElementType = (typeof elementTypes)[number];

/** What lies in a file from a byte offset to its end. */
export interface Elements {
  readonly type: ElementType;
  readonly littleEndian: boolean;
  readonly shape: readonly number[];
  readonly offset: number;
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

/**
 * The numbers of a file as the nearest of our arrays: u1 as Uint8Array (a view of `bytes`, not a copy), the other integers as
 * Int32Array, floats and booleans (0 and 1) as Float32Array.
 * Narrowed: f8 is rounded to float32 (to ±Infinity beyond ±3.4e38); u4, u8 and i8 must fit into int32.
 * Throws InputError where the bytes are too few, too many, or hold an integer that does not fit.
 */
export function decodeElements(
  bytes: Uint8Array,
  file: string,
  { type, littleEndian, shape, offset }: Elements,
): NdArray {
  const { bytes: width, array, read } = decoders[type];
  const expected = sizeOf(shape) * width;
  const got = bytes.length - offset;
  if (got !== expected) {
    const fault = got < expected ? "truncated" : "too long, or its header is damaged";
    throw malformed(file, offset, `${expected} bytes for ${type} of shape [${shape}]`, `${got}: the file is ${fault}`);
  }
  if (type === "u1") return { data: new Uint8Array(bytes.buffer, bytes.byteOffset + offset, expected), shape };

  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, expected);
  const data = new array(expected / width);
  for (let i = 0; i < data.length; i++) {
    const value = read(view, i * width, littleEndian);
    data[i] = value;
    if (array === Int32Array && data[i] !== value) {
      throw malformed(file, offset + i * width, "an integer within int32 (−2147483648 to 2147483647)", `${value}`);
    }
  }
  return { data, shape };
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
