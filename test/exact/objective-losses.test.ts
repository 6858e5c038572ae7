/** What is descended, by its formula in plain numbers; the moving average's state; and what is refused, each in one line. */
import { describe, expect, it } from "vitest";
import { bernoulli } from "../../src/distributions/bernoulli.ts";
import type { Distribution } from "../../src/distributions/distribution.ts";
import { mixture } from "../../src/distributions/mixture.ts";
import { normal, standardNormal } from "../../src/distributions/normal.ts";
import { leaveOneOut, movingAverage } from "../../src/inference/baselines.ts";
import { KL_WEIGHT, type LatentVariableModel, latentNoise } from "../../src/inference/elbo.ts";
import { CAPACITY, type ObjectiveOptions, objective } from "../../src/inference/objective.ts";
import { constant, data, gradients, type Tensor } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { array } from "./single.ts";

const [BATCH, K] = [2, 3];
const means = [0.5, -1.2, 0.1, 0.4, 0.9, -0.2];
const scales = [0.4, 1.1, 0.98, 0.5, 0.7, 1.05];
const epsilon = [0.3, -0.7, 1.1, -0.2, 0.5, 0.9];
const x = [0.2, -0.4, 1.3, 0.8, 0.6, -0.9];

const q = normal(data("mean", ["batch", K]), data("scale", ["batch", K]));
const model = (posterior: Distribution = q, prior: Distribution = standardNormal(K)): LatentVariableModel => ({
  encoder: () => posterior,
  decoder: (z) => normal(z, 0.5),
  prior,
});
const input = data("x", ["batch", K]);
const oneDraw = (posterior: Distribution): Tensor => latentNoise("epsilon", posterior, "batch");
const draws = (count: number) => (posterior: Distribution) => latentNoise("epsilon", posterior, "batch", count);

const feeds = {
  mean: array(means, [BATCH, K]),
  scale: array(scales, [BATCH, K]),
  x: array(x, [BATCH, K]),
  epsilon: array(epsilon, [BATCH, K]),
  [CAPACITY]: array([0.8], []),
};
const rates = means.map((m, i) => 0.5 * (m * m + scales[i] ** 2 - 1) - Math.log(scales[i])); // of each latent
const rate = [0, 1].map((i) => rates.slice(i * K, (i + 1) * K).reduce((a, b) => a + b, 0));
const reconstruction = [0, 1].map((i) =>
  [0, 1, 2].reduce((total, j) => {
    const at = i * K + j;
    const z = means[at] + scales[at] * epsilon[at];
    return total - 0.5 * ((x[at] - z) / 0.5) ** 2 - Math.log(0.5) - 0.5 * Math.log(2 * Math.PI);
  }, 0),
);
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function lossOf(options: ObjectiveOptions, weight: number): number {
  const { loss } = objective(model(), input, oneDraw, options);
  return evaluate([loss], { ...feeds, [KL_WEIGHT]: array([weight], []) })[0].data[0];
}

// 1e-12: sums of a dozen terms in float64
const close = (value: number, expected: number): void => expect(Math.abs(value - expected)).toBeLessThan(1e-12);

describe.each([1, 0.3])("weight of the rate %d", (weight) => {
  it("loss = −mean(reconstruction − w·rate)", () => {
    close(lossOf({}, weight), weight * mean(rate) - mean(reconstruction));
  });

  it("free bits: Σ_j max(λ, mean over the batch of rate_j)", () => {
    const byLatent = [0, 1, 2].map((j) => mean([rates[j], rates[K + j]]));
    const free = 0.1;
    expect(byLatent.filter((value) => value < free)).toHaveLength(1); // one of the three is free, two are charged
    const charged = byLatent.reduce((total, value) => total + Math.max(free, value), 0);
    close(lossOf({ freeBits: free }, weight), weight * charged - mean(reconstruction));
  });

  it("free bits of a sampled rate: max(λ, mean), one group", () => {
    const logRatio = [0, 1].map((i) =>
      [0, 1, 2].reduce((total, j) => {
        const at = i * K + j;
        const z = means[at] + scales[at] * epsilon[at];
        return total + 0.5 * (z * z - epsilon[at] ** 2) - Math.log(scales[at]);
      }, 0),
    );
    close(
      lossOf({ rate: "sampled", freeBits: 0.01 }, weight),
      weight * Math.max(0.01, mean(logRatio)) - mean(reconstruction),
    );
    close(lossOf({ rate: "sampled", freeBits: 9 }, weight), 9 * weight - mean(reconstruction));
  });

  it("capacity: w·mean |rate − C|", () => {
    const charged = mean(rate.map((value) => Math.abs(value - 0.8)));
    close(lossOf({ capacity: true }, weight), weight * charged - mean(reconstruction));
  });
});

it("what is free has no gradient, and what is charged the rate's", () => {
  const { loss } = objective(model(), input, oneDraw, { freeBits: 0.1 });
  const plain = objective(model(), input, oneDraw, {}).loss;
  const weights = { ...feeds, [KL_WEIGHT]: array([1], []) };
  const slopes = (of: Tensor, weight = 1): ArrayLike<number> =>
    evaluate(gradients(of, [q.parameters.mean]), { ...weights, [KL_WEIGHT]: array([weight], []) })[0].data;
  const [free, charged, without] = [slopes(loss), slopes(plain), slopes(plain, 0)];
  for (let at = 0; at < BATCH * K; at++) close(free[at], at % K === 2 ? without[at] : charged[at]);
});

describe("baselines", () => {
  const f = [1, 5, -2, 4, 0, 9];
  const signal = data("signal", [3, "batch"]);

  it("leave-one-out: the mean of the other samples", () => {
    const [value] = evaluate([leaveOneOut(signal).value], { signal: array(f, [3, 2]) });
    expect(Array.from(value.data)).toEqual([-1, 6.5, 0.5, 7, -0.5, 4.5]);
  });

  it("moving average: of the steps before, the newest not among them", () => {
    const { value, updates = {} } = movingAverage(signal);
    const next = (before: number, count: number): readonly number[] =>
      evaluate([value, updates["baseline/mean"], updates["baseline/count"]], {
        signal: array(f, [3, 2]),
        "baseline/mean": array([before], []),
        "baseline/count": array([count], []),
      }).map(({ data: [number] }) => number);
    const newest = mean(f);
    close(next(0, 0)[1], newest); // the first is taken whole
    close(next(7, 1)[1], 7 + (newest - 7) / 2); // the mean of two
    close(next(7, 500)[1], 7 + 0.01 * (newest - 7)); // a hundredth of the newest
  });
});

describe("refusals", () => {
  const mixed = mixture(constant([0, 0], [2]), normal(data("m", ["batch", 2, K]), 1));
  const coins = bernoulli(data("logits", ["batch", K]));
  const refused: readonly (readonly [string, ObjectiveOptions, LatentVariableModel, number, string])[] = [
    [
      "no path",
      { gradient: "pathwise" },
      model(coins, bernoulli(constant([0, 0, 0], [3]))),
      1,
      "--gradient pathwise: draws of the posterior Bernoulli have no path to their parameters; use --gradient score-function",
    ],
    [
      "a mixture, path alone",
      { gradient: "sticking-the-landing" },
      model(mixed),
      1,
      "--gradient sticking-the-landing: draws of the posterior Mixture have no path",
    ],
    ["one sample", { bound: "importance" }, model(), 1, "--bound importance: two --samples or more are needed"],
    [
      "an estimator of the ELBO",
      { bound: "importance", gradient: "score-function" },
      model(),
      4,
      "--bound importance: --gradient score-function is for the ELBO; use --gradient doubly-reparameterized",
    ],
    [
      "free bits",
      { bound: "importance", freeBits: 1 },
      model(),
      4,
      "--bound importance: its rate stands inside a logarithm",
    ],
    ["capacity", { bound: "importance", capacity: true }, model(), 4, "--bound importance: its rate stands inside"],
    ["an analytic rate", { bound: "importance", rate: "analytic" }, model(), 4, "no closed form"],
    [
      "an estimator of the importance bound",
      { gradient: "doubly-reparameterized" },
      model(),
      4,
      "--gradient doubly-reparameterized: is for --bound importance",
    ],
    [
      "a rate that has no score",
      { gradient: "sticking-the-landing" },
      model(),
      1,
      "--gradient sticking-the-landing: leaves out a part of the sampled rate; it needs --kl sampled",
    ],
    ["two charges", { freeBits: 1, capacity: true }, model(), 1, "--free-bits and --capacity exclude each other"],
    [
      "free bits by the score function",
      { gradient: "score-function", rate: "sampled", freeBits: 1 },
      model(),
      1,
      "--free-bits: with the score function they need a rate in closed form",
    ],
    [
      "a baseline of another estimator",
      { baseline: "leave-one-out" },
      model(),
      4,
      "--baseline leave-one-out: is for --gradient score-function, and pathwise is chosen",
    ],
    [
      "one sample to leave out",
      { gradient: "score-function", baseline: "leave-one-out" },
      model(),
      1,
      "leave-one-out baseline: two samples or more are needed",
    ],
  ];

  it.each(refused)("%s", (_name, options, given, samples, message) => {
    const noise = samples === 1 ? oneDraw : draws(samples);
    expect(() => objective(given, input, noise, options)).toThrow(message);
  });
});
