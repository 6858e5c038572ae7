/** Ways of inference by the command: what is frozen stays to the bit, and a killed run goes on to the same bits. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { newFolder, start } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { checkpoint, fingerprint, metrics, small, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (name: string): string => join(cwd, name);
const train = (out: string, ...flags: readonly string[]) =>
  reparam(["train", "bytes.npy", ...small, "--steps", "30", "--keep", "last", "--out", out, ...flags]);

beforeAll(async () => {
  writeData(cwd);
  const { code, stderr } = await train("whole", "--scale", "network");
  expect(code, stderr).toBe(0);
});

/** The tensors of a checkpoint whose names match, as bytes. */
function tensors(run: string, name: RegExp): Record<string, string> {
  const kept = [...checkpoint(at(run)).tensors].filter(([one]) => name.test(one));
  return Object.fromEntries(
    kept.map(([one, { data }]) => [
      one,
      Buffer.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).toString("hex"),
    ]),
  );
}

describe("one side alone, begun with --from a run", () => {
  it.each([
    ["encoder", /^parameter\/decoder\//, /^parameter\/encoder\//],
    ["decoder", /^parameter\/encoder\//, /^parameter\/decoder\//],
  ] as const)("--inference %s leaves the other side to the bit", async (inference, frozen, moved) => {
    const { code, stderr } = await train(inference, "--scale", "network", "--inference", inference, "--from", "whole");
    expect(code, stderr).toBe(0);
    expect(Object.keys(tensors("whole", frozen)).length).toBeGreaterThan(2);
    expect(tensors(inference, frozen)).toEqual(tensors("whole", frozen));
    expect(tensors(inference, moved)).not.toEqual(tensors("whole", moved));
    const slots = Object.keys(tensors(inference, /^slot\//));
    expect(slots.length).toBeGreaterThan(0);
    expect(slots.every((name) => name.includes(`/${inference}/`))).toBe(true);
  });

  it("a run of another model is refused by name, and one that is not there", async () => {
    const other = await train("other", "--scale", "network", "--latents", "3", "--from", "whole");
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(
      /^reparam: --from whole: \S+ has the shape \[.*\] there and \[.*\] here; give this run the same model$/m,
    );
    expect(existsSync(at("other"))).toBe(false);
    const none = await train("none", "--from", "nowhere");
    expect(none.code).toBe(2);
    expect(none.stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe.each([
  ["per-example", ["--inference", "per-example", "--inner-steps", "2"]],
  ["em", ["--inference", "em", "--inner-steps", "3", "--outer-steps", "2", "--line-search"]],
  ["moving average", ["--posterior", "bernoulli", "--latents", "3"]],
] as const)("%s", (name, flags) => {
  it("killed in the midst and resumed ends with the bits of a run that was not", async () => {
    const [whole, broken] = [`${name}-whole`.replace(" ", "-"), `${name}-broken`.replace(" ", "-")];
    const all = [...flags, "--checkpoint-every", "1", "--steps", "15"];
    const { code, stderr } = await train(whole, ...all);
    expect(code, stderr).toBe(0);
    const killed = await start(["train", "bytes.npy", ...small, "--keep", "last", "--out", broken, ...all], {
      cwd,
      preload: "signal-at-call",
      env: { SIGNAL_AT_CALL: "SIGKILL:60" },
    }).ended;
    expect(killed.signal).toBe("SIGKILL");
    const before = Number(checkpoint(at(broken)).metadata.step);
    expect(before).toBeGreaterThan(3);
    expect(before).toBeLessThan(15);
    const resumed = await reparam(["train", "--resume", broken]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(fingerprint(at(broken))).toEqual(fingerprint(at(whole)));
  });
});

it("the learning rate falls over the whole of a run in turns", async () => {
  const flags = ["--inference", "em", "--inner-steps", "3", "--epochs", "4", "--out", "turns"];
  const { code, stderr } = await reparam(["train", "bytes.npy", ...small, ...flags]);
  expect(code, stderr).toBe(0);
  // Four epochs of 5 batches, each taken 4 times: after half of the 80 steps half a cosine has half of its height.
  const rates = metrics(at("turns")).map((row) => Number(row.learningRate));
  expect(rates).toHaveLength(4);
  expect(rates[1] / 1e-3).toBeGreaterThan(0.4);
  expect(rates[2]).toBeLessThan(rates[1]);
  expect(rates[3]).toBeLessThan(1e-5);
});

it("posteriors of each example's own are in the checkpoint, and the run encodes, scores and samples", async () => {
  const { code } = await train("own", "--inference", "per-example", "--steps", "10");
  expect(code).toBe(0);
  const names = [...checkpoint(at("own")).tensors.keys()];
  expect(names).toContain("local/posterior/numbers");
  expect(names).toContain("local/posterior/numbers/m");
  expect(names.some((one) => one.startsWith("parameter/encoder/"))).toBe(false);
  for (const command of [
    ["encode", "own", "bytes.npy", "--out", "codes.csv"],
    ["score", "own", "bytes.npy"],
    ["sample", "own", "--count", "4", "--out", "samples.npy"],
    ["evaluate", "own", "--samples", "5"],
  ]) {
    const ended = await reparam(command);
    expect(ended.code, ended.stderr).toBe(0);
  }
});

it("the importance bound decides which parameters are best, and stands in the metrics", async () => {
  const { code, stderr } = await train("weighted", "--bound", "importance", "--samples", "4");
  expect(code, stderr).toBe(0);
  for (const row of metrics(at("weighted"))) {
    const { elbo, importanceBound } = Object(row.validation);
    expect(importanceBound).toBeGreaterThan(elbo);
  }
});
