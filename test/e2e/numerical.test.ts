/** A number that is not finite, in training or in the data: told with its place; what was good is kept. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeNpy } from "../../src/data/npy.ts";
import { newFolder, reparam } from "./command.ts";
import { checkpoint, contents, expectMistake, small, writeData } from "./small-run.ts";

const cwd = newFolder();
const at = (name: string): string => join(cwd, name);
beforeAll(() => writeData(cwd));

describe("training that diverges", () => {
  // Steps of size 0, 5e28, 1e29, …: the first leaves the parameters good, those after it do not for long.
  const diverging = ["--optimizer", "sgd", "--learning-rate", "1e30", "--warmup", "20", "--decay", "none"];
  const HELP = "a lower --learning-rate (it was 1e+30) or --clip 100 may help";
  const STOP = /^reparam: step (\d+): the loss is not finite; first at (.*); (the checkpoint .*)$/;

  it("stops, names the step, the op and its line, and keeps the last good checkpoint; exit code 1", async () => {
    const args = ["train", "bytes.npy", ...small, ...diverging, "--steps", "20", "--checkpoint-every", "1"];
    const { code, stdout, stderr } = await reparam([...args, "--out", "diverged"], { cwd });
    expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: "" });
    const [, step, place, kept] = stderr.trimEnd().split("\n").at(-1)?.match(STOP) ?? [];
    expect(place).toMatch(/^[a-z]\w* \((?:en|de)coder\S*, \w+\/\w+\.js:\d+\) of .* in \[\S+, \S+\]/);

    const { metadata, tensors } = checkpoint(at("diverged"));
    expect(kept).toBe(`the checkpoint of step ${metadata.step} is kept in diverged; ${HELP}`);
    expect(Number(metadata.step)).toBeGreaterThanOrEqual(1);
    expect(Number(metadata.step)).toBeLessThanOrEqual(Number(step));
    for (const [name, { data }] of tensors) expect(data.every(Number.isFinite), name).toBe(true);

    // Nothing is random: going on from there meets the same number at the same place.
    const before = contents(at("diverged"));
    const again = await reparam(["train", "--resume", "diverged"], { cwd });
    expect(again.code).toBe(1);
    expect(again.stderr.trimEnd().split("\n").at(-1)).toBe(stderr.trimEnd().split("\n").at(-1));
    expect(contents(at("diverged"))).toEqual(before);
  });

  it("says so where there is no checkpoint yet", async () => {
    const { code, stderr } = await reparam(["train", "bytes.npy", ...small, ...diverging, "--out", "at-once"], { cwd });
    expect(code).toBe(1);
    const last = stderr.trimEnd().split("\n").at(-1);
    expect(last).toMatch(/^reparam: step \d: /);
    expect(last?.endsWith(`; no checkpoint was made yet; ${HELP}`)).toBe(true);
  });
});

it.each([
  ["NaN; where numbers are missing: --model probabilistic-pca or factor-analysis, with --missing keep", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
])("%s in the data: file, row and column", async (text, value) => {
  const data = Float32Array.from({ length: 60 }, (_, i) => (i === 44 ? value : i / 10));
  writeFileSync(at("stray.npy"), encodeNpy({ data, shape: [10, 6] }));
  const before = contents(cwd);
  const place = new RegExp(
    `^stray\\.npy: row 7, column 2 \\(from 0\\): expected a finite float32 number, got ${text}$`,
  );
  const flags = ["--likelihood", "normal", ...small, "--out", "stray"];
  expectMistake(await reparam(["train", "stray.npy", ...flags], { cwd }), place);
  expectMistake(await reparam(["train", "real.npy", "--test", "stray.npy", ...flags], { cwd }), place);
  expect(contents(cwd)).toEqual(before);
});
