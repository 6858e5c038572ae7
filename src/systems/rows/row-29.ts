import { arrayDataset } from "../../data/dataset.ts";
import { kl } from "../../distributions/kl.ts";
import { covarianceOf, multivariateNormal } from "../../distributions/multivariate-normal.ts";
import { standardNormal } from "../../distributions/normal.ts";
import type { Phase } from "../../inference/phase.ts";
import { symmetricEigen } from "../../linalg/eigen.ts";
import { addDiagonal, apply, difference, dot, gram, type Matrix, scaled, transposed } from "../../linalg/matrix.ts";
import { factorPositive, inversePositive } from "../../linalg/positive.ts";
import { analyticReconstruction } from "../../models/linear-gaussian-program.ts";
import { colour } from "../../report/svg-file.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, lowerTriangle, mul, neg, parameter, sub, sum } from "../../tensor/index.ts";
import { createTraining } from "../../training/training.ts";
import { executable } from "../execute.ts";
import { asConstants, knownPosterior } from "../known-posterior.ts";
import { EXACT, type Measurement, relativeToLargest, type SystemPicture, type SystemRow } from "../row.ts";

const SEED = 29;
const LATENTS = 2;
const STEPS = 3000;
/** Weights of the KL; at 0 the reconstruction is alone. */
const WEIGHTS = [10, 1, 0.1, 0.01, 1e-3, 1e-4, 0];

const { model, x } = knownPosterior(SEED, { d: 5, k: LATENTS });

/** What maximises E_q log p(x|z) − w·KL(q ‖ p(z)): S = (I + WᵀW/(wη))⁻¹ and m = SWᵀ(x − μ)/(wη). */
function optimum(weight: number): {
  readonly mean: readonly number[];
  readonly covariance: Matrix;
} {
  const { weight: w, mean, variance } = model;
  const pulled = apply(transposed(w), difference(x, mean)); // Wᵀ(x − μ)
  // (I + WᵀW/(wη))⁻¹ = wη(wηI + WᵀW)⁻¹, which is known at w = 0 too
  const inverse = inversePositive(addDiagonal(gram(w), weight * variance));
  return { mean: apply(inverse, pulled), covariance: scaled(inverse, weight * variance) };
}

interface Reached {
  readonly weight: number;
  readonly mean: readonly number[];
  readonly covariance: Matrix;
  /** E_q log p(x|z) */
  readonly reconstruction: number;
}

/** Gradient steps on every weight's own q = N(m, LLᵀ), by the loop and the optimizer that models are trained with. */
async function descend(engine: Engine): Promise<readonly Reached[]> {
  const numbers = (LATENTS * (LATENTS + 1)) / 2;
  const mean = parameter("posterior/mean", [WEIGHTS.length, LATENTS], { law: "normal", scale: 1 });
  const raw = parameter("posterior/raw", [WEIGHTS.length, numbers], { law: "normal", scale: 0.3 });
  const q = multivariateNormal(mean, lowerTriangle(raw, LATENTS));
  const reconstruction = analyticReconstruction(asConstants(model), q, constant(x, [x.length])); // [weights]
  const objective = sub(reconstruction, mul(constant(WEIGHTS, [WEIGHTS.length]), kl(q, standardNormal(LATENTS))));
  const phase: Phase = {
    name: "posterior",
    loss: neg(sum(objective)),
    terms: {},
    optimizer: { kind: "adam", beta2: 0.95 }, // gradients shrink with w: what came before them is to be forgotten
    learningRate: { kind: "warmupCosine", peak: 0.05, warmup: 1, total: STEPS },
  };
  const dataset = arrayDataset({ data: Float32Array.from(x), shape: [1, x.length] }, { name: "memory" });
  const training = await createTraining({ engine, phases: [phase], dataset, seed: SEED, batchSize: 1, hypers: {} });
  for (let step = 0; step < STEPS; step++) await training.runStep();
  const values = Object.fromEntries(
    Array.from(training.parameters, ([name, { data, shape }]) => [name, { data: Float64Array.from(data), shape }]),
  );
  await training.release();
  const program = await executable(
    engine,
    { covariance: covarianceOf(q), location: q.mean, reconstruction },
    "float64",
  );
  const { covariance, location, reconstruction: reached } = await program.run(values);
  await program.release();
  return WEIGHTS.map((weight, i) => {
    const row = (at: number): number[] => Array.from(covariance.data.slice(at * LATENTS, (at + 1) * LATENTS));
    return {
      weight,
      mean: Array.from(location.data.slice(i * LATENTS, (i + 1) * LATENTS)),
      covariance: Array.from({ length: LATENTS }, (_, j) => row(i * LATENTS + j)),
      reconstruction: reached.data[i],
    };
  });
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const reached = await descend(engine);
  const optimal = reached
    .filter(({ weight }) => weight > 0)
    .map(({ weight, covariance }): Measurement => {
      const exact = optimum(weight).covariance;
      const logDeterminant = (matrix: Matrix): number => factorPositive(matrix).logDeterminant;
      return {
        what: `covariance of q against (I + WᵀW/(wη))⁻¹, w = ${weight}, after ${STEPS.toLocaleString("en-US")} steps; log det is shown`,
        measured: logDeterminant(covariance),
        expected: logDeterminant(exact),
        error: relativeToLargest(covariance.flat(), exact.flat()),
        tolerance: EXACT.float32,
      };
    });
  const [alone] = reached.filter(({ weight }) => weight === 0);
  const residual = difference(difference(x, model.mean), apply(model.weight, optimum(0).mean));
  const best = -0.5 * (x.length * Math.log(2 * Math.PI * model.variance) + dot(residual, residual) / model.variance);
  const left = Math.sqrt(alone.covariance[0][0]);
  return [
    ...optimal,
    {
      what: `w = 0: E_q log p(x|z) against max_z log p(x|z), a point mass's; of q's deviation ${left.toExponential(1)} is left, and falling`,
      measured: alone.reconstruction,
      expected: best,
      error: Math.abs(alone.reconstruction / best - 1),
      tolerance: EXACT.float32,
    },
  ];
}

/** Where N(m, S) has fallen by one deviation: m + VΛ^½(cos t, sin t). */
function ellipse(mean: readonly number[], covariance: Matrix) {
  const { values, vectors } = symmetricEigen(covariance);
  return Array.from({ length: 61 }, (_, i) => {
    const angle = (2 * Math.PI * i) / 60;
    const [a, b] = [Math.sqrt(values[0]) * Math.cos(angle), Math.sqrt(values[1]) * Math.sin(angle)];
    return {
      i,
      z1: mean[0] + a * vectors[0][0] + b * vectors[1][0],
      z2: mean[1] + a * vectors[0][1] + b * vectors[1][1],
    };
  });
}

async function pictures(engine: Engine): Promise<readonly SystemPicture[]> {
  const reached = (await descend(engine)).filter(({ weight }) => weight > 0);
  const label = (weight: number): string => `w = ${weight}`;
  const prior = {
    mean: [0, 0],
    covariance: [
      [1, 0],
      [0, 1],
    ],
  };
  const outlines = [
    ...ellipse(prior.mean, prior.covariance).map((point) => ({ ...point, name: "prior" })),
    ...reached.flatMap(({ weight, mean, covariance }) =>
      ellipse(mean, covariance).map((point) => ({ ...point, name: label(weight) })),
    ),
  ];
  const axes = symmetricEigen(gram(model.weight)).vectors;
  const along = (axis: readonly number[], covariance: Matrix): number => Math.sqrt(dot(axis, apply(covariance, axis)));
  const names = ["along the strong direction of W", "along the weak one"];
  const exact = axes.flatMap((axis, i) =>
    Array.from({ length: 51 }, (_, at) => {
      const weight = 10 ** (1 - at / 10);
      return { name: names[i], weight, deviation: along(axis, optimum(weight).covariance) };
    }),
  );
  const points = axes.flatMap((axis, i) =>
    reached.map(({ weight, covariance }) => ({ name: names[i], weight, deviation: along(axis, covariance) })),
  );
  const shades = [colour("muted"), ...["class-0", "class-5", "class-2", "class-4", "class-1", "class-8"].map(colour)];
  return [
    {
      name: "pull-to-a-point",
      caption:
        "The pull of the two terms, linear-Gaussian with KL weight w. Left: one deviation of the q reached by gradient steps; less weight lets the reconstruction draw it to a point, more draws it to the prior. Right: its deviations (dots) on (I + WᵀW/(wη))⁻¹ (lines).",
      spec: {
        autosize: "pad",
        resolve: { scale: { color: "independent" } },
        hconcat: [
          {
            width: 220,
            height: 220,
            data: { values: outlines },
            mark: { type: "line", strokeWidth: 1.6 },
            encoding: {
              x: { field: "z1", type: "quantitative", title: "z₁", axis: { tickCount: 5 }, scale: { zero: false } },
              y: { field: "z2", type: "quantitative", title: "z₂", axis: { tickCount: 5 }, scale: { zero: false } },
              order: { field: "i" },
              color: {
                field: "name",
                type: "nominal",
                scale: { domain: ["prior", ...reached.map(({ weight }) => label(weight))], range: shades },
                legend: { title: null, orient: "left", symbolType: "stroke" },
              },
            },
          },
          {
            width: 220,
            height: 220,
            encoding: {
              x: {
                field: "weight",
                type: "quantitative",
                title: "weight w of the KL",
                scale: { type: "log", domain: [1e-4, 10] },
                axis: { grid: false, values: [1e-4, 1e-2, 1], format: "~g" },
              },
              y: {
                field: "deviation",
                type: "quantitative",
                title: "deviation of q",
                scale: { type: "log" },
                axis: { values: [0.001, 0.01, 0.1, 1], format: "~g" },
              },
              color: {
                field: "name",
                type: "nominal",
                scale: { domain: names, range: [colour("training"), colour("validation")] },
                legend: { title: null, orient: "top", columns: 1, symbolType: "circle" },
              },
            },
            layer: [
              { data: { values: exact }, mark: { type: "line", strokeWidth: 1.6 } },
              { data: { values: points }, mark: { type: "circle", size: 45, opacity: 1 } },
            ],
          },
        ],
      },
    },
  ];
}

/** Row 29: the reconstruction alone drives q to a point mass; the KL holds it. */
export const row29: SystemRow = { row: 29, title: "The pull of the two terms", measure, pictures };
