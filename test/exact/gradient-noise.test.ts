/** Noise of gradient estimators on a model whose every estimate is a known function of one normal draw. */
import { describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset } from "../../src/data/dataset.ts";
import { bernoulli } from "../../src/distributions/bernoulli.ts";
import { normal, standardNormal } from "../../src/distributions/normal.ts";
import { estimatorsFor, type GradientNoise, gradientNoise } from "../../src/evaluation/gradients.ts";
import { distanceOfMeans, VectorMoments } from "../../src/evaluation/vector-moments.ts";
import { describeData, type Model } from "../../src/models/model.ts";
import { stream } from "../../src/random/stream.ts";
import { add, constant, data, mul } from "../../src/tensor/index.ts";
import { parameter } from "../../src/tensor/leaves.ts";

const engine = await openEngine({ threads: 1 });

/** q(z|x) = N(μ, s²) for all x, p(z) = N(0, 1), p(x|z) = N(z, 1): μ is all that the encoder has. */
const [mu, s] = [0.4, 0.9];
const xs = [4.5, 3.2, 2.3, 5.1];
const mean = parameter("encoder/mean", [1], { law: "constant", value: 0 });
const model: Model = {
  latents: 1,
  encoder: (x) => normal(add(mean, mul(0, x)), constant([s], [1])),
  decoder: (z) => normal(z, constant([1], [1])),
  prior: standardNormal(1),
};
const dataset = arrayDataset({ data: Float32Array.from(xs), shape: [4, 1] }, { name: "four", measure: "real" });
/** So many that 4.9 standard errors √(2/N) of a variance, a false alarm of 1e-6, are less than 5 % of it. */
const DRAWS = 20_000;

const study = await gradientNoise({
  engine,
  model,
  description: describeData(dataset),
  parameters: new Map([["encoder/mean", { data: Float32Array.of(mu), shape: [1] }]]),
  dataset,
  examples: Uint32Array.of(0, 1, 2, 3),
  samples: 1,
  draws: DRAWS,
  seed: 3,
});
const found = (name: string): GradientNoise => {
  const one = study.noise.find((noise) => noise.name === name);
  if (!one) throw new Error(`${name} is missing`);
  return one;
};

describe("variance of one estimate", () => {
  const B = xs.length;
  // f = log p(x|z) = α + βε + γε²; var(f·ε/s) = (α² + 2β² + 15γ² + 6αγ)/s² by the moments of ε
  const scored = xs.reduce((total, x) => {
    const [alpha, beta, gamma] = [-0.5 * (x - mu) ** 2 - 0.5 * Math.log(2 * Math.PI), (x - mu) * s, -0.5 * s ** 2];
    return total + (alpha ** 2 + 2 * beta ** 2 + 15 * gamma ** 2 + 6 * alpha * gamma) / s ** 2;
  }, 0);
  it.each([
    // −(x − z) + μ, z = μ + sε
    ["pathwise, rate in closed form", s ** 2 / B, 0.05],
    // 2z − x
    ["pathwise, rate by the samples", (4 * s ** 2) / B, 0.05],
    // 2z − x − ε/s
    ["sticking the landing", (2 * s - 1 / s) ** 2 / B, 0.05],
    // ε/s, the score of q: what is left where the path is dropped
    ["dropped path", 1 / s ** 2 / B, 0.05],
    // kurtosis 5.4 instead of 3 (by quadrature): 4.9·√((5.4 − 1)/N)
    ["score function, no baseline", scored / B ** 2, 0.073],
  ] as const)("%s", (name, expected, tolerance) => {
    const { variance } = found(name);
    expect(Math.abs(variance.value / expected - 1)).toBeLessThan(tolerance);
    // The error is told by ten parts: a χ² of 9 degrees, whose root lies within a factor of 4 at 1e-6.
    const error = expected * Math.sqrt(2 / DRAWS);
    expect(variance.error).toBeGreaterThan(error / 6);
    expect(variance.error).toBeLessThan(6 * error);
  });
});

it("signal to noise is the length of the mean gradient over the root of the variance", () => {
  const slope = Math.abs(xs.reduce((total, x) => total + (2 * mu - x) / xs.length, 0)); // 2.975
  const exact = slope / (s / Math.sqrt(xs.length)); // 6.6
  // Its error: that of the mean, 1/√N, and half of the variance's, √(2/N)/2 of it; 4.9 of them are 2.5 %.
  const error = Math.sqrt(1 / DRAWS + exact ** 2 / 2 / DRAWS);
  expect(Math.abs(found("pathwise, rate in closed form").signalToNoise - exact)).toBeLessThan(4.9 * error);
});

it("means that are equal lie as far apart as their noise says, and that of the dropped path does not", () => {
  for (const { name, bound, wrong, distance } of study.noise) {
    if (distance === undefined || bound !== "ELBO") continue;
    // χ² of one degree: above 24 with probability 1e-6
    if (!wrong) expect(distance, name).toBeLessThan(24);
  }
  expect(study.noise.filter(({ wrong }) => wrong).map(({ name }) => name)).toEqual(["dropped path"]);
});

describe("which estimators there are", () => {
  const names = (samples: number, posterior = model.encoder(data("x", ["batch", 1])), prior = model.prior) => {
    const { estimators, leftOut } = estimatorsFor(posterior, prior, samples);
    return { names: estimators.map(({ name, bound }) => `${bound}: ${name}`), leftOut };
  };

  it("all nine with two samples, six with one", () => {
    expect(names(2).names).toHaveLength(9);
    expect(names(2).leftOut).toEqual([]);
    expect(names(1).names).toHaveLength(6);
    expect(names(1).leftOut).toHaveLength(1);
  });

  it("the score function alone without a path, and why", () => {
    const coins = bernoulli(data("logits", ["batch", 1]));
    const { names: told, leftOut } = names(2, coins, bernoulli(constant([0], [1])));
    expect(told.filter((name) => !/score function|dropped/.test(name))).toEqual([]);
    expect(leftOut[0]).toMatch(/draws of Bernoulli have no path/);
  });
});

describe("moments of vectors that stream by", () => {
  const random = stream(1, "vectors");
  const vectors = Array.from({ length: 30 }, () => Float64Array.from({ length: 5 }, () => 3 + random.normal()));

  it("are those of all at once, merged or not", () => {
    const whole = new VectorMoments(5);
    const [a, b] = [new VectorMoments(5), new VectorMoments(5)];
    for (const [i, vector] of vectors.entries()) {
      whole.add(vector);
      (i < 11 ? a : b).add(vector);
    }
    a.merge(b);
    a.merge(new VectorMoments(5));
    for (const [from, to] of [
      [0, 5],
      [2, 4],
    ]) {
      let [variance, length] = [0, 0];
      for (let j = from; j < to; j++) {
        const column = vectors.map((vector) => vector[j]);
        const middle = column.reduce((x, y) => x + y, 0) / 30;
        variance += column.reduce((total, x) => total + (x - middle) ** 2, 0) / 29;
        length += middle ** 2;
      }
      for (const moments of [whole, a]) {
        const summary = moments.summary(from, to);
        expect(summary.variance).toBeCloseTo(variance, 10); // sums of 30 numbers near 3 in float64
        expect(summary.signal).toBeCloseTo(length - variance / 30, 10);
      }
    }
    expect(a.count).toBe(30);
  });

  it("tell the distance of two means in units of their noise", () => {
    const [a, b] = [new VectorMoments(1), new VectorMoments(1)];
    for (const x of [0, 2]) a.add(Float64Array.of(x)); // mean 1, variance 2
    for (const x of [3, 5]) b.add(Float64Array.of(x)); // mean 4, variance 2
    expect(distanceOfMeans(a, b)).toBeCloseTo(9 / (2 / 2 + 2 / 2), 12);
  });
});
