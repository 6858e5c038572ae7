import type { Vector } from "./matrix.ts";

/** v or −v, so that its number of the largest size is positive; the first of several. */
export function largestPositive(v: Vector): Vector {
  const largest = v.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return largest < 0 ? v.map((value) => -value) : v;
}
