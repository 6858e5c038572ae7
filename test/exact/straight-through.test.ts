import { expect, it } from "vitest";
import { bernoulli } from "../../src/distributions/bernoulli.ts";
import { isReparameterized } from "../../src/distributions/distribution.ts";
import { hasClosedForm, hasTerms, kl } from "../../src/distributions/kl.ts";
import { oneHotCategorical } from "../../src/distributions/one-hot-categorical.ts";
import { relaxedBernoulli } from "../../src/distributions/relaxed-bernoulli.ts";
import { relaxedCategorical } from "../../src/distributions/relaxed-categorical.ts";
import {
  straightThrough,
  straightThroughBernoulli,
  straightThroughCategorical,
} from "../../src/distributions/straight-through.ts";
import { ShapeError } from "../../src/errors.ts";
import { constant, data, gradients, mul, step, sub, sum, tanh } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { array, drawn, single } from "./single.ts";

const weights = constant([1, -2, 0.5, 3], [4]);
const logits = data("logits", [4]);
const feeds = { logits: array([0.5, -1.5, 2, 0]) };
const DRAWS = 100_000;

it("straightThrough has the value of the hard and the gradient of the soft", () => {
  const x = data("x", [4]);
  const both = straightThrough(step(x), tanh(x));
  const [value, slope] = evaluate([both, ...gradients(sum(mul(weights, both)), [x])], { x: array([-1, 0.5, 2, -0.1]) });
  const [expected] = evaluate(gradients(sum(mul(weights, tanh(x))), [x]), { x: array([-1, 0.5, 2, -0.1]) });
  expect(Array.from(value.data)).toEqual([0, 1, 1, 0]);
  expect(slope.data).toEqual(expected.data);
  expect(() => straightThrough(x, data("y", [3]))).toThrow(ShapeError);
  expect(() => straightThrough(x, data("y", [3]))).toThrow("must be of one shape, got [4] and [3]");
});

it("draws zeros and ones as the Bernoulli does, with the gradient of the relaxed one", async () => {
  const law = straightThroughBernoulli(logits, 0.5);
  const u = drawn("bits", "uniform", [DRAWS, 4]);
  const noise = data("u", u.shape);
  expect(isReparameterized(law)).toBe(true);
  const { sample, logProb } = law.rsampleWithLogProb(noise);
  expect(law.sample(noise).shape).toEqual(sample.shape);
  const soft = relaxedBernoulli(logits, 0.5).rsampleWithLogProb(noise).sample;
  const slopes = [sample, soft].map((each) => gradients(sum(mul(weights, each)), [logits])[0]);
  const [bits, hard, relaxed, scored] = await single([sample, ...slopes, logProb], { ...feeds, u });
  expect(hard.data).toEqual(relaxed.data);
  const [exact] = evaluate([bernoulli(logits).logProb(data("x", u.shape))], { ...feeds, x: bits });
  // 6e-8 of the sum of four terms below 3, and 1e-7 for each normaliser: bernoulli.ts
  expect(Math.max(...exact.data.map((value, i) => Math.abs(value - Number(scored.data[i]))))).toBeLessThan(2e-6);
  for (let i = 0; i < 4; i++) {
    let ones = 0;
    for (let row = 0; row < DRAWS; row++) ones += Number(bits.data[row * 4 + i]);
    const p = 1 / (1 + Math.exp(-feeds.logits.data[i]));
    const error = Math.sqrt((p * (1 - p)) / DRAWS);
    expect(Math.abs(ones / DRAWS - p)).toBeLessThan(6 * error); // 8 shares in this file: a false alarm of 2e-8
    expect(6 * error).toBeLessThan(0.06 * p);
  }
});

it("draws ones among zeros as the categorical does, with the gradient of the relaxed one", async () => {
  const law = straightThroughCategorical(logits, 0.5);
  const u = drawn("codes", "uniform", [DRAWS, 4]);
  const noise = data("u", u.shape);
  expect(law.noise).toEqual({ law: "uniform", event: [4] });
  const { sample, logProb } = law.rsampleWithLogProb(noise);
  const soft = relaxedCategorical(logits, 0.5).rsampleWithLogProb(noise).sample;
  const slopes = [sample, soft].map((each) => gradients(sum(mul(weights, each)), [logits])[0]);
  const [codes, hard, relaxed, scored] = await single([sample, ...slopes, logProb], { ...feeds, u });
  expect(hard.data).toEqual(relaxed.data);
  const [exact] = evaluate([oneHotCategorical(logits).logProb(data("x", u.shape))], { ...feeds, x: codes });
  expect(Math.max(...exact.data.map((value, i) => Math.abs(value - Number(scored.data[i]))))).toBeLessThan(1e-6);
  const masses = feeds.logits.data.map(Math.exp);
  const total = masses.reduce((a, b) => a + b);
  const seen = new Float64Array(4);
  for (const [i, bit] of Array.from(codes.data, Number).entries()) seen[i % 4] += bit;
  expect(seen.reduce((a, b) => a + b)).toBe(DRAWS);
  for (const [i, mass] of masses.entries()) {
    const p = mass / total;
    const error = Math.sqrt((p * (1 - p)) / DRAWS);
    expect(Math.abs(seen[i] / DRAWS - p)).toBeLessThan(6 * error);
    if (p > 0.1) expect(6 * error).toBeLessThan(0.06 * p);
  }
});

it("have the density, moments and KL of the discrete ones, exact", () => {
  const other = sub(logits, constant([1, 0, -2, 0.5], [4]));
  const [bits, codes] = [straightThroughBernoulli(logits, 0.3), straightThroughCategorical(logits, 0.3)];
  const [plainBits, plainCodes] = [bernoulli(logits), oneHotCategorical(logits)];
  const x = data("x", [2, 4]);
  const outputs = [
    [bits.logProb(x), plainBits.logProb(x)],
    [codes.logProb(x), plainCodes.logProb(x)],
    [kl(bits, bernoulli(other)), kl(plainBits, bernoulli(other))],
    [kl(codes, oneHotCategorical(other)), kl(plainCodes, oneHotCategorical(other))],
    [kl(codes, straightThroughCategorical(other, 2)), kl(plainCodes, oneHotCategorical(other))],
  ];
  for (const pair of outputs) {
    const [a, b] = evaluate(pair, { ...feeds, x: array([1, 0, 0, 0, 0, 0, 1, 0], [2, 4]) });
    expect(a.data).toEqual(b.data);
  }
  expect([bits.mean, codes.mean]).toEqual([plainBits.mean, plainCodes.mean]);
  expect([hasTerms(bits, plainBits), hasTerms(codes, plainCodes)]).toEqual([true, false]);
  expect(hasClosedForm(bits, codes)).toBe(false);
  expect(hasClosedForm(relaxedBernoulli(logits, 1), plainBits)).toBe(false);
});
