/** The ONNX files of a run, loaded by ONNX Runtime alone as a stranger would: together they are the model. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type * as Ort from "onnxruntime-web";
import { beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/open.ts";
import { EVALUATION_STEP } from "../../src/evaluation/likelihood.ts";
import { noiseSource } from "../../src/random/noise.ts";
import { stream } from "../../src/random/stream.ts";
import { openEngine } from "../../src/runtime/engine-node.ts";
import { newFolder, reparam } from "./command.ts";
import { train, writeData } from "./small-run.ts";

const cwd = newFolder();
const at = (name: string): string => join(cwd, "run", name);

const PIXELS = 64;
const LATENTS = 2;
/** The files' numbers are float32 and the test's float64; the bar is the project's. */
const CLOSE = 1e-5;
const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

let ort: Pick<typeof Ort, "InferenceSession" | "Tensor">;
const sessions: Record<string, Ort.InferenceSession> = {};
beforeAll(async () => {
  writeData(cwd);
  await train("run", { cwd }, "--epochs", "8", "--warmup", "0", "--learning-rate", "0.01", "--likelihood", "bernoulli");
  ({ ort } = await openEngine());
  for (const name of ["encoder", "decoder", "likelihood", "prior", "density"])
    sessions[name] = await ort.InferenceSession.create(readFileSync(at(`${name}.onnx`)));
});

const floats = (data: Float32Array, ...shape: readonly number[]): Ort.Tensor => new ort.Tensor("float32", data, shape);

/** Runs one of the files; every output is float32. */
async function run(name: string, feeds: Readonly<Record<string, Ort.Tensor>>): Promise<Record<string, Float32Array>> {
  const outputs = Object.entries(await sessions[name].run(feeds));
  return Object.fromEntries(
    outputs.map(([key, { data }]) => {
      if (!(data instanceof Float32Array)) throw new TypeError(`${name}.onnx: ${key} is not float32`);
      return [key, data];
    }),
  );
}

/** log p(x|z) of a Bernoulli, in float64: Σ x·ℓ − log(1 + eˡ), by row. */
function bernoulliLogProb(x: Float32Array, logits: Float32Array, row: number, of: number): number {
  let total = 0;
  for (let i = 0; i < PIXELS; i++) {
    const logit = logits[row * PIXELS + i];
    total += x[of * PIXELS + i] * logit - Math.max(logit, 0) - Math.log1p(Math.exp(-Math.abs(logit)));
  }
  return total;
}

/** A batch as the files see it: pixels and the uniforms that binarise them, and the zeros and ones that they make. */
function batch(bytes: Uint8Array, uniforms: Float32Array) {
  const size = uniforms.length / PIXELS;
  return {
    size,
    binary: Float32Array.from(uniforms, (u, i) => (Math.fround(u * 255) < bytes[i] ? 1 : 0)),
    feeds: { x: new ort.Tensor("uint8", bytes, [size, 1, 8, 8]), binarize: floats(uniforms, size, 1, 8, 8) },
  };
}

function drawn(seed: number, size: number, law: "fillNormal" | "fillUniform"): Float32Array {
  const values = new Float32Array(size);
  stream(seed, "export")[law](values, 0, size);
  return values;
}

function expectClose(actual: number, expected: number, what: string): void {
  expect(Math.abs(actual - expected), `${what}: ${actual}, expected ${expected}`).toBeLessThanOrEqual(
    CLOSE * Math.max(1, Math.abs(expected)),
  );
}

describe("encoder, decoder and prior", () => {
  // Other sizes than the training's batch, 32; a symbolic batch takes them all.
  it.each([1, 5, 100])("give density.onnx's numbers, batch %d", async (size) => {
    const samples = 3;
    const images = batch(
      Uint8Array.from(drawn(1, size * PIXELS, "fillUniform"), (u) => 256 * u),
      drawn(2, size * PIXELS, "fillUniform"),
    );
    const noise = drawn(3, samples * size * LATENTS, "fillNormal");
    const epsilon = floats(noise, samples, size, LATENTS);
    const density = await run("density", { ...images.feeds, epsilon });
    const { mean, scale } = await run("encoder", images.feeds);

    for (let row = 0; row < size * LATENTS; row++) {
      // KL(N(μ, σ²) ‖ N(0, 1)) = ½(μ² + σ² − 1) − log σ
      expectClose(density.rates[row], 0.5 * (mean[row] ** 2 + scale[row] ** 2 - 1) - Math.log(scale[row]), "rate");
    }
    const z = noise.map((e, i) => mean[i % (size * LATENTS)] + scale[i % (size * LATENTS)] * e);
    const { logits, mean: probabilities } = await run("decoder", { z: floats(z, samples * size, LATENTS) });
    expectClose(probabilities[0], 1 / (1 + Math.exp(-logits[0])), "probability");
    for (let row = 0; row < samples * size; row++) {
      const latents = Array.from({ length: LATENTS }, (_, j) => row * LATENTS + j);
      const sum = (of: (i: number) => number): number => latents.reduce((total, i) => total + of(i), 0);
      const logPrior = sum((i) => -0.5 * z[i] ** 2 - HALF_LOG_2PI);
      const logPosterior = sum((i) => -0.5 * noise[i] ** 2 - Math.log(scale[i % (size * LATENTS)]) - HALF_LOG_2PI);
      expectClose(density.logLikelihood[row], bernoulliLogProb(images.binary, logits, row, row % size), "log p(x|z)");
      expectClose(density.logPrior[row], logPrior, "log p(z)");
      expectClose(density.logPosterior[row], logPosterior, "log q(z|x)");
    }
  });

  it("sample: the prior's z decode to probabilities, and those with noise to zeros and ones", async () => {
    const image = (values: Float32Array): Ort.Tensor => floats(values, 9, 1, 8, 8);
    const noise = drawn(4, 9 * LATENTS, "fillNormal");
    const { z } = await run("prior", { noise: floats(noise, 9, LATENTS) });
    expect(z).toEqual(noise); // N(0, I)
    const { mean } = await run("decoder", { z: floats(z, 9, LATENTS) });
    expect(mean).toHaveLength(9 * PIXELS);
    expect(mean.every((p) => p > 0 && p < 1)).toBe(true);

    const { logits } = await run("decoder", { z: floats(z, 9, LATENTS) });
    const uniforms = drawn(5, 9 * PIXELS, "fillUniform");
    const { x } = await run("likelihood", { logits: image(logits), observation: image(uniforms) });
    expect(x).toEqual(Float32Array.from(mean, (p, i) => (uniforms[i] < p ? 1 : 0)));
    expect(new Set(x)).toEqual(new Set([0, 1]));
  });

  it("make up the ELBO that evaluate tells", async () => {
    const { code, stdout } = await reparam(["evaluate", "run", "--data", "bytes.npy", "--samples", "4", "--json"], {
      cwd,
    });
    expect(code).toBe(0);
    const told: readonly { name: string; value: number }[] = JSON.parse(stdout).numbers;

    const dataset = await openDataset(join(cwd, "bytes.npy"));
    const size = dataset.length;
    const examples = Uint32Array.from({ length: size }, (_, i) => i);
    const bytes = new Uint8Array(size * PIXELS);
    dataset.read(examples, bytes);
    const draw = (name: string, law: "normal" | "uniform", event: readonly number[], firstSample: number) => {
      const out = new Float32Array(size * event.reduce((a, b) => a * b, 1));
      noiseSource({ name, law, event }, 0).fill(out, { step: EVALUATION_STEP, examples, samples: 1, firstSample });
      return out;
    };
    const images = batch(bytes, draw("binarize", "uniform", [1, 8, 8], 0));
    const { mean, scale } = await run("encoder", images.feeds);
    let [reconstruction, rate] = [0, 0];
    for (const [i, m] of mean.entries()) rate += 0.5 * (m ** 2 + scale[i] ** 2 - 1) - Math.log(scale[i]);
    for (let sample = 0; sample < 4; sample++) {
      const z = draw("epsilon", "normal", [LATENTS], sample).map((e, i) => mean[i] + scale[i] * e);
      const { logits } = await run("decoder", { z: floats(z, size, LATENTS) });
      for (let row = 0; row < size; row++) reconstruction += bernoulliLogProb(images.binary, logits, row, row) / 4;
    }
    const expected = { reconstruction, rate, ELBO: reconstruction - rate };
    for (const [name, total] of Object.entries(expected)) {
      expectClose(told.find((number) => number.name === name)?.value ?? Number.NaN, total / size, name);
    }
  });
});

describe("each file", () => {
  it.each([
    ["encoder", ["x", "binarize"], ["mean", "scale"]],
    ["decoder", ["z"], ["logits", "mean"]],
    ["likelihood", ["logits", "observation"], ["x"]],
    ["prior", ["noise"], ["z"]],
    ["density", ["x", "binarize", "epsilon"], ["logLikelihood", "logPrior", "logPosterior", "rates"]],
  ])(
    "%s.onnx names its inputs and outputs, and asks for opset 17 of the standard domain alone",
    (name, inputs, outputs) => {
      expect([...sessions[name].inputNames].sort()).toEqual(inputs.sort());
      expect([...sessions[name].outputNames].sort()).toEqual(outputs.sort());
      expect(opsets(readFileSync(at(`${name}.onnx`)))).toEqual([{ domain: "", version: 17 }]);
    },
  );
});

/** Field 8 of ONNX's ModelProto, `opset_import`: { 1: domain, 2: version }. */
function opsets(bytes: Uint8Array): readonly { domain: string; version: number }[] {
  const reader = new BinaryReader(bytes);
  const found: { domain: string; version: number }[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field !== 8) {
      reader.skip(type);
      continue;
    }
    const opset = { domain: "", version: 0 };
    const end = reader.uint32() + reader.pos;
    while (reader.pos < end) {
      const [part] = reader.tag();
      if (part === 1) opset.domain = reader.string();
      else opset.version = Number(reader.int64());
    }
    found.push(opset);
  }
  return found;
}
