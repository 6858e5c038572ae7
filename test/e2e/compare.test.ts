/** `reparam compare`: models trained alike and runs that were there, in one table and on one page. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Ended, newFolder, start } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { contents, expectMistake, small, train, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const models = ["--models", "vae,probabilistic-pca,autoencoder,pca"];
const quick = [...small, "--steps", "5"];
const runs = "runs/compare-bytes";

const estimate = z.object({ value: z.number(), error: z.number() });
const told = z.strictObject({
  examples: z.string(),
  models: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      objective: z.string(),
      encoder: z.string(),
      decoder: z.string(),
      latents: z.number(),
      parameters: z.number(),
      likelihood: z.string().optional(),
      observation: z.string().optional(),
      density: z.object({ mean: estimate, estimator: z.string(), stamp: z.string() }).optional(),
      rmse: z.number(),
      rate: estimate.optional(),
      distance: estimate.optional(),
      secondsPerEpoch: z.number(),
    }),
  ),
  groups: z.array(
    z.object({
      observation: z.string(),
      models: z.array(
        z.object({
          name: z.string(),
          aboveFirst: z.object({ difference: estimate, examples: z.number() }).optional(),
        }),
      ),
    }),
  ),
  notices: z.array(z.string()),
  out: z.string().optional(),
});

let trained: Ended;
beforeAll(async () => {
  writeData(cwd);
  mkdirSync(join(cwd, runs, "pca"), { recursive: true }); // what a kill leaves of a run that had not begun
  trained = await start(["compare", ...models, "bytes.npy", ...quick, "--out", "page.html"], { cwd }).ended;
}, 60_000);

function read({ code, stdout, stderr }: Ended): z.infer<typeof told> {
  expect(code, stderr).toBe(0);
  return told.parse(JSON.parse(stdout));
}

describe("reparam compare --models", () => {
  it("trains each with the options that it has, and sets them side by side", () => {
    const { code, stdout, stderr } = trained;
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^ +vae +probabilistic-pca +autoencoder/m);
    expect(stdout).toMatch(/^log p\(x\) of +data as they are +uniform dequantisation +no density/m);
    expect(stdout).toMatch(/^log p\(x\), nats +(−[\d.,]+ ± [\d.]+ \[\d+\] +){2}– \[\d+\]/m);
    expect(stdout).toMatch(/^\d+ {2}has no density p\(x\)$/m);
    expect(stdout).toMatch(/^log p\(x\) of data as they are and of uniform dequantisation are of different things/m);
    expect(stdout).toMatch(/\npage {2}page\.html\n$/);
    for (const name of ["vae", "probabilistic-pca", "autoencoder", "pca"]) {
      expect(existsSync(join(cwd, runs, name, "evaluation.json")), name).toBe(true);
    }
    const page = readFileSync(join(cwd, "page.html"), "utf8");
    expect(page).toContain("20 examples of the validation split of bytes.npy");
    expect(page.match(/<svg viewBox[^>]*role="img"/g)).toHaveLength(4);
  });

  it("finds finished runs again and trains nothing", async () => {
    const before = contents(join(cwd, runs));
    const again = await reparam(["compare", ...models, "bytes.npy", ...quick, "--json"]);
    const { models: found, groups } = read(again);
    expect(again.stderr.match(/is trained with these options already/g)).toHaveLength(4);
    expect(contents(join(cwd, runs))).toEqual(before);
    expect(found.map(({ name }) => name)).toEqual(["vae", "probabilistic-pca", "autoencoder", "pca"]);
    expect(found.map(({ density, rate, distance }) => [!!density, !!rate, !!distance])).toEqual([
      [true, true, true],
      [true, true, true],
      [false, false, false],
      [false, false, false],
    ]);
    expect(groups.map(({ observation }) => observation)).toEqual(["data as they are", "uniform dequantisation"]);
    const evaluation = JSON.parse(readFileSync(join(cwd, runs, "vae", "evaluation.json"), "utf8"));
    expect(found[0].density?.mean.value).toBeCloseTo(evaluation.logLikelihood.value, 4); // the same draws
  }, 30_000);

  it("refuses a run of other options that is in the way", async () => {
    const before = contents(cwd);
    const other = ["compare", "--models", "vae", "bytes.npy", ...small, "--steps", "7"];
    expectMistake(
      await reparam(other),
      /^runs\/compare-bytes\/vae: holds a run with other options \(--steps 5, now 7\); choose another folder with --runs/,
    );
    expect(contents(cwd)).toEqual(before);
  });
});

describe("reparam compare RUN RUN", () => {
  beforeAll(async () => {
    await train("other-split", reparam, "--steps", "5", "--seed", "3");
    await train("twin", reparam, "--steps", "10", "--learning-rate", "0.003");
    await reparam(["train", "real.npy", ...quick, "--out", "table"]);
  }, 60_000);

  it("gives the same paired difference as evaluate --against, the other way round", async () => {
    const flags = ["--samples", "7", "--json"];
    const { groups, examples } = read(await reparam(["compare", `${runs}/vae`, "twin", ...flags]));
    expect(examples).toBe("20 examples of the validation split of bytes.npy");
    const [{ models: members }] = groups;
    const against = await reparam(["evaluate", `${runs}/vae`, "--against", "twin", ...flags]);
    const { numbers } = JSON.parse(against.stdout);
    const paired = numbers.find(({ name }: { readonly name: string }) => name === "log p(x) above the other");
    expect(members.map(({ name }) => name)).toEqual(["vae", "twin"]);
    expect(members[1].aboveFirst?.difference.value).toBeCloseTo(-paired.value, 6);
    expect(members[1].aboveFirst?.difference.error).toBeCloseTo(paired.error, 6);
  }, 30_000);

  it("refuses a run that does not know what its density is of", async () => {
    cpSync(join(cwd, runs, "vae"), join(cwd, "unknown"), { recursive: true });
    const file = join(cwd, "unknown", "config.json");
    const config = JSON.parse(readFileSync(file, "utf8"));
    expect(config.model.observation).toBe("data as they are");
    const { observation: _, ...model } = config.model;
    writeFileSync(file, JSON.stringify({ ...config, model }));
    expectMistake(
      await reparam(["compare", "twin", "unknown"]),
      /^unknown: config\.json does not say what log p\(x\) is of .*; train it again$/,
    );
  });

  const vae = `${runs}/vae`;
  it.each<readonly [string, string, RegExp]>([
    [
      "other data",
      `compare ${vae} table`,
      /^table: the data of runs\/compare-bytes\/vae are expected, sha256:\w+, got sha256:/,
    ],
    [
      "another split",
      `compare ${vae} other-split`,
      /^other-split: the validation examples of runs\/compare-bytes\/vae are expected, got others \(by --seed, /,
    ],
  ])("refuses %s", async (_name, command, message) => {
    const before = contents(cwd);
    expectMistake(await reparam(command.split(" ")), message);
    expect(contents(cwd)).toEqual(before);
  });
});
