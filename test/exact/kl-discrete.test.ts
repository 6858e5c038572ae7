import { describe, expect, it } from "vitest";
import { bernoulli } from "../../src/distributions/bernoulli.ts";
import { categorical } from "../../src/distributions/categorical.ts";
import type { Distribution } from "../../src/distributions/distribution.ts";
import { hasClosedForm, hasTerms, kl, klTerms } from "../../src/distributions/kl.ts";
import { negativeBinomial } from "../../src/distributions/negative-binomial.ts";
import { oneHotCategorical } from "../../src/distributions/one-hot-categorical.ts";
import { poisson } from "../../src/distributions/poisson.ts";
import { InputError } from "../../src/errors.ts";
import { constant, data, exp, gradients, sum, type Tensor } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { array, drawn, single } from "./single.ts";

/** Pairs of a family over one number: every row of q's parameter against that of p's, and all x that have mass. */
interface Example {
  readonly name: string;
  readonly build: (parameter: Tensor) => Distribution;
  readonly q: NdArray<Float64Array>;
  readonly p: NdArray<Float64Array>;
  readonly values: readonly number[];
}

const rows = 24;
const counts = Array.from({ length: 900 }, (_, x) => x);
const scaled = (name: string, shape: readonly number[], scale: number): NdArray<Float64Array> => {
  const { data: noise } = drawn(name, "normal", shape);
  return { data: noise.map((value) => scale * value), shape };
};
const examples: readonly Example[] = [
  {
    name: "Bernoulli",
    build: (logits) => bernoulli(logits),
    q: scaled("bernoulli q", [rows, 1], 4),
    p: scaled("bernoulli p", [rows, 1], 4),
    values: [0, 1],
  },
  {
    name: "Categorical",
    build: (logits) => categorical(logits),
    q: scaled("categorical q", [rows, 1, 6], 3),
    p: scaled("categorical p", [rows, 1, 6], 3),
    values: [0, 1, 2, 3, 4, 5],
  },
  {
    name: "Poisson",
    build: (logRate) => poisson(exp(logRate)),
    q: scaled("poisson q", [rows, 1], 2),
    p: scaled("poisson p", [rows, 1], 2),
    values: counts,
  },
  {
    name: "NegativeBinomial of one r",
    build: (logits) => negativeBinomial(3.5, logits),
    q: scaled("negative binomial q", [rows, 1], 1),
    p: scaled("negative binomial p", [rows, 1], 1),
    values: counts,
  },
];

describe.each(examples)("KL between two $name", ({ build, q, p, values }) => {
  const parameters = [data("q", q.shape), data("p", p.shape)];
  const [left, right] = parameters.map(build);
  const feeds = { q, p };
  const divergence = kl(left, right);
  const [exact] = evaluate([divergence], feeds);

  it("is Σ q·(log q − log p)", () => {
    const x = data("x", [values.length, rows, 1]);
    const all = array(
      values.flatMap((value) => Array.from({ length: rows }, () => value)),
      [values.length, rows, 1],
    );
    const [logQ, logP] = evaluate([left.logProb(x), right.logProb(x)], { ...feeds, x: all });
    for (let row = 0; row < rows; row++) {
      let [total, size] = [0, 0];
      for (let i = row; i < logQ.data.length; i += rows) {
        const mass = Math.exp(logQ.data[i]);
        total += mass * (logQ.data[i] - logP.data[i]);
        size += mass * (Math.abs(logQ.data[i]) + Math.abs(logP.data[i]));
      }
      // Hundreds of roundings, relative to the sizes of the terms; beyond the last count lies less than 1e-13 of the mass.
      expect(Math.abs(exact.data[row] - total)).toBeLessThan(1e-11 * (1 + size));
      expect(exact.data[row]).toBeGreaterThan(0);
    }
  });

  it("is 0 exactly where the two are equal, and not symmetric", () => {
    const [same, reversed] = evaluate([kl(left, build(parameters[0])), kl(right, left)], feeds);
    expect(Array.from(same.data)).toEqual(Array.from(same.data, () => 0));
    const apart = exact.data.filter((value, i) => Math.abs(value - reversed.data[i]) > 0.01);
    expect(apart.length).toBeGreaterThan(rows / 4);
  });

  it("stands for each component of the event, and is the same in float32", async () => {
    expect([hasClosedForm(left, right), hasTerms(left, right)]).toEqual([true, true]);
    expect(klTerms(left, right).shape).toEqual([rows, 1]);
    const [got] = await single([divergence], feeds);
    const worst = exact.data.map((value, i) => Math.abs(Number(got.data[i]) - value) / (1 + value));
    expect(Math.max(...worst)).toBeLessThan(2e-5); // a few terms that are some times larger than what is left of them
  });

  it("has finite gradients in float32 for parameters far apart", async () => {
    const ends = q.shape.length === 3 ? 1e4 : 40;
    const sign = (by: number) => ({ ...q, data: q.data.map((_, i) => (i % 2 === by ? ends : -ends)) });
    const outputs = [divergence, ...gradients(sum(divergence), parameters)];
    for (const { data: numbers } of await single(outputs, { q: sign(0), p: sign(1) })) {
      expect(Array.from(numbers, Number).every(Number.isFinite)).toBe(true);
    }
  });
});

it("KL between one-hot categoricals is that of the categories, summed over the event", () => {
  const [q, p] = ["q", "p"].map((name) => data(name, ["batch", 4, 3]));
  const feeds = { q: scaled("one-hot q", [5, 4, 3], 2), p: scaled("one-hot p", [5, 4, 3], 2) };
  const [codes, others] = [q, p].map((logits) => oneHotCategorical(logits, 2));
  expect(hasTerms(codes, others)).toBe(false);
  expect(kl(codes, others).shape).toEqual(["batch"]);
  const [whole, numbers] = evaluate([kl(codes, others), kl(categorical(q), categorical(p))], feeds);
  expect(whole.data).toEqual(numbers.data);
  const prior = oneHotCategorical(constant(new Float64Array(12), [4, 3]), 2);
  expect(kl(codes, prior).shape).toEqual(["batch"]);
});

it("there is none between negative binomials of two r, and between families", () => {
  const logits = constant([0.5], [1]);
  const others: readonly Distribution[] = [negativeBinomial(2, logits), poisson(logits), bernoulli(logits)];
  for (const [i, q] of others.entries()) {
    for (const p of [...others.filter((_, k) => k !== i), negativeBinomial(3, logits)]) {
      expect(hasClosedForm(q, p)).toBe(false);
      expect(() => kl(q, p)).toThrow(InputError);
      expect(() => kl(q, p)).toThrow(
        `kl: no closed form is known for KL(${q.name} ‖ ${p.name}); estimate it from samples`,
      );
    }
  }
});
