import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset } from "../../src/data/dataset.ts";
import type { Distribution } from "../../src/distributions/distribution.ts";
import { normal, standardNormal } from "../../src/distributions/normal.ts";
import { uniform } from "../../src/distributions/uniform.ts";
import { drawnCodes, priorDraws } from "../../src/evaluation/drawn-codes.ts";
import { latentNoise } from "../../src/inference/elbo.ts";
import { type CompiledFunction, compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { add, constant, data, mul } from "../../src/tensor/index.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ threads: 1 });
});

const programs: CompiledFunction[] = [];
afterAll(async () => {
  for (const program of programs) await program.release();
});

const N = 40_000;
/** False alarm 1e-6 over the four numbers that are checked, two-sided: Φ⁻¹(1 − 1e-6/8) = 5.2. */
const ERRORS = 5.2;

describe("codes drawn from q(z|x)", () => {
  it("are draws of the aggregated posterior: N(2m + 1, 4s² + ¼) for q = N(2x + 1, ¼) of x ~ N(m, s²)", async () => {
    // x takes the values 1 and 3 equally often: m = 2, s² = 1.
    const x = Float32Array.from({ length: 2 * N }, (_, i) => (i % 4 < 2 ? 1 : 3));
    const leaf = data("x", ["batch", 2]);
    const model = {
      encoder: (value: typeof leaf) => normal(add(mul(2, value), 1), 0.5),
      decoder: (z: typeof leaf) => normal(z, 1),
      prior: standardNormal(2),
    };
    const dataset = arrayDataset({ data: x, shape: [N, 2] }, { name: "two values", measure: "real" });
    const { data: codes, shape } = await drawnCodes({ engine, model, x: leaf, values: new Map(), dataset, seed: 1 });
    expect(shape).toEqual([N, 2]);
    for (const j of [0, 1]) {
      const column = Float64Array.from({ length: N }, (_, i) => codes[2 * i + j]);
      const mean = column.reduce((sum, value) => sum + value, 0) / N;
      const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / N;
      // The mean's noise is that of ε alone, as half of the examples have each value. Planted: 5 % of the deviation, 0.1.
      expect(Math.abs(mean - 5)).toBeLessThan((ERRORS * 0.5) / Math.sqrt(N)); // 0.013
      // var of (z − 5)²: z − 5 = ±2 + ε/2, so 4·4/4 + 2/16 = 4.125. Planted: 5 % of 4.25, 0.21.
      expect(Math.abs(variance - 4.25)).toBeLessThan(ERRORS * Math.sqrt(4.125 / N)); // 0.053
    }
  });
});

describe("draws of the prior", () => {
  const three = (...values: readonly number[]) => constant(values, [3]);
  const of = async (prior: Distribution) => {
    const program = await compile(engine, { z: prior.sample(latentNoise("noise", prior, "batch")) });
    programs.push(program);
    return priorDraws(program, 1200, 3);
  };

  it.each([
    ["N(0, I)", standardNormal(3), true],
    ["N(0, I) written as one with parameters", normal(three(0, 0, 0), three(1, 1, 1)), true],
    ["N(0, 1.1² I)", normal(three(0, 0, 0), three(1.1, 1.1, 1.1)), false],
    ["N(0.01, I)", normal(three(0, 0, 0.01), three(1, 1, 1)), false],
    ["the uniform distribution", uniform(three(0, 0, 0), three(1, 1, 1)), false],
  ])("tell whether p(z) is N(0, I): %s", async (_name, prior, standard) => {
    const draws = await of(prior);
    expect(draws.standard).toBe(standard);
    expect(draws.codes.shape).toEqual([1200, 3]);
    expect(new Set(draws.codes.data).size).toBeGreaterThan(3500); // no chunk repeats another
  });
});
