import { describe, expect, it } from "vitest";
import { bernoulli } from "../../src/distributions/bernoulli.ts";
import { categorical } from "../../src/distributions/categorical.ts";
import { kl } from "../../src/distributions/kl.ts";
import { oneHotCategorical } from "../../src/distributions/one-hot-categorical.ts";
import { relaxedBernoulli } from "../../src/distributions/relaxed-bernoulli.ts";
import { relaxedCategorical } from "../../src/distributions/relaxed-categorical.ts";
import {
  straightThrough,
  straightThroughBernoulli,
  straightThroughCategorical,
} from "../../src/distributions/straight-through.ts";
import { ShapeError } from "../../src/errors.ts";
import { constant, data, gradients, mul, sigmoid, square, sum, type Tensor } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { array, drawn, meanAndError, single } from "./single.ts";

const settings = [-3, 0.4, 2].flatMap((logit) => [0.3, 1, 2.5].map((temperature) => ({ logit, temperature })));
const n = settings.length;
const logits = data("logits", [n, 1]);
const temperature = data("temperature", [n, 1]);
const feeds = {
  logits: array(
    settings.map(({ logit }) => Math.fround(logit)),
    [n, 1],
  ),
  temperature: array(
    settings.map((setting) => Math.fround(setting.temperature)),
    [n, 1],
  ),
};
const binary = relaxedBernoulli(logits, temperature);

/** Trapezoids in y = logit x, where the density falls as e^(−t|y|): to 60/t with 30 steps a unit of 1/t their error is below 1e-12. */
const STEPS = 1800;
const grid = Array.from({ length: 2 * STEPS + 1 }, (_, i) => (i - STEPS) / 30);

describe("RelaxedBernoulli", () => {
  const y = data("y", [grid.length, n, 1]);
  const scaled = array(
    grid.flatMap((point) => settings.map((setting) => point / Math.fround(setting.temperature))),
    [grid.length, n, 1],
  );
  const x = sigmoid(y);
  const step = (setting: number): number => 1 / 30 / Math.fround(settings[setting].temperature);
  const [logP, values] = evaluate([binary.logProb(x), x], { ...feeds, y: scaled });
  /** ∫ p(x)·f(x) dx, dx = x(1 − x) dy */
  const integral = (setting: number, of: (x: number) => number): number => {
    let total = 0;
    for (let i = setting; i < logP.data.length; i += n) {
      const point = scaled.data[i];
      const jacobian = 1 / ((1 + Math.exp(-point)) * (1 + Math.exp(point)));
      total += Math.exp(logP.data[i]) * jacobian * of(values.data[i]) * step(setting);
    }
    return total;
  };

  it("integrates to 1 over (0, 1), with P(x > ½) = σ(ℓ)", () => {
    for (const [i, { logit }] of settings.entries()) {
      expect(Math.abs(integral(i, () => 1) - 1)).toBeLessThan(1e-10);
      // The jump at ½ lies on a point of the grid, which counts half there.
      const half = integral(i, (point) => (point > 0.5 ? 1 : point === 0.5 ? 0.5 : 0));
      expect(Math.abs(half - 1 / (1 + Math.exp(-Math.fround(logit))))).toBeLessThan(1e-3);
    }
  });

  it("scores its samples as logProb does, those too that float32 rounds to 0 or 1", async () => {
    const draws = 200;
    const u = drawn("relaxed", "uniform", [draws, n, 1]);
    const noise = data("u", u.shape);
    const cold = relaxedBernoulli(logits, 0.01);
    for (const each of [binary, cold]) {
      const { sample, logProb } = each.rsampleWithLogProb(noise);
      expect(each.sample(noise)).toBe(sample);
      const outputs = [logProb, each.logProb(sample), binary.logProb(sample), sample];
      const [own, again, other, drawnX] = evaluate(outputs, { ...feeds, u });
      const rounded = await single(outputs, { ...feeds, u });
      const worst = (a: ArrayLike<number>, b: Float64Array): number =>
        Math.max(...Array.from(b, (value, i) => Math.abs(a[i] - value) / (1 + Math.abs(value))));
      expect(worst(again.data, own.data)).toBeLessThan(1e-12);
      // Arguments up to 1600 are rounded by 6e-8 of themselves, and so is what is made of them.
      for (const [i, exact] of [own, again, other].entries())
        expect(worst(rounded[i].data, exact.data)).toBeLessThan(5e-5);
      if (each === cold) expect(Array.from(drawnX.data).filter((value) => value === 1).length).toBeGreaterThan(draws);
    }
  });

  it("has draws of its density, whose gradients are those of the expectation", async () => {
    const draws = 400_000;
    const u = drawn("gradients", "uniform", [draws, n, 1]);
    // E x² by quadrature, and its derivative in ℓ by that of the density: ∫ x²·p·∂log p/∂ℓ dx
    const [slope] = gradients(sum(binary.logProb(x)), [y]);
    expect(slope.shape).toEqual(y.shape);
    const each = data("each", [1, n, 1]);
    const spread = relaxedBernoulli(mul(data("ones", [draws, n, 1]), each), temperature);
    const { sample } = spread.rsampleWithLogProb(data("u", u.shape));
    const leaf = spread.parameters.logits;
    const [path] = gradients(sum(square(sample)), [leaf]);
    const [ofDraws, squares] = await single([path, square(sample)], {
      ...feeds,
      each: { ...feeds.logits, shape: [1, n, 1] },
      ones: { data: new Float64Array(draws * n).fill(1), shape: [draws, n, 1] },
      u,
    });
    const shifted = (by: number): readonly number[] => {
      const [values_] = evaluate([binary.logProb(x)], {
        ...feeds,
        y: scaled,
        logits: { ...feeds.logits, data: feeds.logits.data.map((l) => l + by) },
      });
      return settings.map((_, k) => {
        let total = 0;
        for (let i = k; i < values_.data.length; i += n) {
          const point = scaled.data[i];
          const jacobian = 1 / ((1 + Math.exp(-point)) * (1 + Math.exp(point)));
          total += Math.exp(values_.data[i]) * jacobian * values.data[i] ** 2 * step(k);
        }
        return total;
      });
    };
    const h = 1e-4;
    const [above, below] = [shifted(h), shifted(-h)];
    for (const k of settings.keys()) {
      const column = (from: ArrayLike<number>): readonly number[] =>
        Array.from({ length: draws }, (_, i) => Number(from[i * n + k]));
      const value = meanAndError(column(squares.data.map(Number)));
      expect(Math.abs(value.mean - integral(k, (point) => point ** 2))).toBeLessThan(6 * value.error);
      // 18 comparisons within 6 standard errors: a false alarm of 4e-8; an error of 5 % of the derivative is more than that.
      const derivative = meanAndError(column(ofDraws.data.map(Number)));
      const exact = (above[k] - below[k]) / (2 * h);
      expect(Math.abs(derivative.mean - exact)).toBeLessThan(6 * derivative.error);
      expect(6 * derivative.error).toBeLessThan(0.05 * exact);
    }
  });
});
