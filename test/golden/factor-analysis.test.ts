/** Factor analysis against scikit-learn, and missing numbers against a gradient search: scripts/factor_analysis.py. */
import { describe, expect, it } from "vitest";
import { numbersOf } from "../../src/data/dataset.ts";
import type { Matrix } from "../../src/linalg/matrix.ts";
import { type Moments, moments } from "../../src/linalg/moments.ts";
import { factorStart, fitFactorAnalysis, meanLogLikelihood } from "../../src/models/factor-analysis.ts";
import {
  fitObserved,
  imputed,
  type NoiseKind,
  observedRows,
  observedStart,
} from "../../src/models/probabilistic-pca-missing.ts";
import { openDigits } from "../../src/systems/linear-vae.ts";
import golden from "./values/factor_analysis.json" with { type: "json" };
import pca from "./values/probabilistic_pca.json" with { type: "json" };

const { rows } = pca;
const raw = moments(rows);
/** Standardised by the population deviation, divisor n. */
const wine = rows.map((row) => row.map((value, j) => (value - raw.mean[j]) / Math.sqrt(raw.covariance[j][j])));

interface Expected {
  readonly k: number;
  readonly meanLogLikelihood: number;
  readonly noiseVariances: readonly number[];
}

function expectTheirs(data: Moments, { k, ...expected }: Expected): void {
  const fit = fitFactorAnalysis(data, { start: factorStart(data, k, 1), tolerance: 1e-12 });
  expect(fit.atFloor).toEqual([]);
  // EM stops where a step gains 1e-12: what is left to gain is then below 1e-9, as its rate is up to 0.999, and ψ is off by 3e-5.
  expect(Math.abs(meanLogLikelihood(fit.model, data) - expected.meanLogLikelihood)).toBeLessThan(1e-6);
  for (const [j, value] of fit.model.noiseVariances.entries()) {
    expect(Math.abs(value - expected.noiseVariances[j])).toBeLessThan(1e-4 * data.covariance[j][j]);
  }
}

describe("EM reaches scikit-learn's maximum, whose covariance is divided by n", () => {
  const data = moments(wine);
  it.each(golden.wine)("wine, k = $k", (expected) => expectTheirs(data, expected));

  it("and would not with the divisor n − 1", () => {
    const unbiased = data.covariance.map((row) => row.map((value) => (value * 178) / 177));
    const [{ k, ...expected }] = golden.wine;
    const { model } = fitFactorAnalysis({ ...data, covariance: unbiased }, { start: factorStart(data, k, 1) });
    expect(meanLogLikelihood(model, data)).toBeLessThan(expected.meanLogLikelihood - 5e-5);
  });

  it.each(golden.digits.fits)("digits, k = $k", async (expected) => {
    const numbers = numbersOf(await openDigits());
    const digits: Matrix = Array.from({ length: golden.digits.rows }, (_, i) =>
      golden.digits.columns.map((j) => numbers[64 * i + j]),
    );
    expectTheirs(moments(digits), expected);
  });
});

describe("with a fifth of the numbers missing, EM reaches the maximum of a search without EM", () => {
  const holes = wine.map((row, i) => row.map((value, j) => ((31 * i + 17 * j) ** 2 % 101 < 20 ? Number.NaN : value)));
  const data = observedRows(holes);
  const { fits, byMeans, numbers } = golden.missing;

  it.each(fits)("$noise noise, k = $k", ({ k, noise, meanLogLikelihood: expected, imputed: squares }) => {
    const kind: NoiseKind = noise === "diagonal" ? "diagonal" : "isotropic";
    const start = observedStart(data, k, { noise: kind, seed: 1 });
    const { model, logLikelihoods } = fitObserved(data, { noise: kind, start, tolerance: 1e-9 });
    expect(Math.abs((logLikelihoods.at(-1) ?? 0) - expected)).toBeLessThan(1e-6); // what steps of 1e-9 leave to gain: 3e-8
    let [ours, count] = [0, 0];
    for (const [i, row] of holes.entries()) {
      for (const [j, value] of imputed(model, row).entries()) {
        if (!Number.isNaN(row[j])) continue;
        ours += (value - wine[i][j]) ** 2;
        count++;
      }
    }
    expect(count).toBe(numbers);
    // Parameters are known to the root of what is left to gain, 1e-4; errors of about 0.8 move by as much of them.
    expect(Math.abs(ours / squares - 1)).toBeLessThan(1e-3);
    expect(ours).toBeLessThan(0.75 * byMeans);
  });
});
