/** What training can be told: each option reaches the numbers that it is about, and every variant ends with a whole run. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { newFolder } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { checkpoint, contents, metrics, STEPS_PER_EPOCH, small, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (...names: readonly string[]): string => join(cwd, ...names);

beforeAll(() => {
  writeData(cwd);
  // 100 images of 11×11 pixels, as the files of MNIST come: IDX, gzipped.
  const header = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 100, 0, 0, 0, 11, 0, 0, 0, 11);
  writeFileSync(at("images.gz"), gzipSync(Buffer.concat([header, readFileSync(at("bytes.npy")).subarray(-12_100)])));
});

/** Trains a small model with these flags and looks at what every run must have left. */
async function trained(out: string, data: string, ...flags: readonly string[]): Promise<string> {
  const { code, stderr } = await reparam(["train", data, ...small, "--out", out, ...flags]);
  expect(code, stderr).toBe(0);
  const names = Object.keys(contents(at(out)));
  for (const name of ["encoder", "decoder", "prior", "density"]) expect(names).toContain(`${name}.onnx`);
  expect(names).toContain("evaluation.json");
  const report = readFileSync(at(out, "report.html"), "utf8");
  expect(report).toMatch(/^<!doctype html>/i);
  expect(report).toContain(out);
  return stderr;
}

/** One column of metrics.jsonl. */
const column = (out: string, name: string): readonly unknown[] => metrics(at(out)).map((row) => row[name]);
const validationElbo = (out: string): readonly number[] =>
  column(out, "validation").map((row) => Number(Object(row).elbo));

/** The steps after which there is a row: an epoch's last. Its scheduled numbers are those of the step before, from 0. */
const epochEnds = (epochs: number): readonly number[] =>
  Array.from({ length: epochs }, (_, i) => (i + 1) * STEPS_PER_EPOCH);

/** The schedules are computed in float64; the KL weight is fed, and so rounded, as float32. */
function expectSchedule(values: readonly unknown[], expected: readonly number[]): void {
  expect(values).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(values[i]).toBeCloseTo(value, 7);
}

describe.each([
  ["images as bytes, binarised afresh", "bytes.npy", ["--binarize", "stochastic"]],
  ["images as bytes, binarised once for all", "bytes.npy", ["--binarize", "threshold"]],
  ["images as bytes, discretised logistic by default", "bytes.npy", []],
  ["images through convolutions", "bytes.npy", ["--encoder", "conv 4,8"]],
  [
    "the convolutional preset, odd sizes, gzipped IDX",
    "images.gz",
    ["--preset", "bernoulli-conv", "--encoder", "conv 4 8 8"],
  ],
  ["a table of real numbers", "real.npy", []],
  ["a table of zeros and ones", "binary.npy", []],
  ["a table of fractions", "unit.npy", ["--optimizer", "adamw"]],
])("%s", (name, data, flags) => {
  it("trains to a better bound than it began with, and leaves a whole run", async () => {
    const out = name.replaceAll(/[^a-z]+/g, "-");
    await trained(out, data, "--epochs", "8", "--warmup", "0", "--learning-rate", "0.01", ...flags);
    const elbos = validationElbo(out);
    expect(elbos).toHaveLength(8);
    expect(elbos.at(-1)).toBeGreaterThan(elbos[0]);
  });
});

describe("schedules", () => {
  it("learning rate: up in --warmup steps, then down a cosine to 0", async () => {
    await trained("cosine", "bytes.npy", "--steps", "40", "--warmup", "10", "--learning-rate", "0.02");
    const expected = epochEnds(8).map((end) => {
      const step = end - 1;
      return step < 10 ? (0.02 * (step + 1)) / 10 : 0.01 * (1 + Math.cos((Math.PI * (step - 10)) / 29));
    });
    expectSchedule(column("cosine", "learningRate"), expected);
    expect(expected.at(-1)).toBe(0);
    expectSchedule(
      column("cosine", "klWeight"),
      epochEnds(8).map(() => 1),
    );
  });

  it("learning rate: down by --decay-factor after each of --decay-epochs", async () => {
    const falls = ["--decay", "steps", "--decay-epochs", "2 5 6 9", "--decay-factor", "0.5", "--warmup", "0"];
    const stderr = await trained("stepwise", "bytes.npy", "--steps", "30", ...falls);
    expect(stderr).toMatch(/^the learning rate does not fall after epoch 6 and 9: --decay-epochs, and the run has 6$/m);
    expectSchedule(
      column("stepwise", "learningRate"),
      epochEnds(6).map((end) => 1e-3 * (end <= 10 ? 1 : end <= 25 ? 0.5 : 0.25)), // of 5 steps each
    );
  });

  it("KL weight: up in --kl-warmup steps to --kl-weight", async () => {
    const flags = ["--kl-warmup", "20", "--kl-weight", "4", "--warmup", "0", "--decay", "none"];
    await trained("kl-warmup", "bytes.npy", "--steps", "30", ...flags);
    expectSchedule(
      column("kl-warmup", "klWeight"),
      epochEnds(6).map((end) => 4 * Math.min((end - 1) / 20, 1)),
    );
    expectSchedule(
      column("kl-warmup", "learningRate"),
      epochEnds(6).map(() => 1e-3),
    );
  });

  it("KL weight: up again every --kl-period steps", async () => {
    await trained("cyclical", "bytes.npy", "--steps", "40", "--kl-warmup", "12", "--kl-period", "16");
    expectSchedule(
      column("cyclical", "klWeight"),
      epochEnds(8).map((end) => Math.min(((end - 1) % 16) / 12, 1)),
    );
  });

  it("a KL weight that never reaches its height is told, and trained", async () => {
    const stderr = await trained("low", "bytes.npy", "--steps", "5", "--kl-warmup", "50");
    expect(stderr).toMatch(
      /^the KL weight never reaches its height: --kl-warmup 50 is longer than the 5 steps of this run$/m,
    );
  });
});

it("--kl-weight changes the training and not what is reported: the bound at weight 1", async () => {
  await trained("beta", "bytes.npy", "--steps", "40", "--kl-weight", "20", "--warmup", "0", "--learning-rate", "0.01");
  for (const row of metrics(at("beta"))) {
    for (const { elbo, reconstruction, rate } of [Object(row.train), Object(row.validation)]) {
      expect(elbo).toBeCloseTo(reconstruction - rate, 4); // means of float32 numbers of about 50
    }
  }
  const [first, last] = [metrics(at("beta"))[0], metrics(at("beta")).at(-1)].map((row) => Object(row?.validation).rate);
  expect(last).toBeLessThan(0.2 * first); // a rate that costs 20 times its nats collapses
});

it("--samples averages so many draws: a bound of less noise, of the same mean", async () => {
  await trained("one", "bytes.npy", "--likelihood", "bernoulli", "--steps", "5");
  await trained("many", "bytes.npy", "--likelihood", "bernoulli", "--steps", "5", "--samples", "3");
  const [one, many] = [metrics(at("one"))[0], metrics(at("many"))[0]].map((row) => Object(row.train));
  expect(many.rate).toBeCloseTo(one.rate, 1); // closed form, of almost the same parameters
  expect(many.reconstruction).not.toBe(one.reconstruction);
  expect(many.reconstruction).toBeCloseTo(one.reconstruction, 0);
});

it("--clip bounds what a step can change", async () => {
  const sgd = ["--optimizer", "sgd", "--learning-rate", "0.01", "--warmup", "0", "--decay", "none"];
  const flags = [...sgd, "--steps", "10", "--likelihood", "bernoulli"];
  const moved = async (out: string, ...more: readonly string[]): Promise<number> => {
    await trained(out, "bytes.npy", ...flags, ...more);
    const [before, after] = ["checkpoint.previous.safetensors", "checkpoint.safetensors"].map((name) =>
      checkpoint(at(out), name),
    );
    expect([before.metadata.step, after.metadata.step]).toEqual(["5", "10"]);
    let squares = 0;
    for (const [name, { data }] of after.tensors) {
      if (!name.startsWith("parameter/")) continue;
      const was = before.tensors.get(name)?.data ?? [];
      for (const [i, value] of data.entries()) squares += (value - was[i]) ** 2;
    }
    return Math.sqrt(squares);
  };
  // With momentum 0.9 a velocity is at most clip/(1 − 0.9), and each of the five steps at most the learning rate times it.
  const most = 5 * 0.01 * (1e-3 / (1 - 0.9));
  expect(await moved("clipped", "--clip", "0.001")).toBeLessThan(most);
  expect(await moved("unclipped")).toBeGreaterThan(10 * most);
});

describe("--patience", () => {
  it("stops after so many epochs without a better bound", async () => {
    // Steps too small to change a float32: no epoch is better than the first.
    const flags = ["--optimizer", "sgd", "--learning-rate", "1e-30", "--patience", "2", "--epochs", "50"];
    const stderr = await trained("still", "bytes.npy", ...flags);
    expect(stderr).toMatch(/^no better validation bound for 2 epochs: stopped$/m);
    expect(column("still", "epoch")).toEqual([1, 2, 3]);
    expect(new Set(validationElbo("still")).size).toBe(1);

    const resumed = await reparam(["train", "--resume", "still"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(column("still", "epoch")).toEqual([1, 2, 3]);
  });

  it("keeps and exports the best parameters, not the last", async () => {
    // Scattered pixels have nothing to learn but their means: a fast learner soon fits what is not there.
    const flags = ["--learning-rate", "0.05", "--warmup", "0", "--decay", "none", "--patience", "4", "--epochs", "60"];
    await trained("overfit", "bytes.npy", ...flags, "--encoder", "mlp 64", "--latents", "8");
    const elbos = validationElbo("overfit");
    const best = elbos.indexOf(Math.max(...elbos));
    expect(best).toBe(elbos.length - 1 - 4);
    expect(checkpoint(at("overfit"), "best.safetensors").metadata.step).toBe(String((best + 1) * STEPS_PER_EPOCH));

    // The validation bound after each epoch is of one sample, by the same draws that an evaluation of one sample makes.
    const scored = await reparam(["evaluate", "overfit", "--split", "validation", "--samples", "1", "--json"]);
    const [elbo] = JSON.parse(scored.stdout).numbers.filter(({ name }: { name: string }) => name === "ELBO");
    // The parameters are constants in the file and inputs in training, so ONNX Runtime may fold: float32's rounding.
    expect(Math.abs(elbo.value / elbos[best] - 1)).toBeLessThan(1e-5);
    expect(Math.abs(elbos.at(-1)! / elbos[best] - 1)).toBeGreaterThan(1e-3);
  });
});
