import { describe, expect, it } from "vitest";
import { bernoulli } from "../../src/distributions/bernoulli.ts";
import { isReparameterized, isStratified } from "../../src/distributions/distribution.ts";
import { logisticMixture } from "../../src/distributions/logistic-mixture.ts";
import { mixture } from "../../src/distributions/mixture.ts";
import { normal } from "../../src/distributions/normal.ts";
import { ShapeError } from "../../src/errors.ts";
import {
  add,
  constant,
  data,
  exp,
  gradients,
  logSoftmax,
  mul,
  split,
  square,
  sum,
  type Tensor,
} from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { array, drawn, meanAndError, single } from "./single.ts";

const [C, K] = [3, 2];
const logits = [0.5, -1, 1.25];
const means = [-2, 0.5, 1, 3, 2.5, -1.5];
const logScales = [0.3, -0.7, 0.1, 0.4, -0.2, 0];
const leaves = { logits: data("logits", [C]), mean: data("mean", [C, K]), logScale: data("logScale", [C, K]) };
const feeds = { logits: array(logits), mean: array(means, [C, K]), logScale: array(logScales, [C, K]) };
const gaussians = mixture(leaves.logits, normal(leaves.mean, exp(leaves.logScale)));
const weights = logits.map((logit) => Math.exp(logit) / logits.reduce((total, other) => total + Math.exp(other), 0));

describe("a mixture of Normals", () => {
  // Trapezoids of 0.2, two fifths of the narrowest scale: e^(−2π²/0.4²) = 0. ±15 is 8 of the widest beyond its mean.
  const side = Array.from({ length: 151 }, (_, i) => (i - 75) / 5);
  const grid = array(
    side.flatMap((a) => side.flatMap((b) => [a, b])),
    [side.length ** 2, K],
  );

  it("integrates to 1, with its mean and variance", () => {
    const [logP, mean, variance] = evaluate(
      [gaussians.logProb(data("x", grid.shape)), ...[gaussians.mean, gaussians.variance].flatMap((m) => m ?? [])],
      { ...feeds, x: grid },
    );
    const expectation = (f: (a: number, b: number) => number): number =>
      logP.data.reduce((total, log, i) => total + Math.exp(log) * f(grid.data[2 * i], grid.data[2 * i + 1]), 0) / 25;
    expect(Math.abs(expectation(() => 1) - 1)).toBeLessThan(1e-11);
    const first = [expectation((a) => a), expectation((_, b) => b)];
    const second = [expectation((a) => (a - first[0]) ** 2), expectation((_, b) => (b - first[1]) ** 2)];
    for (const i of [0, 1]) {
      expect(Math.abs(mean.data[i] - first[i])).toBeLessThan(1e-10);
      expect(Math.abs(variance.data[i] - second[i])).toBeLessThan(1e-9);
    }
  });

  it("is the sum of its components' densities by definition", () => {
    const x = [0.3, -1.1];
    const [got] = evaluate([gaussians.logProb(data("x", [K]))], { ...feeds, x: array(x) });
    const density = weights.reduce((total, weight, c) => {
      const parts = x.map((value, i) => {
        const scale = Math.exp(logScales[c * K + i]);
        return Math.exp(-0.5 * ((value - means[c * K + i]) / scale) ** 2) / (scale * Math.sqrt(2 * Math.PI));
      });
      return total + weight * parts[0] * parts[1];
    }, 0);
    expect(Math.abs(Math.exp(got.data[0]) - density)).toBeLessThan(1e-14);
  });

  const draws = 200_000;
  const noise = drawn("mixture", "normal", [draws, 1 + C * K]);
  const epsilon = data("noise", noise.shape);
  /** f(x) = x₁² + x₁x₂ */
  const f = (x: Tensor): Tensor => {
    const [first, second] = split(x, -1, [1, 1]);
    return sum(mul(first, add(first, second)), -1);
  };
  /** E f = Σ_c π_c·(μ₁² + σ₁² + μ₁μ₂) */
  const expectation = (): Tensor => {
    const [mean1, mean2] = split(leaves.mean, -1, [1, 1]);
    const [scale1] = split(exp(leaves.logScale), -1, [1, 1]);
    const each = add(square(scale1), mul(mean1, add(mean1, mean2)));
    return sum(mul(exp(logSoftmax(leaves.logits, -1)), sum(each, -1)));
  };

  it("draws with the moments of its density", async () => {
    expect(gaussians.noise).toEqual({ law: "normal", event: [1 + C * K] });
    const [{ data: values }] = await single([f(gaussians.sample(epsilon))], { ...feeds, noise });
    const { mean, error } = meanAndError(values.map(Number));
    const [exact] = evaluate([expectation()], feeds);
    // 6 standard errors: a false alarm of 2e-9; 5 % of it would be more.
    expect(Math.abs(mean - exact.data[0])).toBeLessThan(6 * error);
    expect(6 * error).toBeLessThan(0.05 * exact.data[0]);
  });

  it("has strata whose weighted sum estimates expectations, with unbiased gradients in all parameters", async () => {
    // Each draw has parameters of its own, so that each has its own gradient.
    const own = {
      logits: data("ownLogits", [draws, C]),
      mean: data("ownMean", [draws, C, K]),
      logScale: data("ownLogScale", [draws, C, K]),
    };
    const { sample, logWeight } = mixture(own.logits, normal(own.mean, exp(own.logScale))).strata(epsilon);
    const estimate = sum(mul(exp(logWeight), f(sample)), 0); // [draws]
    const repeat = (values: readonly number[], shape: readonly number[]): ReturnType<typeof array> =>
      array(
        Float64Array.from({ length: draws * values.length }, (_, i) => values[i % values.length]),
        [draws, ...shape],
      );
    const parameters = [own.logits, own.mean, own.logScale];
    const [{ data: values }, ...slopes] = await single([estimate, ...gradients(sum(estimate), parameters)], {
      noise,
      ownLogits: repeat(logits, [C]),
      ownMean: repeat(means, [C, K]),
      ownLogScale: repeat(logScales, [C, K]),
    });
    const exact = evaluate(
      [expectation(), ...gradients(expectation(), [leaves.logits, leaves.mean, leaves.logScale])],
      feeds,
    );
    const value = meanAndError(values.map(Number));
    expect(Math.abs(value.mean - exact[0].data[0])).toBeLessThan(6 * value.error);
    // 16 means within 6 standard errors: a false alarm of 3e-8. Those of some size would show 5 %.
    for (const [k, { data: slope }] of slopes.entries()) {
      const { data: expected } = exact[k + 1];
      for (const [i, derivative] of expected.entries()) {
        const column = Array.from({ length: draws }, (_, row) => Number(slope[row * expected.length + i]));
        const { mean, error } = meanAndError(column);
        expect(Math.abs(mean - derivative), `${k} ${i}`).toBeLessThan(6 * error + 1e-6);
        if (Math.abs(derivative) > 0.5) expect(6 * error).toBeLessThan(0.05 * Math.abs(derivative));
      }
    }
  });

  it("has strata that are scored by the whole mixture, their weights of sum 1", () => {
    const some = { noise: { data: noise.data.slice(0, 4 * 7), shape: [2, 2, 7] } };
    const { sample, logProb, logWeight } = gaussians.strata(data("noise", [2, 2, 7]));
    expect([sample.shape, logProb.shape, logWeight.shape]).toEqual([
      [C, 2, 2, K],
      [C, 2, 2],
      [C, 2, 2],
    ]);
    const components = normal(leaves.mean, exp(leaves.logScale)).sample(data("own", [2, 2, C, K]));
    const own = array(
      Array.from(some.noise.data).filter((_, i) => i % 7 > 0),
      [2, 2, C, K],
    );
    const outputs = [sample, logProb, logWeight, gaussians.logProb(sample), components];
    const [x, scored, weight, again, each] = evaluate(outputs, { ...feeds, ...some, own });
    expect(Array.from(scored.data)).toEqual(Array.from(again.data));
    for (let c = 0; c < C; c++) {
      for (let row = 0; row < 4; row++) {
        expect(Math.abs(Math.exp(weight.data[c * 4 + row]) - weights[c])).toBeLessThan(1e-15);
        for (let k = 0; k < K; k++) {
          expect(x.data[(c * 4 + row) * K + k]).toBe(each.data[(row * C + c) * K + k]);
        }
      }
    }
    expect(isStratified(gaussians)).toBe(true);
    expect(isReparameterized(gaussians)).toBe(false);
    expect(isStratified(mixture(leaves.logits, bernoulli(leaves.mean)))).toBe(false);
  });

  it("keeps symbolic batches and leading axes, and refuses components of another number", () => {
    const each = mixture(data("l", ["batch", C]), normal(data("m", ["batch", C, 2, 3]), 1, 2));
    expect(each.shape).toEqual(["batch", 2, 3]);
    expect(each.mean?.shape).toEqual(["batch", 2, 3]);
    expect(each.variance?.shape).toEqual(["batch", 2, 3]);
    expect(each.logProb(data("x", ["samples", "batch", 2, 3])).shape).toEqual(["samples", "batch"]);
    expect(each.sample(data("e", ["samples", "batch", 1 + C * 6])).shape).toEqual(["samples", "batch", 2, 3]);
    expect(each.strata(data("e", ["batch", 1 + C * 6])).logWeight.shape).toEqual([C, "batch"]);
    const prior = mixture(constant(new Float64Array(C), [C]), normal(data("m", ["batch", C, 2]), 1));
    expect(prior.shape).toEqual(["batch", 2]);
    expect(() => mixture(leaves.logits, normal(data("m", [4, 2]), 1))).toThrow(ShapeError);
    expect(() => mixture(leaves.logits, normal(data("m", [4, 2]), 1))).toThrow(
      "mixture: logits [..., C] and components [..., C, ...event] are expected, got [3] and [4, 2] with 1 event axes",
    );
  });

  it("stays finite with its gradients in float32 far from all components and for extreme weights", async () => {
    const x = data("x", [3, K]);
    const logP = gaussians.logProb(x);
    const outputs = [logP, ...gradients(sum(logP), [x, leaves.logits, leaves.mean, leaves.logScale])];
    for (const row of [
      [1e4, 0, -1e4],
      [-1e4, -1e4, -1e4],
    ]) {
      const all = { ...feeds, logits: array(row), x: array([1e6, -1e6, 0, 0, 1e-30, 5], [3, K]) };
      for (const { data: values } of await single(outputs, all)) {
        expect(Array.from(values, Number).every(Number.isFinite)).toBe(true);
      }
    }
  });
});

describe("a mixture of discretised logistics", () => {
  const shape = [2, C];
  const levels = Array.from({ length: 256 }, (_, level) => level);
  const parameters = {
    l: array([0.2, -1, 1, 3, 0, -2], shape),
    m: array([-20, 100, 240, 5, 130, 300], shape),
    s: array([3, 20, 0.7, 12, 0.05, 60], shape),
  };
  const law = logisticMixture(data("l", shape), data("m", shape), data("s", shape), 0);

  it("sums to 1 over the levels, and its mean is what the components state", () => {
    const x = data("x", [256, 1]);
    const [logP, mean] = evaluate([law.logProb(x), law.mean], { ...parameters, x: array(levels, [256, 1]) });
    for (const i of [0, 1]) {
      const masses = levels.map((level) => Math.exp(logP.data[2 * level + i]));
      expect(Math.abs(masses.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-12);
      const first = masses.reduce((total, mass, level) => total + mass * level, 0);
      // Half a level where a scale is below ½, 1/(80·s) elsewhere: discretized-logistic.ts.
      expect(Math.abs(mean.data[i] - first)).toBeLessThan(i === 0 ? 0.02 : 0.5);
    }
  });

  it("draws levels as often as it says", async () => {
    const draws = 100_000;
    const noise = drawn("levels", "uniform", [draws, 2, 1 + C]);
    const [{ data: values }] = await single([law.sample(data("u", noise.shape))], { ...parameters, u: noise });
    const [logP] = evaluate([law.logProb(data("x", [256, 1]))], { ...parameters, x: array(levels, [256, 1]) });
    for (const i of [0, 1]) {
      const seen = new Float64Array(256);
      for (let row = 0; row < draws; row++) seen[Number(values[2 * row + i])] += 1;
      let [chi, cells] = [0, 0];
      for (const level of levels) {
        const expected = draws * Math.exp(logP.data[2 * level + i]);
        if (expected < 20) continue;
        chi += (seen[level] - expected) ** 2 / expected;
        cells += 1;
      }
      // χ² of so many cells, within six of its standard deviations: a false alarm below 1e-6.
      expect(cells).toBeGreaterThan(50);
      expect(chi).toBeLessThan(cells + 6 * Math.sqrt(2 * cells));
    }
  });

  it("has the event's axes and the names that files give", () => {
    const picture = ["batch", 4, 4, C];
    const [l, m, s] = ["l", "m", "s"].map((name) => data(name, picture));
    const pixels = logisticMixture(l, m, s, 2);
    expect(pixels.shape).toEqual(["batch", 4, 4]);
    expect(pixels.mean.shape).toEqual(["batch", 4, 4]);
    expect(pixels.noise).toEqual({ law: "uniform", event: [4, 4, 1 + C] });
    expect(pixels.parameters).toEqual({ logits: l, location: m, scale: s });
    expect(pixels.logProb(data("x", ["samples", "batch", 4, 4])).shape).toEqual(["samples", "batch"]);
    expect(pixels.sample(data("u", ["batch", 4, 4, 1 + C])).shape).toEqual(["batch", 4, 4]);
    expect(isStratified(pixels)).toBe(false);
  });
});
