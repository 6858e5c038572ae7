/** Data and a model so small that a run is a matter of a second, and what of a run must be equal when it is repeated. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { encodeNpy } from "../../src/data/npy.ts";
import { readRows } from "../../src/run/metrics.ts";
import { decodeSafetensors, type TensorFile } from "../../src/run/safetensors.ts";
import { type Command, type Ended, reparam, type Surroundings } from "./command.ts";

/** 200 examples: 180 to train on and 20 for validation, so 5 steps of 32 an epoch. */
const EXAMPLES = 200;
export const STEPS_PER_EPOCH = 5;

/** Flags of a small model and few samples; the steps are left to the test. */
export const small = ["--encoder", "mlp 16", "--latents", "2", "--batch", "32", "--evaluation-samples", "5"] as const;

/** A number in [0, 1) that looks drawn: the fractional parts of multiples of the golden ratio, scrambled. */
function scattered(i: number): number {
  return (((i * 0.618_034) % 1) * 977) % 1;
}

/** Writes bytes.npy (grey images 8×8), unit.npy, binary.npy and real.npy (six numbers an example). */
export function writeData(folder: string): void {
  const write = (name: string, data: Uint8Array | Float32Array, ...shape: readonly number[]): void =>
    writeFileSync(join(folder, name), encodeNpy({ data, shape: [EXAMPLES, ...shape] }));
  const floats = (of: (u: number) => number): Float32Array =>
    Float32Array.from({ length: EXAMPLES * 6 }, (_, i) => of(scattered(i)));
  write(
    "bytes.npy",
    Uint8Array.from({ length: EXAMPLES * 64 }, (_, i) => 256 * scattered(i)),
    8,
    8,
  );
  write(
    "unit.npy",
    floats((u) => u),
    6,
  );
  write("binary.npy", floats(Math.round), 6);
  write(
    "real.npy",
    floats((u) => 6 * u - 3),
    6,
  );
}

/** Trains the small model on bytes.npy, from the beginning to the end. */
export async function train(out: string, by: Command | Surroundings, ...more: readonly string[]): Promise<Ended> {
  const args = ["train", "bytes.npy", ...small, "--out", out, ...more];
  const ended = await (typeof by === "function" ? by(args) : reparam(args, by));
  expect(ended.code, ended.stderr).toBe(0);
  return ended;
}

/** A file of a run in fewer words than its bytes. */
function digest(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 16);
}

/** The rows of metrics.jsonl without the seconds that they took. */
export function metrics(run: string): readonly Readonly<Record<string, unknown>>[] {
  return readRows(join(run, "metrics.jsonl")).map(({ seconds: _, ...row }) => row);
}

/**
 * All of a run that must be the same, bit for bit, whenever it is made again: parameters, slots, step and the loop's own
 * state (the checkpoint holds them all), the metrics, the pictures kept on the way, the ONNX files and the held-out numbers.
 * What a model does not leave, such as a density, is left out.
 */
export function fingerprint(run: string): Readonly<Record<string, unknown>> {
  const files = ["checkpoint.safetensors", "evaluation.json"].concat(
    ["best.safetensors", "scores.json", "history.safetensors"].filter((name) => existsSync(join(run, name))),
    readdirSync(run).filter((name) => name.endsWith(".onnx")),
  );
  const digests = files.map((name) => [name, digest(join(run, name))]);
  return { ...Object.fromEntries(digests), metrics: metrics(run) };
}

export function checkpoint(run: string, name = "checkpoint.safetensors"): TensorFile {
  return decodeSafetensors(readFileSync(join(run, name)), name);
}

/** Everything in a folder, by path and content, to see that nothing has changed. */
export function contents(folder: string): Readonly<Record<string, string>> {
  if (!existsSync(folder)) return {};
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const path = join(folder, name);
      return [name, statSync(path).isDirectory() ? "folder" : digest(path)];
    }),
  );
}

/** A command that told the user's mistake as it should: in one line, with exit code 2 and nothing on standard output. */
export function expectMistake({ code, signal, stdout, stderr }: Ended, message: RegExp): void {
  expect({ code, signal, stdout }, stderr).toEqual({ code: 2, signal: null, stdout: "" });
  expect(stderr).toMatch(/^reparam: [^\n]+\n$/);
  expect(stderr.slice("reparam: ".length, -1)).toMatch(message);
}
