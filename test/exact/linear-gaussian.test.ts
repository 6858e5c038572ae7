import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { bernoulli } from "../../src/distributions/bernoulli.ts";
import type { Reparameterized } from "../../src/distributions/distribution.ts";
import { kl } from "../../src/distributions/kl.ts";
import { multivariateNormal } from "../../src/distributions/multivariate-normal.ts";
import { normal } from "../../src/distributions/normal.ts";
import { evidenceLowerBound, latentNoise } from "../../src/inference/elbo.ts";
import {
  drawLinearGaussian,
  elboOf,
  exactPosterior,
  type Gaussian,
  type LinearGaussian,
  logEvidence as reparamLogEvidence,
  posteriorGap as reparamPosteriorGap,
} from "../../src/models/linear-gaussian.ts";
import { analyticReconstruction, linearGaussianModel } from "../../src/models/linear-gaussian-program.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { data, sub, type Tensor } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";

/*
 * p(x|z) = N(Wz + μ, ηI), p(z) = N(0, I): log p(x) and p(z|x) are known, so the bound and its gap are too (row 3).
 * The bound comes from Reparam; what it is held against, from the dense algebra below.
 */
const D = 5;
const K = 2;
const BATCH = 6;

type Matrix = readonly (readonly number[])[];
type Vector = readonly number[];

const dot = (a: Vector, b: Vector): number => a.reduce((total, value, i) => total + value * b[i], 0);
const column = (m: Matrix, j: number): Vector => m.map((row) => row[j]);
const apply = (m: Matrix, v: Vector): Vector => m.map((row) => dot(row, v));

/** The lower triangle L with LLᵀ = a. */
function cholesky(a: Matrix): Matrix {
  const l = a.map((row) => row.map(() => 0));
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = a[i][j] - dot(l[i].slice(0, j), l[j].slice(0, j));
      l[i][j] = i === j ? Math.sqrt(rest) : rest / l[j][j];
    }
  }
  return l;
}

/** a⁻¹b and log det a, a symmetric and positive definite. */
function solve(a: Matrix, b: Vector): { readonly solution: Vector; readonly logDet: number } {
  const l = cholesky(a);
  const y: number[] = [];
  for (let i = 0; i < b.length; i++) y.push((b[i] - dot(l[i].slice(0, i), y)) / l[i][i]);
  const x = [...y];
  for (let i = b.length - 1; i >= 0; i--) {
    for (let j = i + 1; j < b.length; j++) x[i] -= l[j][i] * x[j];
    x[i] /= l[i][i];
  }
  return { solution: x, logDet: 2 * l.reduce((total, row, i) => total + Math.log(row[i]), 0) };
}

interface Problem {
  readonly w: Matrix;
  readonly mu: Vector;
  readonly variance: number;
  readonly x: Matrix;
  /** Two posteriors for every x, of one mean: by its standard deviations, and by the lower triangle of LLᵀ, row by row. */
  readonly mean: Matrix;
  readonly scale: Matrix;
  readonly lower: readonly Matrix[];
}

function draw(seed: number): Problem {
  const random = stream(seed, "linear-gaussian");
  const normals = (rows: number, columns: number): Matrix =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.fround(random.normal())));
  return {
    w: normals(D, K),
    mu: normals(1, D)[0],
    variance: Math.fround(0.1 + random.uniform()),
    x: normals(BATCH, D).map((row) => row.map((value) => 2 * value)),
    mean: normals(BATCH, K),
    scale: normals(BATCH, K).map((row) => row.map((value) => Math.fround(Math.exp(value)))),
    lower: Array.from({ length: BATCH }, () =>
      normals(K, K).map((row, i) =>
        row.map((value, j) => (i === j ? Math.fround(Math.exp(value)) : i > j ? value : 0)),
      ),
    ),
  };
}

/** Λ = I + WᵀW/η, the posterior's precision. */
function posteriorPrecision({ w, variance }: Problem): Matrix {
  return Array.from({ length: K }, (_, i) =>
    Array.from({ length: K }, (_, j) => (i === j ? 1 : 0) + dot(column(w, i), column(w, j)) / variance),
  );
}

/** E[z|x] = Λ⁻¹Wᵀ(x − μ)/η */
function posteriorMean(problem: Problem, x: Vector): Vector {
  const { w, mu, variance } = problem;
  const residual = x.map((value, i) => value - mu[i]);
  const pulled = Array.from({ length: K }, (_, j) => dot(column(w, j), residual) / variance);
  return solve(posteriorPrecision(problem), pulled).solution;
}

/** log N(x; μ, WWᵀ + ηI) */
function logEvidence({ w, mu, variance }: Problem, x: Vector): number {
  const covariance = w.map((a, i) => w.map((b, j) => dot(a, b) + (i === j ? variance : 0)));
  const residual = x.map((value, i) => value - mu[i]);
  const { solution, logDet } = solve(covariance, residual);
  return -0.5 * (dot(residual, solution) + logDet + D * Math.log(2 * Math.PI));
}

/** KL(N(m, S) ‖ N(E[z|x], Λ⁻¹)) = ½(tr ΛS + (m − E)ᵀΛ(m − E) − k − log det Λ − log det S) */
function posteriorGap(problem: Problem, x: Vector, mean: Vector, covariance: Matrix): number {
  const precision = posteriorPrecision(problem);
  const apart = posteriorMean(problem, x).map((value, i) => mean[i] - value);
  const trace = precision.reduce((total, row, i) => total + dot(row, covariance[i]), 0);
  const logDets = solve(precision, apart).logDet + solve(covariance, apart).logDet;
  return 0.5 * (trace + dot(apart, apply(precision, apart)) - K - logDets);
}

const squares = (values: Vector): Matrix => values.map((value, i) => values.map((_, j) => (i === j ? value ** 2 : 0)));

const array = (m: Matrix): NdArray<Float64Array> => ({
  data: Float64Array.from(m.flat()),
  shape: [m.length, m[0].length],
});

/** The model with W, μ and η as inputs, and the posterior that the inputs `mean` and `scale` say. */
const w = data("w", [D, K], "float");
const mu = data("mu", [D], "float");
const variance = data("variance", [], "float");
const parameters = { weight: w, mean: mu, variance };
const mean = data("mean", ["batch", K], "float");
const posterior = normal(mean, data("scale", ["batch", K], "float"));
const model = linearGaussianModel(parameters, () => posterior);
const x = data("x", ["batch", D], "float");

interface Form {
  readonly name: string;
  readonly q: Reparameterized;
  readonly covariance: (problem: Problem, i: number) => Matrix;
}
const forms: readonly Form[] = [
  { name: "diagonal", q: posterior, covariance: ({ scale }, i) => squares(scale[i]) },
  {
    name: "full",
    q: multivariateNormal(mean, data("lower", ["batch", K, K], "float")),
    covariance: ({ lower }, i) => lower[i].map((a) => lower[i].map((b) => dot(a, b))),
  },
];

/** The bound with the expectation in closed form: no sampling. */
function analyticBound(q: Reparameterized): Readonly<Record<"elbo" | "reconstruction" | "rate", Tensor>> {
  const reconstruction = analyticReconstruction(parameters, q, x);
  const rate = kl(q, model.prior);
  return { elbo: sub(reconstruction, rate), reconstruction, rate };
}

const feeds = (problem: Problem): Record<string, NdArray<Float64Array>> => ({
  x: array(problem.x),
  w: array(problem.w),
  mu: { data: Float64Array.from(problem.mu), shape: [D] },
  variance: { data: Float64Array.of(problem.variance), shape: [] },
  mean: array(problem.mean),
  scale: array(problem.scale),
  lower: { data: Float64Array.from(problem.lower.flat(2)), shape: [BATCH, K, K] },
});

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const problems = [1, 2, 3, 4, 5].map(draw);

describe("log p(x) = ELBO + KL(q ‖ p(z|x)), the expectation analytic and q deliberately wrong", () => {
  // Row 3's bars for an exact identity, relative to the largest term.
  const bars = [
    { precision: "float64", bar: 1e-10 },
    { precision: "float32", bar: 1e-5 },
  ] as const;
  const cases = forms.flatMap((form) => bars.map((each) => ({ ...form, ...each })));
  it.each(cases)("$name in $precision", async ({ q, covariance, precision, bar }) => {
    const bound = await compile(engine, analyticBound(q), { precision });
    for (const problem of problems) {
      const fed = Object.entries(feeds(problem)).map(([name, { data: values, shape }]) => {
        return [name, { data: precision === "float64" ? values : Float32Array.from(values), shape }] as const;
      });
      const { elbo, reconstruction, rate } = await bound.run(Object.fromEntries(fed));
      for (const [i, row] of problem.x.entries()) {
        const evidence = logEvidence(problem, row);
        const gap = posteriorGap(problem, row, problem.mean[i], covariance(problem, i));
        const largest = Math.max(...[evidence, gap, reconstruction.data[i], rate.data[i]].map(Math.abs));
        expect(Math.abs(elbo.data[i] + gap - evidence)).toBeLessThan(bar * largest);
        expect(gap).toBeGreaterThan(0.01);
        expect(elbo.data[i]).toBeLessThan(evidence);
      }
    }
    await bound.release();
  });

  it("and no gap is left where q is the posterior, which is diagonal if W's columns are orthogonal", async () => {
    const base = problems[0];
    const [first, second] = [column(base.w, 0), column(base.w, 1)];
    const share = dot(first, second) / dot(first, first);
    const orthogonal = { ...base, w: base.w.map(([a, b]) => [a, b - share * a]) };
    const deviations = posteriorPrecision(orthogonal).map((row, i) => 1 / Math.sqrt(row[i]));
    const best = {
      ...orthogonal,
      mean: base.x.map((row) => posteriorMean(orthogonal, row)),
      scale: base.x.map(() => deviations),
    };
    const bound = await compile(engine, analyticBound(posterior), { precision: "float64" });
    const { elbo, reconstruction } = await bound.run(feeds(best));
    await bound.release();
    for (const [i, row] of best.x.entries()) {
      const error = Math.abs(elbo.data[i] - logEvidence(best, row));
      expect(error).toBeLessThan(1e-10 * Math.abs(reconstruction.data[i]));
    }
  });
});

it("the sampled bound is the analytic one in the mean", async () => {
  const samples = 20_000;
  const [problem] = problems;
  const noise = new Float64Array(samples * BATCH * K);
  const random = stream(9, "sampled bound");
  for (let i = 0; i < noise.length; i++) noise[i] = random.normal();
  const epsilon = { data: noise, shape: [samples, BATCH, K] };
  const sampled = evidenceLowerBound(model, x, latentNoise("epsilon", model.prior, "batch", "samples"));
  const compiled = await compile(
    engine,
    { exact: analyticBound(posterior).elbo, draws: sampled.elbo },
    { precision: "float64" },
  );
  const { exact, draws } = await compiled.run({ ...feeds(problem), epsilon });
  await compiled.release();
  expect(draws.shape).toEqual([samples, BATCH]);
  for (let i = 0; i < BATCH; i++) {
    const values = Array.from({ length: samples }, (_, k) => draws.data[k * BATCH + i]);
    const mean = values.reduce((total, value) => total + value, 0) / samples;
    const deviation = Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / (samples - 1));
    // 5.2 standard errors, two-sided 2e-7, for six examples: a false alarm of 1e-6.
    expect(Math.abs(mean - exact.data[i])).toBeLessThan((5.2 * deviation) / Math.sqrt(samples));
    // And the bar is one that a bias of 5 % of the bound's spread would fail.
    expect((5.2 * deviation) / Math.sqrt(samples)).toBeLessThan(0.05 * deviation);
  }
});

describe("the same in plain float64 numbers", () => {
  const modelOf = ({ w, mu, variance }: Problem): LinearGaussian => ({ weight: w, mean: mu, variance });
  it("log p(x) and the gap are the dense algebra's, and the bound is what is between them", () => {
    for (const problem of problems) {
      for (const [i, row] of problem.x.entries()) {
        const evidence = logEvidence(problem, row);
        for (const { covariance } of forms) {
          const q: Gaussian = { mean: problem.mean[i], covariance: covariance(problem, i) };
          const gap = posteriorGap(problem, row, q.mean, q.covariance);
          const largest = Math.max(Math.abs(evidence), gap);
          // 1e-12: thousands of roundings of float64, relative to the largest term
          expect(Math.abs(reparamLogEvidence(modelOf(problem), row) - evidence)).toBeLessThan(1e-12 * largest);
          expect(Math.abs(reparamPosteriorGap(modelOf(problem), row, q) - gap)).toBeLessThan(1e-12 * largest);
          expect(Math.abs(elboOf(modelOf(problem), row, q) + gap - evidence)).toBeLessThan(1e-12 * largest);
        }
      }
    }
  });

  it("the bound of the posterior itself is log p(x), for any covariance of the latents", () => {
    const { model, x } = drawLinearGaussian(7, { d: 7, k: 3, n: 20 });
    for (const row of x) {
      const q = exactPosterior(model, row);
      const evidence = reparamLogEvidence(model, row);
      expect(Math.abs(elboOf(model, row, q) - evidence)).toBeLessThan(1e-12 * Math.abs(evidence));
      expect(Math.abs(reparamPosteriorGap(model, row, q))).toBeLessThan(1e-12);
      // a deliberately wrong one: half as wide, and a unit away
      const wrong = { mean: q.mean.map((m) => m + 1), covariance: q.covariance.map((r) => r.map((v) => v / 4)) };
      expect(reparamPosteriorGap(model, row, wrong)).toBeGreaterThan(1);
      expect(elboOf(model, row, wrong)).toBeLessThan(evidence - 1);
    }
  });

  it("draws examples whose mean log p(x) is minus the entropy of N(μ, WWᵀ + ηI)", () => {
    const [d, n] = [6, 4000];
    const { model, x } = drawLinearGaussian(3, { d, k: 2, n });
    expect(drawLinearGaussian(3, { d, k: 2, n }).x).toEqual(x);
    const { weight, variance } = model;
    const covariance = weight.map((a, i) => weight.map((b, j) => dot(a, b) + (i === j ? variance : 0)));
    const { logDet } = solve(covariance, model.mean);
    const entropy = 0.5 * (logDet + d * Math.log(2 * Math.PI * Math.E));
    const mean = x.reduce((total, row) => total + reparamLogEvidence(model, row), 0) / n;
    // log p(x) − E log p = −½(χ²_d − d), of variance d/2: standard error √(d/2n) = 0.027; 5 of them are a false alarm of
    // 6e-7, and 5 % more or less variance along every axis moves it by d·0.05/2 = 0.15.
    const standardError = Math.sqrt(d / (2 * n));
    expect(Math.abs(mean + entropy)).toBeLessThan(5 * standardError);
    expect(5 * standardError).toBeLessThan((0.05 * d) / 2);
  });

  it("refuses a covariance that is none", () => {
    const { model, x } = drawLinearGaussian(1, { d: 3, k: 2, n: 1 });
    const flat = {
      mean: [0, 0],
      covariance: [
        [1, 1],
        [1, 1],
      ],
    };
    expect(() => elboOf(model, x[0], flat)).toThrow("not positive definite");
    const unknown = {
      mean: [0, 0],
      covariance: [
        [Number.NaN, 0],
        [0, 1],
      ],
    };
    expect(() => elboOf(model, x[0], unknown)).toThrow("not finite");
    expect(() => drawLinearGaussian(1, { d: 3, k: 0, n: 1 })).toThrow("k must be a whole number from 1, got 0");
  });
});

it("the expectation in closed form is refused for what is no Normal", () => {
  expect(() => analyticReconstruction(parameters, bernoulli(mean), x)).toThrow(
    "analyticReconstruction: the expectation is known for a Normal posterior, got Bernoulli; use samples",
  );
});
