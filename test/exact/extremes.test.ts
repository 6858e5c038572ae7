import { describe, expect, it } from "vitest";
import { isReparameterized } from "../../src/distributions/distribution.ts";
import { gradients } from "../../src/tensor/gradients.ts";
import { constant, data, sum } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { families, feedsFor, overSettings } from "./families/index.ts";
import { array, single } from "./single.ts";

/** The ends of what the streams give: N(0, 1) within ±10 and U[0, 1) in steps of 2⁻²⁴. */
const NOISE = { normal: [-10, -6, -1, 1e-7, 1, 6, 10], uniform: [0, 2 ** -24, 0.25, 0.5, 0.75, 1 - 2 ** -24] } as const;

const tested = families.flatMap(({ extremes, ...family }) =>
  extremes ? [{ ...family, extremes, name: family.name }] : [],
);

describe.each(tested)("$name, at extreme parameters and in float32,", (family) => {
  const { settings, x } = family.extremes;
  const n = settings.length;
  const distribution = overSettings(family, settings);
  const parameters = Object.values(distribution.parameters);
  const feeds = feedsFor(family, settings);

  const expectFinite = (
    names: readonly string[],
    values: readonly { readonly data: ArrayLike<number> }[],
    repeat: readonly number[],
  ): void => {
    for (const [k, { data: numbers }] of values.entries()) {
      for (const [i, value] of Array.from(numbers).entries()) {
        expect(Number.isFinite(value), `${names[k]} ${value} at ${JSON.stringify(settings[i % n])} of ${repeat}`).toBe(
          true,
        );
      }
    }
  };

  it("has finite log-densities with finite gradients", async () => {
    const leaf = data("x", [x.length, 1, 1], "float");
    const logProb = distribution.logProb(leaf);
    const outputs = [logProb, ...gradients(sum(logProb), [...parameters, leaf])];
    const numbers = array(x, [x.length, 1, 1]);
    expectFinite(
      ["log p", ...Object.keys(distribution.parameters), "x"],
      await single(outputs, { ...feeds, x: numbers }),
      x,
    );
  });

  it.skipIf(distribution.entropy === undefined)("has a finite entropy with finite gradients", async () => {
    const entropy = distribution.entropy?.() ?? constant(Number.NaN);
    const outputs = [entropy, ...gradients(sum(entropy), parameters)];
    expectFinite(["entropy", ...Object.keys(distribution.parameters)], await single(outputs, feeds), []);
  });

  it("has finite draws, scores and gradients for the noise at its ends", async () => {
    if (!isReparameterized(distribution)) return;
    const ends = NOISE[distribution.noise.law];
    // Every end in all of a draw's noise, and in each part of it alone.
    const [width = 1] = distribution.noise.event.slice(1);
    const rows = ends.flatMap((end) => [
      Array.from({ length: width }, () => end),
      ...Array.from({ length: width > 1 ? width : 0 }, (_, at) =>
        Array.from({ length: width }, (_each, i) => (i === at ? end : 0.5)),
      ),
    ]);
    const shape = [rows.length, n, ...distribution.noise.event];
    const noise = array(
      rows.flatMap((row) => Array.from({ length: n }, () => row).flat()),
      shape,
    );
    const { sample, logProb } = distribution.rsampleWithLogProb(data("noise", shape, "float"));
    const outputs = [sample, logProb, ...gradients(sum(sample), parameters), ...gradients(sum(logProb), parameters)];
    const keys = Object.keys(distribution.parameters);
    const names = ["z", "log q(z)", ...keys.map((key) => `∂z/∂${key}`), ...keys.map((key) => `∂log q/∂${key}`)];
    expectFinite(names, await single(outputs, { ...feeds, noise }), ends);
  });
});

it("DiscretizedLogistic, at extreme parameters, has the float64 log-densities and gradients in float32 too", async () => {
  const [family] = families.filter(({ name }) => name === "DiscretizedLogistic");
  const settings = [-1e4, -300, -1, 0, 128, 255, 600, 1e4].flatMap((location) =>
    [1e-3, 0.05, 1, 300, 1e5].map((scale) => ({ location, scale })),
  );
  const distribution = overSettings(family, settings);
  const levels = [0, 1, 128, 254, 255];
  const x = data("x", [levels.length, 1, 1], "float");
  const logProb = distribution.logProb(x);
  const slopes = gradients(sum(logProb), [distribution.parameters.location, distribution.parameters.scale]);
  const feeds = { ...feedsFor(family, settings), x: array(levels, [levels.length, 1, 1]) };
  const outputs = [logProb, ...slopes];
  const exact = evaluate(outputs, feeds);
  for (const [i, { data: got }] of (await single(outputs, feeds)).entries()) {
    expect(got.length).toBe(exact[i].data.length);
    expect(Array.from(exact[i].data).every(Number.isFinite)).toBe(true);
    expect(Array.from(got).every(Number.isFinite)).toBe(true);
    const largest = Math.max(...exact[i].data.map(Math.abs));
    for (const [j, value] of exact[i].data.entries()) expect(Math.abs(got[j] - value)).toBeLessThan(1e-5 * largest);
  }
});
