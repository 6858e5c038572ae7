/** The mixture as a model of the command: what its rule finds, in the programs' parameters. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset } from "../../src/data/dataset.ts";
import { datasetExamples } from "../../src/linalg/examples.ts";
import type { Matrix } from "../../src/linalg/matrix.ts";
import { gaussianMixture } from "../../src/models/gaussian-mixture.ts";
import { mixtureParameters } from "../../src/models/mixture-em.ts";
import { fitMixture } from "../../src/models/mixture-fit.ts";
import {
  gaussianMixtureFamily,
  gaussianMixtureModel,
  type MixtureModelOptions,
} from "../../src/models/mixture-model.ts";
import { describeData, type RuleFit, type UpdateRule } from "../../src/models/model.ts";
import { covarianceNames } from "../../src/models/names.ts";
import { vaeSchema } from "../../src/models/vae.ts";
import { stream } from "../../src/random/stream.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { add, constant, data, logsumexp } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";

const unused = { ...vaeSchema.parse({}), likelihood: "normal" } as const;
let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const N = 200;
const from = stream(2, "test/mixture-model");
/** Numbers of sizes 1, 100 and 0.01 about two centres. */
const rows: Matrix = Array.from({ length: N }, (_, i) => {
  const [a, b, c] = [from.normal(), from.normal(), from.normal()];
  return [a + (i % 2) * 4, 100 * (a + b), 0.01 * (c - (i % 2) * 3)].map(Math.fround);
});
const numbers = Float32Array.from(rows.flat());
const dataset = arrayDataset({ data: numbers, shape: [N, 3] }, { name: "rows", measure: "real" });
const x = { data: Float64Array.from(numbers), shape: [N, 3] };

function ruleOf(options: MixtureModelOptions): UpdateRule {
  const { rule } = gaussianMixtureModel(options, describeData(dataset));
  if (rule === undefined) throw new Error("no rule");
  return rule;
}

async function runToEnd(fit: RuleFit): Promise<number> {
  for (;;) {
    const { terms, converged } = await fit.step();
    if (converged) return terms.logLikelihood;
  }
}

const settings = covarianceNames.flatMap((covariance) =>
  [false, true].map((standardize) => ({ components: 2, covariance, standardize, floor: 1e-9, seed: 5 })),
);

describe.each(settings)("$covariance covariances, standardize $standardize", (options) => {
  it("gives the programs the density that EM has found, and the exact posterior", async () => {
    const fit = await ruleOf(options).open({ engine, dataset, seed: 5 });
    const told = await runToEnd(fit);
    const parameters = Object.fromEntries(fit.parameters());
    await fit.release?.();
    const model = gaussianMixtureModel(options, describeData(dataset));
    const leaf = data("x", [N, 3]);
    const z = constant([1, 0, 0, 1], [2, 1, 2]); // each component in turn
    const posterior = model.encoder(leaf);
    const joint = add(model.prior.logProb(z), model.decoder(z).logProb(leaf)); // [2, 1] + [2, N]
    const logP = logsumexp(joint, 0); // log p(x) = log Σ_z p(z) p(x|z)
    const [density, probabilities] = evaluate([logP, posterior.mean ?? leaf], { ...parameters, x });
    const mean = density.data.reduce((total, value) => total + value, 0) / N;
    // The told one is before the last step, which changed it by less than the tolerance of 1e-6.
    expect(Math.abs(mean - told)).toBeLessThan(1e-6);
    if (options.standardize) return;
    const found = await fitMixture(engine, datasetExamples(dataset), options);
    const given = gaussianMixture(mixtureParameters(found.state, options.covariance));
    for (const [i, row] of rows.entries()) {
      expect(Math.abs(density.data[i] - given.logProb(row))).toBeLessThan(1e-10);
      for (const [c, value] of given.posterior(row).entries()) {
        expect(Math.abs(probabilities.data[2 * i + c] - value)).toBeLessThan(1e-10);
      }
    }
  });

  it("goes on from a checkpoint to the same bits, over the start that it was in", async () => {
    const rule = ruleOf({ ...options, restarts: 2, tolerance: 1e-3 });
    const whole = await rule.open({ engine, dataset, seed: 3 });
    for (let step = 0; step < 6; step++) await whole.step();
    const kept = structuredClone(whole.state);
    await runToEnd(whole);
    const resumed = await rule.open({ engine, dataset, seed: 3 });
    for (const [name, { data: values }] of resumed.state) values.set(kept.get(name)?.data ?? []);
    await runToEnd(resumed);
    expect(resumed.parameters()).toEqual(whole.parameters());
    expect(resumed.state).toEqual(whole.state);
    await Promise.all([whole.release?.(), resumed.release?.()]);
  });
});

it("integers are fitted with the noise that makes them real numbers, images in their own shape", async () => {
  const pixels = Uint8Array.from({ length: 40 * 4 }, (_, i) => (i * 37) % 256);
  const images = arrayDataset({ data: pixels, shape: [40, 1, 2, 2] }, { name: "pixels" });
  const model = gaussianMixtureFamily.build({ components: 3, seed: 0, vae: unused }, describeData(images));
  if (!("decoder" in model) || model.rule === undefined) throw new Error("a model of z with a rule is expected");
  expect(model.observation).toBe("uniform dequantisation");
  const drawn = model.decoder(data("z", ["batch", 3]));
  expect([drawn.shape, drawn.eventRank]).toEqual([["batch", 1, 2, 2], 3]);
  const fit = await model.rule.open({ engine, dataset: images, seed: 0 });
  const told = await runToEnd(fit);
  expect(Number.isFinite(told)).toBe(true);
  const shapes = Array.from(fit.parameters(), ([name, value]: [string, NdArray]) => [name, value.shape]);
  expect(shapes).toEqual([
    ["prior/logits", [3]],
    ["decoder/means", [3, 4]],
    ["decoder/precisionTril", [3, 4, 4]],
  ]);
  await fit.release?.();
});

it("takes the classes as components, or ten, or as many as there are examples", () => {
  const built = (given: { classes?: number; examples?: number }): number =>
    gaussianMixtureFamily.build({ seed: 0, vae: unused }, { ...describeData(dataset), ...given }).latents;
  expect([built({}), built({ classes: 4 }), built({ examples: 6 })]).toEqual([10, 4, 6]);
  expect(() => gaussianMixtureModel({ components: 0 }, describeData(dataset))).toThrow("--components");
});
