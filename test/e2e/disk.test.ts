/** A full disk and a folder that may not be written: one clear line, exit code 2, and the run as it was. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { type Ended, newFolder, reparam, start } from "./command.ts";
import { checkpoint, contents, expectMistake, fingerprint, small, train, writeData } from "./small-run.ts";

const cwd = newFolder();
const at = (...names: readonly string[]): string => join(cwd, ...names);

/** A file limit stands for the full disk: both fail a write half way, with EFBIG and ENOSPC. */
const blocksOf = (file: string): number => statSync(file).size / 512;
const FULL = "no space: the limit on the size of a file is reached: raise it (ulimit -f) (EFBIG)";

/** What was said last, after the progress: the reason. */
function lastLine({ stderr }: Ended): string {
  expect(stderr).toMatch(/\n$/);
  return stderr.trimEnd().split("\n").at(-1) ?? "";
}

beforeAll(async () => {
  writeData(cwd);
  await train("whole", { cwd }, "--steps", "60");
});

describe("a full disk", () => {
  it("before anything is written: nothing stays", async () => {
    const before = contents(cwd);
    const ended = await reparam(["train", "bytes.npy", ...small, "--steps", "5", "--out", "a/b"], {
      cwd,
      fileLimit: 0,
    });
    expect({ ...ended, stderr: lastLine(ended) }).toEqual({
      code: 2,
      signal: null,
      stdout: "",
      stderr: expect.stringMatching(/^reparam: a\/b\/lock: could not be written: no space/),
    });
    expect(contents(cwd)).toEqual(before);
  });

  it("in the midst of training: the last checkpoint is whole, and the run goes on from it once there is space", async () => {
    const stopped = await reparam(["train", "bytes.npy", ...small, "--steps", "60", "--out", "full"], {
      cwd,
      preload: "signal-at-call",
      env: { SIGNAL_AT_CALL: "SIGINT:40" },
    });
    expect(stopped.code, stopped.stderr).toBe(130);
    const before = contents(at("full"));
    const { step } = checkpoint(at("full")).metadata;

    // Room for the metrics and the best parameters, none for a checkpoint with its slots.
    const fileLimit = Math.floor(blocksOf(at("full", "checkpoint.safetensors")) * 0.7);
    const ended = await reparam(["train", "--resume", "full"], { cwd, fileLimit });
    expect(ended.code).toBe(2);
    expect(lastLine(ended)).toBe(
      `reparam: full/checkpoint.safetensors: could not be written; the previous file is intact: ${FULL}`,
    );
    const after = contents(at("full"));
    for (const name of ["metrics.jsonl", "best.safetensors", "history.safetensors"])
      expect(after).toHaveProperty([name]);
    for (const name of ["checkpoint.safetensors", "checkpoint.previous.safetensors", "config.json"]) {
      expect(after[name], name).toBe(before[name]);
    }
    expect(Object.keys(after).sort()).toEqual(Object.keys(before).sort());
    expect(checkpoint(at("full")).metadata.step).toBe(step);

    const { code, stderr } = await reparam(["train", "--resume", "full"], { cwd });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`training full from step ${step} of 60`);
    expect(fingerprint(at("full"))).toEqual(fingerprint(at("whole")));
  });

  it("in the report: what is trained is kept and can be evaluated", async () => {
    const fileLimit = Math.floor(blocksOf(at("whole", "report.html")) * 0.9);
    const ended = await reparam(["train", "bytes.npy", ...small, "--steps", "60", "--out", "no-report"], {
      cwd,
      fileLimit,
    });
    expect(ended.code).toBe(2);
    expect(lastLine(ended)).toBe(
      `reparam: no-report/report.html: could not be written; the previous file is intact: ${FULL}`,
    );
    expect(fingerprint(at("no-report"))).toEqual(fingerprint(at("whole")));
    expect(existsSync(at("no-report", "report.html"))).toBe(false);
  });
});

describe("a folder that may not be written", () => {
  const writable = (name: string): void => {
    mkdirSync(at(name));
    chmodSync(at(name), 0o777); // whatever the umask
  };

  it("is told before training; nothing stays", async () => {
    mkdirSync(at("read-only"), { mode: 0o555 });
    const args = ["train", "bytes.npy", ...small, "--steps", "5", "--out", "read-only/run"];
    expectMistake(
      await reparam(args, { cwd, asNobody: true }),
      /^read-only\/run: could not be made: no permission: .* \(EACCES\)$/,
    );
    expect(contents(at("read-only"))).toEqual({});
  });

  it("keeps a run from going on, not from being evaluated", async () => {
    chmodSync(at("whole"), 0o555);
    const before = contents(at("whole"));
    expectMistake(
      await reparam(["train", "--resume", "whole"], { cwd, asNobody: true }),
      /^whole\/lock: could not be written: no permission: .* \(EACCES\)$/,
    );
    const { code, stderr } = await reparam(["evaluate", "whole", "--samples", "2"], { cwd, asNobody: true });
    expect(code, stderr).toBe(0);
    expect(contents(at("whole"))).toEqual(before);
    chmodSync(at("whole"), 0o755);
  });

  it("stops the training where it becomes one; the last checkpoint is whole", async () => {
    writable("mine");
    const run = start(["train", "bytes.npy", ...small, "--steps", "100000", "--out", "mine/run"], {
      cwd,
      asNobody: true,
    });
    while (!existsSync(at("mine/run/checkpoint.previous.safetensors"))) await pause(10);
    chmodSync(at("mine/run"), 0o555);
    const ended = await run.ended;
    expect(ended.code).toBe(2);
    expect(lastLine(ended)).toMatch(/^reparam: mine\/run\/\w+\.safetensors: could not be written; .*: no permission: /);
    chmodSync(at("mine/run"), 0o755);
    const { step } = checkpoint(at("mine/run")).metadata;
    expect(readFileSync(at("mine/run/metrics.jsonl"), "utf8")).toContain(`{"step":${step},`);
  });
});
