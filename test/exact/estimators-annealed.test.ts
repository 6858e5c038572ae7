import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset } from "../../src/data/dataset.ts";
import { bernoulli } from "../../src/distributions/bernoulli.ts";
import { normal, standardNormal } from "../../src/distributions/normal.ts";
import { annealedLogLikelihood, annealingSchedule } from "../../src/evaluation/annealed.ts";
import { type AnnealingStart, openAnnealing } from "../../src/evaluation/annealed-programs.ts";
import { estimate } from "../../src/evaluation/likelihood.ts";
import { choleskyFactor } from "../../src/linalg/positive.ts";
import { drawLinearGaussian, exactPosterior, type LinearGaussian, logEvidence } from "../../src/models/linear-gaussian.ts";
import { linearGaussianModel } from "../../src/models/linear-gaussian-program.ts";

import { stream } from "../../src/random/stream.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { constant, data } from "../../src/tensor/index.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const D = 6;
const K = 3;
const N = 12;
const { model, x: rows } = drawLinearGaussian(7, { d: D, k: K, n: N });
const dataset = arrayDataset({ data: Float32Array.from(rows.flat()), shape: [N, D] }, { name: "linear-Gaussian", measure: "real" });
const exact = Float64Array.from(rows, (row) => logEvidence(model, row));

/** p(x|z) of the model; q is deliberately wrong: one law for all x. */
const asTensors = ({ weight, mean, variance }: LinearGaussian) =>
  linearGaussianModel(
    { weight: constant(weight.flat(), [D, K]), mean: constant(mean, [D]), variance: constant(variance) },
    () => normal(constant([0.3, -0.2, 0.1], [K]), constant([0.7, 0.8, 0.9], [K])),
  );

const open = (from: AnnealingStart) =>
  openAnnealing(engine, { model: asTensors(model), x: data("x", ["batch", D]), from });

/** Exact draws of p(z|x): m + Lε. */
function posteriorDraws(examples: Uint32Array, firstChain: number, chains: number): number[] {
  return Array.from({ length: chains }, (_, c) =>
    Array.from(examples, (example) => {
      const { mean, covariance } = exactPosterior(model, rows[example]);
      const from = stream(3, "posterior draws", example, firstChain + c);
      const epsilon = mean.map(() => from.normal());
      const factor = choleskyFactor(covariance);
      return mean.map((m, i) => m + factor[i].reduce((sum, value, j) => sum + value * epsilon[j], 0));
    }),
  ).flat(2);
}

const settings = { dataset, temperatures: 60, chains: 16, leapfrogSteps: 5, seed: 1 };

describe("annealed importance sampling of a linear-Gaussian model", () => {
  it.each(["prior", "posterior"] as const)("from the %s and backwards brackets the exact value", async (from) => {
    const annealing = await open(from);
    const t = performance.now();
    const lower = await annealedLogLikelihood({ ...settings, annealing });
    const upper = await annealedLogLikelihood({ ...settings, annealing, posteriorDraws });
    await annealing.release();
    const truth = estimate(exact).value;
    console.log(from, performance.now() - t, truth, lower.logLikelihood.value, lower.estimator, upper.logLikelihood.value, upper.estimator, lower.acceptance, upper.acceptance);
    console.log(Array.from(lower.perExample.logLikelihood, (v, i) => [(v - exact[i]).toFixed(3), lower.perExample.error[i].toFixed(3), (upper.perExample.logLikelihood[i] - exact[i]).toFixed(3), upper.perExample.error[i].toFixed(3)].join(" ")).join("\n"));
  });
});
