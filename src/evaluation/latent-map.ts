import { symmetricEigen } from "../linalg/eigen.ts";
import type { NdArray } from "../tensor/ndarray.ts";

/** Codes in the plane. */
export interface LatentMap {
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** What the two axes are, in words, and their names, the horizontal one first. */
  readonly axes: string;
  readonly axisNames: readonly [string, string];
}

/**
 * Codes [n, k] in the plane: as they are where k = 2, else in the plane of their two largest principal components, each of
 * which points to where its largest weight is positive. One latent alone is drawn over the order of the examples.
 */
export function latentMap({ data, shape: [n, k] }: NdArray): LatentMap {
  const at = (i: number, j: number): number => data[i * k + j];
  if (k === 1) {
    const points = rows(n, (i) => ({ x: i, y: at(i, 0) }));
    return { points, axes: "the one latent over the order of the examples", axisNames: ["example", "z₀"] };
  }
  if (k === 2) {
    return { points: rows(n, (i) => ({ x: at(i, 0), y: at(i, 1) })), axes: "the two latents", axisNames: ["z₀", "z₁"] };
  }
  const means = rows(k, (j) => rows(n, (i) => at(i, j)).reduce((a, b) => a + b, 0) / n);
  const covariance = rows(k, (a) =>
    rows(k, (b) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += (at(i, a) - means[a]) * (at(i, b) - means[b]);
      return sum / n;
    }),
  );
  const { values, vectors } = symmetricEigen(covariance);
  const [first, second] = vectors.slice(0, 2).map(pointingUp);
  const along = (i: number, vector: readonly number[]): number =>
    vector.reduce((sum, weight, j) => sum + weight * (at(i, j) - means[j]), 0);
  const total = values.reduce((a, b) => a + b, 0);
  const share = total > 0 ? Math.round((100 * (values[0] + values[1])) / total) : 0;
  return {
    points: rows(n, (i) => ({ x: along(i, first), y: along(i, second) })),
    axes: `the first two principal components of the codes (${share} % of their variance)`,
    axisNames: ["first component", "second component"],
  };
}

function rows<T>(count: number, of: (i: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, i) => of(i));
}

function pointingUp(vector: readonly number[]): readonly number[] {
  const largest = vector.reduce((most, weight) => (Math.abs(weight) > Math.abs(most) ? weight : most), 0);
  return largest < 0 ? vector.map((weight) => -weight) : vector;
}
