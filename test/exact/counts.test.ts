import { describe, expect, it } from "vitest";
import type { Distribution } from "../../src/distributions/distribution.ts";
import { meanOf } from "../../src/distributions/distribution.ts";
import { negativeBinomial } from "../../src/distributions/negative-binomial.ts";
import { poisson } from "../../src/distributions/poisson.ts";
import { constant, data, exp, gradients, sum } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { array, drawn, meanAndError, single } from "./single.ts";

/** A law of counts: made from numbers, log p(x + 1) − log p(x) by its definition, and the window that holds its mass. */
interface Law {
  readonly name: string;
  readonly build: () => Distribution;
  readonly step: (x: number) => number;
  readonly mean: number;
  readonly variance: number;
}

const one = (value: number): ReturnType<typeof constant> => constant([value], [1]);

function poissonLaw(rate: number): Law {
  const step = (x: number): number => Math.log(rate) - Math.log(x + 1);
  return { name: `Poisson(${rate})`, build: () => poisson(one(rate)), step, mean: rate, variance: rate };
}

function negativeBinomialLaw(total: number, logits: number): Law {
  const logP = -Math.log1p(Math.exp(-logits));
  const mean = total * Math.exp(logits);
  return {
    name: `NegativeBinomial(${total}, ${logits})`,
    build: () => negativeBinomial(one(total), one(logits)),
    step: (x) => Math.log(x + total) - Math.log(x + 1) + logP,
    mean,
    variance: mean * (1 + Math.exp(logits)),
  };
}

const laws: readonly Law[] = [
  ...[1e-8, 1e-3, 0.7, 9.99, 10, 57.3, 1e4, 1e6].map(poissonLaw),
  ...[
    [1e-3, -2],
    [0.5, 3],
    [1, 0],
    [7.25, 1.5],
    [300, -3],
    [1e5, -9],
    [40, 6],
  ].map(([total, logits]) => negativeBinomialLaw(total, logits)),
];

/** Whole numbers around the mean, 12 standard deviations or the reach of an exponential tail to either side. */
function windowOf({ mean, variance }: Law): readonly number[] {
  const tail = 40 * Math.max(1, variance / Math.max(mean, 1e-3));
  const reach = Math.ceil(12 * Math.sqrt(variance) + tail);
  const low = Math.max(0, Math.floor(mean) - reach);
  return Array.from({ length: Math.floor(mean) + reach - low }, (_, i) => low + i);
}

describe.each(laws)("$name", (law) => {
  const distribution = law.build();
  const counts = windowOf(law);
  const x = data("x", [counts.length, 1]);
  const feeds = { x: array(counts, [counts.length, 1]) };
  const logProb = distribution.logProb(x);
  const [exact] = evaluate([logProb], feeds);

  it("sums to 1, with its mean and variance", () => {
    const masses = exact.data.map(Math.exp);
    const [mean, variance] = evaluate([meanOf(distribution), distribution.variance ?? constant(0)], {});
    expect(Math.abs(mean.data[0] - law.mean)).toBeLessThan(1e-12 * law.mean);
    expect(Math.abs(variance.data[0] - law.variance)).toBeLessThan(1e-12 * law.variance);
    let [total, first, second] = [0, 0, 0];
    for (const [i, mass] of masses.entries()) {
      total += mass;
      first += mass * (counts[i] - law.mean);
      second += mass * (counts[i] - law.mean) ** 2;
    }
    // Thousands of roundings, each of log p's own 1e-14 or so.
    expect(Math.abs(total - 1)).toBeLessThan(1e-11);
    expect(Math.abs(first)).toBeLessThan(1e-10 * (Math.sqrt(law.variance) + law.mean * 1e-3));
    expect(Math.abs(second - law.variance)).toBeLessThan(1e-9 * law.variance);
  });

  it("goes from one count to the next as its definition says", () => {
    const errors = counts.slice(1).map((_, i) => {
      const [before, after] = exact.data.subarray(i);
      return Math.abs(after - before - law.step(counts[i])) / (1 + Math.abs(before) + Math.abs(after));
    });
    expect(Math.max(...errors)).toBeLessThan(1e-12);
  });

  it("agrees in float32, where the terms of the definition would lose a nat", async () => {
    const [got] = await single([logProb], feeds);
    const errors = counts.map((_, i) => Math.abs(Number(got.data[i]) - exact.data[i]) / (1 + Math.abs(exact.data[i])));
    expect(Math.max(...errors)).toBeLessThan(1e-5);
  });
});

/*
 * 100,000 draws: six standard errors of the mean and of the variance are below 5 % of them, so that such an error fails. 12 tests of
 * two sides and 6 standard errors, 2e-9 each: a false alarm of 5e-8 in all.
 */
const DRAWS = 100_000;
const sampled: readonly Law[] = [
  ...[0.4, 3, 9.9, 10, 60, 1e4].map(poissonLaw),
  ...[
    [2.5, -1],
    [8, 0.5],
    [300, -3],
    [0.9, 3],
  ].map(([total, logits]) => negativeBinomialLaw(total, logits)),
];

describe.each(sampled)("draws from $name", (law) => {
  const distribution = law.build();
  const { event, law: noiseLaw } = distribution.noise;
  const noise = drawn(law.name, noiseLaw, [DRAWS, ...event]);
  const sample = distribution.sample(data("noise", noise.shape));
  const draws = single([sample], { noise }).then(([{ data: values }]) => Array.from(values, Number));

  it("have its mean and variance", async () => {
    const values = await draws;
    expect(values.every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
    const first = meanAndError(values);
    const second = meanAndError(values.map((value) => (value - law.mean) ** 2));
    expect(Math.abs(first.mean - law.mean)).toBeLessThan(6 * first.error);
    expect(Math.abs(second.mean - law.variance)).toBeLessThan(6 * second.error);
    expect(6 * first.error).toBeLessThan(0.05 * law.mean);
    expect(6 * second.error).toBeLessThan(0.15 * law.variance);
  });

  it("fall on each count as often as its probability says", async () => {
    const values = await draws;
    const counts = windowOf(law);
    const [logs] = evaluate([distribution.logProb(data("x", [counts.length, 1]))], {
      x: array(counts, [counts.length, 1]),
    });
    const seen = new Map<number, number>();
    for (const value of values) seen.set(value, (seen.get(value) ?? 0) + 1);
    // χ² over the counts expected 20 times and more: its mean is their number n, its variance 2n and little more. Six standard
    // deviations: below 1e-5 each for the few degrees of freedom here, and the normal's 1e-9 for many.
    let [chi, cells] = [0, 0];
    for (const [i, count] of counts.entries()) {
      const expected = DRAWS * Math.exp(logs.data[i]);
      if (expected < 20) continue;
      chi += ((seen.get(count) ?? 0) - expected) ** 2 / expected;
      cells += 1;
    }
    expect(chi).toBeLessThan(cells + 6 * Math.sqrt(2 * cells));
  });
});

it("both keep symbolic batches and leading axes, and sum over the event", () => {
  const pixels = data("pixels", ["batch", 4, 3]);
  const x = data("x", ["samples", "batch", 4, 3]);
  for (const law of [poisson(exp(pixels), 2), negativeBinomial(data("total", [3]), pixels, 2)]) {
    expect([law.shape, law.mean?.shape, law.variance?.shape]).toEqual([pixels.shape, pixels.shape, pixels.shape]);
    expect(law.logProb(x).shape).toEqual(["samples", "batch"]);
    const noise = data("noise", ["samples", "batch", ...law.noise.event]);
    expect(law.noise.event.slice(0, 2)).toEqual([4, 3]);
    expect(law.sample(noise).shape).toEqual(x.shape);
  }
  expect(() => poisson(1)).toThrow("Poisson: 1 event axes in []");
  expect(() => negativeBinomial(1, 0)).toThrow("NegativeBinomial: 1 event axes in []");
});

describe("gradients", () => {
  it("of a Poisson are x/λ − 1 in the rate and x − λ in its logarithm, at counts and rates of any size", async () => {
    const rates = [1e-8, 1e-3, 1, 30, 1e3, 1e6].map(Math.fround);
    const counts = [0, 1, 5, 300, 1e5, 1e6];
    const pairs = rates.flatMap((rate) => counts.map((x) => ({ rate, x })));
    const rate = data("rate", [pairs.length, 1]);
    const logRate = data("logRate", [pairs.length, 1]);
    const x = data("x", [pairs.length, 1]);
    const [direct] = gradients(sum(poisson(rate).logProb(x)), [rate]);
    const [byLog] = gradients(sum(poisson(exp(logRate)).logProb(x)), [logRate]);
    const feeds = {
      x: array(
        pairs.map((pair) => pair.x),
        [pairs.length, 1],
      ),
      rate: array(
        pairs.map((pair) => pair.rate),
        [pairs.length, 1],
      ),
      logRate: array(
        pairs.map((pair) => Math.fround(Math.log(pair.rate))),
        [pairs.length, 1],
      ),
    };
    const [ofRate, ofLog] = await single([direct, byLog], feeds);
    for (const [i, pair] of pairs.entries()) {
      const slope = pair.x / pair.rate - 1;
      expect(Math.abs(Number(ofRate.data[i]) - slope)).toBeLessThan(1e-6 * (1 + pair.x / pair.rate));
      // eˡ magnifies the rounding of ℓ by |ℓ| ≤ 18
      expect(Math.abs(Number(ofLog.data[i]) - (pair.x - pair.rate))).toBeLessThan(3e-6 * (pair.x + pair.rate));
    }
  });

  it("of a Poisson stay right where its rate is too small for float32", async () => {
    const logRate = data("logRate", [1]);
    const logProb = poisson(exp(logRate)).logProb(data("x", [3, 1]));
    const x = array([0, 1, 5], [3, 1]);
    const [value, slope] = await single([logProb, ...gradients(sum(logProb), [logRate])], {
      x,
      logRate: array([-200]),
    });
    const expected = [0, -200, -1000 - Math.log(120)];
    for (const [i, exact] of expected.entries()) expect(Math.abs(Number(value.data[i]) - exact)).toBeLessThan(1e-3);
    expect(Array.from(slope.data)).toEqual([6]);
  });

  it("of a negative binomial are Σ_(k<x) 1/(r + k) − log(1 + eˡ) in r and x(1 − p) − rp in the logits, at the extremes too", async () => {
    const settings = [1e-3, 0.5, 7, 300, 1e5].flatMap((total) =>
      [-1e4, -12, -1, 0, 2, 30, 1e4].flatMap((logits) =>
        [0, 1, 40, 1e5].map((x) => ({ total: Math.fround(total), logits, x })),
      ),
    );
    const shape = [settings.length, 1];
    const [total, logits, x] = ["total", "logits", "x"].map((name) => data(name, shape));
    const logProb = negativeBinomial(total, logits).logProb(x);
    const slopes = gradients(sum(logProb), [total, logits]);
    const feeds = {
      total: array(
        settings.map((setting) => setting.total),
        shape,
      ),
      logits: array(
        settings.map((setting) => setting.logits),
        shape,
      ),
      x: array(
        settings.map((setting) => setting.x),
        shape,
      ),
    };
    const exact = evaluate(slopes, feeds);
    const [value, ...rounded] = await single([logProb, ...slopes], feeds);
    expect(Array.from(value.data, Number).every(Number.isFinite)).toBe(true);
    for (const [i, setting] of settings.entries()) {
      const p = 1 / (1 + Math.exp(-setting.logits));
      const q = 1 / (1 + Math.exp(setting.logits));
      const penalty = Math.max(setting.logits, 0) + Math.log1p(Math.exp(-Math.abs(setting.logits)));
      let growth = 0;
      for (let k = 0; k < setting.x; k++) growth += 1 / (setting.total + k);
      const expected = [growth - penalty, setting.x * q - setting.total * p];
      const sizes = [growth + penalty, setting.x * q + setting.total * p];
      for (const k of [0, 1]) {
        const said = JSON.stringify({ ...setting, slope: k });
        expect(Math.abs(exact[k].data[i] - expected[k]), said).toBeLessThanOrEqual(1e-11 * sizes[k]);
        // Rounding of sums and of σ, whose argument's own rounding the left tail magnifies by |ℓ| ≤ 30
        expect(Math.abs(Number(rounded[k].data[i]) - expected[k]), said).toBeLessThanOrEqual(
          5e-6 * sizes[k] + 2 ** -126,
        );
      }
    }
  });
});
