/** `reparam gradients`: a table, a picture and numbers of how noisy each estimator is. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { newFolder, start } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { contents, expectMistake, small, train, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (name: string): string => join(cwd, name);
beforeAll(async () => {
  writeData(cwd);
  await train("run", reparam, "--steps", "20", "--likelihood", "bernoulli");
});

const noise = z.object({
  name: z.string(),
  bound: z.string(),
  wrong: z.boolean(),
  variance: z.object({ value: z.number(), error: z.number() }),
  signalToNoise: z.number(),
  distance: z.number().optional(),
});
const told = z.object({
  run: z.string(),
  parameters: z.number(),
  examples: z.number(),
  samples: z.number(),
  draws: z.number(),
  noise: z.array(noise),
});

describe("the study", () => {
  it("is the same whenever it is made, of the batch that training had, and touches no file", async () => {
    const before = contents(at("run"));
    const args = ["gradients", "run", "--json", "--draws", "30", "--samples", "3"];
    const [one, other] = [await reparam(args), await start(args, { cwd }).ended];
    expect({ code: one.code, stderr: one.stderr }).toEqual({ code: 0, stderr: "" });
    expect(one.stdout).toBe(other.stdout);
    const study = told.parse(JSON.parse(one.stdout));
    // mlp 16 on 8×8 pixels, two latents: 64·16 + 16 + 16·4 + 4 numbers
    expect(study).toMatchObject({ examples: 32, samples: 3, draws: 30, parameters: 1108 });
    expect(study.noise.map(({ name }) => name)).toEqual([
      "pathwise, rate in closed form",
      "pathwise, rate by the samples",
      "sticking the landing",
      "score function, leave-one-out baseline",
      "score function, moving-average baseline",
      "score function, no baseline",
      "dropped path",
      "pathwise",
      "doubly reparameterized",
    ]);
    const variance = new Map(study.noise.map((one) => [one.name, one.variance.value]));
    const [loo, none] = ["leave-one-out", "no"].map((name) => variance.get(`score function, ${name} baseline`) ?? 0);
    expect(5 * loo).toBeLessThan(none); // row 7's factor; here it is some hundreds
    expect(contents(at("run"))).toEqual(before);
  });

  it("is printed as a table that marks the wrong one", async () => {
    const { stdout } = await reparam(["gradients", "run", "--draws", "5", "--samples", "1"]);
    const lines = stdout.split("\n");
    expect(lines[0]).toBe(
      "gradient of the mean bound of 32 training examples in the encoder's 1,108 parameters, 1 sample each, 5 draws of it, KL weight 1",
    );
    expect(lines.filter((line) => /WRONG/.test(line))).toEqual([expect.stringMatching(/^dropped path \(WRONG/)]);
    expect(stdout).toMatch(
      /^left out: leave-one-out baseline and the importance-weighted bound: they need --samples 2/m,
    );
    expect(stdout).not.toMatch(/NaN|undefined/);
  });

  it("takes --examples and --seed", async () => {
    const of = async (...flags: readonly string[]) => {
      const { stdout } = await reparam(["gradients", "run", "--json", "--draws", "4", ...flags]);
      return told.parse(JSON.parse(stdout));
    };
    const [few, other] = [await of("--examples", "5"), await of("--examples", "5", "--seed", "9")];
    expect(few.examples).toBe(5);
    expect(few.noise[0].variance.value).not.toBe(other.noise[0].variance.value);
  });
});

describe("--out", () => {
  it.each(["noise.svg", "noise.png", "noise.json"])("%s", async (file) => {
    const { code, stdout } = await reparam(["gradients", "run", "--draws", "5", "--out", file]);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe(file);
    const bytes = readFileSync(at(file));
    if (file.endsWith(".json")) {
      const [first] = z
        .object({ noise: z.array(z.object({ byParameter: z.array(z.object({ size: z.number() })) })) })
        .parse(JSON.parse(bytes.toString())).noise;
      expect(first.byParameter.reduce((total, { size }) => total + size, 0)).toBe(1108);
      return;
    }
    const { format, width = 0, height = 0 } = await sharp(bytes).metadata();
    expect(format).toBe(file.slice(-3));
    expect(width).toBeGreaterThan(height);
    if (format === "svg") expect(bytes.toString()).not.toMatch(/var\(--|NaN/);
  });
});

describe("mistakes", () => {
  const examples = "--examples 181";
  it.each([
    ["--samples 0", /^--samples: an integer of 1 or more is expected, got "0"$/],
    ["--draws 1", /^--draws: an integer of 2 or more is expected, got "1"$/],
    [examples, /^--examples 181: more than the 180 training examples$/],
    ["--out noise.jpg", /^--out noise\.jpg: expected \.svg, \.png, \.json$/],
    ["--out none/noise.svg", /^--out none\/noise\.svg: there is no folder none; make it, or choose another place$/],
    ["--drawz 3", /^unknown option '--drawz'; did you mean --draws\?$/],
  ])("%s", async (flags, message) => {
    expectMistake(await reparam(["gradients", "run", ...flags.split(" ")]), message);
  });

  it("a run whose posteriors are each example's own", async () => {
    const own = [
      "train",
      "real.npy",
      ...small,
      "--steps",
      "6",
      "--inference",
      "per-example",
      "--threads",
      "1",
      "--out",
      "own",
    ];
    expect((await reparam(own)).code).toBe(0);
    expectMistake(await reparam(["gradients", "own"]), /^own: was trained with --inference per-example, so no encoder/);
  });
});
