/** Where results go: the extension of `--out` says how they are written. */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { encodeCsv } from "../data/csv.ts";
import { columnNames } from "../data/dataset.ts";
import { encodeNpy } from "../data/npy.ts";
import { isImage } from "../data/pixels.ts";
import { InputError } from "../errors.ts";
import { encodeGrid, encodeImage } from "../report/grid.ts";
import { toImages } from "../report/image.ts";
import type { RunFacts } from "../run/facts.ts";
import { writeAtomically } from "../run/files.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import type { OutFlags } from "./flags.ts";
import { writeWholeFolder } from "./whole-folder.ts";

const kinds = ["png", "npy", "csv", "json", "folder"] as const;
type Kind = (typeof kinds)[number];

/** Examples in the data's own units, and what is known of them. */
export interface Output {
  /** [n, …shape] */
  readonly values: NdArray<Float32Array>;
  /** Of the picture's rows, each so many examples wide; by default about square. */
  readonly columns?: number;
  /** Columns that stand before the examples' own in a table: one value for each example. */
  readonly before?: Readonly<Record<string, ArrayLike<string | number>>>;
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
  checkPlace("--out", path, { force, folder: kind === "folder" });
  return kind;
}

/** Refuses a place that is taken, or a file in a folder that is not there. */
export function checkPlace(
  flag: string,
  path: string,
  { force = false, folder = false }: { readonly force?: boolean; readonly folder?: boolean } = {},
): void {
  if (!force && existsSync(path)) throw new InputError(`${path}: exists; --force replaces it, or choose another name`);
  if (!folder && !existsSync(dirname(path))) {
    throw new InputError(`${flag} ${path}: there is no folder ${dirname(path)}; make it, or choose another place`);
  }
}

/** How examples of a shape can be written. */
export function exampleKinds(shape: readonly number[]): readonly Kind[] {
  return isImage(shape) ? kinds : ["npy", "csv", "json"];
}

/** Writes examples: a grid of pictures, a folder of them, or numbers. */
export async function writeExamples(
  flags: OutFlags & { readonly out: string },
  output: Output,
  { data }: RunFacts,
): Promise<void> {
  const kind = outputKind(flags, exampleKinds(data.shape));
  const { values } = output;
  switch (kind) {
    case "png":
      return writeAtomically(flags.out, await gridOf(output, data));
    case "folder":
      return writeFolder(flags, output, data);
    case "npy":
      return writeAtomically(flags.out, encodeNpy(values));
    default:
      return writeRows(flags, joined(output.before ?? {}, columnsOf(values, data.columns)));
  }
}

/** Columns of equally many values by name, in order: a record would put the year 2010 before any word. */
export type Columns = ReadonlyMap<string, ArrayLike<string | number>>;

/** Writes columns as CSV or JSON (an array of objects). */
export function writeRows(flags: OutFlags & { readonly out: string }, columns: Columns): void {
  const kind = outputKind(flags, ["csv", "json"]);
  writeAtomically(flags.out, kind === "csv" ? csvOf(columns) : `${JSON.stringify(objectsOf(columns))}\n`);
}

function csvOf(columns: Columns): string {
  return encodeCsv([...columns.keys()], rowsOf(columns));
}

export function objectsOf(columns: Columns): readonly Readonly<Record<string, string | number>>[] {
  const names = [...columns.keys()];
  return rowsOf(columns).map((row) => Object.fromEntries(names.map((name, j) => [name, row[j]])));
}

function rowsOf(columns: Columns): readonly (readonly (string | number)[])[] {
  const values = [...columns.values()];
  return Array.from({ length: values[0]?.length ?? 0 }, (_, row) => values.map((column) => column[row]));
}

/** [n, …shape] as columns by name; numbers in order where the data have no names. */
function columnsOf({ data, shape }: NdArray<Float32Array>, names: readonly string[] | undefined): Columns {
  const size = sizeOf(shape.slice(1));
  return new Map(
    columnNames(names, size).map((name, j) => [
      name,
      Float32Array.from({ length: shape[0] }, (_, i) => data[i * size + j]),
    ]),
  );
}

/** Columns of ours before those of the data; one whose name the data have is set off by underscores. */
function joined(before: Readonly<Record<string, ArrayLike<string | number>>>, columns: Columns): Columns {
  const free = (name: string): string => (columns.has(name) ? free(`_${name}`) : name);
  return new Map([...Object.entries(before).map(([name, values]) => [free(name), values] as const), ...columns]);
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
  await writeWholeFolder(out, {
    fill: async (folder) => {
      for (const [i, image] of images.entries()) {
        const number = String(i).padStart(digits, "0");
        const wanted = basename(names?.[i] ?? number).replace(/\.[^.]*$/, "");
        const name = taken.has(wanted) ? `${wanted}-${number}` : wanted;
        taken.add(name);
        writeFileSync(join(folder, `${name}.png`), await encodeImage(image));
      }
    },
    clear: () => {
      if (force && existsSync(out)) removePictures(out);
    },
  });
}
