/** Linear-Gaussian models of rows with missing numbers: EM, the exact density, imputation, and the same as programs. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset, subset } from "../../src/data/dataset.ts";
import { standardNormal } from "../../src/distributions/normal.ts";
import { difference, dot, type Vector } from "../../src/linalg/matrix.ts";
import { moments } from "../../src/linalg/moments.ts";
import { factorPositive } from "../../src/linalg/positive.ts";
import {
  type FactorModel,
  factorStart,
  factorStep,
  fitFactorAnalysis,
  withNoiseVariances,
} from "../../src/models/factor-analysis.ts";
import { linearGaussianPosterior, observedNormal } from "../../src/models/linear-gaussian-program.ts";
import { emStart, emStep, meanLogLikelihood } from "../../src/models/probabilistic-pca.ts";
import {
  fitObserved,
  imputed,
  type NoiseKind,
  observedExamples,
  observedLogLikelihoods,
  observedRows,
  observedStart,
  observedStep,
} from "../../src/models/probabilistic-pca-missing.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { wineRows } from "../../src/systems/linear-vae.ts";
import { add, data as leaf, matmul, sqrt, sub } from "../../src/tensor/index.ts";

const rows = wineRows();
const d = 13;

/** The rows without a share of their numbers, drawn by themselves: missing completely at random. */
function withHoles(share: number, seed = 5): number[][] {
  const from = stream(seed, "missing");
  return rows.map((row) => row.map((value) => (from.uniform() < share ? Number.NaN : value)));
}

const kinds: readonly NoiseKind[] = ["isotropic", "diagonal"];
const there = (row: Vector): number[] => [...row.keys()].filter((j) => !Number.isNaN(row[j]));

/** log N(x_O; μ_O, (WWᵀ + Ψ)_OO) and E[x_j|x_O] of all j, the covariance written out. */
function dense(
  { weight, mean, noiseVariances }: FactorModel,
  row: Vector,
): { readonly logProb: number; readonly expected: Vector } {
  const observed = there(row);
  const entry = (i: number, j: number): number => dot(weight[i], weight[j]) + (i === j ? noiseVariances[i] : 0);
  const factored = factorPositive(observed.map((i) => observed.map((j) => entry(i, j))));
  const apart = difference(
    observed.map((j) => row[j]),
    observed.map((j) => mean[j]),
  );
  const solved = factored.solve(apart);
  const constant = factored.logDeterminant + observed.length * Math.log(2 * Math.PI);
  return {
    logProb: -0.5 * (dot(apart, solved) + constant),
    expected: row.map((_, i) => mean[i] + observed.reduce((total, j, at) => total + entry(i, j) * solved[at], 0)),
  };
}

describe.each(kinds)("%s noise", (noise) => {
  const holes = withHoles(0.2);
  const data = observedRows(holes);
  const start = observedStart(data, 3, { noise, seed: 1 });

  it("log p(x_O) and what stands in for the missing are the dense algebra's, row by row", () => {
    const { model } = fitObserved(data, { noise, start, steps: 30 });
    const logLikelihoods = observedLogLikelihoods(model, data);
    for (const [i, row] of holes.entries()) {
      const { logProb, expected } = dense(model, row);
      // 1e-12: thousands of roundings of float64, relative to terms up to 100
      expect(Math.abs(logLikelihoods[i] - logProb)).toBeLessThan(1e-12 * 100);
      for (const [j, value] of imputed(model, row).entries()) {
        if (Number.isNaN(row[j])) expect(Math.abs(value - expected[j])).toBeLessThan(1e-12 * 10);
        else expect(value).toBe(row[j]);
      }
    }
    const mean = logLikelihoods.reduce((total, value) => total + value, 0) / rows.length;
    expect(Math.abs(observedStep(model, data, { noise }).meanLogLikelihood - mean)).toBeLessThan(1e-12 * 20);
  });

  it.each([0.1, 0.5])("the likelihood never falls: %f of the numbers missing", (share) => {
    const part = observedRows(withHoles(share));
    const from = observedStart(part, 3, { noise, seed: 2 });
    const { logLikelihoods } = fitObserved(part, { noise, start: from, steps: 40, tolerance: 0 });
    expect(logLikelihoods.length).toBe(41);
    for (const [i, value] of logLikelihoods.entries()) {
      if (i > 0) expect(value).toBeGreaterThan(logLikelihoods[i - 1] - 1e-12 * 20); // to rounding of terms up to 20
    }
  });

  it("goes on from a state as if it had never stopped", () => {
    const run = (from: FactorModel, steps: number): FactorModel =>
      fitObserved(data, { noise, start: from, steps, tolerance: 0 }).model;
    const stored: FactorModel = JSON.parse(JSON.stringify(run(start, 5)));
    expect(run(stored, 5)).toEqual(run(start, 10));
  });

  it.each([0.1, 0.2, 0.3])("fills %f missing at random better than the column means", (share) => {
    const part = withHoles(share, 7);
    const known = observedRows(part);
    const { model } = fitObserved(known, {
      noise,
      start: observedStart(known, 2, { noise, seed: 1 }),
      tolerance: 1e-5,
    });
    const gains: number[] = [];
    for (const [i, row] of part.entries()) {
      for (const [j, value] of imputed(model, row).entries()) {
        if (Number.isNaN(row[j])) gains.push((known.mean[j] - rows[i][j]) ** 2 - (value - rows[i][j]) ** 2);
      }
    }
    const mean = gains.reduce((total, gain) => total + gain, 0) / gains.length;
    const squares = gains.reduce((total, gain) => total + (gain - mean) ** 2, 0);
    const standardError = Math.sqrt(squares / gains.length / (gains.length - 1));
    // Paired, of squared errors about 1: 0.30 to 0.42 less, over 4 standard errors (one-sided false alarm 3e-5).
    expect(mean).toBeGreaterThan(4 * standardError);
    expect(mean).toBeGreaterThan(0.25);
  });
});

describe("where nothing is missing", () => {
  const all = moments(rows);
  const data = observedRows(rows);

  function expectEqual(one: FactorModel, other: FactorModel): void {
    const numbers = ({ weight, mean, noiseVariances }: FactorModel): number[] => [
      ...weight.flat(),
      ...mean,
      ...noiseVariances,
    ];
    const theirs = numbers(other);
    // Row 12's bar for an exact identity in float64, relative to the largest term, which is about 1.
    for (const [i, value] of numbers(one).entries()) expect(Math.abs(value - theirs[i])).toBeLessThan(1e-10);
  }

  it("the steps are those of probabilistic PCA on moments, and so is the likelihood", () => {
    let plain = emStart(all, 3, 1);
    let ours = withNoiseVariances(plain);
    for (let step = 0; step < 50; step++) {
      const next = observedStep(ours, data, { noise: "isotropic" });
      expect(Math.abs(next.meanLogLikelihood - meanLogLikelihood(plain, all))).toBeLessThan(1e-10);
      plain = emStep(plain, all);
      ours = next.model;
      expectEqual(ours, withNoiseVariances(plain));
    }
  });

  it("and those of factor analysis, also at the floor", () => {
    const start = fitFactorAnalysis(all, { start: factorStart(all, 4, 1) });
    expect(start.atFloor).toEqual([2]);
    for (let [plain, ours, step] = [start.model, start.model, 0]; step < 20; step++) {
      const [next, expected] = [observedStep(ours, data, { noise: "diagonal" }), factorStep(plain, all)];
      expect(Math.abs(next.meanLogLikelihood - expected.meanLogLikelihood)).toBeLessThan(1e-10);
      expectEqual(next.model, expected.model);
      [plain, ours] = [expected.model, next.model];
    }
  });

  it("a mean that is not the data's becomes it where W is 0: the regression on z̃ has an intercept", () => {
    const start = observedStart(data, 1, { noise: "diagonal", seed: 1 });
    const moved = { ...start, weight: start.weight.map(() => [0]), mean: start.mean.map(() => 3) };
    const { model } = observedStep(moved, data, { noise: "diagonal" });
    for (const [j, value] of model.mean.entries()) expect(Math.abs(value - all.mean[j])).toBeLessThan(1e-12);
    for (const [j, value] of model.noiseVariances.entries())
      expect(Math.abs(value - all.covariance[j][j])).toBeLessThan(1e-10);
  });
});

it("one noise for all weighs each number by how often it is observed", () => {
  const uneven = rows.map((row, i) => row.map((value, j) => (j > 6 && i % (j - 4) > 0 ? Number.NaN : value)));
  const data = observedRows(uneven);
  const start = observedStart(data, 1, { noise: "isotropic", seed: 1 });
  // W = 0 stays 0, and η is then the mean square of all that is observed about the column means.
  const { model } = observedStep({ ...start, weight: start.weight.map(() => [0]) }, data, { noise: "isotropic" });
  const squares = uneven.flatMap((row) => there(row).map((j) => (row[j] - data.mean[j]) ** 2));
  const expected = squares.reduce((total, value) => total + value, 0) / squares.length;
  for (const value of model.noiseVariances) expect(Math.abs(value - expected)).toBeLessThan(1e-12); // sums of 1,500 numbers
  const unweighted = data.variances.reduce((total, value) => total + value, 0) / d;
  expect(Math.abs(unweighted / expected - 1)).toBeGreaterThan(0.005);
});

it("what cannot be is told in one line", () => {
  const gap = Number.NaN;
  expect(() =>
    observedRows([
      [1, 2],
      [gap, gap],
    ]),
  ).toThrow("rows: row 1 (from 0): all 2 numbers are missing; leave it out");
  expect(() =>
    observedRows([
      [1, gap],
      [2, gap],
    ]),
  ).toThrow('rows: column "x1": is missing in each of 2 rows; leave it out');
  expect(() => observedRows([])).toThrow("at least one row is needed");
  const lines = { name: "t.csv", sources: ["line 2", "line 4"], columns: ["a", "b"] };
  const kept = arrayDataset({ data: Float32Array.of(1, 2, gap, gap), shape: [2, 2] }, { ...lines, missing: "keep" });
  expect(() => observedExamples(kept)).toThrow("t.csv: line 4: all 2 numbers are missing; leave it out");
  expect(() => observedExamples(subset(kept, [1, 0]))).toThrow("t.csv: line 4: all 2 numbers");
  const two = observedRows([
    [1, gap],
    [2, 3],
    [gap, 4],
  ]);
  expect(two).toMatchObject({ counts: [2, 2], mean: [1.5, 3.5], variances: [0.25, 0.25] });
  expect(() => observedStart(two, 2, { noise: "isotropic", seed: 1 })).toThrow(
    "probabilistic PCA: of 2 numbers an example, 1 latent can be taken, got 2",
  );
  // A column seen once, and fewer rows than latents: no noise is left but the floor, and no NaN.
  const few = observedRows([
    [1, gap, 5, 2],
    [2, 3, 1, 0],
  ]);
  const { model, atFloor } = fitObserved(few, {
    noise: "diagonal",
    start: observedStart(few, 3, { noise: "diagonal", seed: 1 }),
    steps: 200,
  });
  expect([...model.weight.flat(), ...model.noiseVariances].every(Number.isFinite)).toBe(true);
  expect(atFloor.length).toBeGreaterThan(0);
});

describe("as programs", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ engine: "native" });
  });

  const holes = withHoles(0.2);
  const BLANK = 7;
  const x = [...holes.slice(0, BLANK), new Array<number>(d).fill(Number.NaN), ...holes.slice(BLANK)];

  it.each([1, 2, 3, 4, 5, 6])("p(z|x_O) and log p(x_O), float32 beside float64: k = %i", async (k) => {
    const all = moments(rows);
    const { model } = fitFactorAnalysis(all, { start: factorStart(all, k, 1), tolerance: 1e-4 });
    const inputs = {
      x: leaf("x", ["batch", d]),
      weight: leaf("w", [d, k]),
      mean: leaf("m", [d]),
      psi: leaf("psi", [d]),
    };
    const q = linearGaussianPosterior(inputs.x, {
      weight: inputs.weight,
      mean: inputs.mean,
      noiseVariance: inputs.psi,
    });
    const decoded = observedNormal(
      add(matmul(q.mean, inputs.weight, { transposeB: true }), inputs.mean),
      sqrt(inputs.psi),
    );
    // log p(x_O) = log p(x_O|z) + log p(z) − log p(z|x_O), here at z = E[z|x_O]
    const joint = add(decoded.logProb(inputs.x), standardNormal(k).logProb(q.mean));
    const outputs = { mean: q.mean, variance: q.variance, evidence: sub(joint, q.logProb(q.mean)) };
    const numbers = { x: x.flat(), w: model.weight.flat(), m: model.mean, psi: model.noiseVariances };
    const shapes = { x: [x.length, d], w: [d, k], m: [d], psi: [d] };
    const run = async (
      precision: "float32" | "float64",
    ): Promise<Readonly<Record<keyof typeof outputs, ArrayLike<number>>>> => {
      const program = await compile(engine, outputs, { precision });
      const feeds = (["x", "w", "m", "psi"] as const).map((name) => {
        const of = precision === "float64" ? Float64Array.from(numbers[name]) : Float32Array.from(numbers[name]);
        return [name, { data: of, shape: shapes[name] }] as const;
      });
      const { mean, variance, evidence } = await program.run(Object.fromEntries(feeds));
      await program.release();
      return { mean: mean.data, variance: variance.data, evidence: evidence.data };
    };
    const [exact, single] = [await run("float64"), await run("float32")];
    for (const [i, row] of x.entries()) {
      // Of nothing: the prior, and probability 1.
      const expected = i === BLANK ? 0 : dense(model, row).logProb;
      expect(Math.abs(exact.evidence[i] - expected)).toBeLessThan(1e-12 * 100); // terms up to 100
      // Row 3's bar in float32, relative to the largest term: log-densities, of terms up to 40 …
      expect(Math.abs(single.evidence[i] - exact.evidence[i])).toBeLessThan(1e-5 * 40);
      for (let j = i * k; j < (i + 1) * k; j++) {
        if (i === BLANK) expect([exact.mean[j], exact.variance[j]]).toEqual([0, 1]);
        // … and means up to 5 of which the condition of Λ, up to 500 with a noise at its floor, takes its part: 6e-8·500.
        expect(Math.abs(single.mean[j] - exact.mean[j])).toBeLessThan(5 * 3e-5);
        expect(Math.abs(single.variance[j] - exact.variance[j])).toBeLessThan(3e-5);
      }
    }
  });

  it("further leading axes of x and of the mean pass through, and a wrong width is told", () => {
    const parameters = { weight: leaf("w", [d, 2]), mean: leaf("m", [d]), noiseVariance: leaf("psi", [d]) };
    const q = linearGaussianPosterior(leaf("x", ["samples", "batch", d]), parameters);
    expect(q.shape).toEqual(["samples", "batch", 2]);
    const wide = observedNormal(leaf("mean", ["samples", "batch", d]), sqrt(parameters.noiseVariance));
    expect(wide.logProb(leaf("one", ["batch", d])).shape).toEqual(["samples", "batch"]);
    expect(() => linearGaussianPosterior(leaf("x", ["batch", 12]), parameters)).toThrow("x [..., 13] is expected");
  });
});
