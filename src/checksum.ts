/** 32-bit FNV-1a of the bytes, from 0 to 2³² − 1. */
export function fnv1a(...parts: readonly Uint8Array[]): number {
  let hash = 0x811c9dc5;
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) hash = Math.imul(hash ^ part[i], 0x01000193);
  }
  return hash >>> 0;
}

/** The same as "fnv1a32:" and eight hex digits: cheap, and enough to notice that data changed by accident. */
export function fnv1a32(...parts: readonly Uint8Array[]): string {
  return `fnv1a32:${fnv1a(...parts)
    .toString(16)
    .padStart(8, "0")}`;
}

/** The memory of a typed array as bytes, not copied. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
