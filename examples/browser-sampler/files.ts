import type { LoadedFile } from "./messages.ts";

/** The files that were dropped, those in a dropped folder too. */
export async function droppedFiles({ items, files }: DataTransfer): Promise<readonly File[]> {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return Array.from(files);
  return (await Promise.all(entries.map(filesIn))).flat();
}

async function filesIn(entry: FileSystemEntry): Promise<readonly File[]> {
  if (isFile(entry)) return [await new Promise<File>((resolve, reject) => entry.file(resolve, reject))];
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break; // it tells a hundred at a time
    found.push(...some);
  }
  return (await Promise.all(found.filter(isFile).map(filesIn))).flat();
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

/** Of a run's files those that a model is made of; empty where these are no run's. */
export function modelFiles(files: readonly File[]): readonly File[] {
  const found = files.filter(({ name }) => /\.onnx$|^(config|scores)\.json$/.test(name));
  return found.some(({ name }) => name === "config.json" || name.endsWith(".onnx")) ? found : [];
}

const parts = ["ONNX Runtime", "the model", "this page"] as const;
export type Part = (typeof parts)[number];

function partOf(name: string): Part {
  if (/ort-wasm/.test(name)) return "ONNX Runtime";
  return /(\.onnx|config\.json|scores\.json)$/.test(name) ? "the model" : "this page";
}

/** What was loaded, by what it belongs to; a file that was read again came once. */
export function byPart(files: readonly LoadedFile[]): ReadonlyMap<Part, readonly LoadedFile[]> {
  const sizes = new Map<string, number>();
  for (const { name, bytes } of files) {
    if (bytes > 0 && !name.startsWith("data:")) sizes.set(name, Math.max(bytes, sizes.get(name) ?? 0)); // 0: it is missing
  }
  const once = Array.from(sizes, ([name, bytes]) => ({ name: name.split(/[?#]/)[0], bytes }));
  return new Map(
    parts.map((part) => [
      part,
      once
        .filter(({ name }) => partOf(name) === part)
        .map(({ name, bytes }) => ({ name: name.split("/").at(-1) || "index.html", bytes }))
        .sort((a, b) => b.bytes - a.bytes),
    ]),
  );
}

/** What this thread, the page or its worker, has loaded over the network. */
export function loadedHere(): readonly LoadedFile[] {
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return entries
    .filter((entry) => entry instanceof PerformanceResourceTiming)
    .map(({ name, encodedBodySize }) => ({ name, bytes: encodedBodySize }));
}

/** "504 B", "5.8 kB", "14.2 MB" */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const [size, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : [bytes / 1e6, "MB"];
  return `${size.toFixed(1)} ${unit}`;
}
