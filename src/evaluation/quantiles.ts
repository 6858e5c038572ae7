/** Finite values in ascending order. */
export function ascending(values: readonly number[]): readonly number[] {
  return values.filter(Number.isFinite).sort((a, b) => a - b);
}

/** What a share of ascending values lies below, interpolated linearly; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const place = share * (values.length - 1);
  const [below, above] = [values[Math.floor(place)], values[Math.ceil(place)]];
  return values.length === 0 ? Number.NaN : below + (place - Math.floor(place)) * (above - below);
}

/**
 * The range in which most of ascending values lie: that between the quantiles `tail` and 1 − `tail`, longer by `margin` of
 * its length on both sides, but never beyond the values themselves.
 */
export function mainRange(values: readonly number[], tail: number, margin: number): readonly [number, number] {
  const [low, high] = [quantile(values, tail), quantile(values, 1 - tail)];
  const more = margin * (high - low);
  return [Math.max(values[0], low - more), Math.min(values[values.length - 1], high + more)];
}
