/** Probabilistic PCA of the wine data against NumPy, SciPy and scikit-learn: scripts/probabilistic_pca.py. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset } from "../../src/data/dataset.ts";
import { datasetMoments, moments } from "../../src/linalg/moments.ts";
import { logEvidence } from "../../src/models/linear-gaussian.ts";
import {
  emStart,
  emStep,
  fitByEm,
  fitProbabilisticPca,
  meanLogLikelihood,
} from "../../src/models/probabilistic-pca.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import golden from "./values/probabilistic_pca.json" with { type: "json" };

const raw = moments(golden.rows);
/** Standardised by the population deviation, divisor n. */
const rows = golden.rows.map((row) => row.map((value, j) => (value - raw.mean[j]) / Math.sqrt(raw.covariance[j][j])));
const data = moments(rows);

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

describe.each(golden.fits)("k = $k", ({ k, noise, meanLogLikelihood: expected, sklearnScore, sklearnNoise }) => {
  const model = fitProbabilisticPca(data, k);

  it("has SciPy's likelihood at NumPy's eigenvalues", () => {
    // 1e-10: two eigenvalue decompositions and sums of 178 rows in float64
    expect(Math.abs(model.variance - noise)).toBeLessThan(1e-10);
    expect(Math.abs(meanLogLikelihood(model, data) - expected)).toBeLessThan(1e-10);
    const byRow = rows.reduce((total, row) => total + logEvidence(model, row), 0) / rows.length;
    expect(Math.abs(byRow - expected)).toBeLessThan(1e-10);
  });

  it("and scikit-learn's where its covariance, divided by n − 1, is taken", () => {
    const { length: n } = rows;
    const unbiased = data.covariance.map((row) => row.map((value) => (value * n) / (n - 1)));
    const theirs = fitProbabilisticPca({ ...data, covariance: unbiased }, k);
    expect(Math.abs(theirs.variance - sklearnNoise)).toBeLessThan(1e-10);
    expect(Math.abs(meanLogLikelihood(theirs, data) - sklearnScore)).toBeLessThan(1e-10);
    expect(sklearnScore).toBeLessThan(expected - 5e-5); // so the two are told apart
  });

  it("EM reaches it from a random start, and the likelihood never falls", () => {
    const { model: reached, logLikelihoods } = fitByEm(data, { start: emStart(data, k, 1) });
    expect(Math.abs(meanLogLikelihood(reached, data) - expected)).toBeLessThan(1e-6);
    expect(logLikelihoods[0]).toBeLessThan(expected - 0.1);
    // to rounding: some hundred terms up to 20
    for (const [i, value] of logLikelihoods.entries()) {
      if (i > 0) expect(value).toBeGreaterThan(logLikelihoods[i - 1] - 1e-12);
    }
  });

  it("EM does not move from it", () => {
    const next = emStep(model, data);
    expect(Math.abs(next.variance - model.variance)).toBeLessThan(1e-12);
    const moved = next.weight.flat().map((value, i) => Math.abs(value - model.weight.flat()[i]));
    expect(Math.max(...moved)).toBeLessThan(1e-12);
  });
});

it("is the maximum that a gradient search finds without the closed form", () => {
  expect(Math.abs(meanLogLikelihood(fitProbabilisticPca(data, 2), data) - golden.byGradient)).toBeLessThan(1e-9);
  expect(golden.byGradient.toFixed(6)).toBe("-16.155260");
});

it("knows a mean that is not the data's", () => {
  const model = fitProbabilisticPca(data, 3);
  const moved = { ...model, mean: model.mean.map((value, i) => value + 0.1 * i) };
  const byRow = rows.reduce((total, row) => total + logEvidence(moved, row), 0) / rows.length;
  expect(Math.abs(meanLogLikelihood(moved, data) - byRow)).toBeLessThan(1e-10);
  expect(byRow).toBeLessThan(meanLogLikelihood(model, data) - 0.1);
});

it("the engine's products over blocks of 50 rows of a dataset are the plain ones", async () => {
  // float32 as a dataset holds them, and the plain sums of the same numbers
  const single = rows.map((row) => row.map(Math.fround));
  const dataset = arrayDataset(
    { data: Float32Array.from(single.flat()), shape: [rows.length, rows[0].length] },
    { name: "wine" },
  );
  const [blocks, plain] = [await datasetMoments(engine, dataset, 50 * 13), moments(single)];
  expect(blocks.count).toBe(178);
  for (const [i, row] of plain.covariance.entries()) {
    for (const [j, value] of row.entries()) expect(Math.abs(blocks.covariance[i][j] - value)).toBeLessThan(1e-13);
    expect(Math.abs(blocks.mean[i] - plain.mean[i])).toBeLessThan(1e-14);
  }
});

it("refuses what has no maximum", () => {
  expect(() => fitProbabilisticPca(data, 13)).toThrow(
    "probabilistic PCA: of 13 numbers an example, 1 to 12 latents can be taken, got 13",
  );
  const flat = rows.map(([a, b]) => [a, b, a + b, a - b]);
  const refused = (k: number): string =>
    `probabilistic PCA: the data lie in ${k} dimensions of 4, so the noise left is 0 and the density infinite; take fewer latents`;
  expect(() => fitProbabilisticPca(moments(flat), 2)).toThrow(refused(2));
  // By EM the noise halves about every step, and the same is said where it is lost in rounding.
  for (const k of [2, 3]) {
    expect(() => fitByEm(moments(flat), { start: emStart(moments(flat), k, 1) })).toThrow(refused(k));
  }
});
