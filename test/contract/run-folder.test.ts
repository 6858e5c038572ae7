import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { InputError } from "../../src/errors.ts";
import { createRun, openRun, RUN_SCHEMA, type Run } from "../../src/run/folder.ts";
import { acquireLock } from "../../src/run/lock.ts";
import { filled, stepOf } from "./run-folder.checkpoint.ts";

/** Called before every synchronous call of the file system, so that a test can fail it or slip something in before it. */
const disk = vi.hoisted(() => ({ before: (_call: string, _args: readonly unknown[]): void => {} }));

vi.mock("node:fs", async (importOriginal) => {
  const actual = await importOriginal<typeof import("node:fs")>();
  const observed = Object.entries(actual).map(([name, value]) => {
    if (typeof value !== "function" || !name.endsWith("Sync")) return [name, value];
    const call = (...args: readonly unknown[]): unknown => {
      disk.before(name, args);
      return Reflect.apply(value, undefined, args);
    };
    return [name, call];
  });
  return Object.fromEntries(observed);
});

const root = fileURLToPath(new URL("../..", import.meta.url));
const isWindows = process.platform === "win32";
const config = { model: { name: "vae", latents: 16 }, seed: 0, data: null };

let base: string;
let folder: string;
beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), "reparam-run-"));
  fs.chmodSync(base, 0o755); // mkdtemp's own mode would keep the test's other user out for another reason
  folder = join(base, "runs", "a");
});
afterEach(() => {
  disk.before = () => {};
  fs.rmSync(base, { recursive: true, force: true });
});

function names(): string[] {
  return fs.readdirSync(folder).sort();
}

function save(run: Run, step: number): void {
  run.writeCheckpoint(filled(step, 10), { step: `${step}` });
}

/** A run with these checkpoints, closed. */
function runWith(...steps: readonly number[]): void {
  const run = createRun(folder, config);
  for (const step of steps) save(run, step);
  run.close();
}

function flipBit(name: string): void {
  const bytes = fs.readFileSync(join(folder, name));
  bytes[bytes.length - 1] ^= 4;
  fs.writeFileSync(join(folder, name), bytes);
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    expect(`${error}`).not.toContain("\n");
    return error instanceof InputError ? error.message : "";
  }
  throw new Error("expected an InputError");
}

/** Breaks the n-th call of the file system: alone ("fail"), or with all after it, as if the process had ended ("kill"). */
function breakCall(n: number, how: "fail" | "kill"): { repair(): boolean } {
  let calls = 0;
  const before: typeof disk.before = (name, [target, content, ...options]) => {
    calls++;
    if (how === "fail" ? calls !== n : calls < n) return;
    if (calls === n && name === "writeFileSync" && (typeof content === "string" || content instanceof Uint8Array)) {
      disk.before = () => {};
      Reflect.apply(fs.writeFileSync, undefined, [target, content.slice(0, content.length / 2), ...options]);
      disk.before = before;
    }
    throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  };
  disk.before = before;
  const repair = (): boolean => {
    disk.before = () => {};
    return calls >= n;
  };
  return { repair };
}

/** Runs the action with its 1st, 2nd, … call of the file system broken, until it makes no more; `prepare` and `check` around each. */
function breakEveryCall(
  how: "fail" | "kill",
  { prepare, action, check }: { prepare?: () => void; action: () => unknown; check: (error: unknown) => void },
): number {
  for (let n = 1; ; n++) {
    fs.rmSync(join(base, "runs"), { recursive: true, force: true });
    prepare?.();
    const { repair } = breakCall(n, how);
    let failure: unknown;
    try {
      action();
    } catch (error) {
      failure = error;
      expect(error).toBeInstanceOf(InputError);
    }
    if (!repair()) return n - 1;
    if (how === "kill") endHolders();
    check(failure);
  }
}

/** The number of a process that has ended. */
const endedPid = spawnSync(process.execPath, ["--version"]).pid;

function lockOf(holder: object): string {
  return JSON.stringify({ pid: endedPid, host: hostname(), since: "2026-01-01T00:00:00.000Z", ...holder });
}

/** Makes the locks in the folder those of a process that has ended. */
function endHolders(): void {
  if (!fs.existsSync(folder)) return;
  for (const name of names()) if (/^lock(\.takeover)?$/.test(name)) fs.writeFileSync(join(folder, name), lockOf({}));
}

function startChild(task: string, ...args: readonly string[]): ChildProcess {
  return startNode(process.execPath, ["--import", "jiti/register", join(root, childFile), task, folder, ...args]);
}

function startNode(command: string, args: readonly string[]): ChildProcess {
  const env = { ...process.env, JITI_FS_CACHE: "false" }; // its cache would meet the limit on file sizes too
  return spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
}

const childFile = "test/contract/run-folder.child.ts";

async function linesOf(child: ChildProcess): Promise<string[]> {
  const lines: string[] = [];
  if (child.stdout === null) throw new Error("the child has no output");
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  await once(child, "close");
  return lines;
}

const exitListeners = process.listeners("exit");
afterEach(() => {
  for (const listener of process.listeners("exit"))
    if (!exitListeners.includes(listener)) process.off("exit", listener);
});

describe("a new run", () => {
  it("keeps its config, and its lock while it is open", () => {
    const run = createRun(folder, { ...config, schema: 99 });
    expect(run.config).toEqual(config);
    expect(names()).toEqual(["config.json", "lock"]);
    run.close();
    expect(names()).toEqual(["config.json"]);
    expect(JSON.parse(fs.readFileSync(join(folder, "config.json"), "utf8"))).toEqual({ schema: RUN_SCHEMA, ...config });
    expect(openRun(folder, { write: false }).config).toEqual(config);
  });

  it("does not replace a run unless forced, and then only a run's own files", () => {
    runWith(1, 2);
    fs.writeFileSync(join(folder, "notes.txt"), "mine");
    const before = names();
    expect(messageOf(() => createRun(folder, {}))).toBe(
      `${folder}: exists: --resume ${folder} to go on, --force to replace it`,
    );
    expect(names()).toEqual(before);
    createRun(folder, { seed: 1 }, { force: true }).close();
    expect(names()).toEqual(["config.json", "notes.txt"]);
    expect(openRun(folder, { write: false }).config).toEqual({ seed: 1 });
  });

  it.each([
    [
      "no config",
      "thesis.tex",
      "\\documentclass",
      /: is not a run folder: it has no config.json; choose another folder$/,
    ],
    ["a foreign config", "config.json", '{"port": 80}', /config.json: is not the config of a run: /],
    ["a torn config", "config.json", '{"schema": 1, ', /config.json: is not the config of a run: /],
    ["a config that is no object", "config.json", "[1]", /config.json: is not the config of a run: /],
    ["another version", "config.json", '{"schema": 2}', /config.json: has schema 2, this version of reparam reads 1: /],
  ])("refuses a folder with %s, even when forced", (_, name, content, message) => {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(join(folder, name), content);
    expect(messageOf(() => createRun(folder, {}))).toMatch(message);
    expect(messageOf(() => createRun(folder, {}, { force: true }))).toMatch(message);
    expect(messageOf(() => openRun(folder, { write: true }))).toMatch(message);
    expect(messageOf(() => openRun(folder, { write: false }))).toMatch(message);
    expect(names()).toEqual([name]);
    expect(fs.readFileSync(join(folder, name), "utf8")).toBe(content);
  });

  it("says so where a file is in the way", () => {
    fs.writeFileSync(join(base, "runs"), "");
    expect(messageOf(() => createRun(folder, {}))).toContain("part of its path is a file");
    expect(messageOf(() => createRun(join(base, "runs"), {}))).toContain("part of its path is a file");
  });

  it("leaves nothing behind when any call of the file system fails", () => {
    const calls = breakEveryCall("fail", {
      action: () => createRun(folder, config).close(),
      check: (error) => {
        if (error === undefined) createRun(folder, config, { force: true }).close();
        else expect(fs.existsSync(join(base, "runs"))).toBe(false);
      },
    });
    expect(calls).toBeGreaterThan(10);
  });

  it("can be made after a kill at any call of the file system", () => {
    const calls = breakEveryCall("kill", {
      action: () => createRun(folder, config).close(),
      check: () => {
        const made = fs.existsSync(join(folder, "config.json"));
        createRun(folder, config, { force: made }).close();
        expect(names()).toEqual(["config.json"]);
      },
    });
    expect(calls).toBeGreaterThan(10);
  });

  it.each(["fail", "kill"] as const)("can be forced again after a %s at any call while forced", (how) => {
    const calls = breakEveryCall(how, {
      prepare: () => runWith(1, 2),
      action: () => createRun(folder, { seed: 1 }, { force: true }).close(),
      check: () => {
        const { seed } = openRun(folder, { write: false }).config;
        if (seed === 1) expect(names().filter((name) => name.startsWith("checkpoint"))).toEqual([]);
        createRun(folder, { seed: 2 }, { force: true }).close();
        expect(names()).toEqual(["config.json"]);
      },
    });
    expect(calls).toBeGreaterThan(10);
  });
});

describe("opening a run", () => {
  it("refuses a folder that is not there", () => {
    expect(messageOf(() => openRun(folder, { write: false }))).toContain(`${folder}: is not a run folder`);
    expect(fs.existsSync(folder)).toBe(false);
  });

  it("to read, changes nothing and needs no lock", () => {
    const writer = createRun(folder, config);
    save(writer, 1);
    const before = names();
    const reader = openRun(folder, { write: false });
    expect(stepOf(reader.readCheckpoint())).toBe(1);
    expect(() => save(reader, 2)).toThrow("the run is not open for writing");
    reader.close();
    expect(names()).toEqual(before);
    writer.close();
    expect(() => save(writer, 2)).toThrow("the run is not open for writing");
  });

  it("to write, is for one at a time and clears away what a kill left", () => {
    runWith(1);
    fs.writeFileSync(join(folder, "best.safetensors.0.reparam-tmp"), "half");
    fs.writeFileSync(join(folder, "metrics.jsonl"), '{"step":1}\n{"step":2,"el');
    const run = openRun(folder, { write: true });
    expect(messageOf(() => openRun(folder, { write: true }))).toContain(`in use by process ${process.pid} since 20`);
    run.appendMetrics({ step: 3 });
    expect(run.readMetrics()).toEqual([{ step: 1 }, { step: 3 }]);
    run.close();
    expect(names()).toEqual(["checkpoint.safetensors", "config.json", "metrics.jsonl"]);
  });
});

describe("checkpoints", () => {
  it("are none at first, then the last two, and the best apart", () => {
    const run = createRun(folder, config);
    expect(run.readCheckpoint()).toBeUndefined();
    expect(run.readBest()).toBeUndefined();
    for (const step of [1, 2, 3]) save(run, step);
    run.writeBest(filled(2, 10), { step: "2" });
    expect(stepOf(run.readCheckpoint())).toBe(3);
    expect(run.readCheckpoint()).not.toHaveProperty("warning");
    expect(stepOf(run.readBest())).toBe(2);
    fs.rmSync(join(folder, "checkpoint.safetensors"));
    expect(stepOf(run.readCheckpoint())).toBe(2);
    run.close();
  });

  it.each(["corrupted", "missing"])("fall back on the one before, with a warning, where the latest is %s", (fault) => {
    runWith(1, 2);
    if (fault === "missing") fs.rmSync(join(folder, "checkpoint.safetensors"));
    else flipBit("checkpoint.safetensors");
    const run = openRun(folder, { write: true });
    const checkpoint = run.readCheckpoint();
    expect(stepOf(checkpoint)).toBe(1);
    expect(checkpoint?.warning).toMatch(
      new RegExp(`checkpoint.safetensors: is ${fault}.*; going on from checkpoint.previous.safetensors$`),
    );
    save(run, 2);
    expect(run.readCheckpoint()).not.toHaveProperty("warning");
    flipBit("checkpoint.safetensors");
    expect(stepOf(run.readCheckpoint()), "the corrupted one did not take the good one's place").toBe(1);
    run.close();
  });

  it("that are all corrupted are an error naming them", () => {
    runWith(1, 2);
    flipBit("checkpoint.previous.safetensors");
    flipBit("checkpoint.safetensors");
    const run = openRun(folder, { write: false });
    expect(messageOf(() => run.readCheckpoint())).toMatch(
      /checkpoint.safetensors: is corrupted.*checkpoint.previous.safetensors: is corrupted.*; no checkpoint is left: /,
    );
    fs.rmSync(join(folder, "checkpoint.previous.safetensors"));
    expect(messageOf(() => run.readCheckpoint())).toContain("no checkpoint is left");
    fs.writeFileSync(join(folder, "best.safetensors"), "");
    expect(messageOf(() => run.readBest())).toContain("best.safetensors: is no valid safetensors file");
  });

  it.each(["fail", "kill"] as const)("are never lost by a %s at any call of the file system", (how) => {
    let run: Run;
    const calls = breakEveryCall(how, {
      prepare: () => {
        runWith(1, 2);
        run = openRun(folder, { write: true });
        run.readCheckpoint();
      },
      action: () => save(run, 3),
      check: (error) => {
        const read = openRun(folder, { write: false }).readCheckpoint();
        // Between the two renames of a rotation, checkpoint 2 is there under the name of the previous one.
        expect(stepOf(read)).toBe(error === undefined ? 3 : 2);
        if (how === "fail") {
          expect(names().filter((name) => name.endsWith("-tmp"))).toEqual([]);
          save(run, 3);
          run.close();
        }
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

  it("survive SIGKILL at any moment", async () => {
    runWith(1);
    let state = 1;
    for (let kill = 0; kill < 8; kill++) {
      state = (state * 48271) % 0x7fffffff; // Park and Miller's generator
      const child = startChild("checkpoints");
      const output = linesOf(child);
      if (child.stdout === null) throw new Error("the child has no output");
      await once(child.stdout, "data");
      await new Promise((resolve) => setTimeout(resolve, state % 50));
      child.kill("SIGKILL");
      const told = Number((await output).at(-1));
      const reader = openRun(folder, { write: false });
      const step = stepOf(reader.readCheckpoint());
      expect([told, told + 1]).toContain(step); // killed before or after the rename of the one that was not told
      expect(reader.readMetrics().at(-1)?.step).toBeGreaterThanOrEqual(step - 1);
    }
    openRun(folder, { write: true }).close();
    expect(names()).toEqual([
      "checkpoint.previous.safetensors",
      "checkpoint.safetensors",
      "config.json",
      "metrics.jsonl",
    ]);
  });

  it.skipIf(isWindows)("and all else are intact on a full disk (ulimit -f; Windows has none)", async () => {
    const run = createRun(folder, config);
    save(run, 1);
    run.appendMetrics({ step: 1 });
    run.close();
    const before = names();
    const limited = `ulimit -f 100 && exec "${process.execPath}" --import jiti/register ${childFile} full "$0"`;
    const lines = await linesOf(startNode("sh", ["-c", limited, folder]));
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(
      /^InputError: .*checkpoint.safetensors: could not be written; the previous file is intact: no space/,
    );
    expect(lines[1]).toMatch(/^InputError: .*metrics.jsonl: could not be written; what it held is intact: no space/);
    expect(lines[2]).toMatch(/^InputError: .*report.html: could not be written; the previous file is intact: no space/);
    expect(names()).toEqual(before);
    const reader = openRun(folder, { write: false });
    expect(stepOf(reader.readCheckpoint())).toBe(1);
    expect(fs.readFileSync(join(folder, "metrics.jsonl"), "utf8")).toBe('{"step":1}\n');
  });

  it.skipIf(isWindows)("are intact in a folder that became read-only (Windows has no such mode)", async () => {
    runWith(1);
    const lines = await linesOf(startChild("readOnly"));
    fs.chmodSync(folder, 0o755);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(
      /^InputError: .*checkpoint.safetensors: could not be written; .*: no permission: .* \(EACCES\)$/,
    );
    expect(lines[1]).toMatch(/^InputError: .*run: could not be made: no permission: .* \(EACCES\)$/);
    expect(lines[2]).toMatch(/^InputError: .*lock: could not be written: no permission: .* \(EACCES\)$/);
    expect(stepOf(openRun(folder, { write: false }).readCheckpoint())).toBe(1);
  });
});

describe("metrics", () => {
  it("are read as appended, without a torn last line, and cut back to a step", () => {
    const run = createRun(folder, config);
    expect(run.readMetrics()).toEqual([]);
    run.cutMetrics(5);
    const rows = [
      { step: 1, elbo: -240.8, "12": "a key that objects put first" },
      { step: 2, elbo: Number.NaN },
      { step: 2, name: "a\nb" },
      { step: 3 },
    ];
    for (const row of rows) run.appendMetrics(row);
    rows[1].elbo = Number(null);
    expect(run.readMetrics()).toEqual([rows[0], { step: 2, elbo: null }, rows[2], rows[3]]);
    fs.appendFileSync(join(folder, "metrics.jsonl"), '{"step": 4}'); // whole but for its line break
    expect(run.readMetrics()).toHaveLength(4);
    run.cutMetrics(2);
    expect(run.readMetrics()).toEqual([rows[0], { step: 2, elbo: null }, rows[2]]);
    run.cutMetrics(0);
    expect(run.readMetrics()).toEqual([]);
    run.close();
  });

  it.each(["not JSON", '{"elbo": 1}', '{"step": 1.5}', "null", ""])("name a line that is no row: %s", (line) => {
    runWith();
    fs.writeFileSync(join(folder, "metrics.jsonl"), `{"step":1}\n${line}\n{"step":3}\n`);
    expect(messageOf(() => openRun(folder, { write: false }).readMetrics())).toContain(
      `metrics.jsonl:2: expected a JSON object with an integer "step", got `,
    );
  });

  it.each(["fail", "kill"] as const)("lose at most the row being written by a %s", (how) => {
    let run: Run;
    const calls = breakEveryCall(how, {
      prepare: () => {
        run = createRun(folder, config);
        run.appendMetrics({ step: 1 });
      },
      action: () => run.appendMetrics({ step: 2 }),
      check: () => {
        if (how === "fail") run.appendMetrics({ step: 3 });
        const read = openRun(folder, { write: false }).readMetrics();
        expect([[1], [1, 2], [1, 3], [1, 2, 3]]).toContainEqual(read.map((row) => row.step));
        run.close();
      },
    });
    expect(calls).toBeGreaterThan(2);
  });
});

describe("artifacts", () => {
  it("are replaced whole, and undefined where there are none", () => {
    const run = createRun(folder, config);
    expect(run.readArtifact("encoder.onnx")).toBeUndefined();
    run.writeArtifact("encoder.onnx", new Uint8Array([8, 9]));
    run.writeArtifact("report.html", "<p>longer");
    run.writeArtifact("report.html", "<p>µ");
    expect([...(run.readArtifact("encoder.onnx") ?? [])]).toEqual([8, 9]);
    expect(new TextDecoder().decode(run.readArtifact("report.html"))).toBe("<p>µ");
    run.close();
  });
});

describe("the lock", () => {
  beforeEach(() => {
    fs.mkdirSync(folder, { recursive: true });
  });

  const writeLock = (text: string): void => fs.writeFileSync(join(folder, "lock"), text);

  it("is refused while this process or another machine holds it", () => {
    const lock = acquireLock(folder);
    expect(messageOf(() => acquireLock(folder))).toMatch(
      /in use by process \d+ since \d{4}-.*Z: wait for it or stop it$/,
    );
    lock.release();
    acquireLock(folder).release();
    expect(names()).toEqual([]);
    writeLock(lockOf({ host: "elsewhere" }));
    expect(messageOf(() => acquireLock(folder))).toBe(
      `${folder}: is in use by process ${endedPid} on elsewhere since 2026-01-01T00:00:00.000Z: if it has ended, delete ${join(folder, "lock")}`,
    );
  });

  it.each(["", "{", "3", '{"pid": 1}'])("is left alone where it does not name its holder: %s", (text) => {
    writeLock(text);
    expect(messageOf(() => acquireLock(folder))).toContain("does not say who holds it: delete it if");
    expect(names()).toEqual(["lock"]);
  });

  it("is taken over from a process that has ended, also one that was itself taking over", () => {
    writeLock(lockOf({}));
    fs.writeFileSync(join(folder, "lock.takeover"), lockOf({}));
    acquireLock(folder).release();
    expect(names()).toEqual([]);
  });

  const hasProc = fs.existsSync("/proc/self/stat");
  it.skipIf(!hasProc)("is taken over when its process number is another process's now (needs /proc)", () => {
    const lock = acquireLock(folder);
    const own: unknown = JSON.parse(fs.readFileSync(join(folder, "lock"), "utf8"));
    expect(own).toMatchObject({ pid: process.pid, startTicks: expect.any(Number) });
    writeLock(lockOf({ pid: process.pid, startTicks: 1 }));
    acquireLock(folder).release();
    lock.release();
  });

  it.skipIf(!hasProc)("is taken over from a killed process that its parent has not noticed (needs /proc)", async () => {
    const parent = startNode("sh", ["-c", "true & echo $!; exec sleep 30"]); // sleep never asks after the ended child
    if (parent.stdout === null) throw new Error("the child has no output");
    const [pid] = await once(parent.stdout, "data");
    await vi.waitFor(() => expect(fs.readFileSync(`/proc/${Number(pid)}/stat`, "utf8")).toContain(") Z "));
    writeLock(lockOf({ pid: Number(pid), startTicks: 1 }));
    acquireLock(folder).release();
    parent.kill();
  });

  it("does not remove the lock of another that came after it", () => {
    const lock = acquireLock(folder);
    writeLock(lockOf({ host: "elsewhere" }));
    lock.release();
    expect(names()).toEqual(["lock"]);
  });

  it.each(["free", "abandoned"])("goes to exactly one of two, whenever the other comes in between: %s", (state) => {
    let calls = 0;
    for (let n = 1; ; n++) {
      if (state === "abandoned") writeLock(lockOf({}));
      calls = 0;
      const won: { release(): void }[] = [];
      const attempt = (): void => {
        try {
          won.push(acquireLock(folder));
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      };
      disk.before = () => {
        if (++calls !== n) return;
        const between = disk.before;
        disk.before = () => {};
        attempt();
        disk.before = between;
      };
      attempt();
      disk.before = () => {};
      expect(won, `the other came before call ${n}`).toHaveLength(1);
      won[0].release();
      expect(names()).toEqual([]);
      if (calls < n) break;
    }
    expect(calls).toBeGreaterThan(3);
  });

  it("goes to exactly one of four processes that find it abandoned, and is released when that one ends", async () => {
    writeLock(lockOf({}));
    const time = `${Date.now() + 2_500}`; // all have started by then
    const lines = await Promise.all([1, 2, 3, 4].map(() => linesOf(startChild("lock", time))));
    expect(lines.flat().sort()).toEqual([
      ...Array.from({ length: 3 }, () => expect.stringMatching(/^InputError: .* is in use by process \d+ since /)),
      "done",
    ]);
    expect(names()).toEqual([]);
  });
});
