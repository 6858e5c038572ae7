import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, it, vi } from "vitest";
import { InputError } from "../../src/errors.ts";
import { createRun, openRun } from "../../src/run/folder.ts";
import { acquireLock, type Lock } from "../../src/run/lock.ts";
import { interruptCall } from "./run/broken-disk.ts";
import { Child, startTask } from "./run/children.ts";
import { messageOf, newFolder } from "./run/folder.ts";

vi.mock("node:fs", async (original) => {
  const { breakable } = await import("./run/broken-disk.ts");
  return breakable(await original<typeof import("node:fs")>());
});

const hasProc = fs.existsSync("/proc/self/stat");
const endedPid = spawnSync(process.execPath, ["--version"]).pid;

let folder: string;
beforeEach(() => {
  folder = newFolder();
  fs.mkdirSync(folder, { recursive: true });
});

/** Leaves a lock as a process that has ended would have, unless `holder` says otherwise. */
function leaveLock(holder: object = {}, name = "lock"): void {
  const ended = { pid: endedPid, host: hostname(), since: "2026-01-01T00:00:00.000Z" };
  fs.writeFileSync(join(folder, name), JSON.stringify({ ...ended, ...holder }));
}

it("is refused while this process holds it", () => {
  const lock = acquireLock(folder);
  expect(fs.readdirSync(folder)).toEqual(["lock"]);
  expect(messageOf(() => acquireLock(folder))).toMatch(
    new RegExp(`^${folder}: is in use by process ${process.pid} since \\d{4}-.*Z: wait for it or stop it$`),
  );
  lock.release();
  acquireLock(folder).release();
  expect(fs.readdirSync(folder)).toEqual([]);
});

it("is refused while a process of another machine holds it, ended or not", () => {
  leaveLock({ host: "elsewhere" });
  const who = `process ${endedPid} on elsewhere since 2026-01-01T00:00:00.000Z`;
  expect(messageOf(() => acquireLock(folder))).toBe(
    `${folder}: is in use by ${who}: if it has ended, delete ${join(folder, "lock")}`,
  );
});

it.each(["", "{", "3", '{"pid": 1}'])("is left alone where it does not name its holder: %s", (text) => {
  fs.writeFileSync(join(folder, "lock"), text);
  expect(messageOf(() => acquireLock(folder))).toBe(
    `${join(folder, "lock")}: does not say who holds it: delete it if nothing is writing there`,
  );
  expect(fs.readFileSync(join(folder, "lock"), "utf8")).toBe(text);
});

it("is taken over from a process that has ended, also one that was itself taking over", () => {
  leaveLock();
  leaveLock({}, "lock.takeover");
  acquireLock(folder).release();
  expect(fs.readdirSync(folder)).toEqual([]);
});

it.skipIf(!hasProc)("is taken over when its process number is another process's by now (needs /proc)", () => {
  leaveLock({ pid: process.pid, startTicks: 1 });
  acquireLock(folder).release();
  expect(fs.readdirSync(folder)).toEqual([]);
});

it.skipIf(!hasProc)(
  "is taken over from an ended process that its parent has not asked after (needs /proc)",
  async () => {
    const parent = new Child("sh", ["-c", "sleep 0.1 & echo $!; exec sleep 30"]);
    await parent.said(1);
    const pid = Number(parent.lines[0]);
    const stat = (): string => fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    const startTicks = Number(stat().split(" ")[21]);
    leaveLock({ pid, startTicks });
    await vi.waitFor(() => expect(stat()).toContain(") Z "));
    acquireLock(folder).release();
    expect(fs.readdirSync(folder)).toEqual([]);
  },
);

it("is not removed by its former holder once it is another's", () => {
  const lock = acquireLock(folder);
  leaveLock({ host: "elsewhere" });
  lock.release();
  expect(fs.readdirSync(folder)).toEqual(["lock"]);
});

/** Has two do the same, the second one before the 1st, 2nd, … call of the file system that the first makes. */
function race(prepare: () => void, attempt: () => Lock, refusal: RegExp): void {
  for (let n = 1; ; n++) {
    prepare();
    const won: Lock[] = [];
    const contend = (): void => {
      try {
        won.push(attempt());
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect(`${error}`).toMatch(refusal);
      }
    };
    const reached = interruptCall(n, contend, contend);
    expect(won, `the second came before call ${n}`).toHaveLength(1);
    won[0].release();
    if (!reached) {
      expect(n).toBeGreaterThan(3);
      return;
    }
  }
}

it("is won by exactly one of two, whenever the second comes", () => {
  race(
    () => {},
    () => acquireLock(folder),
    /is in use by process/,
  );
  race(leaveLock, () => acquireLock(folder), /is in use by process/);
  expect(fs.readdirSync(folder)).toEqual([]);
});

it("lets exactly one of two make a run, whenever the second comes, also one that is quickly done", () => {
  const clear = (): void => fs.rmSync(folder, { recursive: true, force: true });
  const make = (): Lock => {
    createRun(folder, {}).close();
    return { release: () => {} };
  };
  race(clear, make, /is in use by process|: exists: /);
});

it("lets exactly one of two open a run to write, whenever the second comes and clears leftovers away", () => {
  createRun(folder, {}).close();
  const open = (): Lock => {
    const run = openRun(folder, { write: true });
    return { release: () => run.close() };
  };
  race(() => {}, open, /is in use by process/);
});

it("is won by exactly one of four processes that find it abandoned, and released when that one ends", async () => {
  leaveLock();
  const children = [1, 2, 3, 4].map(() => startTask("lock", folder));
  await Promise.all(children.map((child) => child.said(1)));
  for (const child of children) child.tell();
  await Promise.all(children.map((child) => child.said(2)));
  for (const child of children) child.tell();
  const said = (await Promise.all(children.map((child) => child.ended()))).map((lines) => lines[1]).sort();
  const refused = expect.stringMatching(/^InputError: .* is in use by process \d+ since /);
  expect(said).toEqual([refused, refused, refused, "done"]);
  expect(fs.readdirSync(folder)).toEqual([]);
});
