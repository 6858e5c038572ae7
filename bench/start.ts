import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Outcome } from "./results.ts";
import { quantile } from "./turns.ts";

export const command = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const BAR_SECONDS = 1.5;
const STARTS = 9;
const POLL_MS = 2;

/**
 * From `reparam train` to the first step: until the checkpoint of step 1 lies in the run folder. That is later than the
 * step by what writing 11 MB takes, so the step was made in less.
 */
export async function benchStart(): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "reparam-start-"));
  const seconds: number[] = [];
  try {
    for (let i = 0; i <= STARTS; i++) {
      const run = join(folder, String(i));
      const start = performance.now();
      const child = spawn(process.execPath, [command, "train", "--out", run, "--checkpoint-every", "1"], {
        stdio: "ignore",
      });
      await appearance(join(run, "checkpoint.safetensors"), child);
      seconds.push((performance.now() - start) / 1000);
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const warm = seconds.slice(1); // the first brings the files into memory
  const spread = `${quantile(warm, 0).toFixed(2)}–${quantile(warm, 1).toFixed(2)} of ${STARTS}; the very first ${seconds[0].toFixed(2)}`;
  const what = "from `reparam train` to the first step, made and saved";
  return { figures: [{ what, value: quantile(warm, 0.5), unit: "s", spread, bar: BAR_SECONDS }] };
}

async function appearance(file: string, child: ChildProcess): Promise<void> {
  while (!existsSync(file)) {
    if (child.exitCode !== null) throw new Error(`reparam train ended (${child.exitCode}) before ${file} was there`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
