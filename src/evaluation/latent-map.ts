import { inner } from "../linalg/block.ts";
import { leadingComponents } from "../linalg/leading.ts";
import type { NdArray } from "../tensor/ndarray.ts";

export interface PlanePoint {
  readonly x: number;
  readonly y: number;
}

/** A plane to look at codes in. */
export interface LatentPlane {
  /** What the two axes are, in words, and their names, the horizontal one first. */
  readonly axes: string;
  readonly axisNames: readonly [string, string];
  /** Where codes [m, k] lie in it; 0 of the plane is the mean of the codes that it was made of, or where k ≤ 2 that of the latents. */
  readonly place: (codes: NdArray) => readonly PlanePoint[];
}

/** Codes in the plane. */
export interface LatentMap extends Omit<LatentPlane, "place"> {
  readonly points: readonly PlanePoint[];
}

/** Codes [n, k] in their own plane. */
export function latentMap(codes: NdArray): LatentMap {
  const { axes, axisNames, place } = latentPlane(codes);
  return { points: place(codes), axes, axisNames };
}

/**
 * The plane of the latents where k = 2, else that of the two largest principal components of codes [n, k], each of which points to where
 * its largest weight is positive. One latent alone is drawn over the order of the examples.
 */
export function latentPlane({ data, shape: [n, k] }: NdArray): LatentPlane {
  const at = (i: number, j: number): number => data[i * k + j];
  if (k === 1) {
    return {
      axes: "the one latent over the order of the examples",
      axisNames: ["example", "z₀"],
      place: ({ data: z, shape: [m] }) => rows(m, (i) => ({ x: i, y: z[i] })),
    };
  }
  if (k === 2) {
    return {
      axes: "the two latents",
      axisNames: ["z₀", "z₁"],
      place: ({ data: z, shape: [m] }) => rows(m, (i) => ({ x: z[2 * i], y: z[2 * i + 1] })),
    };
  }
  const means = rows(k, (j) => rows(n, (i) => at(i, j)).reduce((a, b) => a + b, 0) / n);
  const centred = rows(n, (i) => Float64Array.from({ length: k }, (_, j) => at(i, j) - means[j]));
  const { values, vectors } = leadingComponents(centred, 2);
  const [first, second] = vectors.map(pointingUp);
  const along = (z: NdArray["data"], i: number, vector: readonly number[]): number =>
    vector.reduce((sum, weight, j) => sum + weight * (z[i * k + j] - means[j]), 0);
  const total = centred.reduce((sum, row) => sum + inner(row, row), 0) / n;
  const share = total > 0 ? Math.round((100 * (values[0] + values[1])) / total) : 0;
  return {
    axes: `the first two principal components of the codes (${share} % of their variance)`,
    axisNames: ["first component", "second component"],
    place: ({ data: z, shape: [m] }) => rows(m, (i) => ({ x: along(z, i, first), y: along(z, i, second) })),
  };
}

function rows<T>(count: number, of: (i: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, i) => of(i));
}

function pointingUp(vector: readonly number[]): readonly number[] {
  const largest = vector.reduce((most, weight) => (Math.abs(weight) > Math.abs(most) ? weight : most), 0);
  return largest < 0 ? vector.map((weight) => -weight) : vector;
}
