/** Factor analysis, p(x|z) = N(Wz + μ, diag ψ): what must hold of EM and of the density, by dense algebra and by probabilistic PCA. */
import { describe, expect, it } from "vitest";
import { difference, dot, type Matrix } from "../../src/linalg/matrix.ts";
import { moments } from "../../src/linalg/moments.ts";
import { factorPositive } from "../../src/linalg/positive.ts";
import {
  type FactorModel,
  factorRemarks,
  factorStart,
  factorStep,
  fitFactorAnalysis,
  identifiableFactors,
  meanLogLikelihood,
  NOISE_FLOOR,
  noiseFloors,
  withNoiseVariances,
} from "../../src/models/factor-analysis.ts";
import { emStart, emStep, meanLogLikelihood as pcaLogLikelihood } from "../../src/models/probabilistic-pca.ts";
import { stream } from "../../src/random/stream.ts";
import { wineRows } from "../../src/systems/linear-vae.ts";

const rows = wineRows();
const data = moments(rows);
const wineColumns = rows[0].map((_, j) => (j === 2 ? "ash" : `column ${j}`));

/** The mean of log N(x; μ, WWᵀ + Ψ), the covariance written out. */
function dense({ weight, mean, noiseVariances }: FactorModel, x: Matrix): number {
  const covariance = weight.map((a, i) => weight.map((b, j) => dot(a, b) + (i === j ? noiseVariances[i] : 0)));
  const factored = factorPositive(covariance);
  const all = x.map((row) => {
    const apart = difference(row, mean);
    return -0.5 * (dot(apart, factored.solve(apart)) + factored.logDeterminant + row.length * Math.log(2 * Math.PI));
  });
  return all.reduce((total, value) => total + value, 0) / x.length;
}

it("the mean log-likelihood from moments is that of the rows under the dense covariance, at any mean", () => {
  for (const k of [1, 3, 12]) {
    const start = factorStart(data, k, k);
    for (const model of [start, { ...start, mean: start.mean.map((value, i) => value + 0.1 * i) }]) {
      const expected = dense(model, rows);
      // 1e-12: thousands of roundings of float64, and a condition below 100
      expect(Math.abs(meanLogLikelihood(model, data) - expected)).toBeLessThan(1e-12 * Math.abs(expected));
    }
  }
});

it("with all ψ equal it is probabilistic PCA: density, W of a step, and the mean of ψ", () => {
  let model = emStart(data, 3, 1);
  for (let step = 0; step < 20; step++) {
    const ours = factorStep(withNoiseVariances(model), data);
    expect(Math.abs(ours.meanLogLikelihood - pcaLogLikelihood(model, data))).toBeLessThan(1e-12 * 20);
    model = emStep(model, data);
    for (const [i, row] of ours.model.weight.entries()) {
      for (const [j, value] of row.entries()) expect(Math.abs(value - model.weight[i][j])).toBeLessThan(1e-12);
    }
    const { noiseVariances } = ours.model;
    const mean = noiseVariances.reduce((total, value) => total + value, 0) / noiseVariances.length;
    expect(Math.abs(mean - model.variance)).toBeLessThan(1e-12);
  }
});

describe("EM", () => {
  it.each([1, 6, 12])("never loses likelihood, whether or not a noise reaches its floor: k = %i", (k) => {
    const { logLikelihoods } = fitFactorAnalysis(data, { start: factorStart(data, k, 2), steps: 150 });
    expect(logLikelihoods.length).toBeGreaterThan(50);
    for (const [i, value] of logLikelihoods.entries()) {
      if (i > 0) expect(value).toBeGreaterThan(logLikelihoods[i - 1] - 1e-12 * 20); // to rounding of terms up to 20
    }
  });

  it("goes on from a state as if it had never stopped", () => {
    const whole = fitFactorAnalysis(data, { start: factorStart(data, 2, 1), steps: 20, tolerance: 0 });
    const half = fitFactorAnalysis(data, { start: factorStart(data, 2, 1), steps: 10, tolerance: 0 });
    const stored: FactorModel = JSON.parse(JSON.stringify(half.model));
    expect(fitFactorAnalysis(data, { start: stored, steps: 10, tolerance: 0 }).model).toEqual(whole.model);
  });

  it("does not depend on units: columns times c give W and √ψ times c", () => {
    const units = rows[0].map((_, j) => 10 ** (j - 6));
    const scaled = moments(rows.map((row) => row.map((value, j) => value * units[j])));
    const [one, other] = [data, scaled].map((each) =>
      fitFactorAnalysis(each, { start: factorStart(each, 2, 1), steps: 100, tolerance: 0 }),
    );
    for (const [j, value] of other.model.noiseVariances.entries()) {
      expect(Math.abs(value / units[j] ** 2 / one.model.noiseVariances[j] - 1)).toBeLessThan(1e-9); // 100 steps of roundings
    }
  });

  it("finds the model that made the data", () => {
    const [n, d, k] = [16_000, 6, 2];
    const from = stream(4, "factor-analysis/test");
    const weight = Array.from({ length: d }, () => Array.from({ length: k }, () => from.normal()));
    const noiseVariances = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2];
    const x = Array.from({ length: n }, () => {
      const z = Array.from({ length: k }, () => from.normal());
      return weight.map((row, j) => dot(row, z) + Math.sqrt(noiseVariances[j]) * from.normal());
    });
    const drawn = moments(x);
    const { model, logLikelihoods } = fitFactorAnalysis(drawn, { start: factorStart(drawn, k, 1) });
    const truth = { weight, mean: weight.map(() => 0), noiseVariances };
    // 2n·(fit − truth) is χ² with dk + d + d − k(k − 1)/2 = 23 degrees of freedom: from 2.5 to 72 with a false alarm of 1e-6 …
    const excess = 2 * n * ((logLikelihoods.at(-1) ?? 0) - meanLogLikelihood(truth, drawn));
    expect(excess).toBeGreaterThan(2.5);
    expect(excess).toBeLessThan(72);
    // … and a fit whose noise is off by 5 % is found out.
    const wrong = { ...model, noiseVariances: model.noiseVariances.map((value) => 1.05 * value) };
    expect(2 * n * (meanLogLikelihood(wrong, drawn) - meanLogLikelihood(truth, drawn))).toBeLessThan(2.5);
  });
});

describe("what has no maximum or no meaning", () => {
  it("Heywood cases stop at the floor, and are told", () => {
    const { model, atFloor } = fitFactorAnalysis(data, { start: factorStart(data, 4, 1) });
    expect(atFloor).toEqual([2]);
    expect(model.noiseVariances[2]).toBe(NOISE_FLOOR * data.covariance[2][2]);
    expect(
      factorRemarks(
        model,
        data.covariance.map((row, i) => row[i]),
        { columns: wineColumns },
      ),
    ).toEqual(['the noise of "ash" is at its floor, 0.5 % of the variance (a Heywood case); try fewer latents']);
    // Without a floor it creeps towards 0 for ever.
    const without = fitFactorAnalysis(data, { start: model, floor: 0, steps: 200 });
    expect(without.model.noiseVariances[2]).toBeLessThan(model.noiseVariances[2]);
    expect(without.atFloor).toEqual([]);
  });

  it("a number that never changes has the floor of the mean variance, and W does not see it", () => {
    const constant = moments(rows.map((row) => [...row, 7]));
    const { model, atFloor } = fitFactorAnalysis(constant, { start: factorStart(constant, 2, 1) });
    expect(atFloor).toEqual([13]);
    expect(model.weight[13]).toEqual([0, 0]);
    expect(
      factorRemarks(
        model,
        constant.covariance.map((row, i) => row[i]),
      ),
    ).toEqual(['"x13": never changes, so its noise is 0.5 % of the mean variance']);
    expect(model.noiseVariances[13]).toBeCloseTo((NOISE_FLOOR * 13) / 14, 12);
    expect(() => noiseFloors([0, 0])).toThrow(
      "numbers that differ between rows are expected, got the same in every row",
    );
  });

  it("too many latents are refused, and those that the covariance does not determine are known", () => {
    expect(() => factorStart(data, 13, 1)).toThrow(
      "factor analysis: of 13 numbers an example, 1 to 12 latents can be taken, got 13",
    );
    const variances = data.covariance.map((row, i) => row[i]);
    expect(factorRemarks(factorStart(data, 8, 1), variances)).toEqual([]);
    expect(factorRemarks(factorStart(data, 9, 1), variances)).toEqual([
      "9 latents are more than the 8 that 13 numbers determine: the density holds, the noise variances are not unique",
    ]);
    // (d − k)² ≥ d + k: R's help of factanal has 1 for 3, and 2 for 5 variables
    expect([3, 5, 6, 13].map(identifiableFactors)).toEqual([1, 2, 3, 8]);
    for (const d of [3, 5, 6, 13, 64, 784]) {
      const k = identifiableFactors(d);
      expect((d - k) ** 2).toBeGreaterThanOrEqual(d + k);
      expect((d - k - 1) ** 2).toBeLessThan(d + k + 1);
    }
  });
});
