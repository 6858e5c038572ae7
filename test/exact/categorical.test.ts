import { describe, expect, it } from "vitest";
import { categorical } from "../../src/distributions/categorical.ts";
import { oneHotCategorical } from "../../src/distributions/one-hot-categorical.ts";
import { ShapeError } from "../../src/errors.ts";
import { constant, data, gradients, sum } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { array, drawn, single } from "./single.ts";

const C = 5;
const rows: readonly (readonly number[])[] = [
  [0, 0, 0, 0, 0],
  [1, -2, 0.5, 3, 0.25],
  [-6, 2, 2.5, -20, 1],
  [1e4, 9999, -1e4, 9997.5, 0],
];
const probabilities = rows.map((row) => {
  const largest = Math.max(...row);
  const masses = row.map((logit) => Math.exp(logit - largest));
  const total = masses.reduce((a, b) => a + b);
  return masses.map((mass) => mass / total);
});
const n = rows.length;
const logits = data("logits", [n, C]);
const feeds = { logits: array(rows.flat(), [n, C]) };
const numbers = categorical(logits);
const ones = oneHotCategorical(logits);
/** Every category for every row: x [C, n] and as ones among zeros [C, n, C]. */
const x = array(
  Array.from({ length: C * n }, (_, i) => Math.floor(i / n)),
  [C, n],
);
const oneHots = array(
  Array.from(x.data, (category) => Array.from({ length: C }, (_, c) => Number(c === category))).flat(),
  [C, n, C],
);

it("gives nothing to a number that is no category", () => {
  const logits = constant([1, 2, 3], [3]);
  const [values] = evaluate([categorical(logits, 0).logProb(constant([0, 2, 3, 5, 0.5], [5]))], {});
  expect(Array.from(values.data, Number.isFinite)).toEqual([true, true, false, false, false]);
});

describe("Categorical and OneHotCategorical", () => {
  it("have the probabilities of their definition, which sum to 1", () => {
    const each = categorical(logits, 0);
    const [ofNumbers, ofOnes] = evaluate([each.logProb(data("x", [C, n])), ones.logProb(data("o", [C, n, C]))], {
      ...feeds,
      x,
      o: oneHots,
    });
    expect(ofNumbers.shape).toEqual([C, n]);
    expect(Array.from(ofOnes.data)).toEqual(Array.from(ofNumbers.data));
    for (let row = 0; row < n; row++) {
      const masses = Array.from({ length: C }, (_, c) => Math.exp(ofNumbers.data[c * n + row]));
      for (const [c, mass] of masses.entries()) expect(Math.abs(mass - probabilities[row][c])).toBeLessThan(1e-15 * C);
      expect(Math.abs(masses.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-15 * C);
    }
  });

  it("sum the log-probabilities over the event's axes", () => {
    const image = categorical(data("l", ["batch", 2, 3, C]), 2);
    expect(image.shape).toEqual(["batch", 2, 3]);
    expect(image.logProb(data("x", ["samples", "batch", 2, 3])).shape).toEqual(["samples", "batch"]);
    expect(image.sample(data("u", ["samples", "batch", 2, 3])).shape).toEqual(["samples", "batch", 2, 3]);
    const codes = oneHotCategorical(data("l", ["batch", 4, C]), 2);
    expect(codes.noise.event).toEqual([4]);
    expect(codes.logProb(data("x", ["samples", "batch", 4, C])).shape).toEqual(["samples", "batch"]);
    expect(codes.sample(data("u", ["samples", "batch", 4])).shape).toEqual(["samples", "batch", 4, C]);
    const [each, all] = evaluate(
      [categorical(logits, 0).logProb(data("x", [C, n])), numbers.logProb(data("x", [C, n]))],
      {
        ...feeds,
        x,
      },
    );
    for (let c = 0; c < C; c++) {
      const row = each.data.subarray(c * n, (c + 1) * n);
      expect(all.data[c]).toBe(row.reduce((a, b) => a + b, 0));
    }
  });

  it("have the mean, variance and entropy of their probabilities", () => {
    const outputs = [
      numbers.mean,
      numbers.variance,
      categorical(logits, 0).entropy(),
      ones.mean,
      ones.variance,
      ones.entropy(),
    ];
    const [mean, variance, entropy, shares, spreads, sameEntropy] = evaluate(outputs, feeds);
    for (const [row, p] of probabilities.entries()) {
      const expectation = (of: (c: number) => number): number => p.reduce((total, mass, c) => total + mass * of(c), 0);
      const first = expectation((c) => c);
      expect(Math.abs(mean.data[row] - first)).toBeLessThan(1e-14 * C);
      expect(Math.abs(variance.data[row] - expectation((c) => (c - first) ** 2))).toBeLessThan(1e-14 * C * C);
      const surprise = expectation((c) => (p[c] === 0 ? 0 : -Math.log(p[c])));
      for (const { data: values } of [entropy, sameEntropy]) {
        expect(Math.abs(values[row] - surprise)).toBeLessThan(1e-14);
      }
      for (const [c, mass] of p.entries()) {
        expect(Math.abs(shares.data[row * C + c] - mass)).toBeLessThan(1e-15);
        expect(Math.abs(spreads.data[row * C + c] - mass * (1 - mass))).toBeLessThan(1e-15);
      }
    }
  });

  it("draw each category as often as its probability says, and nothing without mass", async () => {
    const draws = 200_000;
    const u = drawn("categories", "uniform", [draws, n]);
    const [picked, hot] = await single([numbers.sample(data("u", u.shape)), ones.sample(data("u", u.shape))], {
      ...feeds,
      u,
    });
    const seen = probabilities.map((p) => p.map(() => 0));
    let same = 0;
    for (const [i, category] of Array.from(picked.data, Number).entries()) {
      seen[i % n][category] += 1;
      same += Number(hot.data[i * C + category]);
    }
    expect(same).toBe(draws * n);
    expect(Array.from(hot.data, Number).reduce((a, b) => a + b)).toBe(draws * n);
    for (const [row, p] of probabilities.entries()) {
      for (const [c, mass] of p.entries()) {
        // 20 counts within 6 standard errors: a false alarm of 4e-8. Of the masses above 5 % an error of 5 % fails.
        const error = Math.sqrt((mass * (1 - mass)) / draws);
        expect(Math.abs(seen[row][c] / draws - mass)).toBeLessThanOrEqual(6 * error + 1e-7);
        if (mass > 0.07) expect(6 * error).toBeLessThan(0.05 * mass);
      }
    }
    const ends = [0, 1 - 2 ** -24].flatMap((end) => Array.from({ length: n }, () => end));
    const [atEnds] = await single([numbers.sample(data("u", [2, n]))], { ...feeds, u: array(ends, [2, n]) });
    expect(Array.from(atEnds.data).slice(3, 4)).toEqual([0]);
    expect(Array.from(atEnds.data).slice(n)).toEqual([4, 4, 4, 3]); // the last category of the fourth row has no mass
  });

  it("have the gradient 1[x = c] − p_c in the logits, in float32 and at ±1e4 too", async () => {
    const outputs = [
      ...gradients(sum(numbers.logProb(data("x", [C, n]))), [logits]),
      ...gradients(sum(ones.logProb(data("o", [C, n, C]))), [logits]),
      ...gradients(sum(ones.entropy()), [logits]),
    ];
    const [ofNumbers, ofOnes, ofEntropy] = await single(outputs, { ...feeds, x, o: oneHots });
    for (const { data: values } of [ofNumbers, ofOnes]) {
      for (const [row, p] of probabilities.entries()) {
        // Over all categories Σ 1[x = c] = 1 for each c, so the sum is 1 − C·p_c.
        for (const [c, mass] of p.entries())
          expect(Math.abs(Number(values[row * C + c]) - (1 - C * mass))).toBeLessThan(1e-5);
      }
    }
    expect(Array.from(ofEntropy.data, Number).every(Number.isFinite)).toBe(true);
  });

  it("refuse logits without the axes that they need", () => {
    expect(() => categorical(constant([0, 1], [2]))).toThrow(ShapeError);
    expect(() => categorical(constant([0, 1], [2]))).toThrow(
      "Categorical: 1 event axes and one of categories in logits [2]",
    );
    expect(() => oneHotCategorical(constant([0, 1], [2]), 2)).toThrow(ShapeError);
    expect(categorical(constant([0, 1], [2]), 0).shape).toEqual([]);
  });
});
