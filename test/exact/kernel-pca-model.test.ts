/** Kernel PCA as a model: where the data lie changes nothing, and what overflows is told. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset, type Dataset } from "../../src/data/dataset.ts";
import { NumericalError } from "../../src/errors.ts";
import { reconstructionError } from "../../src/evaluation/reconstruction.ts";
import { meanTerms } from "../../src/evaluation/terms.ts";
import { kernelPca } from "../../src/models/kernel-pca-model.ts";
import { describeData } from "../../src/models/model.ts";
import { type KernelName, kernelNames } from "../../src/models/names.ts";
import { decoderProgram, encoderProgram, termsProgram } from "../../src/models/programs.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const [N, D] = [64, 3];

/** Eighths: with 64 rows the numbers and their means are exact in float32, at 0 and at 20,000. */
function rows(place: number): Dataset {
  const random = stream(5, "places");
  const eighth = (value: number): number => Math.round(8 * value) / 8;
  const data = Float32Array.from({ length: N * D }, (_, i) => place + eighth((3 + (i % D)) * random.normal()));
  return arrayDataset({ data, shape: [N, D] }, { name: "rows" });
}

/** The reconstruction error, and the mean of what the model tells, of examples by a model that is fitted to others. */
async function judged(kernel: KernelName, fittedTo: Dataset, examples: Dataset) {
  const description = describeData(fittedTo);
  const model = kernelPca({ latents: 2, kernel, ridge: 1e-3 }, description);
  const fit = await model.rule?.open({ engine, dataset: fittedTo, seed: 0 });
  await fit?.step();
  const values = fit?.parameters();
  const encoder = await compile(engine, encoderProgram(model, description), { values });
  const decoder = await compile(engine, decoderProgram(model), { values });
  const program = await compile(engine, termsProgram(model, description), { values });
  return {
    error: () => reconstructionError({ encoder, decoder, dataset: examples, seed: 0 }),
    terms: () => meanTerms({ program, dataset: examples, parameters: new Map(), seed: 0 }),
    release: () => Promise.all([encoder.release(), decoder.release(), program.release()]),
  };
}

describe.each(kernelNames)("kernel PCA, %s", (kernel) => {
  it("reconstructs data at 20,000 as it does those at 0", async () => {
    const [near, far] = await Promise.all([0, 20_000].map((place) => judged(kernel, rows(place), rows(place))));
    const errors = [(await near.error())?.rmse ?? Number.NaN, (await far.error())?.rmse ?? Number.NaN];
    const squares = [(await near.terms()).squaredError, (await far.terms()).squaredError];
    await Promise.all([near.release(), far.release()]);
    expect(errors[0]).toBeLessThan(3); // less than the data deviate, by 4
    // float32 at 20,000 is rounded by 2⁻¹⁰ at most: the error by no more
    expect(Math.abs(errors[1] - errors[0])).toBeLessThan(2 ** -10);
    expect(Math.abs(Math.sqrt(squares[1] / D) - Math.sqrt(squares[0] / D))).toBeLessThan(2 ** -10);
  });
});

it("an example that overflows is named, in one line", async () => {
  const data = Float32Array.from({ length: 4 * D }, (_, i) => (i === 2 * D + 1 ? 1e30 : i));
  const strays = arrayDataset({ data, shape: [4, D] }, { name: "strays" });
  const { error, terms, release } = await judged("polynomial", rows(0), strays);
  await expect(error()).rejects.toThrow(
    /^strays: example 2 \(from 0\) has the reconstruction error (NaN|Infinity); look for [^\n]*$/,
  );
  await expect(error()).rejects.toBeInstanceOf(NumericalError);
  await expect(terms()).rejects.toThrow(
    /^strays: example 2 \(from 0\) has the squaredError (NaN|Infinity); look for [^\n]*$/,
  );
  await release();
});
