/** `reparam evaluate`: the numbers that training told, the same however they are computed. */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { newFolder } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { contents, train, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (name: string): string => join(cwd, name);

const stamped = z.object({
  name: z.string(),
  value: z.number(),
  error: z.number().optional(),
  unit: z.string(),
  bitsPerDimension: z.number().optional(),
  stamp: z.string(),
});
const told = z.strictObject({
  run: z.string(),
  split: z.string(),
  numbers: z.array(stamped),
  remarks: z.array(z.string()).optional(),
});
type Told = z.infer<typeof told>;

async function evaluate(run: string, ...flags: readonly string[]): Promise<Told> {
  const { code, stdout, stderr } = await reparam(["evaluate", run, "--json", ...flags]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return told.parse(JSON.parse(stdout));
}

const numberOf = ({ numbers }: Told, name: string): number =>
  numbers.find((number) => number.name === name)?.value ?? Number.NaN;

/** Chunks differ in how products are blocked, so in float32 rounding; the bar is the project's. */
const SAME = 1e-5;
function expectSame(a: Told, b: Told): void {
  expect(a.numbers.map(({ name, stamp }) => [name, stamp])).toEqual(b.numbers.map(({ name, stamp }) => [name, stamp]));
  for (const [i, { name, value, error = 0 }] of a.numbers.entries()) {
    expect(Math.abs(value - b.numbers[i].value), name).toBeLessThanOrEqual(SAME * Math.abs(value));
    expect(Math.abs(error - (b.numbers[i].error ?? 0)), `error of ${name}`).toBeLessThanOrEqual(SAME * Math.abs(value));
  }
}

let atTraining: Told;
beforeAll(async () => {
  writeData(cwd);
  const { stdout } = await train(
    "run",
    { cwd },
    "--steps",
    "40",
    "--likelihood",
    "bernoulli",
    "--test",
    "bytes.npy",
    "--json",
  );
  atTraining = told.parse(JSON.parse(stdout));
});

describe("the numbers", () => {
  it("are those that training told, to the last digit, and no file is touched", async () => {
    const before = contents(at("run"));
    const { numbers, split } = await evaluate("run", "--samples", "5");
    expect({ numbers, split }).toEqual({ numbers: atTraining.numbers, split: atTraining.split });
    expect(contents(at("run"))).toEqual(before);
  });

  it("are printed as a table, by both commands", async () => {
    const { code, stdout } = await reparam(["evaluate", "run", "--samples", "5"]);
    expect(code).toBe(0);
    const [table, ...remarks] = stdout.trimEnd().split("\n\n");
    const lines = table.split("\n");
    expect(lines).toHaveLength(atTraining.numbers.length);
    expect(remarks.join("\n\n").split("\n").filter(Boolean)).toEqual((await evaluate("run", "--samples", "5")).remarks);
    for (const [i, { name, unit, stamp }] of atTraining.numbers.entries()) {
      expect(lines[i].startsWith(`${name}  `)).toBe(true);
      expect(lines[i]).toContain(` ${unit}`);
      expect(lines[i].endsWith(stamp)).toBe(true);
    }
    expect(lines[0]).toMatch(
      /^negative log-likelihood +\d+\.\d+ ± 0\.\d+ nats, \d\.\d+ bits\/dim +importance sampling, 5 samples of q\(z\|x\), /,
    );
    expect(lines[0]).toMatch(/Bernoulli, stochastic binarisation, test split, 200 examples$/);
  });

  it("do not depend on --chunk", async () => {
    const expected = await evaluate("run", "--samples", "60");
    for (const chunk of ["1", "7", "64", "100000"]) {
      expectSame(await evaluate("run", "--samples", "60", "--chunk", chunk), expected);
    }
  });

  it("fit together: more samples tighten the bound, and one sample is the ELBO by another name", async () => {
    const one = await evaluate("run", "--samples", "1");
    const many = await evaluate("run", "--samples", "300");
    for (const numbers of [one, many]) {
      const [elbo, reconstruction, rate] = ["ELBO", "reconstruction", "rate"].map((name) => numberOf(numbers, name));
      expect(elbo).toBeCloseTo(reconstruction - rate, 9); // sums in float64
      for (const { value, unit, bitsPerDimension } of numbers.numbers) {
        expect(bitsPerDimension).toBe(unit === "nats" ? value / (64 * Math.LN2) : undefined);
      }
    }
    expect(numberOf(one, "effective samples")).toBe(1);
    // The mean of one draw of each of 200 examples: its error is a tenth of a nat.
    expect(numberOf(many, "ELBO")).toBeCloseTo(numberOf(one, "ELBO"), 0);
    expect(-numberOf(many, "negative log-likelihood")).toBeGreaterThan(numberOf(many, "ELBO"));
    expect(numberOf(many, "negative log-likelihood")).toBeLessThan(numberOf(one, "negative log-likelihood"));
  });
});

describe("flags", () => {
  it("--limit scores the first examples; one alone has no standard error", async () => {
    const { numbers } = await evaluate("run", "--samples", "2", "--limit", "1");
    expect(numbers[0].stamp).toMatch(/, 1 example$/);
    for (const { error } of numbers) expect(error).toBeUndefined();
    const { stdout } = await reparam(["evaluate", "run", "--samples", "2", "--limit", "1"]);
    expect(stdout).not.toMatch(/NaN|±/);
    expect((await evaluate("run", "--samples", "5", "--limit", "1000")).numbers).toEqual(atTraining.numbers);
  });

  it("--split takes the run's own parts, of the sizes that the run split them into", async () => {
    for (const [split, examples] of [
      ["train", 180],
      ["validation", 20],
      ["test", 200],
    ] as const) {
      const { numbers } = await evaluate("run", "--samples", "1", "--split", split);
      expect(numbers[0].stamp).toMatch(new RegExp(`, ${split} split, ${examples} examples$`));
    }
  });

  it("--seed draws others", async () => {
    const other = await evaluate("run", "--samples", "5", "--seed", "1");
    expect(numberOf(other, "ELBO")).not.toBe(numberOf(atTraining, "ELBO"));
    // The same parameters on the same examples: far closer than the 0.5 nats or so between examples.
    expect(numberOf(other, "ELBO")).toBeCloseTo(numberOf(atTraining, "ELBO"), 0);
  });

  it("--engine wasm gives the native numbers to float32's rounding", async () => {
    const [native, wasm] = [
      await evaluate("run", "--samples", "5"),
      await evaluate("run", "--samples", "5", "--engine", "wasm"),
    ];
    for (const [i, { name, value }] of native.numbers.entries()) {
      // A sum over 64 pixels in another order: 64 · 6e-8, relative.
      expect(Math.abs(wasm.numbers[i].value - value), name).toBeLessThanOrEqual(1e-5 * Math.abs(value));
    }
  });
});

it("needs no more of the run than config.json, density.onnx and encoder.onnx, and no training data", async () => {
  const before = await evaluate("run", "--data", "bytes.npy", "--samples", "5");
  cpSync(at("bytes.npy"), at("elsewhere.npy"));
  mkdirSync(at("bare"));
  for (const name of ["config.json", "density.onnx", "encoder.onnx"]) cpSync(at(`run/${name}`), at(`bare/${name}`));
  rmSync(at("bytes.npy"));
  const { numbers } = await evaluate("bare", "--data", "elsewhere.npy", "--samples", "5");
  // The decoder is asked for the reconstructions alone, the prior for how far the codes are from it.
  const others = ["reconstruction error", "energy distance"];
  const withoutDecoder = before.numbers.filter(({ name }) => !others.includes(name));
  expect(numbers.map(({ name, value }) => [name, value])).toEqual(
    withoutDecoder.map(({ name, value }) => [name, value]),
  );
});
