/** Integers are modelled as x + u by densities on real numbers: what such a model shows and draws is x again, not x + u. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { type Measure, numberRange, numbersOf } from "../../src/data/dataset.ts";
import { describeData } from "../../src/models/model.ts";
import type { ModelName } from "../../src/models/names.ts";
import { stream } from "../../src/random/stream.ts";
import { parseOptions } from "../../src/run/options.ts";
import { buildModel } from "../../src/run/prepare.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { load } from "../../src/trained/load.ts";
import type { Ability, TrainedModel } from "../../src/trained/trained-model.ts";
import { examplesOf } from "./family-entries.ts";
import { filesOf } from "./trained-models.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const DRAWS = 4000;

/** A model of the examples as its files make it. */
async function trained<A extends Ability>(
  model: ModelName,
  measure: Measure,
  needs: readonly A[],
  given: Readonly<Record<string, unknown>> = { latents: 1 },
): Promise<TrainedModel<A>> {
  const examples = examplesOf(measure);
  const options = parseOptions({ data: "examples", model, ...given }, (option) => option);
  const built = await buildModel(options, describeData(examples));
  return load(await filesOf(engine, () => built, examples), { needs, runtime: engine });
}

/** x̂ − x of every number. */
async function residuals(model: TrainedModel<"reconstruct">, measure: Measure): Promise<readonly number[]> {
  const x = numbersOf(examplesOf(measure));
  const { data } = await model.reconstruct(examplesOf(measure));
  return Array.from(data, (value, i) => value - x[i]);
}

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

/** Whether all are numbers that the data can have. */
function areAmong(values: ArrayLike<number>, measure: Measure): boolean {
  const [low, high] = numberRange(examplesOf(measure));
  return Array.from(values).every((value) => Number.isInteger(value) && value >= low && value <= high);
}

/** Measures, and by how much the mean of a row's numbers deviates from row to row, at most. */
const integers: readonly (readonly [Measure, number])[] = [
  ["count", 2.2],
  ["binary", 0.5],
  ["bytes", 50],
];

describe.each(integers)("of %s data", (measure, deviation) => {
  const x = numbersOf(examplesOf(measure));
  const models: readonly (readonly [ModelName, Readonly<Record<string, unknown>>])[] = [
    ["probabilistic-pca", { latents: 1 }],
    ["factor-analysis", { latents: 1, tolerance: 1e-3 }],
    ["gaussian-mixture", { components: 3, covariance: "diagonal" }],
  ];

  it.each(models)(
    "%s shows means that are not shifted, and draws integers of the data's range",
    async (name, given) => {
      const model = await trained(name, measure, ["reconstruct", "sample"], given);
      const shift = mean(await residuals(model, measure));
      const { data } = await model.sample(DRAWS, { seed: 3, from: "draw" });
      await model.release();
      // The mean of x̂ is that of x + u less ½, so it is off by means of u − ½: those that the fit saw, and those that the encoder sees.
      // 4.9 of their standard errors, a false alarm of 1e-6, are 0.11 for tables and 0.06 for bytes; means of x + u would be off by ½.
      expect(Math.abs(shift)).toBeLessThan(4.9 * Math.sqrt(2 / 12 / x.length));
      expect(areAmong(data, measure)).toBe(true);
      // 4.9 standard errors again: 0.17, 0.04 and 3.9. Draws about the mean that is shown would be off by ½.
      expect(Math.abs(mean(data) - mean(x))).toBeLessThan((4.9 * deviation) / Math.sqrt(DRAWS));
    },
  );
});

it.each<Measure>(["count", "binary"])("%s: probabilistic PCA misses x by as much as PCA", async (measure) => {
  const models = [
    await trained("probabilistic-pca", measure, ["reconstruct"]),
    await trained("pca", measure, ["reconstruct"]),
  ];
  const [ours, plain] = await Promise.all(
    models.map(async (model) => mean((await residuals(model, measure)).map((value) => value ** 2))),
  );
  await Promise.all(models.map((model) => model.release()));
  // Shrinkage adds η²/λ₁ to the square of an example, u its 1/12 along one direction of five: 0.04 a number. Means of x + u add ¼.
  expect(Math.abs(ours - plain)).toBeLessThan(0.08);
});

it("a flow decodes to integers of the data's range", async () => {
  const model = await trained("flow", "count", ["decode"], { layers: 1, hidden: "4" });
  const random = stream(1, "latents");
  const { data } = await model.decode({
    data: Float32Array.from({ length: 500 }, () => 2 * random.normal()),
    shape: [100, 5],
  });
  await model.release();
  expect(areAmong(data, "count")).toBe(true);
});
