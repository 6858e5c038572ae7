import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset, firstOf } from "../../src/data/dataset.ts";
import { bernoulli } from "../../src/distributions/bernoulli.ts";
import { logNormal } from "../../src/distributions/log-normal.ts";
import { normal, standardNormal } from "../../src/distributions/normal.ts";
import { type AnnealedEstimate, annealedBracket, annealedLogLikelihood } from "../../src/evaluation/annealed.ts";
import { type AnnealingOptions, type AnnealingStart, openAnnealing } from "../../src/evaluation/annealed-programs.ts";
import { hamiltonianStep, type Place } from "../../src/evaluation/hamiltonian.ts";
import { estimate, estimateLikelihood, type LikelihoodEstimate } from "../../src/evaluation/likelihood.ts";
import { dot } from "../../src/linalg/matrix.ts";
import { choleskyFactor } from "../../src/linalg/positive.ts";
import {
  drawLinearGaussian,
  exactPosterior,
  type LinearGaussian,
  logEvidence,
} from "../../src/models/linear-gaussian.ts";
import { linearGaussianModel } from "../../src/models/linear-gaussian-program.ts";
import { describeData, type Model } from "../../src/models/model.ts";
import { densityProgram, observed } from "../../src/models/programs.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { constant, data, less, matmul, noise, parameter, toFloat } from "../../src/tensor/index.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const D = 6;
const K = 3;
const N = 12;
const { model, x: rows } = drawLinearGaussian(7, { d: D, k: K, n: N });
const dataset = arrayDataset(
  { data: Float32Array.from(rows.flat()), shape: [N, D] },
  { name: "linear-Gaussian data", measure: "real" },
);
/** The same with so much noise that a few temperatures are enough. */
const faint = { ...model, variance: 4 };
const exactly = (of: LinearGaussian): Float64Array => Float64Array.from(rows, (row) => logEvidence(of, row));

/** A model, and a q that is deliberately wrong: one law for all x. */
const asTensors = ({ weight, mean, variance }: LinearGaussian) =>
  linearGaussianModel(
    { weight: constant(weight.flat(), [D, K]), mean: constant(mean, [D]), variance: constant(variance) },
    () => normal(constant([0.3, -0.2, 0.1], [K]), constant([0.7, 0.8, 0.9], [K])),
  );

const open = (of: LinearGaussian, from: AnnealingStart, precision: AnnealingOptions["precision"] = "float32") =>
  openAnnealing(engine, { model: asTensors(of), x: data("x", ["batch", D]), from, precision });

/** Exact draws of p(z|x), m + Lε: [chains, examples, k]. */
const drawsOf = (of: LinearGaussian) => {
  const factor = choleskyFactor(exactPosterior(of, rows[0]).covariance); // the same for every x
  const means = rows.map((row) => exactPosterior(of, row).mean);
  return (examples: Uint32Array, firstChain: number, chains: number): number[] =>
    Array.from({ length: chains }, (_, c) =>
      Array.from(examples, (example) => {
        const from = stream(3, "posterior draws", example, firstChain + c);
        const epsilon = means[example].map(() => from.normal());
        return factor.map((row, j) => means[example][j] + dot(row, epsilon));
      }),
    ).flat(2);
};

const settings = { dataset, temperatures: 60, chains: 16, leapfrogSteps: 5, seed: 1 };

describe("annealed importance sampling of a linear-Gaussian model", () => {
  it.each(["prior", "posterior"] as const)("from the %s and backwards brackets the exact value", async (from) => {
    const annealing = await open(model, from);
    const lower = await annealedLogLikelihood({ ...settings, annealing });
    const upper = await annealedLogLikelihood({ ...settings, annealing, posteriorDraws: drawsOf(model) });
    await annealing.release();
    const truth = estimate(exactly(model)).value;
    const [low, high] = annealedBracket(lower, upper);
    expect([lower.bound, upper.bound]).toEqual(["lower", "upper"]);
    expect(low).toBeLessThan(truth);
    expect(high).toBeGreaterThan(truth);
    expect(high - low).toBeLessThan(0.6); // and says something: log p(x) itself varies by nats
    for (const { acceptance, estimator } of [lower, upper]) {
      expect(acceptance).toBeGreaterThan(0.5);
      expect(acceptance).toBeLessThan(0.8);
      expect(estimator.error).toBeGreaterThan(0.01);
    }
    expect(() => annealedBracket(upper, lower)).toThrow("a lower and an upper bound of the same examples");
  });

  /*
   * E w = p(x) forwards and E 1/w = 1/p(x) backwards, whatever the temperatures: with 24 of them 3,000
   * chains leave an error of about 0.02. Six tests of 4.9 of them are a false alarm of 6e-6; a log-weight wrong by 5 %, or
   * moves that do not leave their law as it is, are further off.
   */
  it.each([
    { direction: "forwards", draws: undefined },
    { direction: "backwards", draws: drawsOf(faint) },
  ])("is unbiased $direction", async ({ draws }) => {
    const annealing = await open(faint, "prior");
    const exact = exactly(faint);
    const { perExample } = await annealedLogLikelihood({
      annealing,
      dataset: firstOf(dataset, 3),
      temperatures: 24,
      chains: 3000,
      leapfrogSteps: 3,
      seed: 4,
      posteriorDraws: draws,
      chunk: { examples: 3, chains: 1000 },
    });
    await annealing.release();
    for (let i = 0; i < 3; i++) {
      const off = perExample.logLikelihood[i] - perExample.bias[i] - exact[i];
      expect(perExample.error[i]).toBeLessThan(0.03);
      expect(Math.abs(off)).toBeLessThan(4.9 * perExample.error[i]);
    }
  });

  it("does not depend on the chunks", async () => {
    const annealing = await open(model, "posterior", "float64");
    const few = { ...settings, annealing, temperatures: 8, chains: 5 };
    const whole = await annealedLogLikelihood({ ...few, chunk: { examples: N, chains: 5 } });
    const parts = await annealedLogLikelihood({ ...few, chunk: { examples: 5, chains: 2 } });
    await annealing.release();
    for (const [i, value] of whole.perExample.logLikelihood.entries()) {
      expect(parts.perExample.logLikelihood[i]).toBeCloseTo(value, 9); // sums of doubles in another order
    }
  });

  it("says what it cannot do", async () => {
    const annealing = await open(model, "prior");
    const refused = (options: { temperatures: number; chains: number }): Promise<AnnealedEstimate> =>
      annealedLogLikelihood({ ...settings, annealing, ...options });
    await expect(refused({ temperatures: 1, chains: 2 })).rejects.toThrow("temperatures must be a whole number from 2");
    await expect(refused({ temperatures: 5, chains: 0 })).rejects.toThrow(
      "chains must be a whole number from 1, got 0",
    );
    await annealing.release();
    const positive = { ...asTensors(model), prior: logNormal(constant([0, 0, 0], [K]), 1) };
    await expect(openAnnealing(engine, { model: positive, x: data("x", ["batch", D]) })).rejects.toThrow(
      /latents that are real numbers are expected, got LogNormal on positive ones/,
    );
  });
});

/*
 * The leapfrog's energy error falls with the square of the step (Neal 2011, §2.3): halving the step at one
 * length of the trajectory divides it by 4; a kick or a drift of the wrong length, by 2. Target N(0, 1) and N(1, ½²) between.
 */
it("moves by a leapfrog of second order", async () => {
  const chains = 50;
  const from = stream(9, "leapfrog");
  const normals = (): Float64Array => Float64Array.from({ length: chains }, () => from.normal());
  const at = async (z: Float64Array): Promise<Place> => ({
    z: Float64Array.from(z),
    logStart: z.map((value) => -0.5 * value ** 2),
    logTarget: z.map((value) => -2 * (value - 1) ** 2),
    startGradient: z.map((value) => -value),
    targetGradient: z.map((value) => -4 * (value - 1)),
  });
  const [z, momentum] = [normals(), normals()];
  const worst = async (leapfrogSteps: number): Promise<number> => {
    const stepSizes = new Float64Array(chains).fill(0.5 / leapfrogSteps);
    const uniform = new Float64Array(chains);
    const move = { beta: 0.3, leapfrogSteps, stepSizes, momentum, uniform, at };
    return Math.max(...(await hamiltonianStep(await at(z), move)).map((probability) => -Math.log(probability)));
  };
  const [coarse, fine] = [await worst(20), await worst(40)];
  expect(coarse).toBeGreaterThan(1e-6);
  expect(coarse / fine).toBeCloseTo(4, 1);
});

/* p(x|z) = Bernoulli(Wz + b), k = 2: log p(x) by a trapezoid over the plane, which is exact to rounding for such a function. */
it("agrees with quadrature where nothing is Gaussian, parameters fed", async () => {
  const [d, n] = [5, 4];
  const from = stream(8, "bernoulli");
  const weight = Float32Array.from({ length: d * 2 }, () => 2 * from.normal());
  const x = Float32Array.from({ length: n * d }, () => (from.uniform() < 0.5 ? 1 : 0));
  const w = parameter("w", [d, 2], { law: "constant", value: 0 });
  const annealing = await openAnnealing(engine, {
    model: {
      encoder: () => standardNormal(2),
      decoder: (z) => bernoulli(matmul(z, w, { transposeB: true })),
      prior: standardNormal(2),
    },
    x: data("x", ["batch", d]),
  });
  const { perExample } = await annealedLogLikelihood({
    annealing,
    dataset: arrayDataset({ data: x, shape: [n, d] }, { name: "binary rows", measure: "binary" }),
    parameters: new Map([["w", { data: weight, shape: [d, 2] }]]),
    temperatures: 60,
    chains: 400,
    leapfrogSteps: 5,
    seed: 2,
    chunk: { examples: 4, chains: 400 },
  });
  await annealing.release();
  for (let i = 0; i < n; i++) {
    let total = 0;
    const step = 0.05;
    for (let a = -9; a <= 9; a += step) {
      for (let b = -9; b <= 9; b += step) {
        let logJoint = -0.5 * (a * a + b * b) - Math.log(2 * Math.PI);
        for (let j = 0; j < d; j++) {
          const logit = weight[2 * j] * a + weight[2 * j + 1] * b;
          logJoint -= Math.log1p(Math.exp(x[i * d + j] === 1 ? -logit : logit));
        }
        total += step ** 2 * Math.exp(logJoint);
      }
    }
    expect(perExample.error[i]).toBeLessThan(0.03);
    expect(Math.abs(perExample.logLikelihood[i] - Math.log(total))).toBeLessThan(4.9 * perExample.error[i]);
  }
});

/* Pixels that are binarised afresh: annealing and importance sampling must score the same zeros and ones. */
it("sees an example binarised as importance sampling does, with the same seed", async () => {
  const [d, n] = [20, 6];
  const from = stream(10, "grey rows");
  const grey = Float32Array.from({ length: n * d }, () => from.uniform());
  const rowsOfGrey = arrayDataset({ data: grey, shape: [n, d] }, { name: "grey rows", measure: "unit" });
  const weight = constant(
    Array.from({ length: 2 * d }, () => from.normal()),
    [d, 2],
  );
  const binarised: Model = {
    latents: 2,
    observe: (raw) => toFloat(less(noise("binarize", "uniform", { batch: "batch", event: [d] }), raw)),
    encoder: () => standardNormal(2),
    decoder: (z) => bernoulli(matmul(z, weight, { transposeB: true })),
    prior: standardNormal(2),
  };
  const description = describeData(rowsOfGrey);
  const sampled = async (seed: number): Promise<LikelihoodEstimate> => {
    const density = await compile(engine, densityProgram(binarised, description));
    const made = await estimateLikelihood({ density, dataset: rowsOfGrey, samples: 5000, seed });
    await density.release();
    return made;
  };
  const annealing = await openAnnealing(engine, { model: binarised, x: observed(binarised, description) });
  const options = { annealing, dataset: rowsOfGrey, temperatures: 40, chains: 100, leapfrogSteps: 5, seed: 6 };
  const annealed = await annealedLogLikelihood(options);
  await annealing.release();
  const [same, other] = [await sampled(6), await sampled(7)];
  const largest = (by: LikelihoodEstimate): number =>
    Math.max(
      ...Array.from(annealed.perExample.logLikelihood, (value, i) => {
        const error = Math.hypot(annealed.perExample.error[i], by.perExample.error[i]);
        return Math.abs(value - by.perExample.logLikelihood[i]) / error;
      }),
    );
  expect(largest(same)).toBeLessThan(5.3); // 6 examples: a false alarm of 1e-6
  expect(largest(other)).toBeGreaterThan(10);
});
