/** The Wasm engine: chosen, or taken where onnxruntime-node cannot be loaded, which is told in one line. */
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { newFolder } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { expectMistake, fingerprint, metrics, small, train, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (name: string): string => join(cwd, name);
/** The command where onnxruntime-node is not installed. */
const without = oneProcess({ cwd, preload: "without-native" });
const NOTICE =
  "running on the Wasm engine: Cannot find package 'onnxruntime-node'; `npm install onnxruntime-node --onnxruntime-node-install=skip` brings the native engine, several times as fast";

beforeAll(async () => {
  writeData(cwd);
  await train("native", reparam, "--steps", "10");
  await train("wasm", reparam, "--steps", "10", "--engine", "wasm");
});

describe("--engine wasm", () => {
  it("trains to the native numbers, but for rounding", () => {
    const [native, wasm] = [metrics(at("native")), metrics(at("wasm"))];
    expect(wasm).toHaveLength(native.length);
    const elbo = (row: Readonly<Record<string, unknown>>): number => Number(Object(row.train).elbo);
    // The first epoch's five steps: 1e-3 is a thousand times float32's rounding of the loss, and far below a step's change.
    expect(Math.abs(elbo(wasm[0]) / elbo(native[0]) - 1)).toBeLessThan(1e-3);
  });

  it("repeats bit for bit", async () => {
    await train("wasm-again", { cwd }, "--steps", "10", "--engine", "wasm");
    expect(fingerprint(at("wasm-again"))).toEqual(fingerprint(at("wasm")));
  });

  it("is told when a run goes on with another engine", async () => {
    const { code, stderr } = await without(["train", "--resume", "native"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^not the machine or version this run began on \(engine native → wasm.*\): its last bits may differ$/m,
    );
  });
});

describe("without onnxruntime-node", () => {
  it("training runs on Wasm, says so in one line and what to do", async () => {
    const { stderr } = await train("without", without, "--steps", "10");
    const lines = stderr.split("\n");
    expect(lines[0]).toBe(NOTICE);
    expect(lines[1]).toMatch(/^training without: /);
    expect(stderr).toMatch(/^about \S+ for 10 steps of 32, .*; wasm engine, \d threads?$/m);
    expect(stderr.split("Wasm")).toHaveLength(2);
    expect(fingerprint(at("without"))).toEqual(fingerprint(at("wasm")));
  });

  it("so does evaluate", async () => {
    const args = ["evaluate", "native", "--samples", "2"];
    const { code, stdout, stderr } = await without(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `${NOTICE}\n` });
    expect(stdout).toMatch(/^negative log-likelihood /);
  });

  it("and doctor", async () => {
    const { code, stdout } = await without(["doctor"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}engine +wasm, /m);
    expect(stdout).toMatch(/^ {2}installed +onnxruntime-web \d/m);
    expect(stdout).toMatch(/^ {2}self-test +passed/m);
    expect(stdout).toMatch(/^warning: .*Wasm/m);
  });

  it("what was asked to be native is refused", async () => {
    const args = ["train", "bytes.npy", ...small, "--engine", "native", "--out", "refused"];
    expectMistake(
      await without(args),
      /^the native engine cannot be loaded \(Cannot find package 'onnxruntime-node'\); `npm install onnxruntime-node --onnxruntime-node-install=skip`/,
    );
  });
});
