import type { TopLevelSpec } from "vega-lite";
import type { Engine } from "../runtime/engine.ts";
import type { Precision } from "../tensor/tensor.ts";

/** One claim of a system and how far what was measured is from it. It holds where `error` ≤ `tolerance`. */
export interface Measurement {
  readonly what: string;
  readonly measured: number;
  readonly expected: number;
  /** |measured − expected|, or the largest such difference of many numbers; relative to the largest term unless it must be 0. */
  readonly error: number;
  readonly tolerance: number;
  /** Where a tolerance beyond rounding comes from. */
  readonly because?: string;
  /** The error where a bias of 5 % is planted: beyond the tolerance, or the claim could not fail. */
  readonly planted?: number;
}

/** What a row shows, drawn from what is computed on the spot. */
export interface SystemPicture {
  /** The file's name after the row's number, without its ending. */
  readonly name: string;
  /** What is to be seen, for those who see it and for those who do not. */
  readonly caption: string;
  readonly spec: TopLevelSpec;
}

/** One of the systems that the project is for, and the facts that show that it works. */
export interface SystemRow {
  readonly row: number;
  readonly title: string;
  /** What of it is still to come; a row without this is whole. */
  readonly missing?: string;
  /** What is computed on the spot, in seconds. */
  readonly measure: (engine: Engine) => Promise<readonly Measurement[]>;
  /** Written beside the table, in seconds. */
  readonly pictures?: (engine: Engine) => Promise<readonly SystemPicture[]>;
  /** What takes minutes: shown from stored results unless asked for. */
  readonly study?: Study;
}

export interface Study {
  /** The command that repeats it by hand. */
  readonly command: string;
  readonly run: (say: (line: string) => void) => Promise<readonly Measurement[]>;
}

/** Whether a claim holds, and would not if a bias of 5 % were there. */
export function holds({ error, tolerance, planted = Number.POSITIVE_INFINITY }: Measurement): boolean {
  return error <= tolerance && planted > tolerance;
}

/** What an exact identity may be off by, relative to its largest term: rounding alone. */
export const EXACT: Readonly<Record<Precision, number>> = { float64: 1e-10, float32: 1e-5 };

/** The largest |a − b|, relative to the largest of all numbers. */
export function relativeToLargest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, largest] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(a[i]), Math.abs(b[i]));
  }
  return difference / largest;
}

/** The Euclidean norm, by which a table tells a gradient. */
export function norm(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] ** 2;
  return Math.sqrt(total);
}
