/** The first eigenpairs of matrices whose spectrum is known, and linear systems in blocks. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { addScaled, inner, orthonormalised } from "../../src/linalg/block.ts";
import { symmetricEigen } from "../../src/linalg/eigen.ts";
import { solvePositive } from "../../src/linalg/solve-positive.ts";
import { type Symmetric, topEigen } from "../../src/linalg/top-eigen.ts";
import { stream } from "../../src/random/stream.ts";
import type { Engine } from "../../src/runtime/engine.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const random = stream(1, "eigen");
const normals = (n: number): Float64Array => Float64Array.from({ length: n }, () => random.normal());

/** HΛH, H the product of three reflections I − 2vvᵀ/‖v‖²: a matrix of this spectrum. */
function withSpectrum(spectrum: readonly number[]): Symmetric {
  const n = spectrum.length;
  const rows = spectrum.map((value, i) => Float64Array.from({ length: n }, (_, j) => (i === j ? value : 0)));
  for (const v of [normals(n), normals(n), normals(n)]) {
    const c = 2 / inner(v, v);
    for (const row of rows) addScaled(row, -c * inner(row, v), v); // A H
    const sums = new Float64Array(n);
    for (const [i, row] of rows.entries()) addScaled(sums, v[i], row);
    for (const [i, row] of rows.entries()) addScaled(row, -c * v[i], sums); // H A
  }
  const entry = (i: number, j: number): number => (rows[i][j] + rows[j][i]) / 2;
  return { data: Float64Array.from({ length: n * n }, (_, at) => entry(Math.floor(at / n), at % n)), shape: [n, n] };
}

const N = 200;
const spectra: Readonly<Record<string, readonly number[]>> = {
  "falling as a photograph's": Array.from({ length: N }, (_, j) => 1e6 * (j + 1) ** -1.5),
  "falling by a tenth": Array.from({ length: N }, (_, j) => 0.9 ** j),
  "falling by 1e-3": Array.from({ length: N }, (_, j) => 1000 ** -j),
  "nearly flat": Array.from({ length: N }, (_, j) => 1 - j / 1000),
  "with one value twelve times, across the last": Array.from({ length: N }, (_, j) => (j < 4 ? 3 : j < 16 ? 2 : 1 / j)),
  "of rank 3": Array.from({ length: N }, (_, j) => (j < 3 ? 5 - j : 0)),
  "all one": Array.from({ length: N }, () => 1),
  zero: Array.from({ length: N }, () => 0),
};

describe("the first 8 of 200 eigenpairs", () => {
  it.each(Object.entries(spectra))("of a spectrum %s", async (_, spectrum) => {
    const K = 8;
    const matrix = withSpectrum(spectrum);
    const { values, vectors } = await topEigen(engine, matrix, K);
    // 1e-13·λ₁: rounding of the matrix as it is made, some hundred roundings of 1e-16
    for (const [j, value] of values.entries())
      expect(Math.abs(value - spectrum[j])).toBeLessThanOrEqual(1e-13 * spectrum[0]);
    expect(values.length).toBe(K);
    for (const [j, vector] of vectors.entries()) {
      const v = Float64Array.from(vector);
      const left = Float64Array.from(
        v,
        (entry, i) => inner(matrix.data.subarray(i * N, (i + 1) * N), v) - values[j] * entry,
      );
      expect(Math.sqrt(inner(left, left))).toBeLessThanOrEqual(2e-12 * spectrum[0]); // stops at 1e-12
      for (const [i, other] of vectors.entries()) {
        expect(Math.abs(inner(v, Float64Array.from(other)) - (i === j ? 1 : 0))).toBeLessThan(1e-13);
      }
    }
  });

  it("are those of the whole decomposition, of a random covariance", async () => {
    const rows = Array.from({ length: 250 }, () => normals(N));
    const data = new Float64Array(N * N);
    for (const row of rows) for (let i = 0; i < N; i++) for (let j = 0; j < N; j++) data[i * N + j] += row[i] * row[j];
    const matrix = { data, shape: [N, N] };
    const whole = symmetricEigen(Array.from({ length: N }, (_, i) => Array.from(data.subarray(i * N, (i + 1) * N))));
    const { values, vectors } = await topEigen(engine, matrix, 8);
    for (const [j, value] of values.entries()) {
      expect(Math.abs(value / whole.values[j] - 1)).toBeLessThan(1e-13);
      const cosine = inner(Float64Array.from(vectors[j]), Float64Array.from(whole.vectors[j]));
      // the residual 1e-12 over the smallest gap, 1e-3 of λ₁, is an angle of 1e-9
      expect(1 - Math.abs(cosine)).toBeLessThan(1e-14);
    }
    expect(await topEigen(engine, matrix, 8)).toEqual({ values, vectors });
  });

  it("are refused of what is no such matrix", async () => {
    const matrix = { data: new Float64Array(6), shape: [2, 3] };
    await expect(topEigen(engine, matrix, 1)).rejects.toThrow(
      "1 to n pairs of a matrix [n, n] are expected, got 1 of [2,3]",
    );
    const square = { data: Float64Array.of(1, Number.NaN, 0, 1), shape: [2, 2] };
    await expect(topEigen(engine, square, 1)).rejects.toThrow("the matrix [2,2] holds numbers that are not finite");
    await expect(topEigen(engine, { data: new Float64Array(4), shape: [2, 2] }, 3)).rejects.toThrow("got 3 of [2,2]");
  });
});

describe("orthonormal vectors", () => {
  it("span the same in turn, and drawn ones stand in for those that add nothing", () => {
    const [a, b] = [normals(5), normals(5)];
    const combination = Float64Array.from(a, (value, i) => 3 * value - b[i]);
    const huge = a.map((value) => 1e200 * value);
    const basis = orthonormalised([huge, b, combination, new Float64Array(5)], () => normals(5));
    for (const [i, u] of basis.entries()) {
      for (const [j, v] of basis.entries()) expect(Math.abs(inner(u, v) - (i === j ? 1 : 0))).toBeLessThan(1e-15);
    }
    expect(Math.abs(inner(basis[0], a) - Math.sqrt(inner(a, a)))).toBeLessThan(1e-14);
    // nearly parallel: what is left of the second after one pass is off by 1e-16/1e-8
    const near = a.map((value, i) => value + 1e-8 * b[i]);
    const [first, second] = orthonormalised([a, near], () => normals(5));
    expect(Math.abs(inner(first, second))).toBeLessThan(1e-15);
    const left = b.slice();
    for (const u of basis.slice(0, 2)) addScaled(left, -inner(u, b), u);
    expect(Math.sqrt(inner(left, left))).toBeLessThan(1e-14);
  });
});

describe("AX = B in blocks", () => {
  it("of 600 rows, more than two blocks", async () => {
    const [n, m] = [600, 3];
    const a = withSpectrum(Array.from({ length: n }, (_, j) => 1 + j / 6));
    const x = normals(n * m);
    const b = new Float64Array(n * m);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < n; k++) for (let j = 0; j < m; j++) b[i * m + j] += a.data[i * n + k] * x[k * m + j];
    }
    const solved = await solvePositive(engine, a, { data: b, shape: [n, m] });
    expect(solved.shape).toEqual([n, m]);
    // κ = 100, 600 terms: 1e-12 is a hundred times √600·κ roundings less than any wrong block would leave
    for (const [i, value] of solved.data.entries()) expect(Math.abs(value - x[i])).toBeLessThan(1e-12);
  });

  it("is refused where A is not positive definite", async () => {
    const a = withSpectrum(Array.from({ length: 300 }, (_, j) => (j === 299 ? -1 : 1)));
    const b = { data: new Float64Array(300), shape: [300, 1] };
    await expect(solvePositive(engine, a, b)).rejects.toThrow("is not positive definite");
    await expect(solvePositive(engine, a, { data: new Float64Array(4), shape: [2, 2] })).rejects.toThrow(
      "[n, n] and [n, m]",
    );
  });
});
