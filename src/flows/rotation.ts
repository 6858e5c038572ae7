import { Matrix as Dense, determinant, QrDecomposition } from "ml-matrix";
import { ShapeError } from "../errors.ts";
import type { Matrix } from "../linalg/matrix.ts";
import { type Stream, stream } from "../random/stream.ts";
import type { LinearOptions } from "./linear.ts";

/** A rotation of R^d drawn from the uniform law: Q of a Gaussian matrix, R's diagonal positive, then det 1. Mezzadri 2007, §5. */
export function randomRotation(d: number, from: Stream): number[][] {
  const gaussian = Dense.from1DArray(
    d,
    d,
    Array.from({ length: d * d }, () => from.normal()),
  );
  const { orthogonalMatrix, upperTriangularMatrix } = new QrDecomposition(gaussian);
  const q = orthogonalMatrix.to2DArray();
  const signs = q.map((_, j) => Math.sign(upperTriangularMatrix.get(j, j)));
  const positive = q.map((row) => row.map((value, j) => value * signs[j]));
  const turned = determinant(new Dense(positive)) < 0 ? -1 : 1;
  return positive.map((row) => row.map((value, j) => (j === 0 ? turned * value : value)));
}

/** What a linear map starts as: the matrix given, or a rotation. @throws ShapeError where it is not [d, d] of numbers. */
export function startOf(name: string, d: number, { seed = 0, weight }: LinearOptions): Matrix {
  if (!weight) return randomRotation(d, stream(seed, `start/${name}`));
  if (weight.length !== d || weight.some((row) => row.length !== d || !row.every(Number.isFinite))) {
    throw new ShapeError(`${name}: weight: ${d} rows of ${d} finite numbers are expected`);
  }
  return weight;
}
