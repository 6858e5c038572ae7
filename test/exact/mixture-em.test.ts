/** EM for mixtures of Gaussians: against its definition in plain numbers, and at the edges. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset } from "../../src/data/dataset.ts";
import { datasetExamples, rowExamples } from "../../src/linalg/examples.ts";
import { moments } from "../../src/linalg/moments.ts";
import { gaussianMixture } from "../../src/models/gaussian-mixture.ts";
import { clusterSizes, kMeans } from "../../src/models/k-means.ts";
import {
  type EmSettings,
  type MixtureState,
  mixtureParameters,
  mixtureRemarks,
  openMixtureEm,
  startingState,
} from "../../src/models/mixture-em.ts";
import { FLOOR_SHARE, fitMixture, kMeansStart, settingsFor } from "../../src/models/mixture-fit.ts";
import { covarianceNames } from "../../src/models/names.ts";
import { stream } from "../../src/random/stream.ts";
import type { Engine } from "../../src/runtime/engine.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const centres = [
  [0, 0, 0],
  [4, -1, 2],
  [-3, 3, 0],
];
/** 700 rows about three centres, of different and dependent spreads. */
const rows = ((): number[][] => {
  const from = stream(1, "test/mixture");
  return Array.from({ length: 700 }, (_, i) => {
    const [a, b, c] = [from.normal(), from.normal(), from.normal()];
    const [x, y, z] = centres[i % 3];
    return [x + a, y + 0.6 * a + (0.5 + 0.3 * (i % 3)) * b, z + 0.4 * c - 0.3 * b];
  });
})();
const examples = rowExamples(rows);
const means = [
  [0.5, 0.5, -0.5],
  [3, 0, 1],
  [-2, 2, 1],
];

/** One step by the definition: Bishop 2006, eqs. 9.23–9.26, with p(z|x) of the given mixture, and the kinds' own averages. */
function byDefinition(state: MixtureState, { covariance, floor }: EmSettings): ReturnType<typeof mixtureParameters> {
  const given = gaussianMixture(mixtureParameters(state, covariance));
  const [components, d] = state.means.shape;
  const r = rows.map((row) => given.posterior(row));
  const each = Array.from({ length: components }, (_, c) => {
    const count = r.reduce((total, row) => total + row[c], 0);
    const mean = Array.from(
      { length: d },
      (_, j) => rows.reduce((total, row, i) => total + r[i][c] * row[j], 0) / count,
    );
    const second = mean.map((_, j) =>
      mean.map(
        (_, k) => rows.reduce((total, row, i) => total + r[i][c] * (row[j] - mean[j]) * (row[k] - mean[k]), 0) / count,
      ),
    );
    return { count, mean, second };
  });
  const shaped = (of: readonly (readonly number[])[]): number[][] => {
    const average = of.reduce((total, row, j) => total + row[j], 0) / d;
    return of.map((row, j) =>
      row.map((value, k) => {
        const own = covariance === "spherical" ? average : value;
        return (j === k || covariance === "full" || covariance === "tied" ? own : 0) + (j === k ? floor : 0);
      }),
    );
  };
  const pooled = each[0].second.map((row, j) =>
    row.map((_, k) => each.reduce((total, { count, second }) => total + (count * second[j][k]) / rows.length, 0)),
  );
  return {
    weights: each.map(({ count }) => count / rows.length),
    means: each.map(({ mean }) => mean),
    covariances: each.map(({ second }) => shaped(covariance === "tied" ? pooled : second)),
  };
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i])));
}

describe.each(covarianceNames)("%s covariances", (covariance) => {
  it("a step is its definition, over blocks, and tells the log-likelihood before it", async () => {
    const settings = { covariance, floor: 0.01 };
    const em = await openMixtureEm(engine, { components: 3, d: 3 }, settings, 150);
    let state = startingState(means, [1, 2, 0.5], covariance);
    for (let step = 0; step < 2; step++) {
      const expected = byDefinition(state, settings);
      const given = gaussianMixture(mixtureParameters(state, covariance));
      const next = await em.step(state, examples);
      const exact = rows.reduce((total, row) => total + given.logProb(row), 0) / rows.length;
      // 1e-13: sums of 700 terms of about 10 in float64, in another order
      expect(Math.abs(next.logLikelihood - exact)).toBeLessThan(1e-12);
      const got = mixtureParameters(next.state, covariance);
      expect(largestDifference(got.weights, expected.weights)).toBeLessThan(1e-13);
      expect(largestDifference(got.means.flat(), expected.means.flat())).toBeLessThan(1e-12);
      expect(largestDifference(got.covariances.flat(2), expected.covariances.flat(2))).toBeLessThan(1e-12);
      state = next.state;
    }
    const { logLikelihoods, responsibilities } = await em.score(state, examples);
    const given = gaussianMixture(mixtureParameters(state, covariance));
    for (const [i, row] of rows.entries()) {
      expect(Math.abs(logLikelihoods[i] - given.logProb(row))).toBeLessThan(1e-11);
      expect(
        largestDifference(given.posterior(row), [...responsibilities.data.subarray(3 * i, 3 * i + 3)]),
      ).toBeLessThan(1e-11);
    }
    await em.release();
  });

  it.each([
    { name: "usual", scale: 1, shift: 0 },
    { name: "far from 0", scale: 1, shift: 1e6 },
    { name: "tiny", scale: 1e-6, shift: 0 },
  ])("floor 0: the log-likelihood never falls, to rounding, for data $name", async ({ scale, shift }) => {
    const moved = rows.map((row) => row.map((value) => value * scale + shift));
    const start = startingState(
      means.map((mean) => mean.map((value) => value * scale + shift)),
      [scale ** 2, 2 * scale ** 2, scale ** 2],
      covariance,
    );
    const options = { components: 3, covariance, floor: 0, start, tolerance: 1e-9, steps: 60 };
    const { logLikelihoods } = await fitMixture(engine, rowExamples(moved), options);
    expect(logLikelihoods.length).toBeGreaterThan(5);
    // Data far from 0 have their own last bits at 1e-10, seen through scores of about 2.
    const rounding = shift === 0 ? 1e-12 : 1e-9;
    for (const [i, value] of logLikelihoods.entries()) {
      if (i > 0) expect(value).toBeGreaterThan(logLikelihoods[i - 1] - rounding);
    }
  });

  it("one component is the sample's Gaussian after one step, and then stays", async () => {
    const fit = await fitMixture(engine, examples, { components: 1, covariance, floor: 0, tolerance: 1e-12 });
    expect(fit.converged && fit.logLikelihoods.length <= 4).toBe(true);
    const { mean, covariance: sample } = moments(rows);
    const got = mixtureParameters(fit.state, covariance);
    expect(largestDifference(got.means[0], mean)).toBeLessThan(1e-13);
    const average = sample.reduce((total, row, i) => total + row[i], 0) / 3;
    const expected = sample.map((row, i) =>
      row.map((value, j) => {
        if (i !== j) return covariance === "full" || covariance === "tied" ? value : 0;
        return covariance === "spherical" ? average : value;
      }),
    );
    expect(largestDifference(got.covariances[0].flat(), expected.flat())).toBeLessThan(1e-12);
  });

  it("one number an example", async () => {
    const line = rowExamples(rows.map(([x]) => [x]));
    const fit = await fitMixture(engine, line, { components: 2, covariance, restarts: 2 });
    expect(fit.converged).toBe(true);
    expect(fit.starts.length).toBe(2);
    expect(fit.logLikelihoods.at(-1)).toBe(Math.max(...fit.starts.map(Number)));
  });

  it("a component that no example is near keeps its place with weight 0, and is told", async () => {
    const settings = { covariance, floor: 1e-6 };
    const em = await openMixtureEm(engine, { components: 4, d: 3 }, settings);
    let state = startingState([...means, [1e4, 1e4, 1e4]], [1, 1, 1], covariance);
    for (let step = 0; step < 5; step++) state = (await em.step(state, examples)).state;
    await em.release();
    expect(state.weights.data[3]).toBe(0);
    expect(Array.from(state.means.data.slice(9))).toEqual([1e4, 1e4, 1e4]);
    expect([...state.means.data, ...state.covariances.data].every(Number.isFinite)).toBe(true);
    expect(mixtureRemarks(state, settings, rows.length)).toEqual([
      "mixture: 1 of 4 components (3) are empty: fewer than 0.5 examples each; take fewer components",
    ]);
  });

  it("does not depend on the unit of the data, with the floor that it takes by default", async () => {
    const [here, there] = await Promise.all(
      [1, 1024].map((unit) =>
        fitMixture(engine, rowExamples(rows.map((row) => row.map((value) => value * unit))), {
          components: 3,
          covariance,
        }),
      ),
    );
    expect(there.settings.floor / here.settings.floor).toBe(1024 ** 2); // powers of 2: no rounding
    const apart = there.logLikelihoods.map((value, i) => value + 3 * Math.log(1024) - here.logLikelihoods[i]);
    expect(Math.max(...apart.map(Math.abs))).toBeLessThan(1e-11);
  });
});

it("the same state gives the same bits, whatever was run before, and from a dataset as from rows", async () => {
  const single = rows.map((row) => row.map(Math.fround));
  const dataset = arrayDataset({ data: Float32Array.from(single.flat()), shape: [700, 3] }, { name: "rows" });
  const [em, other] = await Promise.all(
    [0, 1].map(() => openMixtureEm(engine, { components: 3, d: 3 }, { covariance: "full", floor: 1e-6 })),
  );
  let state = startingState(means, [1, 1, 1], "full");
  for (let step = 0; step < 3; step++) state = (await em.step(state, rowExamples(single))).state;
  const copied: MixtureState = structuredClone(state);
  const [a, b] = [await em.step(state, rowExamples(single)), await other.step(copied, datasetExamples(dataset))];
  expect(b).toEqual(a);
  await Promise.all([em.release(), other.release()]);
});

describe("starts", () => {
  it("k-means finds clusters far apart, and the same seed the same start", async () => {
    const far = rows.map((row, i) => row.map((value) => value + 100 * (i % 3)));
    const settings: EmSettings = { covariance: "full", floor: 0 };
    const starts = await Promise.all(
      [3, 3, 4].map((seed) => kMeansStart(rowExamples(far), 3, settings, { seed, restart: 0 })),
    );
    expect(starts[1]).toEqual(starts[0]);
    for (const start of starts) {
      const firsts = [0, 3, 6].map((at) => start.means.data[at]).toSorted((a, b) => a - b);
      for (const [c, value] of firsts.entries()) expect(Math.abs(value - 100 * c)).toBeLessThan(10);
      expect(Math.max(...start.weights.data.map((weight) => Math.abs(weight - 1 / 3)))).toBeLessThan(1e-3);
    }
  });

  it("every restart begins at a start of its own, and the best is kept", async () => {
    const options = { components: 4, covariance: "diagonal", tolerance: 1e-3, steps: 12 } as const;
    const together = await fitMixture(engine, examples, { ...options, restarts: 3, seed: 7 });
    const alone = await Promise.all(
      [0, 1, 2].map(async (restart) => {
        const start = await kMeansStart(examples, 4, together.settings, { seed: 7, restart });
        return fitMixture(engine, examples, { ...options, start });
      }),
    );
    const ends = alone.map(({ logLikelihoods }) => Number(logLikelihoods.at(-1)));
    expect(together.starts).toEqual(ends);
    expect(new Set(ends).size).toBeGreaterThan(1);
    const best = alone[ends.indexOf(Math.max(...ends))];
    expect([together.state, together.logLikelihoods]).toEqual([best.state, best.logLikelihoods]);
  });

  it("more centres than different rows leave none without a place, and none lost", () => {
    const repeated = Float64Array.from([1, 1, 1, 2, 2, 2]);
    const { centres: found, nearest, squares } = kMeans(repeated, 1, 4, stream(0, "test"), 5);
    expect(found.every(Number.isFinite)).toBe(true);
    expect(squares.every((square) => square === 0)).toBe(true);
    expect(clusterSizes(nearest, 4).reduce((total, size) => total + size)).toBe(6);
  });

  it("of more rows than a start is made from, takes some by chance", async () => {
    const many = { name: "many", length: 30_000, size: 1, read: fill };
    function fill(start: number, out: Float64Array): void {
      for (let i = 0; i < out.length; i++) out[i] = (start + i) % 2;
    }
    const state = await kMeansStart(many, 2, { covariance: "spherical", floor: 0.1 }, { seed: 0, numbers: 20_000 });
    expect(Array.from(state.means.data).toSorted()).toEqual([0, 1]);
    // half of the rows are 0: of 20,000 drawn, to a standard error of 0.002 (a third of it is left as 10,000 are not)
    expect(Math.abs(state.weights.data[0] - 0.5)).toBeLessThan(0.02);
    expect(state.weights.data[0]).not.toBe(0.5);
  });
});

describe("what cannot be fitted is told in one line", () => {
  const fitted = (given: readonly (readonly number[])[], options: object): Promise<unknown> =>
    fitMixture(engine, rowExamples(given), { components: 2, ...options });
  const line = [[0], [0], [0], [1], [2], [9]];

  it.each<{ what: string; given: readonly (readonly number[])[]; options: object; message: string }>([
    { what: "fewer rows", given: [[1], [2]], options: { components: 3 }, message: "has 2 examples, fewer than 3" },
    { what: "no component", given: line, options: { components: 0 }, message: "--components is a whole number" },
    { what: "no restart", given: line, options: { restarts: 0 }, message: "--restarts is a whole number" },
    { what: "equal rows", given: [[1], [1]], options: {}, message: "are all the same; give a --floor above 0" },
    {
      what: "a constant column",
      given: line.map(([x]) => [x, 7]),
      options: { floor: 0 },
      message: "column 1 (from 0)",
    },
    {
      what: "a floor below 0",
      given: line,
      options: { floor: -1 },
      message: "the floor of the variances is 0 or more",
    },
    {
      what: "repeated rows",
      given: line,
      options: { floor: 0, tolerance: 0, start: startingState([[0], [4]], [0.1], "full") },
      message: "that of component 1 of 2 (weight 0.167)",
    },
    {
      what: "a column that others make up",
      given: rows.map(([x, y]) => [x, y, x + y]),
      options: { floor: 0 },
      message: "its examples do not vary in every direction; raise --floor above 0, or take fewer components",
    },
  ])("$what", async ({ given, options, message }) => {
    await expect(fitted(given, options)).rejects.toThrow(message);
  });

  it("and with the default floor these are fitted", async () => {
    for (const given of [line, line.map(([x]) => [x, 7]), rows.map(([x, y]) => [x, y, x + y])]) {
      for (const covariance of covarianceNames) {
        const { state, settings } = await fitMixture(engine, rowExamples(given), { components: 2, covariance });
        expect(settings.floor).toBeGreaterThan(0);
        expect(state.covariances.data.every(Number.isFinite)).toBe(true);
      }
    }
    const { state, settings } = await fitMixture(engine, rowExamples(line), { components: 2 });
    expect(mixtureRemarks(state, settings, 6)[0]).toMatch(/are flat: a direction's variance is half floor/);
    expect(Math.abs(settings.floor / (FLOOR_SHARE * moments(line).covariance[0][0]) - 1)).toBeLessThan(1e-15);
  });

  // A column twice, and one that others make up: the flat direction is spread over 2, 3 and 5 numbers.
  it.each([
    ["a column twice", (x: number, y: number) => [x, y, x]],
    ["a sum of two", (x: number, y: number) => [x, y, x + y]],
    ["a sum of four", (x: number, y: number, z: number) => [x, y, z, x * y, x + y + z + x * y]],
  ])("and that a direction is at the floor is told: %s", async (_what, row) => {
    const given = rows.map(([x, y, z]) => row(x, y, z));
    for (const covariance of ["full", "tied"] as const) {
      const { state, settings } = await fitMixture(engine, rowExamples(given), { components: 3, covariance });
      const [remark] = mixtureRemarks(state, settings, given.length);
      expect(remark, covariance).toMatch(
        /^mixture: 3 of 3 components \(0, 1, 2\) are flat: .*columns that others make up$/,
      );
    }
    // Variances alone know nothing of directions between the numbers.
    for (const covariance of ["diagonal", "spherical"] as const) {
      const { state, settings } = await fitMixture(engine, rowExamples(given), { components: 3, covariance });
      expect(mixtureRemarks(state, settings, given.length), covariance).toEqual([]);
    }
  });

  it("and so is a variance, in every kind of covariance; twice the floor is the bound", async () => {
    const floor = 1e-3;
    for (const covariance of covarianceNames) {
      for (const [share, told] of [
        [1.99, 1],
        [2.01, 0],
      ]) {
        const start = startingState(
          [...centres.slice(0, 2)].map(([x, y]) => [x, y]),
          [1, 1],
          covariance,
        );
        // The least variance of component 1, of covariances about axes that are turned.
        const [c, s] = [Math.cos(0.5), Math.sin(0.5)];
        const least = share * floor;
        const whole = [c * c + least * s * s, c * s * (1 - least), c * s * (1 - least), s * s + least * c * c];
        const numbers = {
          full: [1, 0, 0, 1, ...whole],
          tied: whole,
          diagonal: [1, 1, 1, least],
          spherical: [1, least],
        };
        const state = { ...start, covariances: { ...start.covariances, data: Float64Array.from(numbers[covariance]) } };
        const remarks = mixtureRemarks(state, { floor, covariance }, 100);
        expect(remarks, `${covariance} ${share}`).toHaveLength(told);
        const which = covariance === "tied" ? "2 of 2 components (0, 1)" : "1 of 2 components (1)";
        if (told === 1) expect(remarks[0]).toContain(`mixture: ${which} are flat: `);
      }
    }
  });

  it("a state of another shape or of no probabilities", async () => {
    const em = await openMixtureEm(engine, { components: 3, d: 3 }, { covariance: "tied", floor: 0 });
    await expect(em.step(startingState(means, [1, 1, 1], "full"), examples)).rejects.toThrow(
      "mixture: covariances [3,3] are expected for tied covariances, got [3,3,3]",
    );
    await expect(em.step(startingState(means, [1, 1, 1], "tied"), rowExamples([[1, 2]]))).rejects.toThrow(
      "rows: examples of 3 numbers are expected, got 2",
    );
    await em.release();
    expect(() => startingState(means, [1, 1, 1], "full", [0.5, 0.5, 0.5])).toThrow("3 probabilities of sum 1");
  });
});

it("the settings of data that are standardised have scikit-learn's floor", async () => {
  const { mean, covariance } = moments(rows);
  const standard = rows.map((row) => row.map((value, j) => (value - mean[j]) / Math.sqrt(covariance[j][j])));
  const { floor } = await settingsFor(rowExamples(standard), { components: 2 });
  expect(Math.abs(floor - 1e-6)).toBeLessThan(1e-19);
});
