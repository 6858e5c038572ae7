/** A run that was stopped, killed at any point or asked to stop, goes on to the same bits as if nothing had happened. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { permutation, stream } from "../../src/random/stream.ts";
import { newFolder, type Surroundings, start } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { checkpoint, expectMistake, fingerprint, metrics, small, train, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (name: string): string => join(cwd, name);
const steps = ["--steps", "60", "--checkpoint-every", "1"] as const;

let uninterrupted: ReturnType<typeof fingerprint>;
beforeAll(async () => {
  writeData(cwd);
  await train("whole", { cwd }, ...steps);
  uninterrupted = fingerprint(at("whole"));
});

/** The command that begins a run, or goes on with it where there is one. */
function goOn(run: string): readonly string[] {
  if (existsSync(join(at(run), "config.json"))) return ["train", "--resume", run];
  return ["train", "bytes.npy", ...small, ...steps, "--out", run];
}

describe("killed by SIGKILL and resumed, again and again, a run ends with the bits of one that was not", () => {
  it("at random calls that change a file, writes half done", async () => {
    // A step's checkpoint takes 7 calls, the whole run about 500. Eight of 1 … 90, drawn with the seed 1: 375 calls in all.
    const calls = [...permutation(90, stream(1, "kills")).slice(0, 8)].map((n) => n + 1);
    for (const n of calls) {
      const killed = await start(goOn("by-call"), {
        cwd,
        preload: "signal-at-call",
        env: { SIGNAL_AT_CALL: `SIGKILL:${n}` },
      }).ended;
      expect(killed.signal, `call ${n}: ${killed.stderr}`).toBe("SIGKILL");
      expect(killed.stderr).not.toContain("going on from checkpoint.previous"); // the latest is never damaged
    }
    const { code, stderr } = await start(goOn("by-call"), { cwd }).ended;
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^training by-call from step \d+ of 60: /m);
    expect(fingerprint(at("by-call"))).toEqual(uninterrupted);
  });

  it("at random moments", async () => {
    // From the first line on: in the midst of native code, of JavaScript or of a write, as it comes.
    for (const milliseconds of permutation(100, stream(2, "kills")).slice(0, 4)) {
      const run = start(goOn("by-time"), { cwd });
      await run.said("training by-time");
      await pause(milliseconds);
      run.kill("SIGKILL");
      await run.ended;
    }
    const { code, stderr } = await reparam(goOn("by-time"));
    expect(code, stderr).toBe(0);
    expect(fingerprint(at("by-time"))).toEqual(uninterrupted);
  });

  it("leaves nothing of its own behind", () => {
    expect(readdirSync(at("by-call")).sort()).toEqual(readdirSync(at("whole")).sort());
  });
});

describe("killed before its first checkpoint", () => {
  const begun = (out: string): readonly string[] => {
    return ["train", "bytes.npy", ...small, "--steps", "5", "--from", "whole", "--out", out];
  };
  const kill = (n: number): Surroundings => {
    return { cwd, preload: "signal-at-call", env: { SIGNAL_AT_CALL: `SIGKILL:${n}` } };
  };

  it("a run begins again with --resume, with the parameters that it was given", async () => {
    const whole = await reparam(begun("from-whole"));
    expect(whole.code, whole.stderr).toBe(0);
    // Six calls lock the folder and write config.json.
    expect((await start(begun("from-killed"), kill(8)).ended).signal).toBe("SIGKILL");
    expect(existsSync(join(at("from-killed"), "checkpoint.safetensors"))).toBe(false);
    const { code, stderr } = await reparam(["train", "--resume", "from-killed"]);
    expect(code, stderr).toBe(0);
    expect(fingerprint(at("from-killed"))).toEqual(fingerprint(at("from-whole")));
  });

  it("and one that had not begun is told so, and does not stand in the way", async () => {
    expect((await start(begun("not-begun"), kill(5)).ended).signal).toBe("SIGKILL");
    expect(readdirSync(at("not-begun"))).not.toEqual([]);
    expectMistake(
      await reparam(["train", "--resume", "not-begun"]),
      /^not-begun: no run has begun there; begin one with: reparam train --out not-begun$/,
    );
    const { code, stderr } = await reparam(begun("not-begun"));
    expect(code, stderr).toBe(0);
    expect(readdirSync(at("not-begun")).sort()).toEqual(readdirSync(at("from-whole")).sort());
  });
});

it("a finished run that is resumed stays as it is", async () => {
  await train("finished", reparam, ...steps);
  const { code } = await reparam(["train", "--resume", "finished"]);
  expect(code).toBe(0);
  expect(fingerprint(at("finished"))).toEqual(uninterrupted);
});

describe.each(["SIGINT", "SIGTERM"] as const)("%s", (signal) => {
  const code = signal === "SIGINT" ? 130 : 143;
  const out = signal.toLowerCase();

  it("finishes the step, checkpoints and says how to go on; resumed, the bits are the same", async () => {
    // In the midst of an epoch, without a checkpoint at every step: this one is the signal's own.
    const stopped = await start(["train", "bytes.npy", ...small, "--steps", "60", "--out", out], {
      cwd,
      preload: "signal-at-call",
      env: { SIGNAL_AT_CALL: `${signal}:65` },
    }).ended;
    expect(stopped.code, stopped.stderr).toBe(code);
    expect(stopped.stdout).toBe("");
    const lines = stopped.stderr.trimEnd().split("\n");
    expect(lines).toContain("stopping in good order; press Ctrl-C again to stop at once");
    const [, step, command] = lines.at(-1)?.match(/^stopped after step (\d+) of 60; go on with: reparam (.*)$/) ?? [];
    expect(checkpoint(at(out)).metadata.step).toBe(step);
    expect(metrics(at(out))).toHaveLength(Math.floor(Number(step) / 5));
    expect(readdirSync(at(out))).not.toContain("lock");

    const resumed = await reparam(command.split(" "));
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(fingerprint(at(out))).toEqual(uninterrupted);
  });
});

describe("Ctrl-C", () => {
  it("in the evaluation at the end: the training is kept, and the way to finish is told", async () => {
    // Many samples, so that the evaluation outlasts the signal; the report needs none of them.
    const args = [
      "train",
      "bytes.npy",
      ...small,
      "--steps",
      "10",
      "--evaluation-samples",
      "200000",
      "--out",
      "trained",
    ];
    const run = start(args, { cwd });
    while (!existsSync(join(at("trained"), "density.onnx"))) await pause(10);
    run.kill("SIGINT");
    const { code, stderr, stdout } = await run.ended;
    expect({ code, stdout }, stderr).toEqual({ code: 130, stdout: "" });
    expect(stderr.trimEnd().split("\n").at(-1)).toBe(
      "trained, not evaluated; finish with: reparam train --resume trained",
    );
    expect(checkpoint(at("trained")).metadata.step).toBe("10");
    const evaluated = await reparam(["evaluate", "trained", "--samples", "5"]);
    expect(evaluated.code, evaluated.stderr).toBe(0);
  });

  it("a second time stops at once, without an abort; the last checkpoint is kept", async () => {
    // 9,000 validation images × 8 samples through a wide network take seconds, which the first Ctrl-C waits for; the
    // history of an epoch is written just before. Two steps an epoch, so that by then there is a checkpoint of the first.
    const wide = ["--validation", "0.9", "--batch", "500", "--encoder", "mlp 1500 1500", "--checkpoint-every", "1"];
    const many = ["--bound", "importance", "--samples", "8", "--epochs", "50"];
    const run = start(["train", ...wide, ...many, "--out", "wide"], { cwd });
    while (!existsSync(join(at("wide"), "history.safetensors"))) await pause(50);
    run.kill("SIGINT");
    await run.said("stopping in good order");
    await pause(400); // less counts as the same key press, handed on by npm
    run.kill("SIGINT");
    const { code, signal, stderr } = await run.ended;
    expect({ code, signal }, stderr).toEqual({ code: null, signal: "SIGINT" }); // what a shell calls 130
    expect(stderr).not.toContain("go on with"); // it did not wait for the epoch's end
    expect(checkpoint(at("wide")).metadata.step).toBe("1");
  });
});
