import { type Normal, normal } from "../../distributions/normal.ts";
import { type ObjectiveOptions, objective } from "../../inference/objective.ts";
import { apply, difference, transposed } from "../../linalg/matrix.ts";
import { expectedLogLikelihood } from "../../models/linear-gaussian.ts";
import { linearGaussianModel } from "../../models/linear-gaussian-program.ts";
import { colour } from "../../report/svg-file.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, type Tensor } from "../../tensor/index.ts";
import { type Copied, copied, drawNoise, gradientsOfDraws, valuesOf } from "../draws.ts";
import { counted, countStates, discreteProgram, knownDiscrete } from "../known-discrete.ts";
import { asConstants, knownPosterior } from "../known-posterior.ts";
import type { Measurement, SystemPicture, SystemRow } from "../row.ts";
import { average, unbiased } from "../unbiased.ts";

const SEED = 70;
/** Samples of each draw. */
const SAMPLES = 8;

/** One place of z: its probability under q, log p(x|z), the score ∇_φ log q there, and the pathwise slope where there is one. */
interface Place {
  readonly probability: number;
  readonly signal: number;
  readonly score: readonly number[];
  readonly path?: readonly number[];
}

type EstimatorName = "score function, no baseline" | "score function, leave-one-out" | "pathwise";

interface Estimator {
  readonly name: EstimatorName;
  readonly options: ObjectiveOptions;
}

const none: Estimator = {
  name: "score function, no baseline",
  options: { gradient: "score-function", baseline: "none" },
};
const leaveOneOut: Estimator = {
  name: "score function, leave-one-out",
  options: { gradient: "score-function", baseline: "leave-one-out" },
};
const pathwise: Estimator = { name: "pathwise", options: { gradient: "pathwise" } };

/** A problem: gradients in φ by the program, and everything about them by summing over all places of z. */
interface Problem {
  readonly name: string;
  /** So many that a bias of 5 % would be seen. */
  readonly draws: number;
  readonly estimators: readonly Estimator[];
  readonly phi: readonly Copied[];
  /** All that is fed. */
  readonly copies: readonly Copied[];
  readonly program: (options: ObjectiveOptions) => {
    readonly loss: Tensor;
    readonly posterior: Parameters<typeof valuesOf>[2];
  };
  readonly exact: readonly number[];
  readonly places: readonly Place[];
}

const total = (places: readonly Place[], of: (place: Place) => number): number =>
  places.reduce((sum, place) => sum + place.probability * of(place), 0);

/**
 * The variance, summed over φ, of the mean of K samples. Without a baseline it is Var(f·s)/K. Leave-one-out is the U-statistic of
 * ½(f − f′)(s − s′), of variance (4(K − 2)ζ₁ + 2ζ₂)/(K(K − 1)) (Hoeffding 1948, eq. 5.13): with F = f − E f, ζ₁ = ¼ Var(F·s) and
 * ζ₂ = ½(E F²s² + E F²·E s²).
 */
function exactVariance({ places }: Problem, name: EstimatorName, k: number): number {
  const level = total(places, ({ signal }) => signal);
  const squares = total(places, ({ signal }) => (signal - level) ** 2);
  return places[0].score.reduce((sum, _, j) => {
    if (name === "pathwise") {
      const mean = total(places, ({ path = [] }) => path[j]);
      return sum + total(places, ({ path = [] }) => (path[j] - mean) ** 2) / k;
    }
    const mean = total(places, ({ signal, score }) => signal * score[j]);
    if (name === none.name) {
      return sum + (total(places, ({ signal, score }) => (signal * score[j]) ** 2) - mean ** 2) / k;
    }
    const both = total(places, ({ signal, score }) => ((signal - level) * score[j]) ** 2);
    const apart = squares * total(places, ({ score }) => score[j] ** 2);
    return sum + ((k - 2) * (both - mean ** 2) + both + apart) / (k * (k - 1));
  }, 0);
}

function discrete(): Problem {
  const known = knownDiscrete(SEED, { d: 4, k: 10 });
  const { model, posterior, x, copies } = discreteProgram(known);
  return {
    name: "ten binary latents, 1,024 states counted",
    draws: 100_000,
    estimators: [none, leaveOneOut],
    phi: [copies.logits],
    copies: Object.values(copies),
    program: (options) => ({ loss: objective(model, x, (q) => drawNoise(q, SAMPLES), options).loss, posterior }),
    exact: counted(known).gradients.logits,
    places: countStates(known).map(({ probability, logLikelihood, score }) => ({
      probability,
      signal: logLikelihood,
      score,
    })),
  };
}

/** The same question where z has a path: linear-Gaussian, q = N(m, diag s²), expectations by the trapezoidal rule over ε. */
function continuous(): Problem {
  const { model, x, exact, wrong } = knownPosterior(201, { d: 2, k: 2 });
  const scale = wrong.lower.map((row, i) => row[i]);
  const phi = [copied("mean", wrong.mean), copied("scale", scale)];
  const q: Normal = normal(phi[0].tensor, phi[1].tensor);
  const known = linearGaussianModel(asConstants(model), () => q);
  const [step, reach] = [0.1, 8];
  const nodes = Array.from({ length: 2 * Math.round(reach / step) + 1 }, (_, i) => i * step - reach);
  const point = [
    [0, 0],
    [0, 0],
  ];
  const places = nodes.flatMap((a) =>
    nodes.map((b): Place => {
      const epsilon = [a, b];
      const z = wrong.mean.map((m, j) => m + scale[j] * epsilon[j]);
      const residual = difference(difference(x, model.mean), apply(model.weight, z));
      const slope = apply(transposed(model.weight), residual).map((value) => value / model.variance); // ∇_z log p(x|z)
      return {
        probability: (step * step * Math.exp(-0.5 * (a * a + b * b))) / (2 * Math.PI),
        signal: expectedLogLikelihood(model, x, { mean: z, covariance: point }),
        score: [...epsilon.map((e, j) => e / scale[j]), ...epsilon.map((e, j) => (e * e - 1) / scale[j])],
        path: [...slope, ...slope.map((value, j) => value * epsilon[j])],
      };
    }),
  );
  return {
    name: "continuous twin, linear-Gaussian with two latents",
    draws: 220_000,
    estimators: [none, leaveOneOut, pathwise],
    phi,
    copies: phi,
    program: (options) => ({
      loss: objective(known, constant(x, [x.length]), (posterior) => drawNoise(posterior, SAMPLES), options).loss,
      posterior: q,
    }),
    // ∇_φ ELBO: −Λ(m − E[z|x]) and 1/s_j − Λ_jj s_j
    exact: [
      ...apply(exact.precision, difference(exact.mean, wrong.mean)),
      ...scale.map((s, j) => 1 / s - exact.precision[j][j] * s),
    ],
    places,
  };
}

/** ∇_φ ELBO of every draw: [draws, numbers of φ]. */
async function gradientsOf(engine: Engine, { draws, phi, copies, program }: Problem, options: ObjectiveOptions) {
  const { loss, posterior } = program(options);
  const drawing = { draws, seed: SEED, copies, samples: SAMPLES };
  const { data } = await valuesOf(engine, gradientsOfDraws(loss, phi), posterior, drawing);
  return Float64Array.from(data, (value) => -draws * value); // the loss is −mean ELBO over the draws
}

interface Found {
  readonly problem: Problem;
  readonly name: EstimatorName;
  readonly draws: Float64Array;
  /** ‖gradient − exact‖² of every draw. */
  readonly squares: Float64Array;
}

async function found(engine: Engine): Promise<readonly Found[]> {
  const all: Found[] = [];
  for (const problem of [discrete(), continuous()]) {
    const { exact } = problem;
    for (const { name, options } of problem.estimators) {
      const draws = await gradientsOf(engine, problem, options);
      const squares = new Float64Array(problem.draws);
      for (const [at, value] of draws.entries()) {
        squares[Math.floor(at / exact.length)] += (value - exact[at % exact.length]) ** 2;
      }
      all.push({ problem, name, draws, squares });
    }
  }
  return all;
}

/** How many times leave-one-out cuts the variance. */
function cut(all: readonly Found[], name: string): Measurement {
  const of = (estimator: Estimator): Found => {
    const one = all.find((other) => other.problem.name === name && other.name === estimator.name);
    if (!one) throw new Error(`row 7: ${estimator.name} was not drawn`);
    return one;
  };
  const [before, after] = [of(none), of(leaveOneOut)];
  const measured = average(before.squares, 1).mean[0] / average(after.squares, 1).mean[0];
  const exact = [before, after].map(({ problem, name: which }) => exactVariance(problem, which, SAMPLES));
  return {
    what: `${name}: leave-one-out cuts the variance so many times, at least 5`,
    measured,
    expected: exact[0] / exact[1],
    error: Math.max(0, 5 - measured),
    tolerance: 0,
  };
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const all = await found(engine);
  const means = all.map(({ problem, name, draws }) =>
    unbiased(`length of ∇_φ ELBO, ${problem.name}, ${name}`, average(draws, problem.exact.length), problem.exact),
  );
  const variances = all.map(({ problem, name, squares }) =>
    unbiased(`variance of ∇_φ by ${SAMPLES} samples, ${problem.name}, ${name}`, average(squares, 1), [
      exactVariance(problem, name, SAMPLES),
    ]),
  );
  return [...means, ...variances, cut(all, all[0].problem.name)];
}

/** As an axis has room for. */
const shortly: Readonly<Record<EstimatorName, string>> = {
  "score function, no baseline": "score function",
  "score function, leave-one-out": "leave-one-out",
  pathwise: "pathwise",
};

async function pictures(): Promise<readonly SystemPicture[]> {
  const values = [discrete(), continuous()].flatMap((problem) =>
    problem.estimators.map(({ name }) => ({
      problem: problem.name,
      name: shortly[name],
      variance: exactVariance(problem, name, SAMPLES),
    })),
  );
  const names = Object.values(shortly);
  return [
    {
      name: "score-function-variance",
      caption: `Variance of ∇_φ by ${SAMPLES} samples, exact. The score function needs no path through z, and pays for it; a baseline of the other samples gives back part of it. Where z has a path the pathwise gradient is the better one.`,
      spec: {
        autosize: "pad",
        data: { values },
        facet: {
          row: {
            field: "problem",
            type: "nominal",
            title: null,
            header: {
              labelAngle: 0,
              labelAlign: "left",
              labelAnchor: "start",
              labelOrient: "top",
              labelFontSize: 12,
              labelColor: colour("ink"),
            },
          },
        },
        resolve: { scale: { y: "independent" } },
        spec: {
          width: 330,
          height: { step: 26 },
          mark: { type: "circle", size: 90, opacity: 1 },
          encoding: {
            y: { field: "name", type: "nominal", title: null, sort: names, axis: { grid: false } },
            x: {
              field: "variance",
              type: "quantitative",
              title: "variance, summed over φ",
              scale: { type: "log", domain: [1, 1000] },
              axis: { values: [1, 10, 100, 1000] },
            },
            color: {
              field: "name",
              type: "nominal",
              scale: { domain: names, range: [colour("validation"), colour("kl-weight"), colour("training")] },
              legend: null,
            },
          },
        },
      },
    },
  ];
}

/** Row 7: ∇_φ E_q f = E_q (f − b)·∇_φ log q, for z that has no path. */
export const row07: SystemRow = { row: 7, title: "Score-function gradient in φ", measure, pictures };
