import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Provenance } from "./machine.ts";

/** One number that was measured, with its spread in words and the bar it is held against, where there is one. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** "quartiles 0.81–0.86, 12 rounds" */
  readonly spread?: string;
  /** The value must not be above it. */
  readonly bar?: number;
}

/** What a benchmark gives: its figures, the versions of what they are compared with, and all else worth keeping. */
export interface Outcome {
  readonly figures: readonly Figure[];
  readonly peers?: Readonly<Record<string, string>>;
  /** What could not be measured, and what to do. */
  readonly notes?: readonly string[];
  readonly details?: unknown;
}

export type Result = Provenance & Outcome & { readonly name: string };

const folder = new URL("results/", import.meta.url);

/** Keeps a result as `results/NAME-DATE.json`; a later one of the same day replaces it. */
export function keep(result: Result): void {
  const file = `${result.name}-${result.date.slice(0, 10)}.json`;
  writeFileSync(new URL(file, folder), `${JSON.stringify(result, undefined, 2)}\n`);
}

/** Figures as a Markdown table. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value, unit, spread = "", bar }) => {
    const held = bar === undefined ? "" : `≤ ${bar}: ${value <= bar ? "met" : "**missed**"}`;
    return `| ${what} | ${short(value)} ${unit} | ${spread} | ${held} |`;
  });
  return ["| What | Measured | Spread | Bar |", "|---|---|---|---|", ...rows].join("\n");
}

/** Three significant digits. */
function short(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}

/** Writes `results/README.md`: the newest result of each name. */
export function writeSummary(): void {
  const newest = new Map<string, Result>();
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()) {
    const result: Result = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
    newest.set(result.name, result);
  }
  const sections = [...newest.values()].map(({ name, figures, notes = [], ...about }) => {
    const { cpu, cores, memoryGiB, loadBefore } = about.machine;
    const busy = loadBefore > cores / 4 ? "; not quiet, as the bars suppose" : "";
    const machine = `${cpu}, ${cores} cores, ${memoryGiB} GiB, load ${loadBefore} before${busy}`;
    const versions = Object.entries({ ...about.versions, ...about.peers }).map(
      ([what, version]) => `${what} ${version}`,
    );
    const lines = [
      `\`${about.command}\`, ${about.date.slice(0, 10)}, commit ${about.commit}`,
      machine,
      versions.join("; "),
    ];
    return [`## ${name}`, lines.join("  \n"), table(figures), ...notes].join("\n\n");
  });
  const head = "# Results\n\nMade by `npm run bench`; times are worth comparing only within one file.";
  writeFileSync(new URL("README.md", folder), `${[head, ...sections].join("\n\n")}\n`);
}
