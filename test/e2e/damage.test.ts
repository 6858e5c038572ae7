/** A run folder whose files are damaged, missing, or of another version. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { newFolder } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { contents, expectMistake, fingerprint, small, train, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (...names: readonly string[]): string => join(cwd, ...names);

/** What can happen to a file: its bytes become these, or it goes away. */
type Damage = (bytes: Buffer) => Uint8Array | undefined;
const flipped: Damage = (bytes) => {
  const copy = Buffer.from(bytes);
  copy[Math.floor(copy.length * 0.6)] ^= 0x10;
  return copy;
};
const truncated: Damage = (bytes) => bytes.subarray(0, bytes.length / 2);
const emptied: Damage = () => new Uint8Array();
const replaced: Damage = () => Buffer.from("something else altogether");
const removed: Damage = () => undefined;

/** A copy of the run with some files damaged. */
function damagedRun(name: string, files: Readonly<Record<string, Damage>>): string {
  rmSync(at(name), { recursive: true, force: true });
  cpSync(at("run"), at(name), { recursive: true });
  for (const [file, damage] of Object.entries(files)) {
    const bytes = damage(readFileSync(at(name, file)));
    if (bytes === undefined) rmSync(at(name, file));
    else writeFileSync(at(name, file), bytes);
  }
  return name;
}

beforeAll(async () => {
  writeData(cwd);
  await train("run", { cwd }, "--steps", "20");
});

const LATEST = "checkpoint.safetensors";
const PREVIOUS = "checkpoint.previous.safetensors";

describe("a damaged checkpoint", () => {
  it.each([
    ["a flipped bit", flipped, /^damaged\/checkpoint\.safetensors: is corrupted: checksum .*; going on from /m],
    ["cut in half", truncated, /^damaged\/checkpoint\.safetensors: .*; going on from /m],
    ["empty", emptied, /^damaged\/checkpoint\.safetensors: is no valid safetensors file: .*; going on from /m],
    ["another file", replaced, /^damaged\/checkpoint\.safetensors: is no valid safetensors file: .*; going on from /m],
    ["missing", removed, /^damaged\/checkpoint\.safetensors: is missing; going on from checkpoint\.previous/m],
  ])("%s: the run goes on from the one before, with a warning, to the same bits", async (_name, damage, warning) => {
    const run = damagedRun("damaged", { [LATEST]: damage });
    const { code, stderr } = await reparam(["train", "--resume", run]);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(warning);
    expect(stderr).toContain("training damaged from step 15 of 20: ");
    expect(fingerprint(at(run))).toEqual(fingerprint(at("run")));
  });

  it.each([
    ["flipped", flipped, flipped],
    ["cut in half and missing", truncated, removed],
    ["missing and empty", removed, emptied],
  ])("both %s: told, and nothing is changed", async (_name, latest, previous) => {
    const run = damagedRun("damaged", { [LATEST]: latest, [PREVIOUS]: previous });
    const before = contents(at(run));
    expectMistake(
      await reparam(["train", "--resume", run]),
      /^damaged\/checkpoint\.\w*\.?safetensors: .*; no checkpoint is left: train again with --force$/,
    );
    expect(contents(at(run))).toEqual(before);
  });

  it("does not keep a trained run from being evaluated", async () => {
    const run = damagedRun("damaged", { [LATEST]: removed, [PREVIOUS]: removed });
    const { code, stderr } = await reparam(["evaluate", run, "--samples", "2"]);
    expect(code, stderr).toBe(0);
  });
});

describe("a damaged ONNX file is told by evaluate", () => {
  it.each([
    ["density.onnx", "flipped", flipped, /^damaged\/density\.onnx: is damaged \(checksum /],
    ["density.onnx", "cut in half", truncated, /^damaged\/density\.onnx: is no ONNX file, or a truncated one/],
    ["density.onnx", "empty", emptied, /^damaged\/density\.onnx: an ONNX file written by reparam is expected/],
    ["density.onnx", "another file", replaced, /^damaged\/density\.onnx: /],
    [
      "density.onnx",
      "missing",
      removed,
      /^damaged\/density\.onnx: is missing; finish the run with: reparam train --resume/,
    ],
    ["encoder.onnx", "flipped", flipped, /^damaged\/encoder\.onnx: is damaged \(checksum /],
    ["encoder.onnx", "missing", removed, /^damaged\/encoder\.onnx: is missing; /],
  ])("%s %s", async (file, _name, damage, message) => {
    const run = damagedRun("damaged", { [file]: damage });
    expectMistake(await reparam(["evaluate", run, "--samples", "2"]), message);
  });

  it("and written again by --resume", async () => {
    const run = damagedRun("damaged", { "density.onnx": flipped, "encoder.onnx": removed });
    const { code, stderr } = await reparam(["train", "--resume", run]);
    expect(code, stderr).toBe(0);
    expect(fingerprint(at(run))).toEqual(fingerprint(at("run")));
  });
});

describe("a config.json", () => {
  const edited =
    (edit: (config: Record<string, unknown>) => Record<string, unknown>): Damage =>
    (bytes) =>
      Buffer.from(JSON.stringify(edit(JSON.parse(bytes.toString()))));
  const commands = [
    ["train", "--resume", "damaged"],
    ["train", "bytes.npy", ...small, "--out", "damaged"],
    ["train", "bytes.npy", ...small, "--out", "damaged", "--force"],
    ["evaluate", "damaged"],
  ];

  it.each<[string, Damage, RegExp]>([
    [
      "of another version",
      edited((config) => ({ ...config, schema: 2 })),
      /^damaged\/config\.json: has schema 2, this version of reparam reads 1: use the version that wrote it/,
    ],
    ["cut in half", truncated, /^damaged\/config\.json: is not the config of a run: /],
    ["missing", removed, /^damaged: is not a run folder: it has no config\.json; /],
  ])("%s: no command touches the folder", async (_name, damage, message) => {
    const before = contents(at(damagedRun("damaged", { "config.json": damage })));
    for (const command of commands) {
      expectMistake(await reparam(command), message);
      expect(contents(at("damaged"))).toEqual(before);
    }
  });

  it.each<[string, Damage, RegExp]>([
    [
      "with an option that there is not",
      edited((config) => ({ ...config, options: { latent: 3 } })),
      /^damaged\/config\.json: latent is not an option; did you mean latents\?/,
    ],
    ["without its data", edited(({ data: _, ...config }) => config), /^damaged\/config\.json: data: /],
    [
      "of a model that the checkpoint does not fit",
      edited((config) => ({ ...config, options: { data: "bytes.npy", encoder: "mlp 8", latents: 2, batch: 32 } })),
      /^damaged\/checkpoint\.safetensors: .* has the shape \[.*\] and this model needs \[.*\]$/,
    ],
  ])("%s: no run goes on by it", async (_name, damage, message) => {
    const before = contents(at(damagedRun("damaged", { "config.json": damage })));
    expectMistake(await reparam(["train", "--resume", "damaged"]), message);
    expect(contents(at("damaged"))).toEqual(before);
  });
});

describe("a run whose surroundings have changed", () => {
  it("a line of metrics.jsonl that is no row: file and line", async () => {
    const run = damagedRun("damaged", {
      "metrics.jsonl": (bytes) => Buffer.from(bytes.toString().replace('{"step":10', "step=10")),
    });
    expectMistake(await reparam(["train", "--resume", run]), /^damaged\/metrics\.jsonl:2: expected a JSON object/);
  });

  it("other data: neither resumed nor evaluated", async () => {
    cpSync(at("bytes.npy"), at("moved.npy"));
    const { code } = await reparam(["train", "moved.npy", ...small, "--steps", "5", "--out", "moved"]);
    expect(code).toBe(0);
    const before = contents(at("moved"));
    writeFileSync(at("moved.npy"), flipped(readFileSync(at("bytes.npy"))) ?? "");
    expectMistake(await reparam(["train", "--resume", "moved"]), /^moved: was trained on other data \(sha256:/);
    expectMistake(await reparam(["evaluate", "moved"]), /^moved\.npy: is not what this run was trained on/);
    rmSync(at("moved.npy"));
    expectMistake(await reparam(["train", "--resume", "moved"]), /^moved\.npy: no such file$/);
    expect(contents(at("moved"))).toEqual(before);
  });

  it("best.safetensors, where the best parameters are to be exported", async () => {
    const patient = [...small, "--steps", "20", "--patience", "9", "--out", "patient"];
    expect((await reparam(["train", "bytes.npy", ...patient])).code).toBe(0);
    writeFileSync(at("patient/best.safetensors"), truncated(readFileSync(at("patient/best.safetensors"))) ?? "");
    const { code, stderr } = await reparam(["train", "--resume", "patient"]);
    expect(code).toBe(2);
    expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^reparam: patient\/best\.safetensors: .*$/);
  });
});
