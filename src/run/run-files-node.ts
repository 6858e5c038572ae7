import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readIfThere } from "./files.ts";
import type { RunFiles, RunSource } from "./run-files.ts";
import { openRunFiles as openElsewhere } from "./run-files-web.ts";

/** The files of a run in a folder, at an address (http, https), or that somebody holds. */
export function openRunFiles(source: RunSource): RunFiles {
  if (source instanceof URL && source.protocol === "file:") return inFolder(fileURLToPath(source));
  if (typeof source === "string" && !/^https?:\/\//.test(source)) return inFolder(source);
  return openElsewhere(source);
}

function inFolder(path: string): RunFiles {
  return { name: path, read: async (file) => readIfThere(join(path, file)) };
}
