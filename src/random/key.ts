import { InputError } from "../errors.ts";

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/**
 * MurmurHash3_x86_128 (Appleby, public domain) with seed 0, over whole blocks of four 32-bit words, in place: `mix` takes in
 * one block, `finish` turns what was taken in into the hash.
 */
export function mix(hash: Int32Array, k1: number, k2: number, k3: number, k4: number): void {
  hash[0] ^= Math.imul(rotate(Math.imul(k1, C1), 15), C2);
  hash[0] = Math.imul(rotate(hash[0], 19) + hash[1], 5) + 0x561ccd1b;
  hash[1] ^= Math.imul(rotate(Math.imul(k2, C2), 16), C3);
  hash[1] = Math.imul(rotate(hash[1], 17) + hash[2], 5) + 0x0bcaa747;
  hash[2] ^= Math.imul(rotate(Math.imul(k3, C3), 17), C4);
  hash[2] = Math.imul(rotate(hash[2], 15) + hash[3], 5) + 0x96cd1c35;
  hash[3] ^= Math.imul(rotate(Math.imul(k4, C4), 18), C1);
  hash[3] = Math.imul(rotate(hash[3], 13) + hash[0], 5) + 0x32ac3b17;
}

export function finish(hash: Int32Array, blocks: number): void {
  const bytes = 16 * blocks;
  let h1 = hash[0] ^ bytes;
  let h2 = hash[1] ^ bytes;
  let h3 = hash[2] ^ bytes;
  let h4 = hash[3] ^ bytes;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = avalanche((h2 + h1) | 0);
  h3 = avalanche((h3 + h1) | 0);
  h4 = avalanche((h4 + h1) | 0);
  h1 = avalanche(h1);
  h1 = (h1 + h2 + h3 + h4) | 0;
  hash[0] = h1;
  hash[1] = h2 + h1;
  hash[2] = h3 + h1;
  hash[3] = h4 + h1;
}

function avalanche(word: number): number {
  let h = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

export function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** The upper half of a safe integer in two's complement; `integer | 0` is the lower. */
export function upperWord(integer: number): number {
  return Math.floor(integer / 0x1_0000_0000) | 0;
}

export function requireInteger(what: string, value: number): void {
  if (!Number.isSafeInteger(value)) {
    throw new InputError(`random numbers: ${what} must be a whole number below 2^53, got ${value}`);
  }
}
