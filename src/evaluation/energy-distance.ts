import { InputError } from "../errors.ts";
import type { CodeRows } from "./latents.ts";
import type { Estimate } from "./likelihood.ts";
import { checkedPair, drawn, type TwoSampleOptions } from "./sample-pair.ts";

/** The energy distance, estimated, and the three means that it is made of. */
export interface EnergyDistance extends Estimate {
  /** E‖X − Y‖, E‖X − X′‖ and E‖Y − Y′‖, without bias. */
  readonly between: number;
  readonly within: readonly [number, number];
  readonly stamp: string;
}

/** More rows cost seconds: the distance's time grows with their square. */
const MOST = 4_000;

/**
 * D² = 2E‖X − Y‖ − E‖X − X′‖ − E‖Y − Y′‖ ≥ 0, 0 for equal laws alone; SciPy's is its root. Székely & Rizzo 2013, eq. 2.1. The
 * U-statistic: without bias, so about as often below 0 as above where the laws are equal. The error is the jackknife's over rows of both
 * samples: right where the laws differ, and √2 too large where they are equal (Efron & Stein 1981). Float64; O(n²) time, O(n) memory.
 */
export function energyDistance(
  first: CodeRows,
  second: CodeRows,
  { seed = 0, most = MOST }: TwoSampleOptions = {},
): EnergyDistance {
  const [x, y] = checkedPair("energy distance", first, second, 3).map((rows, i) => drawn(rows, most, seed, i));
  const [n, m] = [x.shape[0], y.shape[0]];
  const [ofX, ofY] = [distanceSums(x), distanceSums(y)]; // Σ_j ‖x_i − x_j‖ of each i
  const { rows, columns } = crossSums(x, y);
  const [inX, inY, across] = [total(ofX), total(ofY), total(rows)];
  const between = across / (n * m);
  const within: readonly [number, number] = [inX / (n * (n - 1)), inY / (m * (m - 1))];
  const withoutX = rows.map(
    (row, i) => (2 * (across - row)) / ((n - 1) * m) - (inX - 2 * ofX[i]) / ((n - 1) * (n - 2)) - within[1],
  );
  const withoutY = columns.map(
    (column, j) => (2 * (across - column)) / (n * (m - 1)) - within[0] - (inY - 2 * ofY[j]) / ((m - 1) * (m - 2)),
  );
  return {
    value: 2 * between - within[0] - within[1],
    error: Math.hypot(jackknife(withoutX), jackknife(withoutY)),
    between,
    within,
    stamp: `energy distance, U-statistic of ${n.toLocaleString("en-US")} × ${m.toLocaleString("en-US")} rows, jackknife error`,
  };
}

/**
 * The energy distance of N(0, I_k) from itself moved by `shift` in any direction: 4 Γ((k + 1)/2)/Γ(k/2)·(₁F₁(−½; k/2; −x) − 1), x = shift²/4,
 * as ‖√2 Z + δ‖ is noncentral χ; by Kummer ₁F₁(−½; b; −x) = e⁻ˣ ₁F₁(b + ½; b; x), whose terms are positive. What a distance is held against.
 */
export function shiftedNormalDistance(k: number, shift: number): number {
  if (!(Math.abs(shift) <= 50)) throw new InputError(`energy distance: a shift within ±50 is expected, got ${shift}`);
  let ratio = k % 2 === 1 ? 1 / Math.sqrt(Math.PI) : Math.sqrt(Math.PI) / 2; // Γ((k + 1)/2)/Γ(k/2) of k = 1 or 2
  for (let from = k % 2 === 1 ? 1 : 2; from < k; from += 2) ratio *= (from + 1) / from;
  const [b, x] = [k / 2, shift ** 2 / 4];
  let [sum, term] = [0, Math.exp(-x)];
  for (let j = 0; term > 1e-17 * sum; j++) {
    sum += term;
    term *= ((b + 0.5 + j) * x) / ((b + j) * (j + 1));
  }
  return 4 * ratio * (sum - 1);
}

/** The rows moved by `shift` in all, the same way along each axis. */
export function shiftedRows({ data: values, shape }: CodeRows, shift: number): CodeRows {
  return { data: values.map((value) => value + shift / Math.sqrt(shape[1])), shape };
}

/** Σ_j ‖x_i − x_j‖ for each i. */
function distanceSums({ data: x, shape: [n, k] }: CodeRows): Float64Array {
  const sums = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const distance = distanceOf(x, i, x, j, k);
      sums[i] += distance;
      sums[j] += distance;
    }
  }
  return sums;
}

/** Σ_j ‖x_i − y_j‖ for each i and Σ_i for each j. */
function crossSums(x: CodeRows, y: CodeRows): { readonly rows: Float64Array; readonly columns: Float64Array } {
  const [rows, columns] = [new Float64Array(x.shape[0]), new Float64Array(y.shape[0])];
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < columns.length; j++) {
      const distance = distanceOf(x.data, i, y.data, j, x.shape[1]);
      rows[i] += distance;
      columns[j] += distance;
    }
  }
  return { rows, columns };
}

function distanceOf(a: Float64Array, i: number, b: Float64Array, j: number, k: number): number {
  let squares = 0;
  for (let at = 0; at < k; at++) {
    const apart = a[i * k + at] - b[j * k + at];
    squares += apart * apart;
  }
  return Math.sqrt(squares);
}

/** √((n − 1)/n Σ (θ_(i) − θ̄)²) of estimates that each leave one row out. Efron & Stein 1981. */
function jackknife(left: Float64Array): number {
  const centre = total(left) / left.length;
  const squares = left.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(((left.length - 1) / left.length) * squares);
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
