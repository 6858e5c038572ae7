/** Maximum mean discrepancy beside NumPy, against its closed form between Gaussians, and its gradient. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { type Estimate, estimate } from "../../src/evaluation/likelihood.ts";
import { inverseMultiquadratic, type Kernel, maximumMeanDiscrepancy } from "../../src/inference/discrepancy.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import { add, data, exp, gradients, mul, sum, type Tensor } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { float32, float64, type GoldenArray } from "../golden/arrays.ts";

interface Golden {
  readonly x: GoldenArray;
  readonly y: GoldenArray;
  readonly discrepancies: Readonly<Record<"inverseMultiquadratic" | "radialBasis", number>>;
}

const golden: Golden = JSON.parse(readFileSync(new URL("../golden/values/two_sample.json", import.meta.url), "utf8"));

/** Σ_s exp(−‖x − y‖²/(sC)), whose discrepancy of Gaussians has a closed form. */
const radialBasis = (expectedSquare: number, scales: readonly number[] = [0.1, 0.2, 0.5, 1, 2, 5, 10]): Kernel => ({
  name: "radial basis function",
  of: (squared) => scales.map((scale) => exp(mul(-1 / (scale * expectedSquare), squared))).reduce((a, b) => add(a, b)),
  atZero: scales.length,
});

const kernels = [
  { name: "inverseMultiquadratic", of: inverseMultiquadratic },
  { name: "radialBasis", of: radialBasis },
] as const;
const engine = await openEngine({ threads: 1 });

function discrepancyOf(x: NdArray, y: NdArray, kernel: Kernel): Float64Array {
  const discrepancy = maximumMeanDiscrepancy(data("x", x.shape), data("y", y.shape), kernel);
  return evaluate([discrepancy], { x, y })[0].data;
}

describe.each(kernels)("with the kernel $name", ({ name, of }) => {
  const kernel = of(2 * 3);

  it("is NumPy's and scikit-learn's, compiled with symbolic numbers of rows too", async () => {
    const expected = golden.discrepancies[name];
    expect(discrepancyOf(float64(golden.x), float64(golden.y), kernel)[0]).toBeCloseTo(expected, 13);
    const program = await compile(engine, {
      value: maximumMeanDiscrepancy(data("x", ["batch", 3]), data("y", ["draws", 3]), kernel),
    });
    const { value } = await program.run({ x: float32(golden.x), y: float32(golden.y) });
    await program.release();
    expect(Math.abs(value.data[0] - expected)).toBeLessThan(2e-6); // seven kernels near 1, rounded to 6e-8, and their sum
  });

  it("has the gradient of its central differences, and a finite one where all points are one", async () => {
    const [x, y] = [float64(golden.x), float64(golden.y)];
    const [atX, atY] = [data("x", x.shape), data("y", y.shape)];
    const discrepancy = maximumMeanDiscrepancy(atX, atY, kernel);
    const slopes = evaluate(gradients(discrepancy, [atX, atY]), { x, y });
    const h = 1e-5;
    for (const [which, at] of [
      [0, 5],
      [0, 31],
      [1, 2],
    ]) {
      const moved = (by: number): number => {
        const [a, b] = [x, y].map((rows, i) => ({
          ...rows,
          data: rows.data.map((value, j) => value + (i === which && j === at ? by : 0)),
        }));
        return discrepancyOf(a, b, kernel)[0];
      };
      expect(slopes[which].data[at]).toBeCloseTo((moved(h) - moved(-h)) / (2 * h), 8); // rounding 1e-15/h and h² of the third derivative
    }
    const [p, q] = [data("x", [4, 3]), data("y", [4, 3])];
    const value = maximumMeanDiscrepancy(p, q, kernel);
    const program = await compile(engine, { value, slope: gradients(value, [p])[0] });
    for (const size of [0, 1, 1e3, 1e18]) {
      const point = { data: new Float32Array(12).fill(size), shape: [4, 3] };
      const out = await program.run({ x: point, y: point });
      expect(Array.from(out.slope.data).every((slope) => Math.abs(slope) < 1e-3)).toBe(true);
      if (size <= 1e3) expect(Math.abs(out.value.data[0])).toBeLessThan(1e-5);
    }
    await program.release();
  });
});

describe("between Gaussians", () => {
  const [batches, n, k] = [2_000, 8, 2];
  const c = 2 * k;
  const normals = (seed: number, shift: number): NdArray => {
    const from = stream(seed, "discrepancy");
    return {
      data: Float64Array.from({ length: batches * n * k }, () => shift + from.normal()),
      shape: [batches, n, k],
    };
  };
  /** One estimate for each batch, [batches, n, k] and [batches, n, k] → [batches], by the engine in float64; their mean and error. */
  const estimates = async (x: NdArray, y: NdArray, kernel: Kernel): Promise<Estimate> => {
    const value = maximumMeanDiscrepancy(data("x", x.shape), data("y", y.shape), kernel);
    const program = await compile(engine, { value }, { precision: "float64" });
    const out = await program.run({ x, y });
    await program.release();
    expect(out.value.shape).toEqual([batches]);
    return estimate(Float64Array.from(out.value.data));
  };
  /** E exp(−‖x − y‖²/s) of x − y ~ N(δ, 2I): (1 + 4/s)^(−k/2) exp(−‖δ‖²/(s + 4)) */
  const expected = (s: number, squaredShift: number): number =>
    (1 + 4 / s) ** (-k / 2) * Math.exp(-squaredShift / (s + 4));
  const scales = [0.5, 2];

  it.each([0, 1])("is without bias, leading axes one by one: shift %f", async (shift) => {
    const exact = scales.reduce((sum, s) => sum + 2 * expected(s * c, 0) - 2 * expected(s * c, k * shift ** 2), 0);
    const { value, error } = await estimates(normals(1, 0), normals(2, shift), radialBasis(c, scales));
    // 4.9 standard errors, a false alarm of 1e-6; they are less than 5 % of E k(x, x′), the largest part of it
    expect(Math.abs(value - exact)).toBeLessThan(4.9 * error);
    expect(4.9 * error).toBeLessThan(0.05 * scales.reduce((sum, s) => sum + expected(s * c, 0), 0));
    expect(exact).toBeGreaterThan(shift === 0 ? -1 : 0.2);
  });

  it("by the inverse multiquadratic is 0 in the mean for equal laws, and not for others of the same mean and variance", async () => {
    const from = stream(3, "signs");
    const signs: NdArray = {
      data: Float64Array.from({ length: batches * n * k }, () => (from.uniform() < 0.5 ? -1 : 1)),
      shape: [batches, n, k],
    };
    const same = await estimates(normals(1, 0), normals(2, 0), inverseMultiquadratic(c));
    const other = await estimates(normals(1, 0), signs, inverseMultiquadratic(c));
    expect(Math.abs(same.value)).toBeLessThan(4.9 * same.error);
    expect(other.value).toBeGreaterThan(20 * other.error);
  });
});

it("refuses rows that do not fit, and one row", () => {
  const rows = (...shape: number[]): Tensor => data(`rows ${shape}`, shape);
  const kernel = radialBasis(4);
  expect(() => maximumMeanDiscrepancy(rows(5, 2), rows(5, 3), kernel)).toThrow(
    /rows \[n, k\] and \[m, k\] of one width/,
  );
  expect(() => maximumMeanDiscrepancy(rows(5, 2), rows(1, 2), kernel)).toThrow(
    /2 rows or more are expected, got \[1, 2\]/,
  );
  expect(sum(maximumMeanDiscrepancy(rows(6, 5, 2), rows(6, 4, 2), kernel)).shape).toEqual([]);
});
