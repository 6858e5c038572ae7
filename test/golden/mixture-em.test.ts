/** EM on the wine data against scikit-learn, from the same start: scripts/mixture_em.py. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { rowExamples } from "../../src/linalg/examples.ts";
import { moments } from "../../src/linalg/moments.ts";
import { gaussianMixture } from "../../src/models/gaussian-mixture.ts";
import { mixtureParameters, openMixtureEm, startingState } from "../../src/models/mixture-em.ts";
import { fitMixture, type MixtureFit } from "../../src/models/mixture-fit.ts";
import { type CovarianceName, covarianceNames } from "../../src/models/names.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { relativeDistance } from "./arrays.ts";
import golden from "./values/mixture_em.json" with { type: "json" };
import wine from "./values/probabilistic_pca.json" with { type: "json" };

const raw = moments(wine.rows);
/** Standardised by the population deviation, divisor n. */
const rows = wine.rows.map((row) => row.map((value, j) => (value - raw.mean[j]) / Math.sqrt(raw.covariance[j][j])));
const examples = rowExamples(rows, "wine");
const ones = rows[0].map(() => 1);

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

function named(name: string): CovarianceName {
  const found = covarianceNames.find((known) => known === name);
  if (found === undefined) throw new Error(`no ${name} covariances`);
  return found;
}

describe.each(golden.fits)("$covariance covariances, floor $floor", (expected) => {
  const covariance = named(expected.covariance);
  let fit: MixtureFit;
  beforeAll(async () => {
    const means = golden.starts.map((row) => rows[row]);
    const start = startingState(means, ones, covariance);
    const { floor } = expected;
    fit = await fitMixture(engine, examples, { components: 3, covariance, floor, start, tolerance: 1e-12 });
  });

  it("takes scikit-learn's way, step by step", () => {
    // 1e-10: both round some hundred terms up to 20 at every step, and the steps before the end magnify what was lost
    const shared = Math.min(fit.logLikelihoods.length, expected.lowerBounds.length);
    const apart = expected.lowerBounds.slice(0, shared).map((value, i) => Math.abs(value - fit.logLikelihoods[i]));
    expect(Math.max(...apart)).toBeLessThan(1e-10);
    // A change of about 1e-12 is below the tolerance or above it by rounding.
    expect(Math.abs(fit.logLikelihoods.length - expected.lowerBounds.length)).toBeLessThanOrEqual(5);
    expect(fit.converged).toBe(true);
  });

  it("ends with its parameters, responsibilities and labels", async () => {
    const { state } = fit;
    const { weights, means, covariances } = mixtureParameters(state, covariance);
    // 1e-6: the square root of the tolerance, as a likelihood is flat at its maximum
    expect(relativeDistance(weights, expected.weights)).toBeLessThan(1e-6);
    expect(relativeDistance(means.flat(), expected.means.flat())).toBeLessThan(1e-6);
    const traces = covariances.map((matrix) => matrix.reduce((total, row, i) => total + row[i], 0));
    expect(relativeDistance(traces, expected.traces)).toBeLessThan(1e-6);
    const em = await openMixtureEm(engine, { components: 3, d: 13 }, fit.settings);
    const { logLikelihoods, responsibilities } = await em.score(state, examples);
    await em.release();
    const score = logLikelihoods.reduce((total, value) => total + value, 0) / rows.length;
    expect(Math.abs(score - expected.score)).toBeLessThan(1e-10);
    const every = Array.from({ length: rows.length }, (_, row) =>
      Array.from(responsibilities.data.subarray(row * 3, row * 3 + 3)),
    );
    expect(every.map((row) => row.indexOf(Math.max(...row))).join("")).toBe(expected.predict);
    for (const [i, row] of expected.responsibilities.entries()) {
      for (const [c, value] of row.entries()) expect(Math.abs(every[20 * i][c] - value)).toBeLessThan(1e-6);
    }
    // and the given mixture of these parameters has the same densities, by another factorisation
    const given = gaussianMixture(mixtureParameters(state, covariance));
    for (const i of [0, 70, 177]) {
      expect(Math.abs(given.logProb(rows[i]) - logLikelihoods[i])).toBeLessThan(1e-10);
      expect(relativeDistance(given.posterior(rows[i]), every[i])).toBeLessThan(1e-10);
    }
  });
});

it("has the known values of row 18", () => {
  const score = (name: string): string =>
    golden.fits.find(({ covariance, floor }) => covariance === name && floor > 0)?.score.toFixed(6) ?? "";
  expect(["full", "diagonal", "spherical"].map(score)).toEqual(["-12.144376", "-14.507573", "-15.395408"]);
});
