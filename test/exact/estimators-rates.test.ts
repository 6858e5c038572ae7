import { describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset } from "../../src/data/dataset.ts";
import { multivariateNormal } from "../../src/distributions/multivariate-normal.ts";
import { normal, standardNormal } from "../../src/distributions/normal.ts";
import {
  diagonalNormals,
  type PosteriorCodes,
  type RateSplit,
  splitRate,
  splitRateByQuadrature,
  standardNormalPrior,
} from "../../src/evaluation/aggregate.ts";
import { splitModelRate } from "../../src/evaluation/aggregate-programs.ts";
import type { CodeRows } from "../../src/evaluation/latents.ts";
import { stream } from "../../src/random/stream.ts";
import { constant, data, type Tensor } from "../../src/tensor/index.ts";

const rows = (data: readonly number[], k: number): CodeRows => ({
  data: Float64Array.from(data),
  shape: [data.length / k, k],
});

/** Codes as an encoder gives them: some latents in use, some not. */
function codesOf(n: number, k: number, seed: number): { means: CodeRows; scales: CodeRows; codes: PosteriorCodes } {
  const from = stream(seed, "codes");
  const means = rows(
    Array.from({ length: n * k }, (_, i) => (i % k === 1 ? 0.1 : 1) * from.normal()),
    k,
  );
  const scales = rows(
    Array.from({ length: n * k }, (_, i) => (i % k === 1 ? 0.95 : Math.exp(0.4 * from.normal() - 1))),
    k,
  );
  return { means, scales, codes: diagonalNormals(means, scales) };
}

/** KL(N(μ, σ²) ‖ N(0, 1)), the mean over codes of its sum over latents. */
function closedRate({ data: m, shape: [n] }: CodeRows, { data: s }: CodeRows): number {
  return m.reduce((total, mean, i) => total + 0.5 * (mean ** 2 + s[i] ** 2 - 1) - Math.log(s[i]), 0) / n;
}

describe("mean rate = I(x; z) + KL(q(z) ‖ p(z)), row 34", () => {
  it.each([
    { n: 7, seed: 1 },
    { n: 40, seed: 2 },
  ])("by quadrature at k = 1, to rounding, of $n codes", ({ n, seed }) => {
    const { means, scales } = codesOf(n, 1, seed);
    const { rate, mutualInformation, marginalKl } = splitRateByQuadrature(means.data, scales.data);
    const closed = closedRate(means, scales);
    expect(Math.abs(rate - closed)).toBeLessThan(1e-10 * closed);
    expect(Math.abs(mutualInformation + marginalKl - closed)).toBeLessThan(1e-10 * closed);
    expect(mutualInformation).toBeGreaterThan(0.1);
    expect(mutualInformation).toBeLessThan(Math.log(n));
    expect(marginalKl).toBeGreaterThan(0.001);
  });

  it("and draw by draw, whatever the draws", async () => {
    const { codes } = codesOf(50, 3, 3);
    const split = await splitRate({ codes, seed: 1 });
    expect(split.mutualInformation.value + split.marginalKl.value).toBeCloseTo(split.rate.value, 12);
    const { totalCorrelation, dimensionWiseKl } = whole(split);
    expect(totalCorrelation.value + dimensionWiseKl.value).toBeCloseTo(split.marginalKl.value, 12);
  });
});

function whole(split: RateSplit): Required<RateSplit> {
  const { totalCorrelation, dimensionWiseKl } = split;
  if (!totalCorrelation || !dimensionWiseKl) throw new Error("the densities of single latents were known");
  return { ...split, totalCorrelation, dimensionWiseKl };
}

describe("the split by draws", () => {
  /* 20,000 draws; 4.9 standard errors are a false alarm of 1e-6 a number, and less than 5 % of it. */
  const DRAWS = 20_000;
  const near = (value: { value: number; error: number }, exact: number): void => {
    expect(4.9 * value.error).toBeLessThan(0.05 * Math.max(exact, 1));
    expect(Math.abs(value.value - exact)).toBeLessThan(4.9 * value.error);
  };

  it("is the one by quadrature", async () => {
    const { means, scales, codes } = codesOf(12, 1, 4);
    const exact = splitRateByQuadrature(means.data, scales.data);
    const { rate, mutualInformation, marginalKl } = await splitRate({ codes, draws: DRAWS, seed: 2 });
    near(rate, exact.rate);
    near(mutualInformation, exact.mutualInformation);
    near(marginalKl, exact.marginalKl);
  });

  it("knows latents that repeat each other: two far codes at ±(4, 4) have I = TC = log 2", async () => {
    const codes = diagonalNormals(rows([4, 4, -4, -4], 2), rows([0.1, 0.1, 0.1, 0.1], 2));
    const split = whole(await splitRate({ codes, draws: 2000, seed: 3 }));
    // The codes are 80 deviations apart: what they share is below 1e-300.
    expect(split.mutualInformation.value).toBeCloseTo(Math.log(2), 12);
    expect(split.totalCorrelation.value).toBeCloseTo(Math.log(2), 12);
    // Each latent by itself is ±4 with probability ½: its KL is that of one Normal less log 2.
    const one = 0.5 * (16 + 0.01 - 1) - Math.log(0.1);
    near(split.dimensionWiseKl, 2 * (one - Math.log(2)));
    expect(split.ceiling).toBeCloseTo(Math.log(2), 12);
    expect(split.stamp).toContain("I ≤ log 2 = 0.69 nats; I is near it");
  });

  it("finds independent latents uncorrelated, and codes that say nothing to have no information", async () => {
    // All pairs of two means: the aggregated posterior is a product.
    const grid = [1, 1, 1, -1, -1, 1, -1, -1];
    const scales = rows(new Array<number>(8).fill(0.5), 2);
    const product = whole(await splitRate({ codes: diagonalNormals(rows(grid, 2), scales), draws: 400, seed: 4 }));
    expect(product.totalCorrelation.value).toBeCloseTo(0, 12);
    const same = whole(
      await splitRate({ codes: diagonalNormals(rows([1, 1, 1, 1], 2), rows([2, 2, 2, 2], 2)), seed: 5 }),
    );
    expect(same.mutualInformation.value).toBeCloseTo(0, 12);
    expect(same.totalCorrelation.value).toBeCloseTo(0, 12);
  });

  it("takes any density: a posterior whose latents hang together has no split by latents", async () => {
    // One code, N(0, Σ) with correlation ρ: I = 0 and KL(q ‖ p) = −½ log(1 − ρ²).
    const rho = 0.8;
    const left = Math.sqrt(1 - rho ** 2);
    const codes: PosteriorCodes = {
      examples: 1,
      latents: 2,
      draw: (_, from, z) => {
        z[0] = from.normal();
        z[1] = rho * z[0] + left * from.normal();
      },
      logProb: (_, [a, b]) => -0.5 * (a ** 2 + ((b - rho * a) / left) ** 2) - Math.log(2 * Math.PI * left),
    };
    const split = await splitRate({ codes, prior: standardNormalPrior, draws: DRAWS, seed: 6 });
    expect(split.mutualInformation.value).toBe(0);
    near(split.marginalKl, -Math.log(left));
    expect(split.totalCorrelation).toBeUndefined();
    expect(split.dimensionWiseKl).toBeUndefined();
  });

  it("says how it was made", async () => {
    const { codes } = codesOf(2000, 2, 7);
    const { stamp, draws, codes: n } = await splitRate({ codes, draws: 300, seed: 8 });
    expect([draws, n]).toEqual([300, 2000]);
    expect(stamp).toBe(
      "Monte Carlo, 300 draws under the aggregated posterior of 2,000 codes, no minibatch; I ≤ log 2,000 = 7.60 nats; of more examples I would be larger and KL(q(z) ‖ p(z)) smaller by as much",
    );
  });
});

describe("the split of a model, by its own densities", () => {
  /* q(z|x) = N(x, 0.5²): the codes are the data, and the split of the same codes by the formulas above is at hand. */
  const n = 30;
  const from = stream(9, "model codes");
  const numbers = Float32Array.from({ length: n }, () => 1.2 * from.normal());
  const x = data("x", ["batch", 1]);
  const dataset = arrayDataset({ data: numbers, shape: [n, 1] }, { name: "codes", measure: "real" });
  const exact = splitRateByQuadrature(numbers, new Float64Array(n).fill(0.5));
  const decoder = (z: Tensor) => normal(z, 1);

  it.each([
    { name: "Normal", encoder: (mean: Tensor) => normal(mean, 0.5) },
    {
      name: "MultivariateNormal", // the same law written by its Cholesky factor
      encoder: (mean: Tensor) => multivariateNormal(mean, constant([0.5], [1, 1])),
    },
  ])("is that of quadrature: $name", async ({ encoder }) => {
    const engine = await openEngine({ engine: "native" });
    const model = { encoder, decoder, prior: standardNormal(1) };
    const chunk = { draws: 700, examples: 11 };
    const split = await splitModelRate({ engine, model, x, dataset, draws: 20_000, seed: 1, chunk });
    expect(split.draws).toBe(667 * n); // 20,000, rounded up to as many of each
    for (const name of ["rate", "mutualInformation", "marginalKl"] as const) {
      expect(4.9 * split[name].error, name).toBeLessThan(0.05 * Math.max(1, exact[name]));
      expect(Math.abs(split[name].value - exact[name]), name).toBeLessThan(4.9 * split[name].error);
    }
    expect(split.mutualInformation.value + split.marginalKl.value).toBeCloseTo(split.rate.value, 10);
  });

  it("does not depend on the chunks", async () => {
    const engine = await openEngine({ engine: "native" });
    const model = { encoder: (mean: Tensor) => normal(mean, 0.5), decoder, prior: standardNormal(1) };
    const options = { engine, model, x, dataset, draws: 20, seed: 2 };
    const whole = await splitModelRate(options);
    const parts = await splitModelRate({ ...options, chunk: { draws: 3, examples: 7 } });
    expect(parts.mutualInformation.value).toBeCloseTo(whole.mutualInformation.value, 5); // float32 densities
    expect(whole.draws).toBe(20);
  });
});
