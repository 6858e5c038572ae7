/** Moments of bytes without rounding, and principal components at the edges: too many, rank, constant columns, few rows. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset, type Dataset } from "../../src/data/dataset.ts";
import { dot, type Matrix } from "../../src/linalg/matrix.ts";
import { datasetMoments } from "../../src/linalg/moments.ts";
import { fitPca, pcaError, pcaMaps } from "../../src/models/pca.ts";
import { stream } from "../../src/random/stream.ts";
import type { Engine } from "../../src/runtime/engine.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

function rowsOf(rows: Matrix): Dataset {
  const data = Float32Array.from(rows.flat());
  return arrayDataset({ data, shape: [rows.length, rows[0].length] }, { name: "rows", measure: "real" });
}

function orthonormal(vectors: Matrix): void {
  for (const [i, u] of vectors.entries()) {
    for (const [j, v] of vectors.entries()) expect(Math.abs(dot(u, v) - (i === j ? 1 : 0))).toBeLessThan(1e-14);
  }
}

describe("moments of bytes", () => {
  it("are those of whole numbers, to the bit", async () => {
    const [n, d] = [4500, 410]; // more than one block of rows, more than two of columns
    const pixels = stream(3, "bytes");
    // 0 alone, 255 alone, then 254 and 255: the largest products there are, whose sums leave float32 soonest
    const pixel = (column: number): number => {
      if (column < 2) return 255 * column;
      return column < 10 ? 254 + pixels.below(2) : pixels.below(256);
    };
    const bytes = Uint8Array.from({ length: n * d }, (_, i) => pixel(i % d));
    const dataset = arrayDataset({ data: bytes, shape: [n, d] }, { name: "bytes" });
    const { count, mean, covariance } = await datasetMoments(engine, dataset);
    expect(count).toBe(n);
    const sums = Array.from({ length: d }, (_, j) => {
      let total = 0;
      for (let row = 0; row < n; row++) total += bytes[row * d + j];
      return total;
    });
    for (const [j, sum] of sums.entries()) expect(mean[j]).toBe(sum / n);
    for (const [i, j] of [
      [0, 0],
      [1, 0],
      [1, 1],
      [3, 3],
      [9, 2],
      [409, 4],
      [409, 409],
      [64, 1],
      [127, 126],
      [129, 0],
      [129, 128],
      [5, 129],
    ]) {
      let total = 0; // below 2^53: 4500·255²
      for (let row = 0; row < n; row++) total += bytes[row * d + i] * bytes[row * d + j];
      expect(covariance[i][j]).toBe((n * total - sums[i] * sums[j]) / n ** 2);
      expect(covariance[j][i]).toBe(covariance[i][j]);
    }
    const floats = arrayDataset({ data: Float32Array.from(bytes), shape: [n, d] }, { name: "floats", measure: "real" });
    const other = await datasetMoments(engine, floats);
    const apart = covariance.map((row, i) =>
      Math.max(...row.map((value, j) => Math.abs(other.covariance[i][j] - value))),
    );
    expect(Math.max(...apart)).toBeLessThan(1e-9); // sums of 4,500 products up to 2^14 in float64, divided by 4,500
  });
});

describe("principal components", () => {
  const line = [-3, -1, 0, 1, 3].map((t) => [2 * t + 1, 5, -2 * t + 4, t]); // along (2, 0, −2, 1)/3

  it("of points on a line: one direction, then zeros and any others", async () => {
    const pca = await fitPca(engine, rowsOf(line), { latents: 3 });
    expect(pca.mean).toEqual([1, 5, 4, 0]);
    expect(Math.abs(pca.eigenvalues[0] - 9 * 4)).toBeLessThan(1e-13); // 9 t², the mean of t² is 4
    for (const value of pca.eigenvalues.slice(1)) expect(value).toBeLessThan(1e-13);
    expect(Math.min(...pca.eigenvalues)).toBeGreaterThanOrEqual(0);
    for (const [j, value] of [2, 0, -2, 1].entries()) {
      expect(Math.abs(pca.components[0][j] - value / 3)).toBeLessThan(1e-14); // 2 stands before −2, so it is the positive one
    }
    orthonormal(pca.components);
    expect(Math.abs(pca.totalVariance - 36)).toBeLessThan(1e-13);
    expect(pcaError(pca)).toBeLessThan(1e-12);
  });

  it("about 0: the mean is a direction too", async () => {
    const pca = await fitPca(
      engine,
      rowsOf([
        [3, 4],
        [6, 8],
        [3, 4],
      ]),
      { latents: 1, uncentred: true },
    );
    expect(pca.mean).toEqual([0, 0]);
    expect(Math.abs(pca.eigenvalues[0] - (25 + 100 + 25) / 3)).toBeLessThan(1e-13);
    for (const [j, value] of [0.6, 0.8].entries()) expect(Math.abs(pca.components[0][j] - value)).toBeLessThan(1e-14);
  });

  it("standardised: two columns of any units are one correlation, and a constant one stays", async () => {
    const rows = [
      [1, 2000, 7],
      [2, 1000, 7],
      [3, 4000, 7],
      [4, 3000, 7],
    ]; // correlation 0.6
    const pca = await fitPca(engine, rowsOf(rows), { latents: 3, standardize: true });
    for (const [j, value] of [1.6, 0.4, 0].entries()) expect(Math.abs(pca.eigenvalues[j] - value)).toBeLessThan(1e-14);
    expect(pca.scale[2]).toBe(1);
    const { inward, outward } = pcaMaps(pca);
    expect(Math.abs(inward.data[0] * Math.sqrt(1.25) - Math.SQRT1_2)).toBeLessThan(1e-14);
    expect(Math.abs(outward.data[0] / Math.sqrt(1.25) - Math.SQRT1_2)).toBeLessThan(1e-14);
  });

  it.each([
    { standardize: false, uncentred: false },
    { standardize: true, uncentred: false },
    { standardize: false, uncentred: true },
  ])("are the same by either matrix: $standardize, $uncentred", async (options) => {
    // 6 rows of 5 numbers go by the covariance, and with three columns of zeros by the inner products of the rows
    const random = stream(5, "rows");
    const rows = Array.from({ length: 6 }, () => Array.from({ length: 5 }, () => random.below(64) / 8));
    const [narrow, wide] = [
      await fitPca(engine, rowsOf(rows), { latents: 4, ...options }),
      await fitPca(engine, rowsOf(rows.map((row) => [...row, 0, 0, 0])), { latents: 4, ...options }),
    ];
    expect(wide.components[0].length).toBe(8);
    expect(Math.abs(wide.totalVariance - narrow.totalVariance)).toBeLessThan(1e-12);
    for (const [j, value] of narrow.eigenvalues.entries()) {
      expect(Math.abs(wide.eigenvalues[j] - value)).toBeLessThan(1e-12);
      const padded = [...narrow.components[j], 0, 0, 0];
      // gaps of 0.1 and more: rounding of 1e-14 turns a direction by 1e-13
      for (const [i, entry] of padded.entries()) expect(Math.abs(wide.components[j][i] - entry)).toBeLessThan(1e-12);
    }
  });

  it("of one row, and of equal rows, have no variance and any direction", async () => {
    for (const rows of [
      [[1, 2, 3]],
      [
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
      ],
    ]) {
      const pca = await fitPca(engine, rowsOf(rows), { latents: 1 });
      expect(pca.mean).toEqual([1, 2, 3]);
      expect(pca.eigenvalues).toEqual([0]);
      expect(pcaError(pca)).toBe(0);
      orthonormal(pca.components);
    }
  });

  it("as many as rows: the last has no variance when centred", async () => {
    const pca = await fitPca(
      engine,
      rowsOf([
        [1, 2, 3, 4],
        [2, 3, 5, 1],
        [0, 0, 1, 7],
      ]),
      { latents: 3 },
    );
    expect(pca.eigenvalues[1]).toBeGreaterThan(0.01);
    expect(pca.eigenvalues[2]).toBeLessThan(1e-13);
    orthonormal(pca.components);
  });

  it.each([0, 4, 1.5, Number.NaN])("are refused: %d of 5 examples of 3 numbers", async (latents) => {
    await expect(fitPca(engine, rowsOf(line.map((row) => row.slice(1))), { latents })).rejects.toThrow(
      `PCA: of 5 examples of 3 numbers, 1 to 3 components can be taken, got ${latents}`,
    );
  });
});
