/** A folder of images as a dataset: whatever formats, sizes and depths of folders. */
import { createHash } from "node:crypto";
import type { Dirent, Stats } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { isAbsolute, join, relative, sep } from "node:path";
import { InputError } from "../errors.ts";
import { type Annotations, type Dataset, rowsDataset } from "./dataset.ts";
import {
  countOfImages,
  decodeImage,
  decodingNotices,
  hasImageName,
  type ImageFacts,
  inspectImage,
} from "./decode-image.ts";
import { readingFault } from "./file-bytes.ts";
import type { ReadingOptions } from "./reading.ts";
import { rowWriter } from "./row-file.ts";

/** [height, width] that images of several sizes, or of a larger one, are brought to. */
const DEFAULT_SIZE: readonly [number, number] = [64, 64];
const IN_FLIGHT = 2 * availableParallelism(); // one is read while another is decoded

const litter: ReadonlySet<string> = new Set(["Thumbs.db", "desktop.ini", "__MACOSX"]);

/**
 * The images in a folder and its sub-folders, sorted by path: [channels, height, width] in bytes, as `decodeImage` makes them.
 *
 * Their size is `options.size`; else the one they all have, where no side is over 64; else 64×64. They are grey where
 * all are or `options.colour` says so, else RGB. Where every image lies in a sub-folder and there are two such or more, the
 * sub-folders are the classes. `sources` are paths within the folder, with "/". Hidden files and what is no image are left
 * out and told. The checksum is the SHA-256 of what `sha256sum` prints for the images in their order.
 *
 * Throws InputError in one line for a damaged image, for fewer than two images, and for what may not be read.
 */
export async function openImageFolder(path: string, options: ReadingOptions): Promise<Dataset> {
  const { signal, onProgress } = options;
  const listing = await list(path);
  // a file counts half once its header is read, and whole once it is decoded
  let halves = 0;
  const passed = (total: number): void => onProgress?.(Math.floor(++halves / 2), total);
  const { images, foreign } = await inspectAll(path, listing.files, signal, passed);
  halves = images.length;
  const skipped = skippedNotices({ ...listing, foreign });
  const { atLeast = 2 } = options;
  if (images.length < atLeast) {
    const got = images.length === 0 ? "none" : `1 (${images[0].source})`;
    const remedy =
      images.length === 0 ? "put images there" : "put more there, or give the file itself to learn its tiles";
    throw new InputError(
      [
        `${path}: expected at least ${atLeast} ${atLeast === 1 ? "image" : "images"}, got ${got}; ${remedy}`,
        ...skipped,
      ].join("; "),
    );
  }

  const facts = images.map((image) => image.facts);
  const sources = images.map(({ source }) => source);
  const [height, width] = options.size ?? sizeFor(facts);
  const channels = options.colour === "grey" || (options.colour === undefined && facts.every(isGrey)) ? 1 : 3;
  const shape = { height, width, channels } as const;

  const writer = rowWriter({ length: images.length, size: channels * height * width, dtype: "uint8" });
  try {
    const hashes = new Array<string>(images.length);
    await inPool(
      sources,
      async (source, row) => {
        const file = join(path, source);
        const bytes = await bytesOfFile(file);
        hashes[row] = createHash("sha256").update(bytes).digest("hex");
        writer.write(row, await decodeImage(bytes, shape, file));
        passed(images.length);
      },
      signal,
    );
    const classes = classesOf(sources);
    return rowsDataset(writer.finish(), [channels, height, width], {
      name: path,
      measure: options.measure ?? "bytes",
      checksum: checksumOf(sources, hashes),
      sources,
      labels: classes.labels,
      labelNames: classes.labelNames,
      notices: [
        ...sizeNotices(facts, { height, width }, options.size !== undefined),
        ...colourNotices(facts, channels),
        ...decodingNotices(facts),
        ...(classes.notices ?? []),
        ...skipped,
      ],
    });
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

/** What lies in a folder: paths within it, with "/", sorted by code units. */
interface Listing {
  readonly files: readonly string[];
  readonly hidden: readonly string[];
  /** Links to folders that are read anyway, or that hold the folder they lie in. */
  readonly loops: readonly string[];
  /** Pipes, sockets, devices. */
  readonly special: readonly string[];
}

async function list(root: string): Promise<Listing> {
  const found = { files: [] as string[], hidden: [] as string[], loops: [] as string[] };
  const special: string[] = [];
  const visited = new Set<string>();

  const visit = async (inside: string, from: string | undefined): Promise<void> => {
    const folder = join(root, inside);
    const real = await realpath(folder).catch((error) => {
      throw readingFault(folder, error);
    });
    if (visited.has(real) || (from !== undefined && holds(real, from))) {
      found.loops.push(inside);
      return;
    }
    visited.add(real);
    for (const entry of await entriesOf(folder)) {
      const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
      if (entry.name.startsWith(".") || litter.has(entry.name)) {
        found.hidden.push(path);
        continue;
      }
      const kind = entry.isSymbolicLink() ? await followed(join(root, path)) : entry;
      if (kind === "loop") found.loops.push(path);
      else if (kind === "broken" || kind.isFile())
        found.files.push(path); // a broken link is told when it is opened
      else if (kind.isDirectory()) await visit(path, real);
      else special.push(path);
    }
  };

  await visit("", undefined);
  return { files: found.files.sort(), hidden: found.hidden.sort(), loops: found.loops.sort(), special: special.sort() };
}

/** Whether a folder is another or one above it. */
function holds(folder: string, other: string): boolean {
  const way = relative(folder, other);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
    throw readingFault(folder, error);
  });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function followed(link: string): Promise<Stats | "loop" | "broken"> {
  return stat(link).catch((error: NodeJS.ErrnoException) => (error.code === "ELOOP" ? "loop" : "broken"));
}

interface FoundImage {
  readonly source: string;
  readonly facts: ImageFacts;
}

/** Which of the files are images. */
async function inspectAll(
  root: string,
  files: readonly string[],
  signal: AbortSignal | undefined,
  passed: (total: number) => void,
): Promise<{ readonly images: readonly FoundImage[]; readonly foreign: readonly string[] }> {
  const facts = new Array<ImageFacts | undefined>(files.length);
  await inPool(
    files,
    async (source, i) => {
      const file = join(root, source);
      facts[i] = await inspectImage(file, file).catch((error) => {
        if (hasImageName(source)) throw error; // damaged, not foreign
        return undefined;
      });
      passed(files.length);
    },
    signal,
  );
  return {
    images: files.flatMap((source, i) => {
      const found = facts[i];
      return found === undefined ? [] : [{ source, facts: found }];
    }),
    foreign: files.filter((_, i) => facts[i] === undefined),
  };
}

/** Does the work on all items, some at a time. Of several failures the one of the first item is thrown, once no work is under way. */
async function inPool<T>(
  items: readonly T[],
  work: (item: T, i: number) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const failures = new Map<number, unknown>();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.size === 0 && !signal?.aborted) {
      const i = next++;
      await work(items[i], i).catch((error: unknown) => failures.set(i, error));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  signal?.throwIfAborted();
  if (failures.size > 0) throw failures.get(Math.min(...failures.keys()));
}

async function bytesOfFile(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ERR_FS_FILE_TOO_LARGE")
      throw new InputError(`${path}: expected an image below 2 GiB; remove it`);
    throw readingFault(path, error);
  });
}

/** Of the lines that `sha256sum` prints for the files. */
function checksumOf(sources: readonly string[], hashes: readonly string[]): string {
  const hash = createHash("sha256");
  for (const [i, source] of sources.entries()) hash.update(`${hashes[i]}  ${source}\n`);
  return `sha256:${hash.digest("hex")}`;
}

const isGrey = ({ grey }: ImageFacts): boolean => grey;

function sizeFor(facts: readonly ImageFacts[]): readonly [number, number] {
  const [{ height, width }] = facts;
  const [most, least] = DEFAULT_SIZE;
  const one = facts.every((image) => image.height === height && image.width === width);
  return one && height <= most && width <= least ? [height, width] : DEFAULT_SIZE;
}

type Classes = Pick<Annotations, "labels" | "labelNames" | "notices">;

/** The sub-folders as classes, numbered in the order of their names, where they are. */
function classesOf(sources: readonly string[]): Classes {
  const folders = sources.map((source) => (source.includes("/") ? source.slice(0, source.indexOf("/")) : undefined));
  const names = Array.from(new Set(folders.filter((folder) => folder !== undefined))).sort();
  if (names.length === 0) return {};
  if (folders.includes(undefined)) {
    return { notices: ["images lie both beside and in sub-folders: no labels"] };
  }
  if (names.length === 1) return { notices: [`one class only (${names[0]}): no labels`] };
  const numbers = new Map(names.map((name, number) => [name, number]));
  const labels = folders.map((folder) => numbers.get(folder ?? "") ?? 0);
  return {
    labels: names.length <= 256 ? Uint8Array.from(labels) : Int32Array.from(labels),
    labelNames: names,
    notices: [`labels: ${names.length.toLocaleString("en-US")} classes, one for each sub-folder (${someOf(names)})`],
  };
}

type Sides = Pick<ImageFacts, "height" | "width">;

const area = ({ height, width }: Sides): number => height * width;
const sizeText = ({ height, width }: Sides): string => `${width}×${height}`;

function sizeNotices(facts: readonly ImageFacts[], size: Sides, stated: boolean): readonly string[] {
  const smallest = facts.reduce((a, b) => (area(b) < area(a) ? b : a));
  const largest = facts.reduce((a, b) => (area(b) > area(a) ? b : a));
  const one = facts.every((image) => sizeText(image) === sizeText(smallest));
  const from = `${countOfImages(facts.length)} of ${one ? "" : `${sizeText(smallest)} to `}${sizeText(largest)}`;
  if (one && sizeText(smallest) === sizeText(size)) return [from];
  const enlarged = facts.filter(({ height, width }) => height < size.height || width < size.width).length;
  return [
    `${from}, scaled to cover ${sizeText(size)} and cropped to their middle${stated ? "" : "; --size changes it"}`,
    ...(enlarged > 0 ? [`${countOfImages(enlarged)} smaller than ${sizeText(size)}, enlarged`] : []),
  ];
}

function colourNotices(facts: readonly ImageFacts[], channels: 1 | 3): readonly string[] {
  const grey = facts.filter(isGrey).length;
  const coloured = facts.length - grey;
  if (channels === 1) return coloured === 0 ? [] : [`${countOfImages(coloured)} in colour, read as grey`];
  return grey === 0 ? [] : [`${countOfImages(grey)} in grey, read as RGB`];
}

function skippedNotices({
  hidden,
  foreign,
  special,
  loops,
}: Listing & { readonly foreign: readonly string[] }): readonly string[] {
  const told = (paths: readonly string[], one: string, more: string): readonly string[] =>
    paths.length === 0
      ? []
      : [`${paths.length.toLocaleString("en-US")} ${paths.length === 1 ? one : more} skipped: ${someOf(paths)}`];
  return [
    ...told([...foreign, ...special].sort(), "file that is no image was", "files that are no images were"),
    ...told(hidden, "hidden file or folder was", "hidden files or folders were"),
    ...told(loops, "link to a folder that is read already was", "links to folders that are read already were"),
  ];
}

function someOf(names: readonly string[]): string {
  return names.length <= 4 ? names.join(", ") : `${names.slice(0, 3).join(", ")}, …`;
}
