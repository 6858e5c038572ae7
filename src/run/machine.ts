/** What this machine is, as far as it matters to speed and to repeating a run bit for bit. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";

export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** The C library of Linux, which decides whether the native engine can load. */
  readonly libc?: "glibc" | "musl";
  readonly node: string;
  readonly cpu: string;
  /** Instruction sets that change speed and bits; absent where the system does not tell. */
  readonly cpuFeatures?: readonly string[];
  /** Cores that this process may use. */
  readonly cores: number;
  /** Processor time that it may have, in cores, where a container limits it. */
  readonly coreLimit?: number;
  /** Bytes that it may use, and bytes that are free. */
  readonly memory: number;
  readonly freeMemory: number;
}

export function describeMachine(): Machine {
  return {
    platform: process.platform,
    arch: process.arch,
    libc: libc(),
    node: process.versions.node,
    cpu: cpus()[0]?.model.trim() || "unknown",
    cpuFeatures: cpuFeatures(textOf("/proc/cpuinfo")),
    cores: availableParallelism(),
    coreLimit: coreLimit("/"),
    memory: Math.min(totalmem(), process.constrainedMemory() || Infinity),
    freeMemory: freemem(),
  };
}

/** Threads of a run unless told otherwise: a second one pays for models of this size, more seldom do. */
export function defaultThreads(): number {
  return Math.min(availableParallelism(), 2);
}

/** Instruction sets that the matrix products of ONNX Runtime choose between, as Linux names them: on x86, then on Arm. */
const CPU_FEATURES = ["avx2", "avx512f", "avx512_bf16", "amx_tile", "asimd", "asimddp", "i8mm", "sve"];

/** Those of them in the text of /proc/cpuinfo, by its first processor. */
export function cpuFeatures(cpuinfo: string | undefined): readonly string[] | undefined {
  const flags = cpuinfo?.match(/^(?:flags|Features)\s*:(.*)$/m)?.[1].split(/\s+/);
  return flags && CPU_FEATURES.filter((feature) => flags.includes(feature));
}

/**
 * The tightest limit on processor time, in cores, of the control groups that this process is in and of those around them.
 * @param root where /proc and /sys are.
 */
export function coreLimit(root: string): number | undefined {
  const limits: number[] = [];
  for (const line of (textOf(join(root, "proc/self/cgroup")) ?? "").split("\n")) {
    const [, controllers, group] = line.match(/^\d+:([^:]*):(\/.*)$/) ?? [];
    if (group === undefined) continue;
    const isUnified = controllers === ""; // version 2: one tree for all
    if (!isUnified && !controllers.split(",").includes("cpu")) continue;
    const tree = join(root, "sys/fs/cgroup", isUnified ? "" : "cpu");
    for (const folder of upwards(group)) {
      const read = (name: string): string => textOf(join(tree, folder, name)) ?? "";
      const pair = isUnified ? read("cpu.max") : `${read("cpu.cfs_quota_us").trim()} ${read("cpu.cfs_period_us")}`;
      const [quota, period] = pair.split(" ").map(Number);
      if (quota > 0 && period > 0) limits.push(quota / period);
    }
  }
  return limits.length > 0 ? Math.min(...limits) : undefined;
}

/** A folder and all around it: /a/b, /a, /. */
function upwards(folder: string): readonly string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...upwards(above)];
}

/** Node's own report names the version of glibc where it runs on glibc. */
function libc(): Machine["libc"] {
  if (process.platform !== "linux") return undefined;
  const report = process.report.getReport();
  const header = "header" in report && report.header;
  return header && typeof header === "object" && "glibcVersionRuntime" in header ? "glibc" : "musl";
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
