/** Kernel PCA where its answer is known, and at its edges. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset } from "../../src/data/dataset.ts";
import { fitKernelPca, type KernelPca } from "../../src/models/kernel-pca.ts";
import { cosine, type Kernel, polynomial, rbf } from "../../src/models/kernels.ts";
import { encodePca, fitPca, pcaMaps } from "../../src/models/pca.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { constant, data, type Tensor } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const random = stream(7, "kernel-pca");
function normals(n: number, d: number): NdArray<Float64Array> {
  return { data: Float64Array.from({ length: n * d }, () => Math.fround(random.normal())), shape: [n, d] };
}
const points = (...rows: readonly (readonly number[])[]): NdArray<Float64Array> => ({
  data: Float64Array.from(rows.flat()),
  shape: [rows.length, rows[0].length],
});
const kernels: readonly Kernel[] = [rbf(0.3), polynomial({ gamma: 0.5, degree: 3, coefficient: 1 }), cosine];

describe("kernel PCA", () => {
  it("with the linear kernel is PCA: λ = n·variance, the codes are its codes", async () => {
    const [n, d, k] = [40, 5, 3];
    const x = normals(n, d);
    const linear = polynomial({ gamma: 1, degree: 1, coefficient: 0 });
    const fit = await fitKernelPca(engine, x, { kernel: linear, latents: k });
    const dataset = arrayDataset({ data: Float32Array.from(x.data), shape: x.shape }, { name: "normals" });
    const pca = await fitPca(engine, dataset, { latents: k });
    const { mean, inward } = pcaMaps(pca);
    const tensor = ({ data: values, shape }: NdArray): Tensor => constant(values, shape);
    const z = encodePca({ mean: tensor(mean), inward: tensor(inward), outward: tensor(inward) }, tensor(x));
    const codes = evaluate([z], {})[0].data;
    for (let j = 0; j < k; j++) {
      expect(Math.abs(fit.eigenvalues[j] - n * pca.eigenvalues[j])).toBeLessThan(1e-12);
      const sign = Math.sign(codes[j] * fit.maps.codes.data[j]); // signs go by the examples here, by the directions there
      for (let i = 0; i < n; i++) {
        // relative gaps of 0.1: rounding of 1e-14 turns a direction by 1e-13
        expect(Math.abs(fit.maps.codes.data[i * k + j] - sign * codes[i * k + j])).toBeLessThan(1e-11);
      }
    }
    expect(Math.abs(fit.total - n * pca.totalVariance)).toBeLessThan(1e-11);
  });

  it.each(kernels)("$name: the codes of all components have the centred kernel as inner products", async (kernel) => {
    const n = 12;
    const x = normals(n, 3);
    const fit = await fitKernelPca(engine, x, { kernel, latents: n });
    const k = fit.eigenvalues.length;
    expect(k + fit.dropped).toBe(n);
    expect(fit.dropped).toBeGreaterThanOrEqual(1); // centred, so of rank n − 1 at most
    const matrix = evaluate([kernel.between(data("x", [n, 3]), data("x", [n, 3]))], { x })[0].data;
    const mean = (of: (i: number) => number): number =>
      Array.from({ length: n }, (_, i) => of(i)).reduce((a, b) => a + b) / n;
    const all = mean((i) => mean((j) => matrix[i * n + j]));
    const { codes } = fit.maps;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const centred = matrix[i * n + j] - mean((l) => matrix[i * n + l]) - mean((l) => matrix[l * n + j]) + all;
        let product = 0;
        for (let l = 0; l < k; l++) product += codes.data[i * k + l] * codes.data[j * k + l];
        expect(Math.abs(product - centred)).toBeLessThan(1e-11 * fit.eigenvalues[0]); // what was dropped, and rounding
      }
    }
  });

  it("drops components beyond the rank, and says how many", async () => {
    const corners = points([0, 0], [1, 0], [0, 1], [1, 1], [0, 0], [1, 1]);
    const linear = polynomial({ gamma: 1, degree: 1, coefficient: 0 });
    const fit = await fitKernelPca(engine, corners, { kernel: linear, latents: 6 });
    expect(fit.eigenvalues.length).toBe(2);
    expect(fit.dropped).toBe(4);
    expect(fit.maps.projection.shape).toEqual([6, 2]);
  });

  it("learns pre-images by ridge regression: the less the ridge, the nearer to the examples", async () => {
    const x = normals(30, 2);
    const errors = await Promise.all(
      [1, 1e-3, 1e-6].map(async (ridge) => {
        const fit = await fitKernelPca(engine, x, { kernel: rbf(0.5), latents: 10, ridge });
        return largestResidual(fit, ridge);
      }),
    );
    expect(errors[0]).toBeGreaterThan(10 * errors[1]);
    expect(errors[1]).toBeGreaterThan(10 * errors[2]);
  });

  /** At the examples K C = X − ridge·C, so the regression misses them by ridge·C. */
  function largestResidual({ maps: { dual } }: KernelPca, ridge: number): number {
    return Math.max(...dual.data.map((value) => Math.abs(ridge * value)));
  }

  it("is refused in one line", async () => {
    const x = normals(5, 2);
    const fitted = (latents: number, kernel: Kernel = cosine, ridge = 1): Promise<KernelPca> =>
      fitKernelPca(engine, x, { kernel, latents, ridge });
    await expect(fitted(6)).rejects.toThrow("kernel PCA: of 5 examples, 1 to 5 components can be taken, got 6");
    await expect(fitted(0)).rejects.toThrow("got 0");
    await expect(fitted(2, cosine, 0)).rejects.toThrow("kernel PCA: the ridge must be a number above 0, got 0");
    const same = points([1, 2], [1, 2], [2, 4]);
    await expect(fitKernelPca(engine, same, { kernel: cosine, latents: 1 })).rejects.toThrow(
      "kernel PCA: to the cosine kernel all 3 examples are the same, so there are no components",
    );
    const many = { data: new Float64Array(10_001), shape: [10_001, 1] };
    await expect(fitKernelPca(engine, many, { kernel: cosine, latents: 1 })).rejects.toThrow(
      "kernel PCA: 10001 examples need a kernel matrix of 0.7 GiB; take at most 10000 (--limit), or PCA",
    );
  });
});

describe("kernels", () => {
  it("are their formulas", () => {
    const [x, y] = [points([1, 2], [0, 0]), points([3, -1])];
    const between = (kernel: Kernel): Float64Array =>
      Float64Array.from(evaluate([kernel.between(data("x", [2, 2]), data("y", [1, 2]))], { x, y })[0].data);
    const near = (values: Float64Array, expected: readonly number[]): void => {
      for (const [i, value] of expected.entries())
        expect(Math.abs(values[i] - value)).toBeLessThan(1e-15 * Math.max(1, value));
    };
    near(between(rbf(0.1)), [Math.exp(-1.3), Math.exp(-1)]);
    near(between(polynomial({ gamma: 2, degree: 3, coefficient: 1 })), [27, 1]);
    near(between(cosine), [1 / Math.sqrt(50), 0]);
  });

  it("rbf in float32 keeps near points far from 0 apart", async () => {
    // pairs of points 0.5 apart, 1,000 from 0: without its centre the kernel would be off by 0.06
    const y = points(...Array.from({ length: 8 }, (_, i) => [1000 + i, -1000 - (i % 3), 1000]));
    const x = { data: Float64Array.from(y.data, (value) => value + 0.5), shape: y.shape };
    const k = rbf(0.5).between(data("x", ["rows", 3]), data("y", [8, 3]));
    const program = await compile(engine, { k });
    const single = ({ data: values, shape }: NdArray): NdArray => ({ data: Float32Array.from(values), shape });
    const values = (await program.run({ x: single(x), y: single(y) })).k.data;
    await program.release();
    const exact = evaluate([rbf(0.5).between(data("x", [8, 3]), data("y", [8, 3]))], { x, y })[0].data;
    // γ(‖x‖² + ‖y‖²) about the mean is 30 at most, its rounding a few 1e-6
    for (const [i, value] of values.entries()) expect(Math.abs(value - exact[i])).toBeLessThan(5e-6);
  });

  it("refuse options that are none", () => {
    expect(() => rbf(0)).toThrow("rbf kernel: gamma must be a number above 0, got 0");
    expect(() => polynomial({ gamma: 1, degree: 1.5, coefficient: 0 })).toThrow(
      "must be a whole number from 1, got 1.5",
    );
    expect(() => polynomial({ gamma: 1, degree: 2, coefficient: -1 })).toThrow("must be a number from 0, got -1");
  });
});
