import { multivariateNormalPrecision } from "../../distributions/multivariate-normal.ts";
import { normal } from "../../distributions/normal.ts";
import { naiveVariance, priorSamplingProgram, renyiFromPrior, samplesNeeded } from "../../evaluation/prior-sampling.ts";
import { addDiagonal, apply, dot, scaled } from "../../linalg/matrix.ts";
import { choleskyFactor, factorPositive } from "../../linalg/positive.ts";
import { type ExactPosterior, exactPosterior, type LinearGaussian, logEvidence } from "../../models/linear-gaussian.ts";
import { linearGaussianModel } from "../../models/linear-gaussian-program.ts";
import { stream } from "../../random/stream.ts";
import { colour } from "../../report/svg-file.ts";
import type { Engine } from "../../runtime/engine.ts";
import { add, constant, exp, sub } from "../../tensor/index.ts";
import { asFloat } from "../../tensor/op.ts";
import { drawNoise, valuesOf } from "../draws.ts";
import { executable } from "../execute.ts";
import { asConstants } from "../known-posterior.ts";
import { EXACT, type Measurement, type SystemPicture, type SystemRow } from "../row.ts";
import { standardErrors } from "../unbiased.ts";

const D = 20;
const MOST = 20;

/** A model of k latents and an example of it; those of fewer latents are parts of those of more. */
interface Problem {
  readonly latents: number;
  readonly model: LinearGaussian;
  readonly x: readonly number[];
  readonly evidence: number;
  readonly posterior: ExactPosterior;
  /** D₂(p(z|x) ‖ p(z)) */
  readonly renyi: number;
}

/** For k = 1 … 20: weights of deviation `strength`, noise of variance 1. The stronger, the more of z the example tells. */
function problems(strength: number, seed: number): readonly Problem[] {
  const from = stream(seed, "naive Monte Carlo");
  const normals = (count: number): number[] => Array.from({ length: count }, () => Math.fround(from.normal()));
  const columns = Array.from({ length: MOST }, () => normals(D).map((value) => Math.fround(strength * value)));
  const [z, mean, noise] = [normals(MOST), normals(D), normals(D)];
  return columns.map((_, last) => {
    const weight = mean.map((_, i) => columns.slice(0, last + 1).map((column) => column[i]));
    const signal = apply(weight, z.slice(0, last + 1));
    const x = signal.map((value, i) => Math.fround(mean[i] + value + noise[i]));
    const model = { weight, mean, variance: 1 };
    const posterior = exactPosterior(model, x);
    const renyi = renyiFromPrior(posterior);
    return { latents: last + 1, model, x, evidence: logEvidence(model, x), posterior, renyi };
  });
}

/** E wⁿ of the weights w = p(x|z)/p(x) = p(z|x)/p(z), z ~ p(z): ∫ N(z; m, Λ⁻¹)ⁿ N(z; 0, I)¹⁻ⁿ dz, a Gaussian integral. */
function momentOfWeight({ mean, precision }: ExactPosterior, n: number): number {
  const pulled = apply(precision, mean); // Λm
  const combined = factorPositive(addDiagonal(scaled(precision, n), 1 - n)); // nΛ − (n − 1)I
  const determinants = 0.5 * n * factorPositive(precision).logDeterminant - 0.5 * combined.logDeterminant;
  return Math.exp(determinants + 0.5 * (n * n * dot(pulled, combined.solve(pulled)) - n * dot(mean, pulled)));
}

/** The variance of the mean of R values (p̂/p − 1)² of K draws each, by the closed fourth moment. */
function errorOfVariance({ posterior, renyi }: Problem, samples: number, repeats: number): number {
  const [second, third, fourth] = [2, 3, 4].map((n) => momentOfWeight(posterior, n));
  const centred = fourth - 4 * third + 6 * second - 3; // E (w − 1)⁴
  const spread = Math.expm1(renyi) ** 2;
  const ofMean = (centred + 3 * (samples - 1) * spread) / samples ** 3;
  return Math.sqrt((ofMean - naiveVariance(renyi, samples) ** 2) / repeats);
}

/** R estimates p̂(x)/p(x) from K draws of the prior each, and the standard error that each thinks it has. */
interface Estimates {
  readonly ratios: Float64Array;
  readonly errors: Float64Array;
}
type Estimator = (samples: number, repeats: number) => Promise<Estimates>;

const CHUNK = 400_000;

async function estimator(
  engine: Engine,
  { model, x, evidence, posterior, latents }: Problem,
  seed: number,
): Promise<Estimator> {
  const joint = linearGaussianModel(asConstants(model), () => normal(constant(posterior.mean, [latents]), 1));
  const { logLikelihood } = priorSamplingProgram(joint, constant(x, [1, D])); // [samples, 1]
  const weight = exp(sub(asFloat(logLikelihood), evidence)); // w = p(x|z)/p(x)
  const program = await executable(engine, { weight }, "float64");
  return async (samples, repeats) => {
    const from = stream(seed, "prior draws", latents);
    const [ratios, squares] = [new Float64Array(repeats), new Float64Array(repeats)];
    const total = samples * repeats;
    for (let start = 0; start < total; start += CHUNK) {
      const count = Math.min(CHUNK, total - start);
      const noise = new Float32Array(count * latents);
      from.fillNormal(noise, 0, noise.length);
      const { weight: values } = await program.run({ prior: { data: noise, shape: [count, 1, latents] } });
      for (let i = 0; i < count; i++) {
        const repeat = Math.floor((start + i) / samples);
        ratios[repeat] += values.data[i] / samples;
        squares[repeat] += values.data[i] ** 2 / samples;
      }
    }
    return { ratios, errors: ratios.map((ratio, i) => Math.sqrt((squares[i] - ratio * ratio) / (samples - 1))) };
  };
}

/** mean (p̂/p − 1)² */
function meanSquare({ ratios }: Estimates): number {
  return ratios.reduce((total, ratio) => total + (ratio - 1) ** 2, 0) / ratios.length;
}

const MILD = problems(0.2, 14);
const BY_MOMENT = "standard errors by the closed fourth moment of the weights: a false alarm of 1e-6";

/** ∫ p(z|x)²/p(z) dz at k = 1, by trapezoids over ten deviations. */
function quadrature({ posterior }: Problem): number {
  const [[precision]] = posterior.precision;
  const [mean] = posterior.mean;
  const log = (z: number, centre: number, lambda: number): number =>
    0.5 * Math.log(lambda / (2 * Math.PI)) - 0.5 * lambda * (z - centre) ** 2;
  const width = 0.02;
  let total = 0;
  for (let z = -15; z <= 15; z += width) total += width * Math.exp(2 * log(z, mean, precision) - log(z, 0, 1));
  return Math.log(total);
}

function closedForm(): readonly Measurement[] {
  const [one] = MILD;
  const [last] = MILD.slice(-1);
  const summed = quadrature(one);
  return [
    {
      what: "D₂(p(z|x) ‖ p(z)) in nats at k = 1, against quadrature",
      measured: one.renyi,
      expected: summed,
      error: Math.abs(one.renyi / summed - 1),
      tolerance: EXACT.float64,
    },
    {
      what: `D₂ against log E w², w = p(z|x)/p(z), for each of k = 1 … ${MOST}; the last is shown`,
      measured: last.renyi,
      expected: Math.log(momentOfWeight(last.posterior, 2)),
      error: Math.max(...MILD.map((one) => Math.abs(Math.log(momentOfWeight(one.posterior, 2)) / one.renyi - 1))),
      tolerance: EXACT.float64,
    },
  ];
}

/** Where e^D₂ is small the variance itself is seen. */
async function variances(engine: Engine): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const [latents, samples, repeats] of [
    [1, 1, 100_000],
    [2, 1, 100_000],
    [2, 10, 60_000],
    [3, 20, 40_000],
  ]) {
    const problem = MILD[latents - 1];
    const estimate = await estimator(engine, problem, 141);
    const found = meanSquare(await estimate(samples, repeats));
    const expected = naiveVariance(problem.renyi, samples);
    const error = errorOfVariance(problem, samples, repeats);
    measurements.push({
      what: `variance of p̂/p, k = ${latents}, K = ${samples}, against (e^D₂ − 1)/K with e^D₂ = ${Math.exp(problem.renyi).toFixed(2)}, ${repeats.toLocaleString("en-US")} estimates`,
      measured: found,
      expected,
      error: Math.abs(found - expected) / error,
      tolerance: standardErrors(1),
      because: BY_MOMENT,
      planted: Math.abs(Math.abs(found - expected) - 0.05 * expected) / error,
    });
  }
  return measurements;
}

const WANTED = 0.25;
const REPEATS = 100;

/** Elsewhere its effect: with the K that the closed form asks for, the error is the one that was wanted. */
async function growth(engine: Engine): Promise<Measurement> {
  let [worst, last, most] = [0, 0, 0];
  for (const problem of MILD) {
    most = Math.ceil(samplesNeeded(problem.renyi, WANTED));
    const estimate = await estimator(engine, problem, 142);
    const found = meanSquare(await estimate(most, REPEATS));
    const error = errorOfVariance(problem, most, REPEATS);
    worst = Math.max(worst, Math.abs(found - naiveVariance(problem.renyi, most)) / error);
    last = Math.sqrt(found);
  }
  const least = Math.ceil(samplesNeeded(MILD[0].renyi, WANTED));
  return {
    what: `error of p̂/p with the K that it needs, for each of k = 1 … ${MOST} (K = ${least} … ${most.toLocaleString("en-US")}); the last is shown`,
    measured: last,
    expected: WANTED,
    error: worst,
    tolerance: standardErrors(MOST),
    because: BY_MOMENT,
  };
}

/** With q = p(z|x) every single weight p(x, z)/q(z) is p(x). */
async function fromPosterior(engine: Engine): Promise<Measurement> {
  const [{ model, x, evidence, posterior, latents }] = MILD.slice(-1);
  const factor = constant(choleskyFactor(posterior.precision).flat(), [latents, latents]);
  const q = multivariateNormalPrecision(constant(posterior.mean, [latents]), factor);
  const { decoder, prior } = linearGaussianModel(asConstants(model), () => q);
  const { sample: z, logProb } = q.rsampleWithLogProb(drawNoise(q));
  const logWeight = sub(add(decoder(z).logProb(constant(x, [D])), prior.logProb(z)), logProb);
  const { data: logs } = await valuesOf(engine, logWeight, q, { draws: 1000, seed: 143 });
  return {
    what: `log p̂(x) from one draw of q = p(z|x), k = ${latents}, each of 1,000 draws; the first is shown`,
    measured: logs[0],
    expected: evidence,
    error: Math.max(...Array.from(logs, (log) => Math.abs(log / evidence - 1))),
    tolerance: EXACT.float64,
  };
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const seen = await variances(engine);
  return [...closedForm(), ...seen, await growth(engine), await fromPosterior(engine)];
}

const SHOWN = 1000;

async function pictures(engine: Engine): Promise<readonly SystemPicture[]> {
  const sharp = problems(1, 14);
  const kinds = [
    { kind: "x tells little of z", of: MILD, colour: colour("training") },
    { kind: "x tells much of z", of: sharp, colour: colour("validation") },
  ];
  const needed: object[] = [];
  const errors: object[] = [];
  const covered: object[] = [];
  for (const { kind, of } of kinds) {
    for (const problem of of) {
      const { latents, renyi } = problem;
      needed.push({ kind, latents, draws: samplesNeeded(renyi, 0.1) });
      const { ratios, errors: thought } = await (await estimator(engine, problem, 144))(SHOWN, 100);
      const logs = ratios.map(Math.log).toSorted();
      const quantile = (share: number): number => logs[Math.round(share * (logs.length - 1))];
      errors.push({ kind, latents, low: quantile(0.05), middle: quantile(0.5), high: quantile(0.95) });
      const within = ratios.filter((ratio, i) => Math.abs(ratio - 1) <= 1.96 * thought[i]).length;
      covered.push({ kind, latents, share: (100 * within) / ratios.length });
    }
  }
  const color = {
    field: "kind",
    type: "nominal",
    scale: { domain: kinds.map(({ kind }) => kind), range: kinds.map((one) => one.colour) },
    legend: { title: null, orient: "top", symbolType: "stroke", symbolOpacity: 1 },
  } as const;
  const x = {
    field: "latents",
    type: "quantitative",
    title: "latents k",
    axis: { grid: false, tickCount: 4 },
  } as const;
  const size = { width: 165, height: 200 } as const;
  return [
    {
      name: "naive-monte-carlo",
      caption: `Naive Monte Carlo, p(x) ≈ mean of p(x|z) over z ~ p(z), for k = 1 … ${MOST}. Left: the draws that an error of 10 % needs. Middle: log p̂ − log p with ${SHOWN.toLocaleString("en-US")} draws, median and 90 % of 100 estimates. Right: how often the 95 % interval of such an estimate holds p(x). One draw from the posterior has no error at all.`,
      spec: {
        autosize: "pad",
        hconcat: [
          {
            ...size,
            data: { values: needed },
            title: { text: "draws needed", fontSize: 11, fontWeight: "normal", color: colour("ink") },
            mark: { type: "line", strokeWidth: 2 },
            encoding: {
              x,
              y: {
                field: "draws",
                type: "quantitative",
                title: null,
                scale: { type: "log" },
                axis: { format: ".0e", tickCount: 6 },
              },
              color,
            },
          },
          {
            ...size,
            data: { values: errors },
            title: { text: "log p̂ − log p, nats", fontSize: 11, fontWeight: "normal", color: colour("ink") },
            layer: [
              {
                mark: { type: "area", opacity: 0.2 },
                encoding: { x, y: { field: "low", type: "quantitative", title: null }, y2: { field: "high" }, color },
              },
              {
                mark: { type: "line", strokeWidth: 2 },
                encoding: { x, y: { field: "middle", type: "quantitative", title: null }, color },
              },
            ],
          },
          {
            ...size,
            data: { values: covered },
            title: { text: "coverage, %", fontSize: 11, fontWeight: "normal", color: colour("ink") },
            mark: { type: "line", strokeWidth: 2 },
            encoding: {
              x,
              y: { field: "share", type: "quantitative", title: null, scale: { domain: [0, 100] } },
              color,
            },
          },
        ],
      },
    },
  ];
}

/** Row 14: p(x) ≈ mean_k p(x|z_k), z_k ~ p(z). */
export const row14: SystemRow = { row: 14, title: "Naive Monte Carlo likelihood", measure, pictures };
