import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { gatherOptions } from "../../src/cli/gather-options.ts";
import { parseOptions } from "../../src/run/options.ts";
import { klWeight, klWeightSchedule, learningRateSchedule } from "../../src/run/training-options.ts";

const parse = (values: Record<string, unknown>) => parseOptions(values, (option) => `--${option}`);

describe("the KL weight", () => {
  it("is w in nats, 1 by default", () => {
    expect(klWeight(parse({}))).toBe(1);
    expect(klWeight(parse({ klWeight: 0.5 }))).toBe(0.5);
  });

  it("is λ/2η where λ is given beside a squared error", () => {
    const given = { likelihood: "normal", variance: 0.05, lambda: 0.1 };
    expect(klWeight(parse(given))).toBe(0.1 / (2 * 0.05));
    expect(klWeight(parse({ ...given, lambda: 0.2 }))).toBe(2 * klWeight(parse(given)));
  });

  it("refuses both, and λ where nothing is squared", () => {
    const normal = { likelihood: "normal", variance: 0.05, lambda: 0.1 };
    expect(() => parse({ ...normal, klWeight: 1 })).toThrow("--lambda: sets the same number as the KL weight, λ = 2ηw");
    expect(() => parse({ likelihood: "normal", lambda: 0.1 })).toThrow("give its --variance η too");
    expect(() => parse({ likelihood: "bernoulli", variance: 0.05 })).toThrow("--variance: is for --likelihood normal");
  });

  it("follows its schedule", () => {
    expect(klWeightSchedule(parse({ klWeight: 2 }))).toEqual({ kind: "constant", value: 2 });
    expect(klWeightSchedule(parse({ klWarmup: 10 }))).toEqual({ kind: "linear", from: 0, to: 1, steps: 10 });
    const cyclical = { kind: "cyclical", peak: 1, period: 100, rise: 0.1 };
    expect(klWeightSchedule(parse({ klWarmup: 10, klPeriod: 100 }))).toEqual(cyclical);
  });
});

it("the learning rate warms up and then falls along a cosine, or stays", () => {
  const cosine = { kind: "warmupCosine", peak: 1e-3, warmup: 100, total: 500 };
  const settled = { ...parse({}), batch: 64, epochs: 60, learningRate: 1e-3, warmup: 100, evaluationSamples: 200 };
  expect(learningRateSchedule(settled, 500, 50)).toEqual(cosine);
  const constant = { kind: "constant", value: 1e-3 };
  expect(learningRateSchedule({ ...settled, decay: "none", warmup: 0 }, 500, 50)).toEqual(constant);
  const steps = { ...settled, decay: "steps", decayEpochs: "4, 8" } as const;
  const stepwise = { kind: "stepwise", peak: 1e-3, warmup: 100, at: [200, 400], factor: 0.1 };
  expect(learningRateSchedule(steps, 500, 50)).toEqual(stepwise);
  expect(learningRateSchedule({ ...steps, decayFactor: 0.5 }, 500, 50)).toEqual({ ...stepwise, factor: 0.5 });
});

describe("a mistake is told with its place, what was expected and the nearest name", () => {
  it.each([
    [{ latents: 0 }, /^--latents: a number above 0 is expected, got 0$/],
    [{ learningRate: Number.NaN }, /^--learningRate: .*got NaN$/],
    [{ epochs: 1.5 }, /^--epochs: .*int.*got 1\.5$/],
    [{ optimizer: "adm" }, /^--optimizer: one of adam, adamw, sgd is expected; did you mean adam\?, got "adm"$/],
    [{ encoder: "mlp 0" }, /^--encoder: .*"mlp 400 400".*"mlp 0"$/],
    [{ size: "3000000" }, /^--size: .*up to 4096.*got "3000000"$/],
    [{ latent: 8 }, /^--latent is not an option; did you mean latents\?/],
    [
      { model: "gaussian-mixture", choose: "2 2" },
      /^--choose: two numbers of components or more .*"1 2 3 5 8", got "2 2"$/,
    ],
    [{ decay: "steps" }, /^--decay: steps needs --decay-epochs/],
    [{ decayEpochs: "3" }, /^--decayEpochs: changes nothing without --decay steps$/],
    [{ decay: "steps", decayEpochs: "3", decayFactor: 1 }, /^--decayFactor: a number below 1 is expected, got 1$/],
    [{ decay: "steps", decayEpochs: "soon" }, /^--decayEpochs: numbers of epochs are expected.*got "soon"$/],
    [{ decay: "steps", decayEpochs: "2 2 1" }, /^--decayEpochs: numbers of epochs are expected, each once/],
    [{ model: "vae", choose: "1 2" }, /^--choose: changes nothing with --model vae; it is for gaussian-mixture$/],
    [{ model: "mine.ts", latents: 4 }, /^--latents: is part of a built-in model/],
  ])("%j", (values, message) => {
    expect(() => parse(values)).toThrow(message);
  });
});

it("--steps and --epochs exclude each other, and a file's steps give way to --epochs", () => {
  expect(() => gatherOptions({ steps: 3, epochs: 2 }, undefined)).toThrow("--steps and --epochs say the same twice");
  expect(gatherOptions({ epochs: 2 }, undefined).epochs).toBe(2);
});

it("a number that is chosen and one that is given exclude each other; of a run's config.json, which has both, the flag's stays", () => {
  const file = join(mkdtempSync(join(tmpdir(), "reparam-options-")), "config.json");
  const chosen = { model: "gaussian-mixture", choose: "1 2 3", components: 2 };
  writeFileSync(file, JSON.stringify({ options: chosen }));
  expect(gatherOptions({}, file)).toMatchObject(chosen);
  expect(gatherOptions({ choose: "4 5" }, file)).toMatchObject({ choose: "4 5" });
  expect(gatherOptions({ choose: "4 5" }, file).components).toBeUndefined();
  expect(gatherOptions({ components: 7 }, file).components).toBe(7);
  expect(gatherOptions({ components: 7 }, file).choose).toBeUndefined();
  expect(() => gatherOptions({ choose: "4 5", components: 7 }, file)).toThrow("--choose: finds the number that");
  rmSync(dirname(file), { recursive: true });
});
