import type { NdArray } from "../tensor/ndarray.ts";
import { decodeElements, type Elements, type ElementType, firstBytes, malformed, maxRank } from "./elements.ts";

const typeCodes: ReadonlyMap<number, ElementType> = new Map([
  [0x08, "u1"],
  [0x09, "i1"],
  [0x0b, "i2"],
  [0x0c, "i4"],
  [0x0d, "f4"],
  [0x0e, "f8"],
]);

/** Whether the bytes begin as an IDX file does: two zeros and a known type code. */
export function isIdx(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 0 && typeCodes.has(bytes[2]);
}

/**
 * The array of an IDX file, the format of MNIST: two zeros, a type code, the rank, that many big-endian uint32 sizes, then the
 * numbers, big-endian and row-major. Types become our arrays as `decodeElements` says.
 * Throws InputError, naming `file` and the byte, where the bytes are anything else.
 * Source: http://yann.lecun.com/exdb/mnist/
 */
export function parseIdx(bytes: Uint8Array, file: string): NdArray {
  return decodeElements(bytes, file, idxHeader(bytes, file));
}

/** What the header of an IDX file says lies behind it; `bytes` need hold no more. Throws InputError as `parseIdx` does. */
export function idxHeader(bytes: Uint8Array, file: string): Elements {
  if (bytes.length < 4) throw malformed(file, 0, "an IDX header of 4 bytes or more", `${bytes.length}`);
  const type = isIdx(bytes) ? typeCodes.get(bytes[2]) : undefined;
  if (type === undefined) {
    throw malformed(file, 0, "00 00, a type (08, 09, 0b–0e) and a rank (images: 00 00 08 03)", firstBytes(bytes));
  }
  const rank = bytes[3];
  if (rank < 1 || rank > maxRank) throw malformed(file, 3, `a rank from 1 to ${maxRank}`, `${rank}`);

  const offset = 4 + 4 * rank;
  if (bytes.length < offset)
    throw malformed(file, 4, `${rank} sizes in ${4 * rank} bytes`, `${bytes.length - 4} bytes`);
  const header = new DataView(bytes.buffer, bytes.byteOffset, offset);
  const shape = Array.from({ length: rank }, (_, axis) => header.getUint32(4 + 4 * axis, false));
  return { type, littleEndian: false, shape, offset, fortran: false };
}
