/** Log-densities, means, variances and entropies against SciPy and mpmath: scripts/distributions_continuous.py. */
import { describe, expect, it } from "vitest";
import { gammaSlope } from "../../src/distributions/standard-gamma.ts";
import { data, type Tensor } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { continuousFamilies } from "../exact/families/continuous.ts";
import { single } from "../exact/single.ts";
import { float64, type GoldenArray } from "./arrays.ts";
import golden from "./values/distributions_continuous.json" with { type: "json" };

interface Golden {
  readonly parameters: Readonly<Record<string, GoldenArray>>;
  readonly x: GoldenArray;
  readonly logProb: GoldenArray;
  readonly mean: GoldenArray;
  readonly variance: GoldenArray;
  readonly entropy: GoldenArray;
}

const stored: Readonly<Record<string, Golden>> = {
  Normal: golden.normal,
  Laplace: golden.laplace,
  Logistic: golden.logistic,
  StudentT: golden.studentT,
  LogNormal: golden.logNormal,
  Uniform: golden.uniform,
  Gamma: golden.gamma,
  Beta: golden.beta,
  ContinuousBernoulli: golden.continuousBernoulli,
  ProbitNormal: golden.probitNormal,
};

describe.each(continuousFamilies)("$name", (family) => {
  const { parameters, x, logProb, ...moments } = stored[family.name];
  // SciPy calls a Normal's mean its location.
  const named = Object.keys(family.settings[0]).map((name) => [name, parameters[name] ?? parameters.location] as const);
  const distribution = family.build(Object.fromEntries(named.map(([name, { shape }]) => [name, data(name, shape)])));
  const feeds = { ...Object.fromEntries(named.map(([name, values]) => [name, float64(values)])), x: float64(x) };
  const n = x.shape[1];
  const setting = (i: number): Readonly<Record<string, number>> =>
    Object.fromEntries(named.map(([name, values]) => [name, Number(values.data[i % n])]));
  const outputs: readonly Tensor[] = [
    distribution.logProb(data("x", x.shape)),
    ...[distribution.mean, distribution.variance, distribution.entropy?.()].filter((part) => part !== undefined),
  ];
  const expected = [logProb, moments.mean, moments.variance, moments.entropy].map((values) => float64(values).data);

  it("has the reference's log-densities, means, variances and entropies in float64", () => {
    const [logs, ...rest] = evaluate(outputs, feeds);
    for (const [i, value] of expected[0].entries()) {
      // A thousand roundings of the terms.
      const scale = 1 + Math.abs(value) + family.conditioning(Number(x.data[i]), setting(i));
      const label = `log p(${x.data[i]}) at ${JSON.stringify(setting(i))}`;
      expect(Math.abs(logs.data[i] - value), label).toBeLessThan(1e-13 * (Number.isFinite(scale) ? scale : 1));
    }
    for (const [k, { data: got }] of rest.entries()) {
      for (const [i, value] of expected[k + 1].entries()) {
        const label = `${["mean", "variance", "entropy"][k]} at ${JSON.stringify(setting(i))}`;
        expect(Math.abs(got[i] - value), label).toBeLessThanOrEqual(1e-12 * (Math.abs(value) + (k === 2 ? 1 : 0)));
      }
    }
  });

  it("has them in float32", async () => {
    const [logs, ...rest] = await single(outputs, feeds);
    for (const [i, value] of expected[0].entries()) {
      const scale = family.conditioning(Number(x.data[i]), setting(i));
      const label = `log p(${x.data[i]}) at ${JSON.stringify(setting(i))}`;
      expect(Math.abs(logs.data[i] - value), label).toBeLessThan(1e-5 * (Number.isFinite(scale) ? scale : 1));
    }
    for (const [k, { data: got }] of rest.entries()) {
      for (const [i, value] of expected[k + 1].entries()) {
        const label = `${["mean", "variance", "entropy"][k]} at ${JSON.stringify(setting(i))}`;
        expect(Math.abs(got[i] - value), label).toBeLessThanOrEqual(1e-5 * (Math.abs(value) + (k === 2 ? 1 : 0)));
      }
    }
  });
});

describe("the derivative of a Gamma's draw in its shape", () => {
  const [alpha, ratio] = [golden.gammaSlope.alpha, golden.gammaSlope.ratio].map(float64);
  const exact = float64(golden.gammaSlope.slope).data;
  const [a, r] = ["alpha", "ratio"].map((name) => data(name, alpha.shape));
  const slope = gammaSlope(a, r);

  it("is that of the quantile function", () => {
    const [got] = evaluate([slope], { alpha, ratio });
    // 2e-8 is what the quadrature promises.
    for (const [i, value] of exact.entries()) expect(Math.abs(got.data[i] / value - 1)).toBeLessThan(2e-8);
  });

  it("is so in float32", async () => {
    const [got] = await single([slope], { alpha, ratio });
    for (const [i, value] of exact.entries()) {
      // The exponents reach 20 and are α times differences of numbers of the size of ratio: √α roundings.
      const allowed = 1e-5 + 1e-7 * Math.sqrt(alpha.data[i]);
      expect(Math.abs(got.data[i] / value - 1), `${alpha.data[i]} ${ratio.data[i]}`).toBeLessThan(allowed);
    }
  });
});
