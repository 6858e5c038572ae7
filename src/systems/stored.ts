import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { z } from "zod";
import type { Measurement } from "./row.ts";

const measurementSchema = z.object({
  what: z.string(),
  measured: z.number(),
  expected: z.number(),
  error: z.number(),
  tolerance: z.number(),
  because: z.string().optional(),
  planted: z.number().optional(),
});
const storedSchema = z.object({
  commit: z.string(),
  machine: z.string(),
  command: z.string(),
  date: z.string(),
  measurements: z.array(measurementSchema),
});

/** Results of a study that took too long to repeat every time, and where they come from. */
export type Stored = z.infer<typeof storedSchema>;

const place = new URL("../../docs/systems-stored.json", import.meta.url);

function readAll(): Record<string, Stored> {
  return existsSync(place) ? z.record(z.string(), storedSchema).parse(JSON.parse(readFileSync(place, "utf8"))) : {};
}

export function readStored(row: number): Stored | undefined {
  return readAll()[String(row)];
}

/** Keeps a study's results with the commit, the machine and the command that they come from. */
export function store(row: number, command: string, measurements: readonly Measurement[]): Stored {
  const stored: Stored = {
    commit: commit(),
    machine: `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores`,
    command,
    date: new Date().toISOString().slice(0, 10),
    measurements: [...measurements],
  };
  writeFileSync(place, `${JSON.stringify({ ...readAll(), [row]: stored }, null, 2)}\n`);
  return stored;
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}
