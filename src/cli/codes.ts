import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { z } from "zod";
import { type GivenValues, valuesByName } from "../data/conditions.ts";
import type { Dataset } from "../data/dataset.ts";
import { encodeNpy } from "../data/npy.ts";
import { openDataset } from "../data/open.ts";
import { InputError } from "../errors.ts";
import type { RunFacts } from "../run/facts.ts";
import { writeAtomically } from "../run/files.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import type { Codes } from "../trained/trained-model.ts";
import type { OutFlags } from "./flags.ts";
import { outputKind, writeRows } from "./outputs.ts";
import { readAll } from "./pairs.ts";

/** The class of each example in words, as a column, where there are labels. */
export function labelColumn({ labels, labelNames }: Dataset): { readonly label?: readonly string[] } {
  return labels ? { label: Array.from(labels, (label) => labelNames?.[label] ?? String(label)) } : {};
}

export const codeKinds = ["csv", "json", "npy"] as const;

/** Writes codes: all parameters as columns mean_0, mean_1, …, scale_0, …, or the means alone as .npy. */
export function writeCodes(
  flags: OutFlags & { readonly out: string },
  codes: Codes,
  before: Readonly<Record<string, readonly (string | number)[]>>,
): void {
  const kind = outputKind(flags, codeKinds);
  if (kind === "npy") {
    writeAtomically(flags.out, encodeNpy(codes.mean));
    return;
  }
  const columns = Object.entries(codes).flatMap(
    ([
      name,
      {
        data,
        shape: [n, ...event],
      },
    ]) => {
      const width = sizeOf(event);
      return Array.from({ length: width }, (_, j): [string, Float32Array] => [
        `${name}_${placeIn(event, j)}`,
        Float32Array.from({ length: n }, (_, i) => data[i * width + j]),
      ]);
    },
  );
  writeRows(flags, new Map<string, ArrayLike<string | number>>([...Object.entries(before), ...columns]));
}

/** The indices of a number in an array of this shape: 3, or 1_0 of a matrix. */
function placeIn(shape: readonly number[], flat: number): string {
  let left = flat;
  return shape
    .toReversed()
    .map((extent) => {
      const index = left % extent;
      left = Math.floor(left / extent);
      return index;
    })
    .toReversed()
    .join("_");
}

const rowsSchema = z.array(z.union([z.array(z.number()), z.record(z.string(), z.unknown())])).min(1);

/** Latents [n, k], and what a table of them says to be given with each. */
export interface ReadCodes {
  readonly z: NdArray;
  readonly given: GivenValues;
}

/**
 * Latents from .npy, .csv (all columns, or mean_0 … as `encode` writes them) or .json (rows of numbers, or as `encode` writes them); of a
 * table the columns of the condition, too.
 */
export async function readCodes(
  path: string,
  latents: number,
  condition?: RunFacts["data"]["condition"],
): Promise<ReadCodes> {
  if (extname(path).toLowerCase() === ".json") return { z: readJson(path, latents), given: {} };
  const columns = latentColumns(path, latents);
  const conditionIfThere = columns && condition;
  const dataset = await openDataset(path, { columns, conditionIfThere, measure: "real", atLeast: 1 });
  const given = valuesByName(dataset.given);
  if (dataset.shape.length === 1 && dataset.shape[0] === latents) return { z: readAll(dataset), given };
  throw new InputError(
    `${path}: latents of shape [n, ${latents}] are expected, got examples of [${dataset.shape.join(", ")}]`,
  );
}

/** Which columns of a table are latents: mean_0 …, or all where there are so many. Named, they are kept if constant too. */
function latentColumns(path: string, latents: number): readonly string[] | undefined {
  if (!/\.(csv|tsv|txt)$/i.test(path)) return undefined;
  const names = firstLine(path).split(/[,;\t]/);
  const means = names.filter((name) => /^"?mean_\d+"?$/.test(name.trim())).length;
  if (means > 0 && means !== latents) {
    throw new InputError(`${path}: expected ${latents} columns of means, got ${means}: codes of another model`);
  }
  if (means > 0) return Array.from({ length: latents }, (_, j) => `mean_${j}`);
  return names.length === latents ? names.map((_, j) => String(j + 1)) : undefined;
}

function firstLine(path: string): string {
  try {
    return readFileSync(path, "utf8")
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/, 1)[0];
  } catch {
    return ""; // openDataset says what is wrong with it
  }
}

function readJson(path: string, latents: number): NdArray {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new InputError(`${path}: cannot be read as JSON (${cause instanceof Error ? cause.message : cause})`);
  }
  const rows = rowsSchema.safeParse(value);
  if (!rows.success) throw new InputError(`${path}: rows of ${latents} numbers are expected, or what encode writes`);
  const numbers = rows.data.map((row) =>
    Array.isArray(row) ? row : Array.from({ length: latents }, (_, j) => Number(row[`mean_${j}`] ?? Number.NaN)),
  );
  const wrong = numbers.findIndex((row) => row.length !== latents || !row.every(Number.isFinite));
  if (wrong >= 0) throw new InputError(`${path}: row ${wrong} (from 0): ${latents} finite numbers are expected`);
  return { data: Float32Array.from(numbers.flat()), shape: [numbers.length, latents] };
}
