import { finish, mix, requireInteger, rotate, upperWord } from "./key.ts";
import { edges, heights, LAYERS, TAIL } from "./ziggurat.ts";

/**
 * A sequence of random numbers: xoshiro128** (Blackman & Vigna 2021). The same bits on every machine: 32-bit integers,
 * + − × and √ only, but for Math.log and Math.exp in normal numbers, which V8 computes in software, and which another
 * JavaScript engine may round otherwise in the last bit of a double.
 */
export interface Stream {
  /** 0 … 2³² − 1 */
  uint32(): number;
  /** U[0, 1) in steps of 2⁻²⁴: exact in float32. */
  uniform(): number;
  /** N(0, 1), never 0 and within ±10. */
  normal(): number;
  /** 0 … n − 1, each equally likely; n from 1 to 2³². */
  below(n: number): number;
  /** out[start … end − 1] = uniform() */
  fillUniform(out: Float32Array, start: number, end: number): void;
  /** out[start … end − 1] = normal(), rounded to float32 */
  fillNormal(out: Float32Array, start: number, end: number): void;
}

/** All streams of one seed and name. Thousands of rows that differ in counters alone come from one of these. */
export interface KeyedStream extends Stream {
  /** Moves to the beginning of the stream of these counters, in place, and returns itself. Counters left out are 0. */
  at(a?: number, b?: number, c?: number, d?: number): Stream;
  /** The four words that the next number is made of, for a kernel that goes on from here. */
  readonly state: Readonly<Int32Array>;
}

/** The stream of a seed, a name and counters: whole numbers below 2⁵³ in size. Different keys give independent streams. */
export function stream(seed: number, name: string, a = 0, b = 0, c = 0, d = 0): Stream {
  return new Xoshiro128(seed, name).at(a, b, c, d);
}

/** The stream of a seed and a name, at counters 0 until moved. */
export function keyed(seed: number, name: string): KeyedStream {
  return new Xoshiro128(seed, name);
}

/** Fisher–Yates: 0 … n − 1 in random order, each order equally likely. */
export function permutation(n: number, from: Stream): Uint32Array {
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i += 1) order[i] = i;
  for (let last = n - 1; last > 0; last -= 1) {
    const chosen = from.below(last + 1);
    const moved = order[last];
    order[last] = order[chosen];
    order[chosen] = moved;
  }
  return order;
}

class Xoshiro128 implements KeyedStream {
  readonly #seedAndName = new Int32Array(4);
  readonly #blocks: number;
  readonly #state = new Int32Array(4);

  constructor(seed: number, name: string) {
    requireInteger("the seed", seed);
    const words = [seed, upperWord(seed), name.length];
    for (let i = 0; i < name.length; i += 1) words.push(name.charCodeAt(i));
    while (words.length % 4 !== 0) words.push(0);
    for (let i = 0; i < words.length; i += 4) {
      mix(this.#seedAndName, words[i], words[i + 1], words[i + 2], words[i + 3]);
    }
    this.#blocks = words.length / 4 + 2;
    this.at();
  }

  at(a = 0, b = 0, c = 0, d = 0): Stream {
    requireInteger("a counter", a);
    requireInteger("a counter", b);
    requireInteger("a counter", c);
    requireInteger("a counter", d);
    const state = this.#state;
    state.set(this.#seedAndName);
    mix(state, a, upperWord(a), b, upperWord(b));
    mix(state, c, upperWord(c), d, upperWord(d));
    finish(state, this.#blocks);
    if ((state[0] | state[1] | state[2] | state[3]) === 0) state[0] = 1; // from zeros only zeros follow
    return this;
  }

  get state(): Readonly<Int32Array> {
    return this.#state;
  }

  uint32(): number {
    const state = this.#state;
    const s1 = state[1];
    const s2 = state[2] ^ state[0];
    const s3 = state[3] ^ s1;
    state[0] ^= s3;
    state[1] = s1 ^ s2;
    state[2] = s2 ^ (s1 << 9);
    state[3] = rotate(s3, 11);
    return Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0;
  }

  uniform(): number {
    return (this.uint32() >>> 8) * 2 ** -24;
  }

  /**
   * The ziggurat of Marsaglia & Tsang 2000. The layer takes the low 8 bits and the place in it the high 24, so the two are
   * independent, as they are not in the original (Doornik 2005). One draw is enough 985 times out of 1,000.
   */
  normal(): number {
    for (;;) {
      const bits = this.uint32();
      const layer = bits & (LAYERS - 1);
      const x = ((bits >> 8) + 0.5) * 2 ** -23 * edges[layer]; // uniform on ±edge, never 0
      if (Math.abs(x) < edges[layer + 1]) return x;
      if (layer === 0) return Math.sign(x) * this.#tail();
      const height = heights[layer] + this.#open() * (heights[layer + 1] - heights[layer]);
      if (height < Math.exp(-0.5 * x * x)) return x;
    }
  }

  /** N(0, 1) given x > r: Marsaglia 1964. */
  #tail(): number {
    for (;;) {
      const beyond = -Math.log(this.#open()) / TAIL;
      if (-2 * Math.log(this.#open()) > beyond * beyond) return TAIL + beyond;
    }
  }

  /** U(0, 1) without its ends, in 32 bits. */
  #open(): number {
    return (this.uint32() + 0.5) * 2 ** -32;
  }

  below(n: number): number {
    if (!(Number.isInteger(n) && n >= 1 && n <= 2 ** 32)) throw new RangeError(`below: 1 to 2^32 expected, got ${n}`);
    const spare = Math.clz32((n - 1) | 1); // leading bits that no number below n has
    for (;;) {
      const number = this.uint32() >>> spare;
      if (number < n) return number;
    }
  }

  fillUniform(out: Float32Array, start: number, end: number): void {
    for (let i = start; i < end; i += 1) out[i] = this.uniform();
  }

  fillNormal(out: Float32Array, start: number, end: number): void {
    for (let i = start; i < end; i += 1) out[i] = this.normal();
  }
}
