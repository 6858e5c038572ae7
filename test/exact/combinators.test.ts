import { describe, expect, it } from "vitest";
import { bernoulli } from "../../src/distributions/bernoulli.ts";
import { categorical } from "../../src/distributions/categorical.ts";
import { isReparameterized } from "../../src/distributions/distribution.ts";
import { independent } from "../../src/distributions/independent.ts";
import { hasClosedForm, hasTerms, kl, klTerms } from "../../src/distributions/kl.ts";
import { normal } from "../../src/distributions/normal.ts";
import { oneHotCategorical } from "../../src/distributions/one-hot-categorical.ts";
import { isProduct, product } from "../../src/distributions/product.ts";
import { relaxedBernoulli } from "../../src/distributions/relaxed-bernoulli.ts";
import { InputError, ShapeError } from "../../src/errors.ts";
import { add, constant, data, exp, reshape, split } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { drawn, single } from "./single.ts";

describe("a product", () => {
  const real = normal(data("mean", ["batch", 2]), exp(data("logScale", ["batch", 2])));
  const soft = relaxedBernoulli(data("soft", ["batch", 3]), 0.01);
  const picture = bernoulli(data("bits", ["batch", 2, 2]), 2);
  const batch = 5;
  const given = {
    mean: drawn("mean", "normal", [batch, 2]),
    logScale: drawn("scale", "normal", [batch, 2]),
    soft: drawn("soft", "normal", [batch, 3]),
    bits: drawn("bits", "normal", [batch, 2, 2]),
  };

  it("is its parts side by side: densities and entropies add up, moments and draws stand in order", () => {
    const whole = product({ real, picture });
    expect(whole.shape).toEqual(["batch", 6]);
    expect(whole.noise).toEqual({ law: "normal", event: [6] });
    expect(Object.keys(whole.parameters)).toEqual(["real/mean", "real/scale", "picture/logits"]);
    const noise = drawn("parts", "normal", [batch, 6]);
    const sample = whole.sample(data("noise", ["batch", 6]));
    const [a, b] = split(sample, -1, [2, 4]);
    const outputs = [
      whole.logProb(data("x", ["batch", 6])),
      add(real.logProb(a), picture.logProb(reshape(b, ["batch", 2, 2]))),
      whole.entropy?.() ?? constant(0),
      add(real.entropy?.() ?? 0, picture.entropy?.() ?? 0),
    ];
    const [x] = evaluate([sample], { ...given, noise });
    const [logP, parts, entropy, entropies] = evaluate(outputs, { ...given, noise, x });
    for (let i = 0; i < batch; i++) {
      expect(Math.abs(logP.data[i] - parts.data[i])).toBeLessThan(1e-13 * (1 + Math.abs(parts.data[i])));
    }
    expect(entropy.data).toEqual(entropies.data);
    const [mean, variance, ofReal, ofBits] = evaluate(
      [whole.mean, whole.variance, real.mean, picture.mean].flatMap((moment) => moment ?? []),
      given,
    );
    expect([mean.shape, variance.shape]).toEqual([
      [batch, 6],
      [batch, 6],
    ]);
    expect(Array.from(mean.data.subarray(0, 6))).toEqual([
      ...ofReal.data.subarray(0, 2),
      ...ofBits.data.subarray(0, 4),
    ]);
    expect(
      Array.from(x.data)
        .filter((_, i) => i % 6 > 1)
        .every((bit) => bit === 0 || bit === 1),
    ).toBe(true);
  });

  it("turns normals into uniforms for the parts that want them", async () => {
    const draws = 100_000;
    const coin = product({ real: normal(constant([0], [1]), 1), coin: bernoulli(constant([-0.5], [1])) });
    const noise = drawn("coins", "normal", [draws, 2]);
    const [{ data: values }] = await single([coin.sample(data("noise", noise.shape))], { noise });
    const p = 1 / (1 + Math.exp(0.5));
    const heads = Array.from(values, Number).reduce((total, value, i) => total + (i % 2) * value, 0) / draws;
    const error = Math.sqrt((p * (1 - p)) / draws);
    expect(Math.abs(heads - p)).toBeLessThan(6 * error); // a false alarm of 2e-9
    expect(6 * error).toBeLessThan(0.05 * p);
  });

  it("has a path where all its parts have, and scores saturated draws part by part", () => {
    const whole = product({ real, soft });
    expect(isReparameterized(whole)).toBe(true);
    expect(isReparameterized(product({ real, picture }))).toBe(false);
    const noise = drawn("path", "normal", [batch, 5]);
    const { sample, logProb } = whole.rsampleWithLogProb(data("noise", ["batch", 5]));
    const other = product({ real, soft: relaxedBernoulli(constant(new Float64Array(3), [3]), 0.1) });
    const [x, own, again, prior] = evaluate([sample, logProb, whole.logProb(sample), other.logProb(sample)], {
      ...given,
      noise,
    });
    expect(x.data.some((value, i) => i % 5 > 1 && value === 1)).toBe(true);
    for (let i = 0; i < batch; i++) {
      expect(Math.abs(own.data[i] - again.data[i])).toBeLessThan(1e-11 * (1 + Math.abs(own.data[i])));
      expect(Number.isFinite(prior.data[i])).toBe(true);
    }
  });

  it("has the KL of its parts, by component where all of them have it", () => {
    const [q, p] = [0, 1].map((shift) =>
      product({
        real: normal(add(data("mean", ["batch", 2]), shift), 1),
        picture: bernoulli(add(data("bits", ["batch", 2, 2]), shift), 2),
      }),
    );
    const real = normal(data("mean", ["batch", 2]), 1);
    const parts = add(
      kl(real, normal(add(data("mean", ["batch", 2]), 1), 1)),
      kl(picture, bernoulli(add(data("bits", ["batch", 2, 2]), 1), 2)),
    );
    expect(isProduct(q)).toBe(true);
    expect([hasClosedForm(q, p), hasTerms(q, p)]).toEqual([true, true]);
    expect(klTerms(q, p).shape).toEqual(["batch", 6]);
    const [whole, sums, same] = evaluate([kl(q, p), parts, kl(q, q)], given);
    for (let i = 0; i < batch; i++)
      expect(Math.abs(whole.data[i] - sums.data[i])).toBeLessThan(1e-14 * (1 + sums.data[i]));
    expect(Array.from(same.data)).toEqual(Array.from(same.data, () => 0));
    const code = product({ real, code: oneHotCategorical(data("bits", ["batch", 2, 2]), 2) });
    expect([hasClosedForm(code, code), hasTerms(code, code)]).toEqual([true, false]);
    expect(kl(code, code).shape).toEqual(["batch"]);
    for (const other of [
      product({ other: real, picture }),
      product({ real }),
      product({ picture, real }),
      product({ real, picture: soft }),
    ]) {
      expect(hasClosedForm(q, other)).toBe(false);
      expect(() => kl(q, other)).toThrow(InputError);
    }
    expect(() => product({})).toThrow("product: one part or more is expected, got none");
  });
});

describe("independent", () => {
  const base = normal(data("mean", ["batch", 4, 2]), exp(data("logScale", ["batch", 4, 2])));
  const given = { mean: drawn("m", "normal", [3, 4, 2]), logScale: drawn("s", "normal", [3, 4, 2]) };

  it("counts batch axes to the event: densities, entropies and KL are those of the wider event", () => {
    const joined = independent(base, 1);
    const wide = normal(base.parameters.mean, base.parameters.scale, 2);
    expect([joined.shape, joined.eventRank, joined.noise]).toEqual([wide.shape, 2, wide.noise]);
    const epsilon = data("noise", ["batch", 4, 2]);
    const [a, b] = [joined, wide].map((each) => each.rsampleWithLogProb(epsilon));
    const standard = [0, 0].map(() => normal(constant(new Float64Array(8), [4, 2]), 1));
    const outputs = [
      a.sample,
      a.logProb,
      joined.logProb(a.sample),
      joined.entropy?.(),
      kl(joined, independent(standard[0], 1)),
    ];
    const expected = [
      b.sample,
      b.logProb,
      wide.logProb(b.sample),
      wide.entropy?.(),
      kl(wide, normal(constant(new Float64Array(8), [4, 2]), 1, 2)),
    ];
    const noise = drawn("independent", "normal", [3, 4, 2]);
    const got = evaluate(
      outputs.flatMap((each) => each ?? []),
      { ...given, noise },
    );
    const same = evaluate(
      expected.flatMap((each) => each ?? []),
      { ...given, noise },
    );
    expect(got.length).toBe(5);
    for (const [i, { data: values, shape }] of got.entries()) {
      expect(shape).toEqual(same[i].shape);
      for (const [j, value] of values.entries())
        expect(Math.abs(value - same[i].data[j])).toBeLessThan(1e-13 * (1 + Math.abs(value)));
    }
    expect(klTerms(joined, joined).shape).toEqual(["batch", 4, 2]);
  });

  it("has a path where its base has, and needs the axes", () => {
    expect(isReparameterized(independent(base, 1))).toBe(true);
    expect(isReparameterized(independent(categorical(data("l", ["batch", 4, 2, 3])), 1))).toBe(false);
    expect(() => independent(base, 3)).toThrow(
      "independent: 3 batch axes are to join the event, and Normal [batch, 4, 2] has 2",
    );
    expect(() => independent(base, 2)).toThrow(ShapeError); // a symbolic batch is no event
  });
});
