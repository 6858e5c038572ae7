/** Where results go: the extension of `--out` says how they are written. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { encodeCsv } from "../data/csv.ts";
import { encodeNpy } from "../data/npy.ts";
import { InputError } from "../errors.ts";
import { encodeGrid, encodeImage } from "../report/grid.ts";
import { isImage, toImages } from "../report/image.ts";
import type { RunFacts } from "../run/facts.ts";
import { fileError, temporaryPath, writeAtomically } from "../run/files.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import type { OutFlags } from "./flags.ts";

const kinds = ["png", "npy", "csv", "json", "folder"] as const;
type Kind = (typeof kinds)[number];

/** Examples in the data's own units, and what is known of them. */
export interface Output {
  /** [n, …shape] */
  readonly values: NdArray<Float32Array>;
  /** Of the picture's rows, each so many examples wide; by default about square. */
  readonly columns?: number;
  /** Columns that stand before the examples' own in a table: one value for each example. */
  readonly before?: Readonly<Record<string, readonly (string | number)[]>>;
  /** Names of the files of a folder, without their extension; by default numbers. */
  readonly names?: readonly string[];
}

/** How a path is to be written; refused where something is there already, unless that is to be replaced. */
export function outputKind({ out, force }: OutFlags, allowed: readonly Kind[] = kinds): Kind {
  const path = out ?? "";
  const extension = extname(path).slice(1).toLowerCase();
  const kind = extension === "" ? "folder" : kinds.find((known) => known === extension);
  if (kind === undefined || !allowed.includes(kind)) {
    const named = allowed.map((one) => (one === "folder" ? "a folder (no extension)" : `.${one}`));
    throw new InputError(`--out ${path}: expected ${named.join(", ")}`);
  }
  if (!force && existsSync(path)) throw new InputError(`${path}: exists; --force replaces it, or choose another name`);
  return kind;
}

/** Writes examples: a grid of pictures, a folder of them, or numbers. */
export async function writeExamples(
  flags: OutFlags & { readonly out: string },
  output: Output,
  { data }: RunFacts,
): Promise<void> {
  const image = isImage(data.shape);
  const kind = outputKind(flags, image ? kinds : ["npy", "csv", "json"]);
  const { values } = output;
  switch (kind) {
    case "png":
      return writeAtomically(flags.out, await gridOf(output, data));
    case "folder":
      return writeFolder(flags, output, data);
    case "npy":
      return writeAtomically(flags.out, encodeNpy(values));
    default:
      return writeRows(flags, {
        ...output.before,
        ...columnsOf(values, data.columns),
      });
  }
}

/** Writes named columns of equally many values as CSV or JSON (an array of objects). */
export function writeRows(
  flags: OutFlags & { readonly out: string },
  columns: Readonly<Record<string, ArrayLike<string | number>>>,
): void {
  const kind = outputKind(flags, ["csv", "json"]);
  writeAtomically(flags.out, kind === "csv" ? csvOf(columns) : `${JSON.stringify(objectsOf(columns))}\n`);
}

export function csvOf(columns: Readonly<Record<string, ArrayLike<string | number>>>): string {
  const names = Object.keys(columns);
  const length = names.length > 0 ? columns[names[0]].length : 0;
  return encodeCsv(
    names,
    Array.from({ length }, (_, row) => names.map((name) => columns[name][row])),
  );
}

export function objectsOf(
  columns: Readonly<Record<string, ArrayLike<string | number>>>,
): readonly Readonly<Record<string, string | number>>[] {
  const entries = Object.entries(columns);
  const length = entries.length > 0 ? entries[0][1].length : 0;
  return Array.from({ length }, (_, row) => Object.fromEntries(entries.map(([name, values]) => [name, values[row]])));
}

/** [n, …shape] as columns by name; numbers in order where the data have no names. */
export function columnsOf(
  { data, shape }: NdArray<Float32Array>,
  names: readonly string[] | undefined,
): Readonly<Record<string, Float32Array>> {
  const size = sizeOf(shape.slice(1));
  return Object.fromEntries(
    Array.from({ length: size }, (_, j) => [
      names?.[j] ?? `x${j}`,
      Float32Array.from({ length: shape[0] }, (_, i) => data[i * size + j]),
    ]),
  );
}

async function gridOf({ values, columns }: Output, { shape, range }: RunFacts["data"]): Promise<Uint8Array> {
  const images = toImages(values.data, shape, { low: range[0], high: range[1] });
  const width = columns ?? Math.ceil(Math.sqrt(images.length));
  const rows = Array.from({ length: Math.ceil(images.length / width) }, (_, r) =>
    images.slice(r * width, (r + 1) * width),
  );
  return (await encodeGrid(rows)).png;
}

/** Removes a folder of PNG files; one that holds anything else is somebody's, and is kept. */
function removePictures(folder: string): void {
  const other = readdirSync(folder).find((name) => extname(name) !== ".png");
  if (other !== undefined) {
    throw new InputError(`${folder}: holds more than pictures (${other}), so it is not replaced; choose another name`);
  }
  rmSync(folder, { recursive: true });
}

/** A PNG for each example; the folder comes to be as a whole. */
async function writeFolder(
  { out, force }: OutFlags & { readonly out: string },
  { values, names }: Output,
  { shape, range }: RunFacts["data"],
): Promise<void> {
  const images = toImages(values.data, shape, { low: range[0], high: range[1] });
  const digits = String(images.length - 1).length;
  const taken = new Set<string>();
  const temporary = temporaryPath(out.replace(/[\\/]+$/, ""));
  try {
    mkdirSync(temporary, { recursive: true });
    for (const [i, image] of images.entries()) {
      const number = String(i).padStart(digits, "0");
      const wanted = basename(names?.[i] ?? number).replace(/\.[^.]*$/, "");
      const name = taken.has(wanted) ? `${wanted}-${number}` : wanted;
      taken.add(name);
      writeFileSync(join(temporary, `${name}.png`), await encodeImage(image));
    }
    if (force && existsSync(out)) removePictures(out);
    renameSync(temporary, out);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw fileError(out, "written", error);
  }
}
