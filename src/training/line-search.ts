import type { Range, TrainingMemory } from "./memory.ts";

/** How often a step is halved before it is given up. */
const HALVINGS = 12;

/** A part of the memory that a trial step changes: a region's ranges. */
export interface Changed {
  readonly memory: TrainingMemory;
  readonly regions: readonly number[];
  readonly ranges: readonly Range[];
}

/**
 * Tries `step(1)`, `step(½)`, `step(¼)` … from the same values until the loss there is below `before`; where it never is, puts the
 * values back. Backtracking as in Armijo 1966, with the least decrease that counts 0. Returns the share of the step made.
 */
export async function lineSearch(
  { memory, regions, ranges }: Changed,
  before: number,
  step: (share: number) => void,
  loss: () => Promise<number>,
): Promise<number> {
  const views = regions.flatMap((region) =>
    ranges.map(({ offset, count }) => {
      const { start } = memory.regions[region];
      return new Float32Array(memory.memory.buffer, start + 4 * offset, count);
    }),
  );
  const kept = views.map((view) => Float32Array.from(view));
  const restore = (): void => {
    for (const [i, view] of views.entries()) view.set(kept[i]);
  };
  for (let halving = 0; halving <= HALVINGS; halving++) {
    const share = 2 ** -halving;
    step(share);
    const after = await loss();
    if (after < before) return share; // NaN is not
    restore();
  }
  return 0;
}
