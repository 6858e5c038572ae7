/** A bar of a histogram: the values in [from, to), as a count. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Where bins begin and how many there are; the last one includes its upper edge. */
export interface Bins {
  readonly from: number;
  readonly width: number;
  readonly count: number;
}

/** How many values lie in each bin; values outside are in none. */
export function histogram(values: readonly number[], { from, width, count }: Bins): readonly Bin[] {
  const counts = new Array<number>(count).fill(0);
  const end = from + width * count;
  for (const value of values) {
    if (value < from || value > end || Number.isNaN(value)) continue;
    counts[Math.min(Math.floor((value - from) / width), count - 1)] += 1;
  }
  return counts.map((inBin, i) => ({ from: from + i * width, to: from + (i + 1) * width, count: inBin }));
}
