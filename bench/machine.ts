import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { openEngine } from "../dist/index.js";

/** On what, with what and from what a result was made. */
export interface Provenance {
  readonly date: string;
  readonly commit: string;
  readonly command: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly system: string;
    /** How many processes ran or waited in the minute before the bench. */
    readonly loadBefore: number;
  };
  readonly versions: Readonly<Record<string, string>>;
}

/** Taken when the bench begins: later it would count the bench itself. */
const loadBefore = Number(loadavg()[0].toFixed(2));

const git = (...options: readonly string[]): string => execFileSync("git", options, { encoding: "utf8" }).trim();

export async function provenance(command: string): Promise<Provenance> {
  const changed = git("status", "--porcelain", "--", "src", "bench", ":!bench/results", "package-lock.json") !== "";
  const engine = await openEngine();
  return {
    date: new Date().toISOString(),
    commit: `${git("rev-parse", "HEAD")}${changed ? " with changes" : ""}`,
    command,
    machine: {
      cpu: cpus()[0].model,
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      system: `${type()} ${release()}`,
      loadBefore,
    },
    versions: { node: process.versions.node, engine: `${engine.name} ${engine.version}` },
  };
}

/** 1, 2, 4, … and the number of cores. */
export function threadCounts(): readonly number[] {
  const cores = availableParallelism();
  const counts: number[] = [];
  for (let threads = 1; threads < cores; threads *= 2) counts.push(threads);
  return [...counts, cores];
}
