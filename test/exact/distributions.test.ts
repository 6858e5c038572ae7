import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isReparameterized, meanOf, rsample } from "../../src/distributions/distribution.ts";
import { gradients } from "../../src/tensor/gradients.ts";
import { data, sum } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import {
  families,
  feedsFor,
  integrals,
  overSettings,
  placed,
  quadrature,
  type Setting,
  weighted,
} from "./families/index.ts";
import { array, drawn, type Feeds, single } from "./single.ts";

/** Declared over several numbers, or of other distributions, and tested in files of their own. */
const elsewhere = [
  "categorical.ts",
  "independent.ts",
  "logistic-mixture.ts",
  "low-rank-normal.ts",
  "mixture.ts",
  "multivariate-normal.ts",
  "negative-binomial.ts",
  "one-hot-categorical.ts",
  "poisson.ts",
  "product.ts",
  "relaxed-bernoulli.ts",
  "relaxed-categorical.ts",
  "selected-normal.ts",
  "straight-through.ts",
];

it("every file that declares a distribution is among the families or tested in a file of its own", () => {
  const folder = new URL("../../src/distributions/", import.meta.url);
  const parts = /^(componentwise|distribution|gauss-legendre|index|kl.*|positive-log|standard-.*|stirling)\.ts$/;
  const declared = readdirSync(folder).filter((file) => !parts.test(file));
  expect([...families.map(({ file }) => file), ...elsewhere].toSorted()).toEqual(declared.toSorted());
});

describe.each(families)("$name", (family) => {
  const { settings, sampled, accuracy = 1e-12, hasMoment = () => true } = family;
  const n = settings.length;
  const distribution = overSettings(family, settings);
  const { x: coordinate, logWeights, count } = quadrature(family, settings);
  const points = placed(family, data("y", coordinate.shape, "float"));
  const feeds: Feeds = { ...feedsFor(family, settings), y: coordinate };
  const [x, logProb] = evaluate([points, distribution.logProb(points)], feeds);
  const at = (i: number): Setting => settings[i % n];
  const mass = logProb.data.map((log, i) => Math.exp(log + logWeights[i]));
  const expectation = (of: (i: number) => number): readonly number[] => integrals(weighted(mass, of), n);
  const leaf = data("x", x.shape, "float");
  /** Whether float32 holds the number, and it is not taken for another near the ends of a support. */
  const usual = (value: number): boolean => {
    const size = Math.abs(value);
    if (size > 1e30 || (family.coordinate && size < 1e-30)) return false;
    return distribution.support !== "unit" || size <= 1 - 2 ** -24;
  };

  it("has its name and the shapes that it says", () => {
    expect(distribution.name).toBe(family.name);
    for (const part of [distribution, distribution.mean, distribution.variance]) {
      if (part) expect(part.shape).toEqual([n, 1]);
    }
    expect(logProb.shape).toEqual([count, n]);
    expect(Object.keys(distribution.parameters)).toEqual(Object.keys(settings[0]));
  });

  it("sums its log-densities over the axes of an event, whatever stands before them", () => {
    const leaves = Object.keys(settings[0]).map((name) => [name, data(name, ["batch", 2, 3], "float")] as const);
    const ranks = [1, 2].map((rank) => family.build(Object.fromEntries(leaves), rank));
    const images = data("x", ["samples", "batch", 2, 3], "float");
    const [rows, all] = ranks.map((each) => each.logProb(images));
    expect([rows.shape, all.shape]).toEqual([
      ["samples", "batch", 2],
      ["samples", "batch"],
    ]);
    const noise = data("noise", ["samples", "batch", ...ranks[1].noise.event], "float");
    expect(ranks[1].sample(noise).shape).toEqual(images.shape);
    const tile = (column: NdArray): NdArray =>
      array(
        Float64Array.from({ length: 12 }, (_, i) => Number(column.data[i % n])),
        [2, 2, 3],
      );
    const some = Object.entries(feedsFor(family, settings)).map(([name, column]) => [name, tile(column)]);
    // A number of the middle of each one's mass.
    const middle = n * Math.floor(count / 2);
    const pixels = array(
      Float64Array.from({ length: 36 }, (_, i) => x.data[middle + ((i % 12) % n)]),
      [3, 2, 2, 3],
    );
    const [partial, total] = evaluate([rows, all], { ...Object.fromEntries(some), x: pixels });
    for (const [i, value] of total.data.entries()) {
      const [a, b] = partial.data.subarray(2 * i);
      expect(Math.abs(a + b - value)).toBeLessThanOrEqual(1e-14 * (Math.abs(a) + Math.abs(b)));
    }
  });

  it("integrates to 1", () => {
    // A thousand roundings of terms below 1, each of log p's own 1e-15 relative.
    for (const [i, total] of expectation(() => 1).entries()) {
      expect(Math.abs(total - 1), JSON.stringify(settings[i])).toBeLessThan(accuracy);
    }
  });

  it("is what its definition says", () => {
    const [direct] = evaluate([distribution.logProb(leaf)], { ...feeds, x });
    for (const [i, value] of direct.data.entries()) {
      if (!usual(x.data[i])) continue;
      const exact = family.logProb(x.data[i], at(i));
      const lost = 1e-15 * (family.cancelled?.(at(i)) ?? 0);
      const allowed = lost + 1e-12 * (1 + family.conditioning(x.data[i], at(i)));
      // The definition of a discretised density subtracts two numbers up to 1, so 1e-14 absolute is what it has.
      const close = Math.abs(Math.exp(value) - Math.exp(exact)) < 1e-14 || Math.abs(value - exact) < allowed;
      expect(close, `${x.data[i]} ${JSON.stringify(at(i))}: ${value}, not ${exact}`).toBe(true);
    }
  });

  it("agrees in float32", async () => {
    const rounded = array(x.data.map(Math.fround), x.shape);
    const [exact] = evaluate([distribution.logProb(leaf)], { ...feeds, x: rounded });
    const [{ data: got }] = await single([distribution.logProb(leaf)], { ...feeds, x: rounded });
    for (const [i, value] of exact.data.entries()) {
      const number = rounded.data[i];
      if (!usual(number) || !Number.isFinite(value)) continue;
      const scale = family.conditioning(number, at(i));
      expect(Math.abs(got[i] - value), `${number} ${JSON.stringify(at(i))}`).toBeLessThanOrEqual(
        1e-5 * scale + 2 ** -126,
      );
    }
  });

  it("has the mean of its density", () => {
    const [mean] = evaluate([meanOf(distribution)], feeds);
    const sizes = expectation((i) => Math.abs(x.data[i]));
    for (const [i, value] of expectation((i) => x.data[i]).entries()) {
      if (!hasMoment(1, settings[i])) continue;
      const allowed = family.meanError?.(settings[i]) ?? accuracy * (1 + sizes[i]);
      expect(Math.abs(mean.data[i] - value), JSON.stringify(settings[i])).toBeLessThan(allowed);
    }
  });

  it.skipIf(distribution.variance === undefined)("has the variance of its density, ∞ where there is none", () => {
    const [mean, variance] = evaluate([meanOf(distribution), distribution.variance ?? leaf], feeds);
    const squares = expectation((i) => x.data[i] ** 2);
    for (const [i, value] of expectation((i) => (x.data[i] - mean.data[i % n]) ** 2).entries()) {
      if (!hasMoment(2, settings[i])) expect(variance.data[i]).toBe(Number.POSITIVE_INFINITY);
      else {
        // x − E x has lost the digits that x spent on E x.
        const allowed = accuracy * value + 1e-15 * squares[i];
        expect(Math.abs(variance.data[i] - value), JSON.stringify(settings[i])).toBeLessThan(allowed);
      }
    }
  });

  it.skipIf(distribution.entropy === undefined)("has the entropy −E log p", () => {
    const [entropy] = evaluate(distribution.entropy ? [distribution.entropy()] : [], feeds);
    const sizes = expectation((i) => Math.abs(logProb.data[i]));
    for (const [i, value] of expectation((i) => -logProb.data[i]).entries()) {
      expect(Math.abs(entropy.data[i] - value), JSON.stringify(settings[i])).toBeLessThan(accuracy * (1 + sizes[i]));
    }
  });

  it.skipIf(distribution.entropy === undefined)("has its mean, variance and entropy in float32", async () => {
    const parts = [distribution.mean, distribution.variance, distribution.entropy?.()].filter(
      (part) => part !== undefined,
    );
    const exact = evaluate(parts, feeds);
    for (const [i, { data: got }] of (await single(parts, feeds)).entries()) {
      for (const [j, value] of exact[i].data.entries()) {
        if (Number.isFinite(value)) {
          // Sums of logarithms of the parameters; variances of narrow Uniforms subtract their ends.
          expect(Math.abs(got[j] - value), JSON.stringify(settings[j])).toBeLessThanOrEqual(
            1e-5 * (Math.abs(value) + (i === 2 ? 1 : 0)),
          );
        } else expect(got[j]).toBe(value);
      }
    }
  });

  it("draws samples with the moments of its density", async () => {
    const some = overSettings(family, sampled);
    // Six standard errors are then 2 % of a standard deviation, or 3 where a draw takes much noise: a bias beyond that fails.
    const draws = some.noise.event.length > 1 ? 40_000 : 100_000;
    const shape = [draws, sampled.length, ...some.noise.event];
    const parameters = feedsFor(family, sampled);
    const noise = drawn(`moments/${family.name}`, some.noise.law, shape);
    const [{ data: values }] = await single([some.sample(data("noise", shape, "float"))], { ...parameters, noise });

    const grid = quadrature(family, sampled);
    const there = placed(family, data("y", grid.x.shape, "float"));
    const [z, logs] = evaluate([there, some.logProb(there)], { ...parameters, y: grid.x });
    const density = logs.data.map((log, i) => Math.exp(log + grid.logWeights[i]));
    const expected = (of: (x: number) => number): readonly number[] =>
      integrals(
        weighted(density, (i) => of(z.data[i])),
        sampled.length,
      );
    const moments: readonly ((x: number) => number)[] = [(value) => value, (value) => value ** 2];
    // Fewer than 50 components and a two-sided 6 standard errors, 2e-9 each: a false alarm of 1e-7 in all.
    for (const moment of moments) {
      const mean = expected(moment);
      const second = expected((value) => moment(value) ** 2);
      for (const [i, exact] of mean.entries()) {
        let total = 0;
        for (let draw = 0; draw < draws; draw++) total += moment(values[draw * sampled.length + i]);
        const standardError = Math.sqrt((second[i] - exact ** 2) / draws);
        expect(Math.abs(total / draws - exact), JSON.stringify(sampled[i])).toBeLessThan(6 * standardError);
      }
    }
  });

  if (!isReparameterized(distribution)) return;

  it("scores its own sample as logProb does", async () => {
    const shape = [5, n, ...distribution.noise.event];
    const noise = data("noise", shape, "float");
    const raw = drawn(`own/${family.name}`, distribution.noise.law, shape);
    const all = { ...feedsFor(family, settings), noise: array(raw.data.map(Math.fround), shape) };
    const { sample, logProb: own } = distribution.rsampleWithLogProb(noise);
    expect(rsample(distribution, noise)).toBe(sample);
    const again = distribution.logProb(sample);
    const [z, scored, rescored] = evaluate([sample, own, again], all);
    const there = data("z", sample.shape, "float");
    const [slope] = evaluate([gradients(sum(distribution.logProb(there)), [there])[0]], { ...all, z });
    const [{ data: rounded }] = await single([own], all);
    for (const [i, value] of scored.data.entries()) {
      const label = `${z.data[i]} ${JSON.stringify(at(i))}`;
      const size = family.conditioning(z.data[i], at(i));
      // What z lost when it was rounded, seen through the slope of log p.
      const lost = Math.abs(slope.data[i] * z.data[i]);
      if (Number.isFinite(lost))
        expect(Math.abs(rescored.data[i] - value), label).toBeLessThan(1e-15 * (10 + size + 4 * lost));
      if (Number.isFinite(size)) expect(Math.abs(rounded[i] - value), label).toBeLessThan(1e-5 * size);
    }
  });
});
