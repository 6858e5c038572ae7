import * as fs from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it, vi } from "vitest";
import { InputError } from "../../src/errors.ts";
import { createRun, openRun, type Run } from "../../src/run/folder.ts";
import { breakCall, callsOf } from "./run/broken-disk.ts";
import { filled, stepOf } from "./run/checkpoint.ts";
import { startLimitedTask, startTask } from "./run/children.ts";
import { newFolder } from "./run/folder.ts";

vi.mock("node:fs", async (original) => {
  const { breakable } = await import("./run/broken-disk.ts");
  return breakable(await original<typeof import("node:fs")>());
});

const isWindows = process.platform === "win32";

let folder: string;
beforeEach(() => {
  folder = newFolder();
});

function names(): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [];
}

function save(run: Run, step: number): void {
  run.writeCheckpoint(filled(step, 10), { step: `${step}` });
}

function runWith(...steps: readonly number[]): Run {
  const run = createRun(folder, { seed: 0 });
  for (const step of steps) save(run, step);
  return run;
}

interface Breakage {
  /** Makes what `action` works on; the folder is new each time. */
  readonly prepare?: () => Run;
  readonly action: (run: Run | undefined) => Run | undefined;
  /** What must hold after `action` has thrown this, or nothing. */
  readonly check: (error: unknown) => void;
}

/** Breaks the 1st, 2nd, … call of the file system in `action`, until it makes no more. Returns how many it makes. */
function breakEveryCall(how: "fail" | "kill", { prepare, action, check }: Breakage): number {
  for (let n = 1; ; n++) {
    fs.rmSync(join(folder, ".."), { recursive: true, force: true });
    const prepared = prepare?.();
    let run = prepared;
    let failure: unknown;
    const reached = breakCall(n, how, () => {
      try {
        run = action(prepared);
      } catch (error) {
        failure = error;
        expect(error).toBeInstanceOf(InputError);
      }
    });
    run?.close();
    if (!reached) return n - 1;
    // This process lives on: what a killed one would have locked is unlocked here. Ended holders are for run-lock.test.ts.
    if (how === "kill") for (const name of names()) if (name.startsWith("lock")) fs.rmSync(join(folder, name));
    check(failure);
  }
}

it("a run that cannot be made leaves nothing behind", () => {
  const calls = breakEveryCall("fail", {
    action: () => createRun(folder, {}),
    check: (error) => expect(fs.existsSync(join(folder, ".."))).toBe(error === undefined),
  });
  expect(calls).toBeGreaterThan(10);
});

it("a run can be made after a kill while it was made", () => {
  const calls = breakEveryCall("kill", {
    action: () => createRun(folder, {}),
    check: () => {
      createRun(folder, {}, { force: names().includes("config.json") }).close();
      expect(names()).toEqual(["config.json"]);
    },
  });
  expect(calls).toBeGreaterThan(10);
});

it.each(["fail", "kill"] as const)("a run can be replaced after a %s while it was replaced", (how) => {
  const calls = breakEveryCall(how, {
    prepare: () => {
      const run = runWith(1, 2);
      run.close();
      return run;
    },
    action: () => createRun(folder, { seed: 1 }, { force: true }),
    check: () => {
      const isNew = openRun(folder, { write: false }).config.seed === 1;
      if (isNew) expect(names().filter((name) => name.startsWith("checkpoint"))).toEqual([]);
      createRun(folder, { seed: 2 }, { force: true }).close();
      expect(names()).toEqual(["config.json"]);
    },
  });
  expect(calls).toBeGreaterThan(10);
});

it.each(["fail", "kill"] as const)("a checkpoint is never lost by a %s while the next is written", (how) => {
  const calls = breakEveryCall(how, {
    prepare: () => runWith(1, 2),
    action: (run) => {
      if (run !== undefined) save(run, 3);
      return run;
    },
    check: (error) => {
      const checkpoint = openRun(folder, { write: false }).readCheckpoint();
      expect(stepOf(checkpoint)).toBe(error === undefined ? 3 : 2);
      expect(checkpoint).not.toHaveProperty("warning");
      if (how === "fail") expect(names().filter((name) => name.endsWith("-tmp"))).toEqual([]);
      const next = openRun(folder, { write: true });
      next.readCheckpoint();
      save(next, 4);
      expect(stepOf(next.readCheckpoint())).toBe(4);
      next.close();
      expect(names()).toEqual(["checkpoint.previous.safetensors", "checkpoint.safetensors", "config.json"]);
    },
  });
  expect(calls).toBeGreaterThan(5);
});

it("a checkpoint has reached the disk before it takes a name, and the name after", () => {
  const run = runWith(1);
  const calls = callsOf(() => save(run, 2)).filter((name) => /^(writeFile|fsync|rename)Sync$/.test(name));
  expect(calls).toEqual(["writeFileSync", "fsyncSync", "renameSync", "renameSync", "fsyncSync"]);
  run.close();
});

it.each(["fail", "kill"] as const)("a %s loses at most the row of metrics being written", (how) => {
  const calls = breakEveryCall(how, {
    prepare: () => {
      const run = runWith();
      run.appendMetrics({ step: 1 });
      return run;
    },
    action: (run) => {
      run?.appendMetrics({ step: 2 });
      return run;
    },
    check: () => {
      const next = openRun(folder, { write: true });
      next.appendMetrics({ step: 3 });
      const steps = next.readMetrics().map(({ step }) => step);
      expect(steps.filter((step) => step !== 2)).toEqual([1, 3]);
      next.close();
    },
  });
  expect(calls).toBeGreaterThan(2);
});

it.each(["fail", "kill"] as const)("a %s while metrics are cut leaves them cut or uncut", (how) => {
  const calls = breakEveryCall(how, {
    prepare: () => {
      const run = runWith();
      for (const step of [1, 2, 3]) run.appendMetrics({ step });
      return run;
    },
    action: (run) => {
      run?.cutMetrics(1);
      return run;
    },
    check: (error) => {
      const steps = openRun(folder, { write: false })
        .readMetrics()
        .map(({ step }) => step);
      expect(steps).toEqual(error === undefined ? [1] : [1, 2, 3]);
    },
  });
  expect(calls).toBeGreaterThan(5);
});

it("a checkpoint survives SIGKILL at any moment", async () => {
  runWith(1).close();
  let state = 1;
  for (let kill = 0; kill < 10; kill++) {
    state = (state * 48271) % 0x7fffffff; // Park and Miller's generator
    const child = startTask("checkpoints", folder);
    await child.said(1);
    await new Promise((resolve) => setTimeout(resolve, state % 50));
    child.kill();
    const told = Number((await child.ended()).at(-1));
    const reader = openRun(folder, { write: false });
    const checkpoint = reader.readCheckpoint();
    expect(checkpoint).not.toHaveProperty("warning");
    const step = stepOf(checkpoint);
    expect([told, told + 1]).toContain(step); // the next one may have been in its place, but not told yet
    expect(reader.readMetrics().at(-1)?.step).toBeGreaterThanOrEqual(step);
  }
  openRun(folder, { write: true }).close();
  const left = ["checkpoint.previous.safetensors", "checkpoint.safetensors", "config.json", "metrics.jsonl"];
  expect(names()).toEqual(left);
});

it.skipIf(isWindows)("a full disk leaves every file as it was (ulimit -f, which Windows lacks)", async () => {
  const run = runWith(1);
  run.appendMetrics({ step: 1 });
  run.close();
  const before = names();
  const told = await startLimitedTask("full", folder).ended();
  expect(told).toEqual([
    expect.stringMatching(
      /^InputError: .*checkpoint.safetensors: could not be written; the previous file is intact: no space/,
    ),
    expect.stringMatching(/^InputError: .*metrics.jsonl: could not be written; what it held is intact: no space/),
    expect.stringMatching(/^InputError: .*report.html: could not be written; the previous file is intact: no space/),
  ]);
  expect(names()).toEqual(before);
  expect(stepOf(openRun(folder, { write: false }).readCheckpoint())).toBe(1);
  expect(fs.readFileSync(join(folder, "metrics.jsonl"), "utf8")).toBe('{"step":1}\n');
});

it.skipIf(isWindows)("a folder that becomes read-only keeps its files (chmod, which Windows lacks)", async () => {
  runWith(1).close();
  const told = await startTask("readOnly", folder).ended();
  fs.chmodSync(folder, 0o755);
  expect(told).toEqual([
    expect.stringMatching(
      /^InputError: .*checkpoint.safetensors: could not be written; .*: no permission: .* \(EACCES\)$/,
    ),
    expect.stringMatching(/^InputError: .*run: could not be made: no permission: .* \(EACCES\)$/),
    expect.stringMatching(/^InputError: .*lock: could not be written: no permission: .* \(EACCES\)$/),
  ]);
  expect(stepOf(openRun(folder, { write: false }).readCheckpoint())).toBe(1);
});
