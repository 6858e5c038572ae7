import { describe, expect, it } from "vitest";
import { beta } from "../../src/distributions/beta.ts";
import { continuousBernoulli } from "../../src/distributions/continuous-bernoulli.ts";
import type { Reparameterized } from "../../src/distributions/distribution.ts";
import { gamma } from "../../src/distributions/gamma.ts";
import { openUniform } from "../../src/distributions/standard-noise.ts";
import { studentT } from "../../src/distributions/student-t.ts";
import { data, exp, gradients, square, sum, type Tensor } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { array, drawn, meanAndError, single } from "./single.ts";

describe("a draw of a ContinuousBernoulli", () => {
  const logits = [-1e3, -30, -2, -0.5, -1e-3, -1e-9, 0, 1e-9, 1e-3, 0.5, 2, 30, 1e3].map(Math.fround);
  const u = [0, 1e-6, 0.01, 0.09, 0.11, 0.3, 0.5, 0.7, 0.95, 1 - 2 ** -24].map(Math.fround);
  const leaf = data("logits", [logits.length, 1]);
  const noise = data("noise", [u.length, logits.length, 1]);
  const { sample } = continuousBernoulli(leaf).rsampleWithLogProb(noise);
  const feeds = {
    logits: array(logits, [logits.length, 1]),
    noise: array(
      u.flatMap((value) => logits.map(() => value)),
      [u.length, logits.length, 1],
    ),
  };
  const [x, open] = evaluate([sample, openUniform(noise)], feeds);
  const cdf = (value: number, l: number): number => (l === 0 ? value : Math.expm1(l * value) / Math.expm1(l));

  it("is the inverse of the distribution function", () => {
    for (const [i, value] of x.data.entries()) {
      const l = logits[i % logits.length];
      // For l > 0 from the other end, where eˡ cannot overflow.
      const [got, expected] = l > 0 ? [cdf(1 - value, -l), 1 - open.data[i]] : [cdf(value, l), open.data[i]];
      // x is rounded to 1e-16, which the density p < 1 + |l| magnifies.
      expect(Math.abs(got - expected), `u = ${open.data[i]}, logits ${l}`).toBeLessThan(1e-15 * (4 + Math.abs(l)));
    }
  });

  it("moves with the logits as its implicit derivative says, in float32 too", async () => {
    // ∂x/∂ℓ = ((1 − e^−ℓx)/(1 − e^−ℓ) − x)/ℓ, at ℓ → 0 x(1 − x)/2; for each u by itself.
    const each = data("logits", noise.shape);
    const drawnFrom = continuousBernoulli(each).rsampleWithLogProb(noise).sample;
    const repeated = array(
      u.flatMap(() => logits),
      [u.length, logits.length, 1],
    );
    const outputs = [gradients(sum(drawnFrom), [each])[0]];
    const [slope] = evaluate(outputs, { ...feeds, logits: repeated });
    const [rounded] = await single(outputs, { ...feeds, logits: repeated });
    for (const [i, value] of x.data.entries()) {
      const l = logits[i % logits.length];
      const near = (value * (1 - value)) / 2 + (l * value * (1 - value) * (1 - 2 * value)) / 12;
      const exact = Math.abs(l) < 1e-5 ? near : (Math.expm1(-l * value) / Math.expm1(-l) - value) / l;
      const label = `u = ${open.data[i]}, logits ${l}`;
      // The quotient loses 1e-16/ℓ.
      expect(Math.abs(slope.data[i] - exact), label).toBeLessThan(1e-12);
      expect(Math.abs(rounded.data[i] - exact), label).toBeLessThan(1e-5);
    }
  });
});

const wide: readonly { readonly name: string; readonly build: (a: Tensor, b: Tensor) => Reparameterized }[] = [
  { name: "Gamma", build: (a, b) => gamma(exp(a), exp(b)) },
  { name: "Beta", build: (a, b) => beta(exp(a), exp(b)) },
  { name: "StudentT", build: (a, b) => studentT(exp(a), b, 1) },
];

describe.each(wide)("draws of $name", ({ name, build }) => {
  it("keep symbolic batches and samples, and their parameters' shapes in the gradients", async () => {
    const [a, b] = [data("a", ["batch", 3]), data("b", [3])];
    const distribution = build(a, b);
    const noise = data("noise", ["samples", "batch", ...distribution.noise.event]);
    const { sample, logProb } = distribution.rsampleWithLogProb(noise);
    expect(sample.shape).toEqual(["samples", "batch", 3]);
    expect(logProb.shape).toEqual(["samples", "batch"]);
    const outputs = [sample, logProb, ...gradients(sum(sample), [a, b]), ...gradients(sum(logProb), [a, b])];
    const feeds = {
      a: array([0.3, -0.7, 1, 2, -2, 0], [2, 3]),
      b: array([0.5, 0, -1]),
      noise: drawn(`wide/${name}`, "normal", [4, 2, ...distribution.noise.event]),
    };
    const exact = evaluate(outputs, feeds);
    for (const [k, { data: got, shape }] of (await single(outputs, feeds)).entries()) {
      expect(shape).toEqual(exact[k].shape);
      for (const [i, value] of exact[k].data.entries()) {
        expect(Math.abs(got[i] - value)).toBeLessThan(2e-5 * (1 + Math.abs(value)));
      }
    }
  });
});

it("second derivatives of a Gamma's draws are unbiased: E z² = α(α + 1), whose second derivative is 2", async () => {
  const [draws, alphas] = [50_000, [0.75, 6]];
  const shape = [draws, alphas.length, 1];
  const alpha = data("alpha", shape);
  const distribution = gamma(alpha, 1);
  const noiseShape = [draws, alphas.length, ...distribution.noise.event];
  const z = distribution.sample(data("noise", noiseShape));
  const [second] = gradients(sum(gradients(sum(square(z)), [alpha])[0]), [alpha]);
  const feeds = {
    alpha: array(
      Float64Array.from({ length: draws * alphas.length }, (_, i) => alphas[i % alphas.length]),
      shape,
    ),
    noise: drawn("second", "normal", noiseShape),
  };
  const [{ data: got }] = await single([second], feeds);
  for (const i of alphas.keys()) {
    const { mean, error } = meanAndError(Float64Array.from({ length: draws }, (_, k) => got[k * alphas.length + i]));
    // 6 standard errors: a false alarm of 4e-9 for the two; they are below 5 % of 2.
    expect(Math.abs(mean - 2), `${mean} ± ${error} at ${alphas[i]}`).toBeLessThan(6 * error);
    expect(6 * error).toBeLessThan(0.1);
  }
});
