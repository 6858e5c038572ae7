import { describe, expect, it } from "vitest";
import { hasClosedForm, kl, klTerms } from "../../src/distributions/kl.ts";
import { logistic } from "../../src/distributions/logistic.ts";
import { multivariateNormal } from "../../src/distributions/multivariate-normal.ts";
import { normal } from "../../src/distributions/normal.ts";
import { probitNormal } from "../../src/distributions/probit-normal.ts";
import { uniform } from "../../src/distributions/uniform.ts";
import { InputError } from "../../src/errors.ts";
import { constant, data, gradients, sum } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import {
  type Family,
  families,
  feedsFor,
  integrals,
  overSettings,
  placed,
  quadrature,
  type Setting,
  weighted,
} from "./families/index.ts";
import { array, single } from "./single.ts";

const reals = ["Normal", "Laplace", "Logistic", "StudentT"];
const positives = ["LogNormal", "Gamma"];
const units = ["Beta", "ContinuousBernoulli", "ProbitNormal"];
const bounded = [...units, "Uniform"];

/** The families whose KL to each has a closed form. */
const onto: Readonly<Record<string, readonly string[]>> = {
  Normal: [...reals, ...positives, ...bounded],
  Laplace: ["Normal", "Laplace", "Logistic", "Uniform"],
  LogNormal: [...positives, "Beta"],
  Gamma: [...positives, "Beta", "Uniform"],
  Uniform: bounded,
  Beta: ["Beta", "Uniform"],
  ContinuousBernoulli: bounded,
  ProbitNormal: ["ProbitNormal"],
  Bernoulli: ["Bernoulli"],
};

/** Those whose KL to each is infinite whatever the parameters. */
const outside: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(positives.map((name) => [name, reals])),
  ...Object.fromEntries(bounded.map((name) => [name, [...reals, ...positives]])),
};

const ordered = families.flatMap((q) => families.map((p) => ({ q, p, name: `${q.name} ‖ ${p.name}` })));
const listed = (lists: Readonly<Record<string, readonly string[]>>) =>
  ordered.filter(({ q, p }) => lists[p.name]?.includes(q.name));
const closed = listed(onto);
const infinite = listed(outside);
const missing = ordered.filter((pair) => !closed.includes(pair) && !infinite.includes(pair));

/** Whether KL(q ‖ p) is infinite for these parameters. */
function isInfinite(q: Family, a: Setting, p: Family, b: Setting): boolean {
  const [from, to] = [q.support?.(a), p.support?.(b)];
  if (from && to && (from[0] < to[0] || from[1] > to[1])) return true;
  return p.name === "Normal" && q.hasMoment?.(2, a) === false;
}

describe.each(closed)("KL($name)", ({ q, p }) => {
  // Every setting of q against every one of p.
  const pairs = (q.paired ?? q.settings).flatMap((a) => (p.paired ?? p.settings).map((b) => ({ a, b })));
  const [ofQ, ofP] = [pairs.map(({ a }) => a), pairs.map(({ b }) => b)];
  const [left, right] = [overSettings(q, ofQ, "q/"), overSettings(p, ofP, "p/")];
  const feeds = { ...feedsFor(q, ofQ, "q/"), ...feedsFor(p, ofP, "p/") };
  const [divergence] = evaluate([kl(left, right)], feeds);
  const { x: y, logWeights } = quadrature(
    q,
    ofQ,
    ofP.map((b) => (p.kink ? [p.kink(b)] : [])),
  );
  const x = placed(q, data("y", y.shape, "float"));
  const [logQ, logP] = evaluate([left.logProb(x), right.logProb(x)], { ...feeds, y });
  const mass = logQ.data.map((log, i) => Math.exp(log + logWeights[i]));
  const expectation = (of: (i: number) => number): readonly number[] => integrals(weighted(mass, of), pairs.length);
  const exact = expectation((i) => logQ.data[i] - logP.data[i]);
  const sizes = expectation((i) => Math.abs(logQ.data[i]) + Math.abs(logP.data[i]));

  it("is E_q[log q − log p]", () => {
    expect(hasClosedForm(left, right)).toBe(true);
    expect(divergence.shape).toEqual([pairs.length]);
    for (const [i, { a, b }] of pairs.entries()) {
      const label = JSON.stringify({ a, b });
      if (isInfinite(q, a, p, b)) expect(divergence.data[i], label).toBe(Number.POSITIVE_INFINITY);
      // Relative to the sum of the terms' sizes: a thousand roundings of float64.
      else expect(Math.abs(divergence.data[i] - exact[i]), label).toBeLessThan(1e-12 * (1 + sizes[i]));
    }
  });

  it("is the same in float32", async () => {
    const [{ data: got }] = await single([kl(left, right)], feeds);
    for (const [i, value] of divergence.data.entries()) {
      const label = JSON.stringify(pairs[i]);
      if (!Number.isFinite(value)) expect(got[i], label).toBe(value);
      else expect(Math.abs(got[i] - value), label).toBeLessThan(1e-5 * (1 + sizes[i]));
    }
  });

  it("has the gradients of its central differences in every parameter, finite in float32", async () => {
    const leaves = [...Object.entries(left.parameters), ...Object.entries(right.parameters)].map(([, leaf]) => leaf);
    const outputs = gradients(sum(kl(left, right)), leaves);
    const values = evaluate(outputs, feeds);
    const rounded = await single(outputs, feeds);
    for (const [k, fed] of Object.entries(feeds)
      .map(([name, { data: numbers }]) => [name, numbers] as const)
      .entries()) {
      const [name, numbers] = fed;
      const step = numbers.map((value) => 1e-6 * Math.max(Math.abs(value), 0.1));
      const [up, down] = [1, -1].map((sign) => {
        const moved = array(
          numbers.map((value, i) => value + sign * step[i]),
          [pairs.length, 1],
        );
        return evaluate([kl(left, right)], { ...feeds, [name]: moved })[0].data;
      });
      for (const [i, pair] of pairs.entries()) {
        if (!Number.isFinite(divergence.data[i])) continue;
        const label = `${name} ${JSON.stringify(pair)}`;
        expect(Number.isFinite(rounded[k].data[i]), label).toBe(true);
        // The difference of two numbers of size `sizes` over 2·step, and a third derivative times step².
        const slope = (up[i] - down[i]) / (2 * step[i]);
        const allowed = (1e-5 * (1 + sizes[i])) / Math.max(Math.abs(numbers[i]), 0.1);
        if (Number.isFinite(slope)) expect(Math.abs(values[k].data[i] - slope), label).toBeLessThan(allowed);
      }
    }
  });

  it("is positive, and 0 where the two are equal", () => {
    for (const [i, { a, b }] of pairs.entries()) {
      const label = JSON.stringify({ a, b });
      if (q === p && JSON.stringify(a) === JSON.stringify(b)) expect(divergence.data[i], label).toBe(0);
      // Two families may have a law in common, such as U(0, 1).
      else if (Math.abs(exact[i]) > 1e-12 * (1 + sizes[i])) expect(divergence.data[i], label).toBeGreaterThan(0);
    }
  });

  it.runIf(q === p)("is not symmetric", () => {
    const [reversed] = evaluate([kl(right, left)], feeds);
    const apart = pairs.filter((_, i) => !(Math.abs(divergence.data[i] - reversed.data[i]) <= 0.01));
    expect(apart.length).toBeGreaterThan(pairs.length / 4);
  });
});

it.each(infinite)("KL($name) is infinite and refused", ({ q, p }) => {
  const [left, right] = [overSettings(q, q.settings, "q/"), overSettings(p, p.settings, "p/")];
  expect(() => kl(left, right)).toThrow(InputError);
  expect(() => hasClosedForm(left, right)).toThrow(`kl: KL(${q.name} ‖ ${p.name}) is infinite: `);
});

it("a Gaussian posterior on a uniform prior is refused with what to take instead", () => {
  const [q, p] = [normal(constant([0], [1]), 1), uniform(0, 1, 0)];
  expect(() => kl(q, p)).toThrow(
    "kl: KL(Normal ‖ Uniform) is infinite: Uniform has all its mass on an interval and Normal has not; take probitNormal or beta, which are on [0, 1]",
  );
  const full = multivariateNormal(constant([0, 0], [2]), constant([1, 0, 0, 1], [2, 2]));
  expect(() => kl(full, p)).toThrow("is infinite");
});

it.each(missing)("KL($name) has no closed form, and the error names the estimator", ({ q, p }) => {
  const [left, right] = [overSettings(q, q.settings, "q/"), overSettings(p, p.settings, "p/")];
  expect(hasClosedForm(left, right)).toBe(false);
  expect(() => kl(left, right)).toThrow(InputError);
  const estimator = `kl: no closed form is known for KL(${q.name} ‖ ${p.name}); estimate it from samples as log q(z) − log p(z), z ~ q`;
  expect(() => kl(left, right)).toThrow(estimator);
});

it("Φ of a Normal is as far from U(0, 1) as the Normal from N(0, 1), either way", () => {
  const [location, scale] = [constant([0.5, -2], [2]), constant([0.1, 3], [2])];
  const [q, base] = [probitNormal(location, scale), normal(location, scale)];
  const [flat, standard] = [uniform(0, 1, 0), normal(constant([0, 0], [2]), 1)];
  const [there, back, ofNormals, backOfNormals] = evaluate(
    [kl(q, flat), kl(flat, q), kl(base, standard), kl(standard, base)],
    {},
  );
  expect(there.data[0]).toBeCloseTo(ofNormals.data[0], 13);
  expect(back.data.reduce((a, b) => a + b)).toBeCloseTo(backOfNormals.data[0], 10);
});

it("logistics of one scale have a closed form: a·coth(a/2) − 2", () => {
  const scale = data("scale", [4]);
  const [q, p] = [logistic(constant([0, 1e-3, 3, -40], [4]), scale), logistic(constant([0, 0, 1, 60], [4]), scale)];
  const feeds = { scale: array([2, 1, 0.5, 0.1]) };
  const terms = evaluate([klTerms(q, p)], feeds)[0].data;
  const exact = [0, 1e-6 / 6 - 1e-12 / 360, 4 / Math.tanh(2) - 2, 998];
  for (const [i, value] of exact.entries()) expect(Math.abs(terms[i] - value)).toBeLessThan(1e-14 * (1 + value));
});

it("both orders can agree without the two being equal: N(0, 1) and N(1, 1) are ½ nat apart either way", () => {
  const [zero, one] = [0, 1].map((mean) => normal(constant([mean], [1]), 1));
  expect(evaluate([kl(zero, one), kl(one, zero)], {}).map(({ data: [value] }) => value)).toEqual([0.5, 0.5]);
});

it("sums over the event and keeps the batch", () => {
  const q = normal(data("mean", ["batch", 2, 3], "float"), 1, 2);
  const p = normal(constant(new Float64Array(6), [2, 3]), 1, 2);
  const divergence = kl(q, p);
  expect(divergence.shape).toEqual(["batch"]);
  const mean = { data: Float64Array.from({ length: 12 }, (_, i) => i), shape: [2, 2, 3] };
  // ½‖μ‖²
  expect(Array.from(evaluate([divergence], { mean })[0].data)).toEqual([55 / 2, 451 / 2]);
});
