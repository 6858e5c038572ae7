import { stat } from "node:fs/promises";
import { InputError } from "../errors.ts";
import { type ConditionField, LABEL } from "./conditions.ts";
import { arrayDataset, type Dataset } from "./dataset.ts";
import { firstBytesOf, isGzip, readingFault } from "./file-bytes.ts";
import { isIdx } from "./idx.ts";
import { isNpy } from "./npy.ts";
import { isImage, pixelsAs } from "./pixels.ts";
import type { DataKind, ReadingOptions } from "./reading.ts";

/**
 * The examples at a path, told by content, never by name alone: a folder of images, one image (its tiles), a table (CSV,
 * TSV), or an array (IDX, `.npy`), gzipped or not. `notices` of the dataset say how they were read.
 *
 * Throws InputError, in one line with the file and the place, where there is no such file, it is damaged, it is none of
 * these, or an option is given that is not for its kind.
 */
export async function openDataset(path: string, options: ReadingOptions = {}): Promise<Dataset> {
  const kind = await kindOf(path);
  refuseForeign(path, kind, options);
  return openKind(kind, path, options);
}

/** What new examples must be like: the data that a model was trained on. */
export type Trained = Pick<Dataset, "shape" | "measure" | "columns" | "labelNames" | "labelColumn" | "missing"> & {
  /** What was trained on: of one image's tiles, another image is tiles too; else an image is one example. */
  readonly kind?: DataKind;
  /** What is given with each example. */
  readonly condition?: readonly Pick<ConditionField, "name" | "kind">[];
};

/**
 * Examples to use a model on that was trained on others: images are brought to the same size and colours, tables give the
 * same columns in the same order, and class numbers mean the same.
 * @throws InputError also where they have another shape, or numbers that the model's likelihood may be no density on.
 */
export async function openLike(
  path: string,
  trained: Trained,
  watch: Pick<ReadingOptions, "signal" | "onProgress"> = {},
): Promise<Dataset> {
  const kind = await kindOf(path);
  refuseOtherKind(path, kind, trained);
  const found =
    kind === "image" && trained.kind !== "image" && isImage(trained.shape)
      ? await openOneImage(path, trained.shape)
      : await openKind(kind, path, { ...watch, atLeast: 1, ...likeOptions(kind, trained) });
  const dataset = kind === "folder" || kind === "image" ? pixelsAs(trained.measure, found) : found;
  if (dataset.shape.join() !== trained.shape.join()) {
    throw new InputError(
      `${path}: examples of [${dataset.shape.join(", ")}] do not fit the training data, [${trained.shape.join(", ")}] of ${trained.measure}`,
    );
  }
  return { ...dataset, ...sameLabels(dataset, trained) };
}

/** A table for a model of images, images for one of a table: told as such, not by a number that does not fit. */
function refuseOtherKind(path: string, kind: DataKind, { shape, columns }: Trained): void {
  const pictures = kind === "folder" || kind === "image";
  if (pictures && shape.length !== 3) {
    const what = columns ? `rows of ${columns.slice(0, 5).join(", ")}` : `examples of [${shape.join(", ")}]`;
    throw new InputError(`${path}: is ${words[kind]}, and this model was trained on ${what}`);
  }
  if (kind === "table" && shape.length === 3) {
    throw new InputError(`${path}: is a table, and this model was trained on images of [${shape.join(", ")}]`);
  }
}

/** One image file as one example. */
async function openOneImage(path: string, shape: readonly [1 | 3, number, number]): Promise<Dataset> {
  const { decodeImage } = await import("./decode-image.ts");
  const [channels, height, width] = shape;
  const data = await decodeImage(path, { channels, height, width }, path);
  return arrayDataset({ data, shape: [1, ...shape] }, { name: path, measure: "bytes", sources: [path] });
}

function likeOptions(kind: DataKind, trained: Trained): ReadingOptions {
  const { shape, measure, columns, labelColumn, condition } = trained;
  const missing = trained.missing === undefined ? undefined : "keep";
  if (kind === "table") return { measure, missing, columns, labelIfThere: labelColumn, conditionIfThere: condition };
  if (kind === "array" || shape.length !== 3) return { measure, missing };
  const [channels, height, width] = shape;
  return { size: [height, width], colour: channels === 1 ? "grey" : "rgb" };
}

/** Class numbers as the trained data have them; none where a class is new. */
function sameLabels({ labels, labelNames }: Dataset, trained: Trained): Pick<Dataset, "labels" | "labelNames"> {
  if (!labels || !labelNames || !trained.labelNames) return { labels, labelNames };
  const numbers = labelNames.map((name) => trained.labelNames?.indexOf(name) ?? -1);
  if (numbers.includes(-1)) return { labels: undefined, labelNames: undefined };
  return { labels: Int32Array.from(labels, (label) => numbers[label]), labelNames: trained.labelNames };
}

const words: Readonly<Record<DataKind, string>> = {
  folder: "a folder of images",
  image: "an image",
  table: "a table",
  array: "an IDX or .npy array",
};

/** What lies at a path, by its content. Throws InputError where there is nothing, or it may not be read. */
export async function kindOf(path: string): Promise<DataKind> {
  const about = await stat(path).catch((error) => {
    throw readingFault(path, error);
  });
  if (about.isDirectory()) return "folder";
  const bytes = await firstBytesOf(path, 4096);
  if (isNpy(bytes) || isIdx(bytes)) return "array";
  refuseOtherFormats(path, bytes);
  if (isGzip(bytes)) return /\.(csv|tsv|txt)\.gz$/i.test(path) ? "table" : "array";
  const { isTable } = await import("./table/table.ts");
  if (bytes.length > 0 && isTable(bytes)) return "table";
  const { isImageFile } = await import("./decode-image.ts");
  return (await isImageFile(path)) ? "image" : "array"; // which says what it got instead
}

const JSON_TEXT = "JSON; save the rows as CSV";
/** How a file of another format begins, and what it is. */
const formats: readonly (readonly [string, string])[] = [
  ["PK\u0003\u0004", "a zip archive or a spreadsheet (.xlsx, .ods); unpack it, or save the sheet as CSV"],
  ["PAR1", "a Parquet file; save it as CSV or .npy"],
  ["\u0089HDF", "an HDF5 file; save the array as .npy"],
  ["{", JSON_TEXT],
  ["[", JSON_TEXT],
];

/** Formats that people have and that are not read: each is told by its name, with what to do. */
function refuseOtherFormats(path: string, bytes: Uint8Array): void {
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  const known = formats.find(([beginning]) => start.trimStart().startsWith(beginning));
  if (known) throw new InputError(`${path}: is ${known[1]}`);
}

async function openKind(kind: DataKind, path: string, options: ReadingOptions): Promise<Dataset> {
  switch (kind) {
    case "folder":
      return (await import("./image-folder.ts")).openImageFolder(path, options);
    case "image":
      return (await import("./image-tiles.ts")).openImageTiles(path, options);
    case "table":
      return (await import("./table/table.ts")).openTable(path, options);
    case "array":
      return (await import("./array-file.ts")).openArrayFile(path, options);
  }
}

const forKinds = {
  size: ["folder", "image"],
  colour: ["folder", "image"],
  columns: ["table"],
  label: ["table"],
  missing: ["table", "array"],
} as const satisfies Partial<Record<keyof ReadingOptions, readonly DataKind[]>>;

function refuseForeign(path: string, kind: DataKind, options: ReadingOptions): void {
  for (const [name, kinds] of Object.entries(forKinds)) {
    const given = Object.entries(options).some(([option, value]) => option === name && value !== undefined);
    if (!given || kinds.some((one) => one === kind)) continue;
    throw new InputError(
      `--${name}: is for ${kinds.map((one) => words[one]).join(" and ")}, and ${path} is ${words[kind]}`,
    );
  }
  const column = kind === "table" ? undefined : options.condition?.find((one) => one !== LABEL);
  if (column === undefined) return;
  throw new InputError(
    `--condition ${column}: columns are for a table, and ${path} is ${words[kind]}; its classes are "label"`,
  );
}
