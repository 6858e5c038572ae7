/** Which modes of a mixture hold codes, on codes whose places are known. */
import { describe, expect, it } from "vitest";
import { mixture } from "../../src/distributions/mixture.ts";
import { normal } from "../../src/distributions/normal.ts";
import { componentShares, likeliestComponent, modesFound } from "../../src/evaluation/modes.ts";
import { gaussianMixture } from "../../src/models/gaussian-mixture.ts";
import { stream } from "../../src/random/stream.ts";
import { constant } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";

const ring = Array.from({ length: 10 }, (_, c) => [3 * Math.cos(0.2 * Math.PI * c), 3 * Math.sin(0.2 * Math.PI * c)]);
const prior = mixture(
  constant(new Float64Array(10), [10]),
  normal(constant(ring.flat(), [10, 2]), constant(new Float64Array(20).fill(0.5), [10, 2])),
);

/** Draws around some of the modes in turn. */
function codes(n: number, modes: readonly number[], scale: number): readonly (readonly number[])[] {
  const from = stream(1, "modes");
  return Array.from({ length: n }, (_, i) => ring[modes[i % modes.length]].map((x) => x + scale * from.normal()));
}

const componentsOf = (rows: readonly (readonly number[])[]): readonly number[] =>
  Array.from(evaluate([likeliestComponent(prior, constant(rows.flat(), [rows.length, 2]))], {})[0].data);

it("a code's component is the one of the largest posterior, whatever the weights and widths", () => {
  const [weights, means, scales] = [
    [0.7, 0.2, 0.1],
    [[0], [1], [-1]],
    [1, 0.3, 2],
  ];
  const made = mixture(
    constant(weights.map(Math.log), [3]),
    normal(constant(means.flat(), [3, 1]), constant(scales, [3, 1])),
  );
  const exact = gaussianMixture({ weights, means, covariances: scales.map((scale) => [[scale ** 2]]) });
  const points = Array.from({ length: 81 }, (_, i) => -4 + 0.1 * i);
  const assigned = evaluate([likeliestComponent(made, constant(points, [81, 1]))], {})[0].data;
  const expected = points.map((x) => {
    const posterior = exact.posterior([x]);
    return posterior.indexOf(Math.max(...posterior));
  });
  expect(Array.from(assigned)).toEqual(expected);
  expect(new Set(expected).size).toBe(3);
});

describe("modes found", () => {
  const expected = ring.map(() => 0.1);

  it("are all where codes are draws of the prior, with the shares of its draws", () => {
    const all = ring.map((_, c) => c);
    const { found, components, distance } = modesFound(componentsOf(codes(1_000, all, 0.5)), expected);
    expect([found, components]).toEqual([10, 10]);
    // 2.8 % of the draws of a mode lie nearer to a neighbour, on either side as many: what moves is far less
    expect(distance).toBeLessThan(0.03);
  });

  it("are those that codes lie at, and what is missing is told", () => {
    const { found, shares, distance } = modesFound(componentsOf(codes(1_000, [0, 2, 5, 7], 0.2)), expected);
    expect(found).toBe(4);
    expect(shares).toEqual([0.25, 0, 0.25, 0, 0, 0.25, 0, 0.25, 0, 0]);
    expect(distance).toBeCloseTo(0.6, 12);
  });

  it("do not count one that holds less than half of its share, and the share can be another", () => {
    const assigned = [...new Array<number>(96).fill(0), 1, 1, 1, 1];
    expect(modesFound(assigned, [0.9, 0.1]).found).toBe(1);
    expect(modesFound(assigned, [0.9, 0.1], 0.3).found).toBe(2);
    expect(modesFound(assigned, [0.95, 0.05]).found).toBe(2);
    expect(modesFound(assigned, [1, 0, 0]).found).toBe(1);
  });

  it("refuse components that there are not, and no codes", () => {
    expect(() => modesFound([0, 3], [0.5, 0.5])).toThrow("modes: components 0 to 1 are expected, got 3");
    expect(() => componentShares([], 2)).toThrow(/at least one code is expected/);
  });
});
