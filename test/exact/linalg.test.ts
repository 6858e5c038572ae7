import { describe, expect, it } from "vitest";
import { addDiagonal, apply, gram, type Matrix, product, transposed } from "../../src/linalg/matrix.ts";
import { choleskyFactor, factorPositive, inversePositive } from "../../src/linalg/positive.ts";
import { largestAngle } from "../../src/linalg/subspace.ts";
import { stream } from "../../src/random/stream.ts";

const random = stream(1, "linalg");
const normals = (rows: number, columns: number): number[][] =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal()));
const apart = (a: Matrix, b: Matrix): number => Math.max(...a.flat().map((value, i) => Math.abs(value - b.flat()[i])));

describe("a positive definite matrix", () => {
  const K = 6;
  const a = addDiagonal(gram(normals(9, K)), 0.5); // κ < 100, so 1e-13 is a hundred roundings
  const identity = addDiagonal(
    a.map((row) => row.map(() => 0)),
    1,
  );

  it("is LLᵀ, L lower triangular", () => {
    const lower = choleskyFactor(a);
    expect(apart(product(lower, transposed(lower)), a)).toBeLessThan(1e-13);
    for (const [i, row] of lower.entries()) expect(row.slice(i + 1).every((value) => value === 0)).toBe(true);
    const upperIgnored = a.map((row, i) => row.map((value, j) => (j > i ? 7 : value)));
    expect(choleskyFactor(upperIgnored)).toEqual(lower);
  });

  it("has an inverse, symmetric to the bit, solutions and a determinant", () => {
    const inverse = inversePositive(a);
    expect(apart(product(inverse, a), identity)).toBeLessThan(1e-13);
    expect(transposed(inverse)).toEqual(inverse);
    const [b] = normals(1, K);
    expect(apart([apply(a, factorPositive(a).solve(b))], [b])).toBeLessThan(1e-13);
    const triangle = [
      [4, 0],
      [2, 9],
    ];
    expect(factorPositive(triangle).logDeterminant).toBeCloseTo(Math.log(4 * 9 - 4), 14);
  });

  it("is told from others", () => {
    expect(() => choleskyFactor([[1, 0]])).toThrow("cholesky: 1 rows need 1 numbers each, got 2");
    expect(() => choleskyFactor([[0]])).toThrow("cholesky: the matrix [1, 1] is not positive definite");
    expect(() => inversePositive([[Number.POSITIVE_INFINITY]])).toThrow("holds numbers that are not finite");
  });
});

describe("the angle between subspaces", () => {
  it.each([1e-7, 1e-3, 1, 30, 89])("of %f degrees is found, whatever spans the two", (degrees) => {
    // Three directions of seven, one of them turned towards a fourth; then the same spaces by other vectors.
    const basis = choleskyBasis(normals(9, 7));
    const angle = (degrees * Math.PI) / 180;
    const turned = basis[2].map((value, i) => Math.cos(angle) * value + Math.sin(angle) * basis[3][i]);
    const [a, b] = [
      [basis[0], basis[1], basis[2]],
      [basis[0], basis[1], turned],
    ].map((vectors) => product(transposed(vectors), normals(3, 3)));
    // sin θ to a hundred roundings, of which θ near 90° keeps 1/cos θ less
    const rounding = (1e-13 / Math.cos(angle)) * (180 / Math.PI);
    expect(Math.abs(largestAngle(a, b) - degrees)).toBeLessThan(rounding);
    expect(largestAngle(a, product(a, normals(3, 3)))).toBeLessThan(1e-11);
  });

  it("needs two of one shape", () => {
    expect(() => largestAngle(normals(4, 2), normals(4, 3))).toThrow("got [4, 2] and [4, 3]");
  });
});

/** Orthonormal vectors: the rows of L⁻¹Aᵀ, AᵀA = LLᵀ. */
function choleskyBasis(a: Matrix): Matrix {
  const lower = choleskyFactor(gram(a));
  const vectors: number[][] = [];
  for (const [i, row] of transposed(a).entries()) {
    const left = row.map(
      (value, at) => value - vectors.reduce((total, vector, j) => total + lower[i][j] * vector[at], 0),
    );
    vectors.push(left.map((value) => value / lower[i][i]));
  }
  return vectors;
}
