/** PCA of digits and wine against scikit-learn: scripts/pca.py. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset, type Dataset, firstOf, numbersOf } from "../../src/data/dataset.ts";
import { dot } from "../../src/linalg/matrix.ts";
import { decodePca, encodePca, fitPca, pcaError, pcaMaps } from "../../src/models/pca.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { openDigits } from "../../src/systems/linear-vae.ts";
import { data } from "../../src/tensor/index.ts";
import golden from "./values/pca.json" with { type: "json" };
import wine from "./values/probabilistic_pca.json" with { type: "json" };

let engine: Engine;
let sets: Readonly<Record<string, readonly Dataset[]>>;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
  const digits = await openDigits();
  const floats = arrayDataset(
    { data: numbersOf(digits), shape: [digits.length, 64] },
    { name: "floats", measure: "real" },
  );
  const rows = Float32Array.from(wine.rows.flat());
  const table = arrayDataset({ data: rows, shape: [wine.rows.length, 13] }, { name: "wine", measure: "real" });
  sets = { digits: [digits, floats], wine: [table] }; // bytes and floats take two ways
});

describe.each(golden.cases)("$k of $rows $name, standardised $standardize, uncentred $uncentred", (known) => {
  it("are scikit-learn's", async () => {
    const { k, rows: n, standardize, uncentred } = known;
    for (const whole of sets[known.name]) {
      const dataset = firstOf(whole, n);
      const pca = await fitPca(engine, dataset, { latents: k, standardize, uncentred });
      // scikit-learn divides by n − 1, and the singular values of uncentred rows by nothing
      const divisor = uncentred ? 1 : n - 1;
      const near = (value: number, expected: number): void => {
        // 1e-10 of the largest: two decompositions in float64, and golden values of 13 digits
        expect(Math.abs(value - expected)).toBeLessThan(1e-10 * known.explainedVariance[0]);
      };
      near((pca.totalVariance * n) / divisor, known.total);
      for (const [j, expected] of known.explainedVariance.entries()) {
        near((pca.eigenvalues[j] * n) / divisor, expected);
        const [before, after] = [known.explainedVariance[j - 1], known.explainedVariance[j + 1]];
        const gaps = [before - expected, expected - after].filter(Number.isFinite);
        if (Math.min(...gaps) < 1e-4 * expected) continue;
        for (const [i, entry] of known.components[j].entries()) {
          expect(Math.abs(pca.components[j][i] - entry)).toBeLessThan(1e-6);
        }
      }
      // every direction of theirs lies in our space: ‖Vv‖ = 1, which 1 − θ²/2 keeps to 1e-13 for θ = 1e-7
      for (const direction of known.components) {
        const inside = Math.hypot(...pca.components.map((component) => dot(component, direction)));
        expect(Math.abs(1 - inside)).toBeLessThan(1e-12);
      }
      if (!standardize) {
        expect(Math.abs(pcaError(pca) - known.error)).toBeLessThan(1e-6);
      }
      const { maps, d } = { maps: pcaMaps(pca), d: pca.mean.length };
      const tensors = {
        mean: data("mean", [d]),
        inward: data("inward", [d, k]),
        outward: data("outward", [k, d]),
      };
      const back = decodePca(tensors, encodePca(tensors, data("x", ["batch", d])));
      const program = await compile(engine, { back }, { precision: "float64", values: new Map(Object.entries(maps)) });
      const x = { data: Float64Array.from(numbersOf(firstOf(dataset, 3))), shape: [3, d] };
      const reconstructed = (await program.run({ x })).back.data;
      await program.release();
      for (const [i, entry] of known.reconstructions.flat().entries()) {
        expect(Math.abs(reconstructed[i] - entry)).toBeLessThan(1e-6 * Math.max(1, Math.abs(entry)));
      }
    }
  });
});

it("of the digits leaves the squared error that it is known for", () => {
  expect(golden.cases[0].error.toFixed(3)).toBe("314.515");
});
