/** The same run made again has the same bits, whoever asks for it: the same flags or its own config file. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { newFolder, reparam } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { checkpoint, fingerprint, metrics, small, train, writeData } from "./small-run.ts";

const cwd = newFolder();
const together = oneProcess({ cwd });
const at = (name: string): string => join(cwd, name);
const options = (run: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(at(run), "config.json"), "utf8")).options;

beforeAll(async () => {
  writeData(cwd);
  await train("run", { cwd }, "--steps", "20", "--threads", "2");
});

describe("a run repeats bit for bit", () => {
  it("with the same flags", async () => {
    await train("again", { cwd }, "--steps", "20", "--threads", "2");
    expect(fingerprint(at("again"))).toEqual(fingerprint(at("run")));
    expect(readFileSync(join(at("again"), "config.json"))).toEqual(readFileSync(join(at("run"), "config.json")));
  });

  it("by its config.json", async () => {
    const { code, stderr } = await reparam(["train", "--config", "run/config.json", "--out", "from-config"], { cwd });
    expect(code, stderr).toBe(0);
    expect(fingerprint(at("from-config"))).toEqual(fingerprint(at("run")));
  });

  it("in the place of another run, with --force", async () => {
    await train("replaced", together, "--steps", "7", "--seed", "9");
    await train("replaced", { cwd }, "--steps", "20", "--threads", "2", "--force");
    expect(fingerprint(at("replaced"))).toEqual(fingerprint(at("run")));
  });

  it("and another seed makes another run", async () => {
    await train("other", together, "--steps", "20", "--seed", "1");
    const [a, b] = [checkpoint(at("run")), checkpoint(at("other"))];
    expect([...a.tensors.keys()]).toEqual([...b.tensors.keys()]);
    expect(metrics(at("other"))[0].train).not.toEqual(metrics(at("run"))[0].train);
  });
});

describe("flags override a config file", () => {
  it("each by itself; what they leave is the file's", async () => {
    const args = ["--config", "run/config.json", "--seed", "5", "--latents", "3", "--out", "overridden"];
    const { code, stderr } = await together(["train", ...args]);
    expect(code, stderr).toBe(0);
    expect(options("overridden")).toEqual({ ...options("run"), seed: 5, latents: 3 });
  });

  it("also --epochs the file's steps", async () => {
    const { code, stderr } = await together("train --config run/config.json --epochs 1 --out epochs".split(" "));
    expect(code, stderr).toBe(0);
    expect(metrics(at("epochs"))).toHaveLength(1);
    expect(options("epochs").steps).toBeUndefined();
  });
});

it("without --out a run goes to the first free folder of runs/, named by its data", async () => {
  for (const number of [1, 2]) {
    const { code, stdout } = await together(["train", "bytes.npy", ...small, "--steps", "2"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`\nrun     runs/bytes-${number}\n`);
  }
});
