import type { Stream } from "../random/stream.ts";

export interface Clusters {
  /** [k, d] */
  readonly centres: Float64Array;
  /** The nearest centre of each row. */
  readonly nearest: Int32Array;
  /** ‖x − centre‖² of each row. */
  readonly squares: Float64Array;
}

/**
 * k centres of rows [n·d] by at most so many rounds of Lloyd's algorithm from a k-means++ start; Arthur & Vassilvitskii 2007. Each centre
 * is the best of 2 + ⌊log k⌋ drawn (§5 there), as in scikit-learn. A centre without rows goes to the row that is farthest from its own.
 */
export function kMeans(rows: Float64Array, d: number, k: number, from: Stream, rounds: number): Clusters {
  let centres = plusPlus(rows, d, k, from);
  let clusters = assigned(rows, d, centres);
  for (let round = 0; round < rounds; round++) {
    centres = centroids(rows, d, clusters);
    const next = assigned(rows, d, centres);
    const settled = next.nearest.every((centre, i) => centre === clusters.nearest[i]);
    clusters = next;
    if (settled) break;
  }
  return clusters;
}

/** Each next centre is a row drawn with a chance in proportion to its squared distance from the nearest centre so far. */
function plusPlus(rows: Float64Array, d: number, k: number, from: Stream): Float64Array {
  const n = rows.length / d;
  const centres = new Float64Array(k * d);
  const place = (c: number, row: number): void => centres.set(rows.subarray(row * d, (row + 1) * d), c * d);
  place(0, from.below(n));
  let squares = new Float64Array(n).map((_, i) => squaredDistance(rows, i * d, centres, 0, d));
  const trials = 2 + Math.floor(Math.log(k));
  for (let c = 1; c < k; c++) {
    const total = sumOf(squares);
    let [best, least, left] = [0, Number.POSITIVE_INFINITY, squares];
    for (let trial = 0; trial < trials; trial++) {
      const row = drawn(squares, total, from);
      const after = squares.map((square, i) => Math.min(square, squaredDistance(rows, i * d, rows, row * d, d)));
      const remaining = sumOf(after);
      if (remaining < least) [best, least, left] = [row, remaining, after];
    }
    place(c, best);
    squares = left;
  }
  return centres;
}

/** A row with a chance in proportion to its weight; any where all weights are 0. */
function drawn(weights: Float64Array, total: number, from: Stream): number {
  if (!(total > 0)) return from.below(weights.length);
  let left = ((from.uint32() + 0.5) / 2 ** 32) * total;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    last = i;
    left -= weights[i];
    if (left < 0) break;
  }
  return last;
}

function assigned(rows: Float64Array, d: number, centres: Float64Array): Clusters {
  const n = rows.length / d;
  const nearest = new Int32Array(n);
  const squares = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  for (let i = 0; i < n; i++) {
    for (let at = 0; at < centres.length; at += d) {
      const square = squaredDistance(rows, i * d, centres, at, d);
      if (square < squares[i]) [nearest[i], squares[i]] = [at / d, square];
    }
  }
  return { centres, nearest, squares };
}

/** The mean of each centre's rows. */
function centroids(rows: Float64Array, d: number, { centres, nearest, squares }: Clusters): Float64Array {
  const sums = new Float64Array(centres.length);
  const counts = clusterSizes(nearest, centres.length / d);
  for (let i = 0; i < nearest.length; i++) {
    for (let j = 0; j < d; j++) sums[nearest[i] * d + j] += rows[i * d + j];
  }
  const apart = Float64Array.from(squares);
  for (let c = 0; c < counts.length; c++) {
    if (counts[c] > 0) {
      for (let j = 0; j < d; j++) sums[c * d + j] /= counts[c];
      continue;
    }
    const farthest = apart.reduce((best, square, i) => (square > apart[best] ? i : best), 0);
    sums.set(rows.subarray(farthest * d, (farthest + 1) * d), c * d);
    apart[farthest] = 0;
  }
  return sums;
}

/** How many rows are nearest to each of k centres. */
export function clusterSizes(nearest: Int32Array, k: number): Int32Array {
  const counts = new Int32Array(k);
  for (const c of nearest) counts[c] += 1;
  return counts;
}

function squaredDistance(a: Float64Array, fromA: number, b: Float64Array, fromB: number, d: number): number {
  let total = 0;
  for (let j = 0; j < d; j++) total += (a[fromA + j] - b[fromB + j]) ** 2;
  return total;
}

function sumOf(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
