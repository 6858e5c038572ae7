import { bytesOf } from "../checksum.ts";
import { InputError } from "../errors.ts";
import { type Data, type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { decodeElements, type Elements, elementTypes, malformed, maxRank } from "./elements.ts";

const magic: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/** Whether the bytes begin as a .npy file does. */
export function isNpy(bytes: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/**
 * The array of a .npy file, versions 1 to 3, C or Fortran order, little- or big-endian, as one row-major array.
 * Types u1; i1, u2, i2, u4, i4, u8, i8; b1, f2, f4, f8 become our arrays as `decodeElements` says, which tells what is narrowed.
 * Throws InputError, naming `file` and the byte, where the bytes are anything else, or hold text, records or Python objects.
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function parseNpy(bytes: Uint8Array, file: string): NdArray {
  return decodeElements(bytes, file, npyHeader(bytes, file));
}

/** What the header of a .npy file says lies behind it; `bytes` need hold no more. Throws InputError as `parseNpy` does. */
export function npyHeader(bytes: Uint8Array, file: string): Elements {
  if (!isNpy(bytes)) throw malformed(file, 0, "the .npy magic \\x93NUMPY", "other bytes");
  const major = bytes[6];
  if (!(major >= 1 && major <= 3)) throw malformed(file, 6, "version 1, 2 or 3", `${major ?? "the end of the file"}`);

  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) throw malformed(file, 8, "the length of the header", "the end of the file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, start);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const offset = start + length;
  if (bytes.length < offset) throw malformed(file, start, `a header of ${length} bytes`, `${bytes.length - start}`);

  // Version 3 writes UTF-8, but only names of record fields, which no dataset has, leave ASCII.
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, offset));
  const field = (name: string, value: string): string => {
    const match = new RegExp(`'${name}': *(${value})`).exec(header);
    if (match !== null) return match[1];
    throw malformed(file, start, `a header with '${name}'`, JSON.stringify(header.slice(0, 80)));
  };
  const descr = field("descr", "'[^']*'|\\[");
  const [, order, name] = /^'([<>|])(\w+)'$/.exec(descr) ?? [];
  const type = elementTypes.find((known) => known === name);
  if (type === undefined) {
    const got = descr === "[" ? "records" : JSON.stringify(descr);
    throw malformed(file, start, `a dtype of ${elementTypes}`, `${got}; save it with array.astype("float32")`);
  }
  const littleEndian = order !== ">";
  const fortran = field("fortran_order", "True|False") === "True";
  const shape = field("shape", "\\((?:\\d+, *)*\\d*\\)").match(/\d+/g)?.map(Number) ?? [];
  if (shape.length > maxRank) throw malformed(file, start, `at most ${maxRank} axes`, `${shape.length}`);
  return { type, littleEndian, shape, offset, fortran };
}

/** A .npy file (version 1, C order, little-endian, data from a multiple of 64) of the array, in the array's own dtype. */
export function encodeNpy({ data, shape }: NdArray): Uint8Array {
  if (data.length !== sizeOf(shape)) {
    throw new InputError(`encodeNpy: expected ${sizeOf(shape)} numbers for shape [${shape}], got ${data.length}`);
  }
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const fields = `{'descr': '${descrOf(data)}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const size = Math.ceil((10 + fields.length + 1) / 64) * 64;
  const header = new TextEncoder().encode(`${fields.padEnd(size - 11)}\n`);

  const bytes = new Uint8Array(size + data.byteLength);
  bytes.set([...magic, 1, 0, header.length & 0xff, header.length >> 8]);
  bytes.set(header, 10);
  bytes.set(bytesOf(data), size);
  return bytes;
}

function descrOf(data: Data): string {
  if (data instanceof Uint8Array) return "|u1";
  if (data instanceof Int32Array) return "<i4";
  return data instanceof Float32Array ? "<f4" : "<f8";
}
