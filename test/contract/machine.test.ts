import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { coreLimit, cpuFeatures } from "../../src/run/machine.ts";

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** A folder with these files, to stand for the root of a system. */
function system(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "reparam-machine-"));
  roots.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

it("finds the tightest limit of the groups around a process (control groups 2)", () => {
  const root = system({
    "proc/self/cgroup": "0::/pod/container\n",
    "sys/fs/cgroup/pod/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/pod/container/cpu.max": "max 100000\n",
  });
  expect(coreLimit(root)).toBe(1.5);
});

it("finds a container's own limit where the group's path is the host's (control groups 1)", () => {
  const root = system({
    "proc/self/cgroup": "5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n0::/\n",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
  });
  expect(coreLimit(root)).toBe(0.5);
});

it("knows no limit where there is none", () => {
  const root = system({
    "proc/self/cgroup": "1:cpu:/\n",
    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
  });
  expect(coreLimit(root)).toBeUndefined();
  expect(coreLimit(system({}))).toBeUndefined();
});

it("reads the processor's features, on x86 and on Arm", () => {
  expect(cpuFeatures("processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_vnni amx_tile\n\nflags\t: sve\n")).toEqual([
    "avx2",
    "avx512f",
    "amx_tile",
  ]);
  expect(cpuFeatures("Features\t: fp asimd sve\n")).toEqual(["asimd", "sve"]);
  expect(cpuFeatures(undefined)).toBeUndefined();
});
