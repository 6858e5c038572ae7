import type { NdArray } from "../tensor/ndarray.ts";
import type { Training } from "../training/training.ts";
import type { Measurement } from "./row.ts";

/** Which values of a checkpoint are whose: parameters, the optimizer's slots, statistics and rows of examples. */
export type Whose = (name: string) => boolean;

/** φ, and what its steps keep: the encoder, the slots of its phase, a baseline, and the examples' own rows. */
export const isPhi: Whose = (name) =>
  /^(parameter|slot\/[^/]+\/[^/]+)\/encoder\//.test(name) ||
  /^parameter\/baseline\//.test(name) ||
  name.startsWith("local/");

/** θ, and what its steps keep: decoder, prior, their slots and their statistics. */
export const isTheta: Whose = (name) => !isPhi(name);

/** The values as they are now. */
export function copyOf(training: Training): ReadonlyMap<string, NdArray> {
  const { tensors } = training.snapshot();
  return new Map(Array.from(tensors, ([name, { data, shape }]) => [name, { data: data.slice(), shape }]));
}

/** How many numbers there are, and how many have another bit than before. */
export function changed(
  before: ReadonlyMap<string, NdArray>,
  after: ReadonlyMap<string, NdArray>,
  whose: Whose,
): { readonly numbers: number; readonly moved: number } {
  let [numbers, moved] = [0, 0];
  for (const [name, { data }] of before) {
    if (!whose(name)) continue;
    const now = after.get(name)?.data ?? [];
    numbers += data.length;
    for (let i = 0; i < data.length; i++) if (!Object.is(data[i], now[i])) moved += 1;
  }
  return { numbers, moved };
}

/** That one side stays as it is, to the bit, while the other moves. */
export function frozen(
  what: string,
  before: ReadonlyMap<string, NdArray>,
  after: ReadonlyMap<string, NdArray>,
  side: Whose,
): Measurement {
  const still = changed(before, after, side);
  const other = changed(before, after, (name) => !side(name));
  return {
    what: `${what}: numbers that are the same to the bit; of the other side's ${other.numbers.toLocaleString("en-US")}, ${other.moved.toLocaleString("en-US")} moved`,
    measured: still.numbers - still.moved,
    expected: still.numbers,
    error: other.moved > 0 ? still.moved : Number.POSITIVE_INFINITY,
    tolerance: 0,
  };
}
