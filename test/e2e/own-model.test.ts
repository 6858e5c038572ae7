/** A model of the user's own, from a folder where nothing but the command is known: trained, resumed, exported, scored. */
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { arrayDataset, featureMeans, modelTraining, openEngine } from "reparam";
import { beforeAll, describe, expect, it } from "vitest";
import skipLikelihood from "../../examples/skip-likelihood.ts";
import { newFolder, reparam } from "./command.ts";
import { expectMistake, fingerprint, metrics, writeData } from "./small-run.ts";

const cwd = newFolder();
const at = (...names: readonly string[]): string => join(cwd, ...names);
const example = fileURLToPath(new URL("../../examples/skip-likelihood.ts", import.meta.url));

beforeAll(() => writeData(cwd));

describe("the example with a skip connection, a likelihood and an objective of its own", () => {
  it("is a program of at most 30 lines", () => {
    const code = readFileSync(example, "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    expect(code.split("\n").filter((line) => line.trim() !== "").length).toBeLessThanOrEqual(30);
  });

  it("descends its own objective and reports the bound at weight 1", async () => {
    const data = Float32Array.from({ length: 64 * 6 }, (_, i) => 0.1 * Math.sin(i * i));
    const dataset = arrayDataset({ data, shape: [64, 6] }, { name: "sines" });
    const description = { shape: [6], measure: "real", means: featureMeans(dataset) } as const;
    const training = await modelTraining({
      engine: await openEngine(),
      model: skipLikelihood(description),
      description,
      dataset,
      seed: 0,
      batchSize: 64,
      samples: 1,
      optimizer: { kind: "adam" },
      learningRate: { kind: "constant", value: 1e-3 },
      klWeight: { kind: "constant", value: 1 },
    });
    const first = await training.runStep();
    while (training.step < 49) await training.runStep();
    const last = await training.runStep();
    await training.release();
    expect(last.loss).toBeLessThan(first.loss);
    // Such small numbers are encoded near the prior: no rate reaches the free nat, which the loss has in its place.
    expect(first.terms.rate).toBeLessThan(0.5);
    // Four digits: float32 sums of 64 examples, of numbers below 10.
    expect(first.loss).toBeCloseTo(1 - first.terms.reconstruction, 4);
    expect(first.terms.elbo).toBeCloseTo(first.terms.reconstruction - first.terms.rate, 4);
  });

  it("resumes to the same bits, exports, and is scored without its source", async () => {
    copyFileSync(example, at("mine.ts"));
    const args = ["train", "real.npy", "--model", "mine.ts", "--epochs", "10", "--evaluation-samples", "20"];
    const whole = await reparam([...args, "--out", "whole"], { cwd });
    expect(whole.code, whole.stderr).toBe(0);

    // Some calls into the writing of files: a few epochs in.
    const interruption = { cwd, preload: "signal-at-call", env: { SIGNAL_AT_CALL: "SIGINT:30" } };
    expect((await reparam([...args, "--out", "halves"], interruption)).code).toBe(130);
    const epochs = metrics(at("halves")).length;
    expect(epochs).toBeGreaterThan(0);
    expect(epochs).toBeLessThan(10);
    const resumed = await reparam(["train", "--resume", "halves"], { cwd });
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(fingerprint(at("halves"))).toEqual(fingerprint(at("whole")));

    rmSync(at("mine.ts"));
    for (const part of ["encoder", "decoder", "prior", "density"]) {
      expect(existsSync(at("whole", `${part}.onnx`)), part).toBe(true);
    }
    const evaluated = await reparam(["evaluate", "whole", "--samples", "20", "--json"], { cwd });
    expect(evaluated.code, evaluated.stderr).toBe(0);
    const { numbers } = JSON.parse(evaluated.stdout);
    expect(numbers).toEqual(JSON.parse(readFileSync(at("halves", "evaluation.json"), "utf8")).numbers);
    const inNats = (name: string): number => numbers.find((number: { name: string }) => number.name === name).value;
    // Float64 means of the same examples.
    expect(inNats("ELBO")).toBeCloseTo(inNats("reconstruction") - inNats("rate"), 9);
    expect(numbers[0].stamp).toContain("Laplace");
  });
});

describe("a mistake in a module is told in one line, with the file", () => {
  const vae = `import { vae } from "reparam"; const base = (data) => vae({ binarize: "threshold" }, data);`;
  const changed = (change: string): string => `${vae} export default (data) => ({ ...base(data), ${change} });`;

  it.each<[string, string, RegExp]>([
    [
      "a syntax error",
      "export default () => {\n  const a = ;\n}",
      /cannot be loaded: .*Unexpected token.*mine\.ts:2:\d+$/,
    ],
    [
      "an import of nothing",
      'import { a } from "./nowhere.ts"; export default () => a;',
      /Cannot find module '\.\/nowhere\.ts'/,
    ],
    [
      "a name the package lacks",
      'import { vea } from "reparam"; export default (data) => vea({}, data);',
      /: vea is not a function$/,
    ],
    ["no default export", "export const model = 1;", /: a default export is expected that is a function/],
    ["no model", "export default () => ({ latents: 2 });", /: the model needs latents .* encoder and decoder .* prior/],
    ["an exception", 'export default () => { throw new Error("no such luck"); };', /: no such luck$/],
    ["an option of a model", `${vae} export default (data) => vae({ latents: 0 }, data);`, /: vae\.latents: .*>0/],
    ["an exception later on", changed("encoder: () => null.mean"), /: encoder: Cannot read properties of null/],
    [
      "shapes that differ",
      changed("decoder: (z) => base(data).decoder(concat([z, z], -1))").replace(
        "import",
        'import { concat } from "reparam/tensor"; import',
      ),
      /: decoder: .*: inner dimensions differ: \[.*batch, 32\] × \[16, 400\]/,
    ],
    [
      "no distribution",
      changed("decoder: (z) => z"),
      /: decoder: a distribution is expected to be returned, got object/,
    ],
    ["no loss", changed("objective: ({ rate }) => rate"), /: objective: one number is expected, got \[batch\]/],
  ])("%s", async (_name, source, message) => {
    writeFileSync(at("mine.ts"), source);
    const ended = await reparam(["train", "bytes.npy", "--model", "mine.ts", "--out", "none"], { cwd });
    expectMistake(ended, /^mine\.ts: /);
    expectMistake(ended, message);
    expect(existsSync(at("none"))).toBe(false);
  });

  it("a density on other data", async () => {
    writeFileSync(at("mine.ts"), readFileSync(example, "utf8"));
    const ended = await reparam(["train", "binary.npy", "--model", "mine.ts", "--out", "none"], { cwd });
    expectMistake(ended, /^mine\.ts: the likelihood Laplace is a density on real data and these are binary/);
  });
});
