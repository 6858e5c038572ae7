import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { isReparameterized, meanOf, rsample } from "../../src/distributions/distribution.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { gradients } from "../../src/tensor/gradients.ts";
import { data, sum, type Tensor } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { families, feedsFor, integrals, overSettings, quadrature, type Setting } from "./families/index.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

type Feeds = Readonly<Record<string, NdArray>>;

/** One output in float32 by ONNX Runtime. */
async function single(output: Tensor, feeds: Feeds): Promise<NdArray> {
  const compiled = await compile(engine, { output });
  const rounded = Object.entries(feeds).map(([name, { data: x, shape }]) => [
    name,
    { data: Float32Array.from(x), shape },
  ]);
  const { output: value } = await compiled.run(Object.fromEntries(rounded));
  await compiled.release();
  return value;
}

it("every file that declares a distribution is among the families", () => {
  const folder = new URL("../../src/distributions/", import.meta.url);
  const declared = readdirSync(folder).filter((file) => !/^(distribution|index|kl.*)\.ts$/.test(file));
  expect(families.map(({ file }) => file).toSorted()).toEqual(declared.toSorted());
});

describe.each(families)("$name", (family) => {
  const { settings, sampled } = family;
  const distribution = overSettings(family, settings);
  const { x, weights, count } = quadrature(family, settings);
  const points = data("x", x.shape, "float");
  const feeds: Feeds = { ...feedsFor(family, settings), x };
  const [logProb] = evaluate([distribution.logProb(points)], feeds);
  const at = (i: number): Setting => settings[i % settings.length];
  const mass = logProb.data.map(Math.exp);

  it("has its name and the shapes that it says", () => {
    expect(distribution.name).toBe(family.name);
    expect(distribution.shape).toEqual([settings.length, 1]);
    expect(distribution.mean?.shape).toEqual([settings.length, 1]);
    expect(logProb.shape).toEqual([count, settings.length]);
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
    expect(ranks[1].sample(images).shape).toEqual(images.shape);
    const tile = (column: NdArray): NdArray => ({
      data: Float64Array.from({ length: 12 }, (_, i) => Number(column.data[i % settings.length])),
      shape: [2, 2, 3],
    });
    const some = Object.entries(feedsFor(family, settings)).map(([name, column]) => [name, tile(column)]);
    const pixels = { data: Float64Array.from({ length: 36 }, (_, i) => i % 2), shape: [3, 2, 2, 3] };
    const [partial, total] = evaluate([rows, all], { ...Object.fromEntries(some), x: pixels });
    for (const [i, value] of total.data.entries()) {
      const [a, b] = partial.data.subarray(2 * i);
      expect(Math.abs(a + b - value)).toBeLessThanOrEqual(1e-14 * (Math.abs(a) + Math.abs(b)));
    }
  });

  it("integrates to 1", () => {
    // A thousand roundings of terms below 1, each of log p's own 1e-15 relative.
    for (const [i, total] of integrals(mass, weights, settings.length).entries()) {
      expect(Math.abs(total - 1), JSON.stringify(settings[i])).toBeLessThan(1e-12);
    }
  });

  it("is what its definition says", () => {
    for (const [i, value] of logProb.data.entries()) {
      const exact = Math.exp(family.logProb(x.data[i], at(i)));
      // The definition of a discretised density subtracts two numbers up to 1, so 1e-14 absolute is what it has.
      expect(Math.abs(Math.exp(value) - exact), `${x.data[i]} ${JSON.stringify(at(i))}`).toBeLessThan(
        1e-14 + 1e-12 * exact,
      );
    }
  });

  it("agrees in float32", async () => {
    const exactPoints = { ...x, data: x.data.map(Math.fround) };
    const [exact] = evaluate([distribution.logProb(points)], { ...feeds, x: exactPoints });
    const { data: got } = await single(distribution.logProb(points), { ...feeds, x: exactPoints });
    for (const [i, value] of exact.data.entries()) {
      const scale = family.conditioning(exactPoints.data[i], at(i));
      expect(Math.abs(got[i] - value), `${x.data[i]} ${JSON.stringify(at(i))}`).toBeLessThanOrEqual(
        1e-5 * scale + 2 ** -126,
      );
    }
  });

  it("has the mean of its density", () => {
    const [mean] = evaluate([meanOf(distribution)], feeds);
    const first = integrals(
      mass.map((p, i) => p * x.data[i]),
      weights,
      settings.length,
    );
    for (const [i, value] of first.entries()) {
      const allowed = family.meanError?.(settings[i]) ?? 1e-12 * (1 + Math.abs(value));
      expect(Math.abs(mean.data[i] - value)).toBeLessThan(allowed);
    }
  });

  it.skipIf(distribution.entropy === undefined)("has the entropy −E log p", () => {
    const [entropy] = evaluate(distribution.entropy ? [distribution.entropy()] : [], feeds);
    const terms = mass.map((p, i) => (p === 0 ? 0 : -p * logProb.data[i]));
    for (const [i, value] of integrals(terms, weights, settings.length).entries()) {
      expect(Math.abs(entropy.data[i] - value), JSON.stringify(settings[i])).toBeLessThan(
        1e-12 * (1 + Math.abs(value)),
      );
    }
  });

  it("draws samples with the moments of its density", async () => {
    const draws = 100_000; // six standard errors are then 2 % of a standard deviation: a bias beyond that fails
    const some = overSettings(family, sampled);
    const noise = new Float64Array(draws * sampled.length);
    const random = stream(7, `moments/${family.name}`);
    for (let i = 0; i < noise.length; i++) noise[i] = some.noise.law === "normal" ? random.normal() : random.uniform();
    const shape = [draws, sampled.length, 1];
    const leaf = data("noise", shape, "float");
    const parameters = feedsFor(family, sampled);
    const { data: values } = await single(some.sample(leaf), { ...parameters, noise: { data: noise, shape } });

    const grid = quadrature(family, sampled);
    const [logs] = evaluate([some.logProb(data("x", grid.x.shape, "float"))], { ...parameters, x: grid.x });
    const density = logs.data.map(Math.exp);
    const expectation = (of: (x: number) => number): readonly number[] =>
      integrals(
        density.map((p, i) => p * of(grid.x.data[i])),
        grid.weights,
        sampled.length,
      );
    const moments: readonly ((x: number) => number)[] = [(value) => value, (value) => value ** 2];
    // Fewer than 50 components and a two-sided 6 standard errors, 2e-9 each: a false alarm of 1e-7 in all.
    for (const moment of moments) {
      const mean = expectation(moment);
      const second = expectation((value) => moment(value) ** 2);
      for (const [i, exact] of mean.entries()) {
        let total = 0;
        for (let draw = 0; draw < draws; draw++) total += moment(values[draw * sampled.length + i]);
        const standardError = Math.sqrt((second[i] - exact ** 2) / draws);
        expect(Math.abs(total / draws - exact), JSON.stringify(sampled[i])).toBeLessThan(6 * standardError);
      }
    }
  });

  it.runIf(isReparameterized(distribution))("scores its own sample as logProb does", async () => {
    if (!isReparameterized(distribution)) throw new TypeError("not reparameterized");
    const noise = data("noise", [5, settings.length, 1], "float");
    const random = stream(3, "rsample");
    const drawn = Float64Array.from({ length: 5 * settings.length }, () => Math.fround(random.normal()));
    const all = { ...feedsFor(family, settings), noise: { data: drawn, shape: noise.shape.map(Number) } };
    const { sample, logProb: own } = distribution.rsampleWithLogProb(noise);
    expect(rsample(distribution, noise)).toBe(sample);
    const [z, scored, again] = evaluate([sample, own, distribution.logProb(sample)], all);
    const { data: rounded } = await single(own, all);
    for (const [i, value] of scored.data.entries()) {
      // (z − μ)/σ has lost the digits that z spent on μ.
      const lost = (Math.abs(drawn[i]) * Math.abs(z.data[i])) / at(i).scale;
      expect(Math.abs(again.data[i] - value)).toBeLessThan(1e-15 * (10 + 4 * lost));
      expect(Math.abs(rounded[i] - value)).toBeLessThan(1e-5 * family.conditioning(z.data[i], at(i)));
    }
  });
});

it("DiscretizedLogistic stays finite, gradients too, in float32 and for extreme parameters", async () => {
  const [family] = families.filter(({ name }) => name === "DiscretizedLogistic");
  const settings = [-1e4, -300, -1, 0, 128, 255, 600, 1e4].flatMap((mean) =>
    [1e-3, 0.05, 1, 300, 1e5].map((scale) => ({ mean, scale })),
  );
  const distribution = overSettings(family, settings);
  const levels = [0, 1, 128, 254, 255];
  const x = data("x", [levels.length, 1, 1], "float");
  const logProb = distribution.logProb(x);
  const slopes = gradients(sum(logProb), [distribution.parameters.mean, distribution.parameters.scale]);
  const feeds = { ...feedsFor(family, settings), x: { data: Float64Array.from(levels), shape: [levels.length, 1, 1] } };
  const outputs = [logProb, ...slopes];
  const exact = evaluate(outputs, feeds);
  for (const [i, output] of outputs.entries()) {
    const { data: got } = await single(output, feeds);
    expect(got.length).toBe(exact[i].data.length);
    expect(Array.from(exact[i].data).every(Number.isFinite)).toBe(true);
    expect(Array.from(got).every(Number.isFinite)).toBe(true);
    const largest = Math.max(...exact[i].data.map(Math.abs));
    for (const [j, value] of exact[i].data.entries()) expect(Math.abs(got[j] - value)).toBeLessThan(1e-5 * largest);
  }
});
