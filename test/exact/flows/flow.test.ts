import { describe, expect, it } from "vitest";
import { isReparameterized } from "../../../src/distributions/distribution.ts";
import { mixture } from "../../../src/distributions/mixture.ts";
import { normal, standardNormal } from "../../../src/distributions/normal.ts";
import { actnorm } from "../../../src/flows/actnorm.ts";
import { elementwiseAffine } from "../../../src/flows/affine.ts";
import { compose } from "../../../src/flows/bijection.ts";
import { affineCoupling } from "../../../src/flows/coupling.ts";
import { flow } from "../../../src/flows/flow.ts";
import { linearLu } from "../../../src/flows/linear-lu.ts";
import { permutation, reversal } from "../../../src/flows/permutation.ts";
import { logit } from "../../../src/flows/sigmoid.ts";
import { splineCoupling } from "../../../src/flows/spline-coupling.ts";
import { constant, data } from "../../../src/tensor/index.ts";
import { evaluate } from "../../../src/tensor/reference.ts";
import { array, drawn } from "../single.ts";
import { randomParameters } from "./contract.ts";

const D = 3;
const deep = compose(
  actnorm("1", D),
  linearLu("2", D),
  affineCoupling("3", D, { network: [6], context: 2 }),
  reversal(D),
  splineCoupling("4", D, { network: [6], context: 2 }),
);
const context = data("context", ["batch", 2], "float");
const epsilon = data("epsilon", ["samples", "batch", D], "float");
const conditional = flow(standardNormal(D), deep, context);

describe("flow", () => {
  it("scores its own draws as it scores any x", () => {
    expect(conditional.shape).toEqual(["batch", D]);
    expect(conditional.noise).toEqual({ law: "normal", event: [D] });
    expect(Object.keys(conditional.parameters)).toEqual(["base/mean", "base/scale", "context"]);
    expect(conditional.mean).toBeUndefined();
    if (!isReparameterized(conditional)) throw new Error("a flow that takes one pass is reparameterized");
    const { sample, logProb } = conditional.rsampleWithLogProb(epsilon);
    expect(sample.shape).toEqual(["samples", "batch", D]);
    const feeds = {
      ...randomParameters([sample]),
      context: drawn("context", "normal", [4, 2]),
      epsilon: drawn("epsilon", "normal", [5, 4, D]),
    };
    const [x, own, direct, drawnX] = evaluate(
      [sample, logProb, conditional.logProb(sample), conditional.sample(epsilon)],
      feeds,
    );
    expect(drawnX.data).toEqual(x.data);
    expect(own.shape).toEqual([5, 4]);
    // Roundings of 1e-16 by the condition of the maps, as in the contract.
    for (const [i, log] of own.data.entries()) expect(Math.abs(log - direct.data[i])).toBeLessThan(1e-11);
  });

  it("is the Normal that an affine map makes of a Normal", () => {
    const [shift, logScale] = [constant([1, -2], [2]), constant([0.5, -1], [2])];
    const made = flow(standardNormal(2), elementwiseAffine(shift, logScale));
    const exact = normal(shift, constant([Math.exp(0.5), Math.exp(-1)], [2]));
    const x = data("x", ["n", 2], "float");
    const [got, known] = evaluate([made.logProb(x), exact.logProb(x)], { x: drawn("x", "normal", [9, 2]) });
    for (const [i, log] of got.data.entries()) expect(log).toBeCloseTo(known.data[i], 12);
  });

  it("is not reparameterized where its base or its way back is not, and can be drawn from all the same", () => {
    const base = mixture(constant([0, 1], [2]), normal(constant([-1, 0, 1, 2], [2, 2]), constant([1, 1], [2])));
    const of = flow(base, permutation(2, [1, 0]));
    expect(isReparameterized(of)).toBe(false);
    const noise = data("noise", ["n", ...of.noise.event], "float");
    const feeds = { noise: drawn("noise", "normal", [3, ...of.noise.event]) };
    const [x, z] = evaluate([of.sample(noise), base.sample(noise)], feeds);
    expect([x.data[0], x.data[1]]).toEqual([z.data[1], z.data[0]]);
    const sequential = { ...reversal(2), sequential: "inverse" as const };
    expect(isReparameterized(flow(standardNormal(2), sequential))).toBe(false);
    expect(isReparameterized(flow(standardNormal(2), { ...sequential, sequential: "forward" }))).toBe(true);
  });

  it("says what base it takes", () => {
    const image = normal(constant(new Float64Array(4), [2, 2]), 1, 2);
    expect(() => flow(image, reversal(2))).toThrow("flow: a base over events [d] is expected, got Normal [2, 2]");
  });
});

it("compose is the sum of its parts", () => {
  const parts = [actnorm("1", D), linearLu("2", D), affineCoupling("3", D, { network: [6] }), reversal(D)];
  const x = data("x", ["n", D], "float");
  const whole = compose(...parts).forward(x);
  let value = x;
  const logs = parts.map((part) => {
    const mapped = part.forward(value);
    value = mapped.value;
    return mapped.logAbsDetJacobian;
  });
  const feeds = { ...randomParameters([whole.value]), x: drawn("x", "normal", [7, D]) };
  const [log, z, last, ...each] = evaluate([whole.logAbsDetJacobian, whole.value, value, ...logs], feeds);
  expect(z.data).toEqual(last.data);
  for (const [row, total] of log.data.entries()) {
    expect(total).toBeCloseTo(
      each.reduce((all, part) => all + part.data[row], 0),
      12,
    );
  }
});

describe("a start from data", () => {
  const x = data("x", ["n", D], "float");
  const rows = drawn("rows", "normal", [50, D]);
  const columns = (values: Float64Array, j: number): number[] =>
    Array.from({ length: 50 }, (_, i) => values[D * i + j]);
  const moments = (of: readonly number[]): readonly [number, number] => {
    const mean = of.reduce((all, v) => all + v, 0) / of.length;
    return [mean, of.reduce((all, v) => all + (v - mean) ** 2, 0) / of.length];
  };
  // The second column is a constant; the third is far away and narrow.
  const scattered = array(
    rows.data.map((value, i) => [4 * value - 2, 7, 1000 + 0.01 * value][i % D]),
    [50, D],
  );

  it("gives every number mean 0 and variance 1, after what stands before it too; a constant keeps its scale", () => {
    const bijection = compose(
      actnorm("1", D),
      linearLu("2", D, {
        weight: [
          [2, 1, 0],
          [0, 1, 0],
          [0.5, 0, 3],
        ],
      }),
      actnorm("3", D),
    );
    const started = bijection.initialised?.(x);
    if (!started) throw new Error("actnorm starts from data");
    const names = Object.keys(started.values);
    expect(names).toEqual(["1/shift", "1/logScale", "3/shift", "3/logScale"]);
    const start = { ...randomParameters([bijection.forward(x).value], 0), x: scattered };
    // The parameters of the linear map at its start: not the zeros of `start`.
    const linear = {
      "2/logDiagonal": array([Math.log(2), 0, Math.log(3)]),
      "2/lower": array([0, 0.25, -0.25]),
      "2/upper": array([1, 0, 0]),
    };
    const feeds = { ...start, ...linear };
    const values = evaluate(Object.values(started.values), feeds);
    const fitted = { ...feeds, ...Object.fromEntries(names.map((name, i) => [name, values[i]])) };
    const [z, same] = evaluate([bijection.forward(x).value, started.value], { ...fitted, x: scattered });
    for (let j = 0; j < D; j++) {
      const [mean, variance] = moments(columns(z.data, j));
      expect(Math.abs(mean)).toBeLessThan(1e-9);
      expect(Math.abs(variance - (j === 1 ? 0 : 1)), `column ${j}`).toBeLessThan(1e-9);
    }
    for (const [i, value] of same.data.entries()) expect(Math.abs(value - z.data[i])).toBeLessThan(1e-9);
    expect(values[1].data[1]).toBe(0); // log 1, of the constant
  });
});

it("permutations and logit say what they take", () => {
  expect(() => permutation(3, [0, 1, 1])).toThrow("permutation: each of 0 to 2 once is expected, got 0, 1, 1");
  expect(() => permutation(3, [0, 1])).toThrow("permutation: each of 0 to 2 once is expected, got 0, 1");
  expect(() => logit(0.5)).toThrow("logit: α must be at least 0 and below ½, got 0.5");
});
