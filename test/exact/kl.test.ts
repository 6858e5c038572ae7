import { describe, expect, it } from "vitest";
import { hasClosedForm, kl } from "../../src/distributions/kl.ts";
import { normal } from "../../src/distributions/normal.ts";
import { InputError } from "../../src/errors.ts";
import { constant, data } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { families, feedsFor, integrals, overSettings, quadrature } from "./families/index.ts";

/** The pairs with a closed form; for every other one the error must say how to estimate it. */
const known = new Set(["Normal Normal", "Bernoulli Bernoulli"]);

const ordered = families.flatMap((q) => families.map((p) => ({ q, p, name: `${q.name} ‖ ${p.name}` })));
const closed = ordered.filter(({ q, p }) => known.has(`${q.name} ${p.name}`));
const missing = ordered.filter(({ q, p }) => !known.has(`${q.name} ${p.name}`));

describe.each(closed)("KL($name)", ({ q, p }) => {
  // Every setting of q against every one of p.
  const pairs = q.settings.flatMap((a) => p.settings.map((b) => ({ a, b })));
  const [ofQ, ofP] = [pairs.map(({ a }) => a), pairs.map(({ b }) => b)];
  const [left, right] = [overSettings(q, ofQ, "q/"), overSettings(p, ofP, "p/")];
  const feeds = { ...feedsFor(q, ofQ, "q/"), ...feedsFor(p, ofP, "p/") };
  const [divergence] = evaluate([kl(left, right)], feeds);

  it("is E_q[log q − log p]", () => {
    expect(hasClosedForm(left, right)).toBe(true);
    expect(divergence.shape).toEqual([pairs.length]);
    const { x, weights } = quadrature(q, ofQ);
    const leaf = data("x", x.shape, "float");
    const [logQ, logP] = evaluate([left.logProb(leaf), right.logProb(leaf)], { ...feeds, x });
    const terms = logQ.data.map((log, i) => Math.exp(log) * (log - logP.data[i]));
    const sizes = logQ.data.map((log, i) => Math.exp(log) * (Math.abs(log) + Math.abs(logP.data[i])));
    const scales = integrals(sizes, weights, pairs.length);
    for (const [i, value] of integrals(terms, weights, pairs.length).entries()) {
      // Relative to the sum of the terms' sizes: a thousand roundings of float64.
      expect(Math.abs(divergence.data[i] - value), JSON.stringify(pairs[i])).toBeLessThan(1e-12 * (1 + scales[i]));
    }
  });

  it("is positive, and 0 exactly where the two are equal", () => {
    for (const [i, { a, b }] of pairs.entries()) {
      const same = JSON.stringify(a) === JSON.stringify(b);
      if (same) expect(divergence.data[i]).toBe(0);
      else expect(divergence.data[i], JSON.stringify({ a, b })).toBeGreaterThan(0);
    }
  });

  it("is not symmetric", () => {
    const [reversed] = evaluate([kl(right, left)], feeds);
    const apart = pairs.filter((_, i) => Math.abs(divergence.data[i] - reversed.data[i]) > 0.01);
    expect(apart.length).toBeGreaterThan(pairs.length / 4);
  });
});

it.each(missing)("KL($name) has no closed form, and the error names the estimator", ({ q, p }) => {
  const [left, right] = [overSettings(q, q.settings, "q/"), overSettings(p, p.settings, "p/")];
  expect(hasClosedForm(left, right)).toBe(false);
  expect(() => kl(left, right)).toThrow(InputError);
  const estimator = `kl: no closed form is known for KL(${q.name} ‖ ${p.name}); estimate it from samples as log q(z) − log p(z), z ~ q`;
  expect(() => kl(left, right)).toThrow(estimator);
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
