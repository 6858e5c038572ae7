import { InputError } from "../errors.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { sizeOf } from "../tensor/ndarray.ts";

const PAGE = 65536;
const MOST_PAGES = 65536; // 4 GiB: WebAssembly's addresses have 32 bits
const ALIGN = 16; // floats: 64 bytes, a cache line

/** Which region is for what; the slots of the optimizers follow. */
export const PARAMETERS = 0;
export const GRADIENTS = 1;
/** State has no gradient: its new value lies where a gradient would, until the step is done. */
export const NEXT_STATE = 1;
export const FIRST_SLOT = 2;

export interface Named {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A copy of the layout: every named array at the same place relative to `start`. */
export interface Region {
  /** Byte offset. */
  readonly start: number;
  readonly arrays: ReadonlyMap<string, NdArray<Float32Array>>;
}

export interface Range {
  /** In floats, relative to a region's start. */
  readonly offset: number;
  readonly count: number;
}

/**
 * The arrays of a training run in one WebAssembly.Memory that never grows: parameters, gradients and every slot are regions
 * of one layout, so a fused kernel walks all of them with one offset.
 */
export interface TrainingMemory {
  readonly memory: WebAssembly.Memory;
  readonly regions: readonly Region[];
  /** The stretches, as few as there can be, that hold the named arrays (gaps between neighbours included). */
  ranges(names: ReadonlySet<string>): readonly Range[];
}

/** Lays out `count` regions of the given arrays. @throws InputError where they take more than WebAssembly has. */
export function allocate(arrays: readonly Named[], count: number): TrainingMemory {
  const places = new Map<string, Range>();
  let size = 0;
  for (const { name, shape } of arrays) {
    const floats = Math.ceil(Math.max(sizeOf(shape), 1) / ALIGN) * ALIGN;
    places.set(name, { offset: size, count: floats });
    size += floats;
  }
  const pages = Math.ceil((4 * size * count) / PAGE) + 1;
  if (pages > MOST_PAGES) {
    const gibibytes = ((pages * PAGE) / 2 ** 30).toFixed(1);
    throw new InputError(
      `the model's parameters, gradients and slots take ${gibibytes} GiB, more than the 4 that one memory can have; use a smaller model`,
    );
  }
  const memory = new WebAssembly.Memory({ initial: pages });
  const regions = Array.from({ length: count }, (_, region): Region => {
    const start = 4 * size * region;
    const view = ({ name, shape }: Named): [string, NdArray<Float32Array>] => [
      name,
      { data: new Float32Array(memory.buffer, start + 4 * (places.get(name)?.offset ?? 0), sizeOf(shape)), shape },
    ];
    return { start, arrays: new Map(arrays.map(view)) };
  });
  return {
    memory,
    regions,
    ranges: (names) => {
      const ranges: Range[] = [];
      for (const { name } of arrays) {
        const place = places.get(name);
        if (!place || !names.has(name)) continue;
        const last = ranges.at(-1);
        if (last && last.offset + last.count === place.offset) {
          ranges[ranges.length - 1] = { offset: last.offset, count: last.count + place.count };
        } else ranges.push(place);
      }
      return ranges;
    },
  };
}

/** The array of this name, which must have a place. */
export function placeOf<T>(arrays: ReadonlyMap<string, T>, name: string): T {
  const place = arrays.get(name);
  if (place === undefined) throw new Error(`training: ${name} has no place in memory`);
  return place;
}
