import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset } from "../../src/data/dataset.ts";
import { isNormal, normal } from "../../src/distributions/normal.ts";
import { describeData } from "../../src/models/model.ts";
import { vae } from "../../src/models/vae.ts";
import { stream } from "../../src/random/stream.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { data } from "../../src/tensor/leaves.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { modelTraining } from "../../src/training/fit.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

/** Ages, incomes, shares and a column that never changes. */
function table() {
  const random = stream(5, "table");
  const rows = 256;
  const values = new Float32Array(rows * 4);
  for (let row = 0; row < rows; row++) {
    const common = random.normal();
    values.set([40 + 12 * common, 5e4 + 2e4 * common, 0.3 + 0.01 * random.normal(), 7], 4 * row);
  }
  return arrayDataset({ data: values, shape: [rows, 4] }, { name: "table" });
}

describe("a Normal VAE of a table in any units", () => {
  it("starts near what independent normals of the columns' own spread reach, and gets better", async () => {
    const dataset = table();
    const description = describeData(dataset);
    expect(description.deviations?.[1]).toBeGreaterThan(1e4);
    const model = vae({ latents: 2, likelihood: "normal", architecture: { kind: "mlp", widths: [32] } }, description);
    const training = await modelTraining({
      engine,
      model,
      description,
      dataset,
      seed: 0,
      batchSize: 64,
      samples: 1,
      optimizer: { kind: "adam" },
      learningRate: { kind: "constant", value: 3e-3 },
      klWeight: { kind: "constant", value: 1 },
    });
    const first = await training.runStep();
    // Σ_j −½ log 2πe σ_j² of the three columns that vary; the networks' random start costs some nats more.
    const spread = Array.from(description.deviations ?? []).filter((deviation) => deviation > 0);
    const independent = spread.reduce((total, s) => total - 0.5 * Math.log(2 * Math.PI * Math.E * s * s), 0);
    expect(first.terms.elbo).toBeGreaterThan(independent - 100);
    let last = first;
    for (let step = 0; step < 300; step++) last = await training.runStep();
    expect(last.terms.elbo).toBeGreaterThan(first.terms.elbo);
    await training.release();
  });

  it("keeps a fixed variance in the data's own units", () => {
    const architecture = { kind: "mlp" as const, widths: [8] };
    const model = vae({ latents: 2, likelihood: "normal", variance: 4, architecture }, describeData(table()));
    const [scale] = evaluate([model.decoder(data("z", ["batch", 2])).parameters.scale], {});
    expect(Array.from(scale.data)).toEqual([2]);
  });
});

it("a distribution that is only called Normal is not taken for one", () => {
  const real = normal(0, 1, 0);
  expect(isNormal(real)).toBe(true);
  expect(isNormal({ ...real })).toBe(false);
});
