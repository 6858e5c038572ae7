/** Nothing of ours sends anything anywhere. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { newFolder, reparam, start } from "./command.ts";
import { small, writeData } from "./small-run.ts";

const cwd = newFolder();
beforeAll(() => writeData(cwd));

/** The internet sockets that a process has open now: those of its descriptors that its network's tables list. */
function internetSockets(pid: number): readonly string[] {
  try {
    const descriptors = readdirSync(`/proc/${pid}/fd`).flatMap((name) => linkOf(`/proc/${pid}/fd/${name}`));
    const inodes = new Set(descriptors.flatMap((link) => link.match(/^socket:\[(\d+)\]$/)?.[1] ?? []));
    return ["tcp", "tcp6", "udp", "udp6", "raw", "raw6", "icmp", "icmp6"].flatMap((table) => {
      const path = `/proc/${pid}/net/${table}`;
      if (!existsSync(path)) return [];
      const rows = readFileSync(path, "utf8").trimEnd().split("\n").slice(1);
      const INODE = 9;
      return rows
        .map((row) => row.trim().split(/\s+/))
        .filter((row) => inodes.has(row[INODE]))
        .map(() => table);
    });
  } catch {
    return []; // it has ended
  }
}

function linkOf(path: string): readonly string[] {
  try {
    return [readlinkSync(path)];
  } catch {
    return []; // closed a moment ago
  }
}

/** All internet sockets that a process was seen to have, looked for every few milliseconds until it ends. */
async function watch(pid: number, ended: Promise<unknown>): Promise<{ looks: number; seen: readonly string[] }> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const seen: string[] = [];
  let looks = 0;
  for (; !isOver; looks++) {
    seen.push(...internetSockets(pid));
    await pause(5);
  }
  return { looks, seen };
}

describe.runIf(process.platform === "linux")("no internet socket is opened", () => {
  it.each([["native"], ["wasm"]])("while the %s engine trains, evaluates and writes the report", async (engine) => {
    const run = start(["train", "bytes.npy", ...small, "--steps", "30", "--engine", engine, "--out", engine], { cwd });
    const { looks, seen } = await watch(run.pid, run.ended);
    expect((await run.ended).code).toBe(0);
    expect(looks).toBeGreaterThan(20);
    expect(seen).toEqual([]);
  });

  it.each([
    ["tcp", `require("node:net").createServer().listen(0, "127.0.0.1")`],
    ["udp", `require("node:dgram").createSocket("udp4").bind()`],
  ])("and one would be seen: %s", async (table, opening) => {
    const child = spawn(process.execPath, ["--eval", `${opening}; setTimeout(process.exit, 500)`], { stdio: "ignore" });
    const { seen } = await watch(child.pid ?? Number.NaN, once(child, "exit"));
    expect(seen).toContain(table);
  });
});

describe("the telemetry of ONNX Runtime is off before its native code is loaded", () => {
  it.each([
    ["train", ["train", "bytes.npy", ...small, "--steps", "2", "--out", "recorded"]],
    ["evaluate", ["evaluate", "recorded", "--samples", "1"]],
    ["doctor", ["doctor"]],
  ])("%s, whatever the environment says", async (name, args) => {
    const record = join(cwd, `${name}.txt`);
    const env = { RECORD: record, ORT_DISABLE_TELEMETRY: "0" };
    const { code, stderr } = await reparam(args, { cwd, preload: "record-telemetry", env });
    expect(code, stderr).toBe(0);
    expect(readFileSync(record, "utf8")).toMatch(/^(onnxruntime\S*\.node 1\n)+$/);
  });
});
