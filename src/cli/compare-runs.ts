import { basename, resolve } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { type RunConfig, runConfig } from "../run/config.ts";
import { openRun, type Run } from "../run/folder.ts";
import type { RunData } from "../run/prepare.ts";
import type { Watched } from "../trained/trained-model.ts";
import { openOwnData } from "./own-data.ts";

/** One of the runs that are compared, with its data. */
export interface ComparedRun {
  /** The last part of its path, or all of it where another run ends alike. */
  readonly name: string;
  readonly run: Run;
  readonly config: RunConfig;
  readonly data: RunData;
  /** What all are scored on, as this run is given it. */
  readonly dataset: Dataset;
}

export interface ComparedRuns {
  readonly runs: readonly ComparedRun[];
  readonly split: "test" | "validation";
}

/**
 * Opens runs that learned from the same data and left the same examples out.
 * @throws InputError that names the first that did not.
 */
export async function openRuns(
  paths: readonly string[],
  watch: (label: string, unit: string) => Watched,
): Promise<ComparedRuns> {
  const twice = paths.find((path, i) => paths.findIndex((other) => resolve(other) === resolve(path)) < i);
  if (twice !== undefined) throw new InputError(`${twice}: is named twice; name each run once`);
  const opened = paths.map((path) => {
    const run = openRun(path, { write: false });
    return { path, run, config: runConfig(run) };
  });
  for (const one of opened) checkKnown(one);
  for (const one of opened.slice(1)) checkAlike(opened[0], one);
  const held: { readonly opened: (typeof opened)[number]; readonly data: RunData }[] = [];
  for (const one of opened) held.push({ opened: one, data: await openOwnData({ ...one, watch }) });
  const split = held[0].data.test ? "test" : "validation";
  const expected = held[0].data[split];
  const runs = held.map(({ opened: { path, run, config }, data }): ComparedRun => {
    const dataset = data[split];
    if (!dataset || dataset.checksum !== expected?.checksum) {
      throw new InputError(
        `${path}: the ${split} examples of ${paths[0]} are expected, got others (by --seed, --validation or --test); compare runs that left the same examples out`,
      );
    }
    return { name: nameAmong(path, paths), run, config, data, dataset };
  });
  return { runs, split };
}

function nameAmong(path: string, paths: readonly string[]): string {
  const name = basename(resolve(path));
  return paths.filter((other) => basename(resolve(other)) === name).length > 1 ? path : name;
}

interface Opened {
  readonly path: string;
  readonly config: RunConfig;
}

/** Refuses a run that has a density and does not know of what. */
export function checkKnown({ path, config: { model } }: Opened): void {
  if (model.likelihood === undefined || model.observation !== undefined) return;
  throw new InputError(
    `${path}: config.json does not say what log p(x) is of (model.observation): another version wrote it; train it again`,
  );
}

/** What data must agree in for models of them to be compared. */
export type ComparedData = Pick<RunConfig["data"], "checksum" | "shape" | "columns" | "measure" | "examples">;

/** The first thing in which data differ, or were read in another way: what it is, here and there. */
export function dataApart(mine: ComparedData, theirs: ComparedData): readonly [string, string, string] | undefined {
  const told: readonly (readonly [string, string, string])[] = [
    ["data", mine.checksum, theirs.checksum],
    ["examples of the shape", `[${mine.shape.join(", ")}]`, `[${theirs.shape.join(", ")}]`],
    ["columns", mine.columns?.join(", ") ?? "none", theirs.columns?.join(", ") ?? "none"],
    ["measure", mine.measure, theirs.measure],
    ["examples", String(mine.examples), String(theirs.examples)],
  ];
  return told.find(([, here, there]) => here !== there);
}

function checkAlike(first: Opened, other: Opened): void {
  const apart = dataApart(first.config.data, other.config.data);
  if (!apart) return;
  const [what, here, there] = apart;
  throw new InputError(
    `${other.path}: the ${what} of ${first.path} are expected, ${here}, got ${there}; compare runs on the same data`,
  );
}
