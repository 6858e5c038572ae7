import { InputError } from "../errors.ts";
import type { FileContent, RunFiles, RunSource } from "./run-files.ts";

/** The files of a run at an address, or that somebody holds; a text is an address, relative to the page. */
export function openRunFiles(source: RunSource): RunFiles {
  if (typeof source === "string" || source instanceof URL) return atAddress(String(source));
  const entries = isIterable(source)
    ? Array.from(source, (file): [string, FileContent] => [file.name ?? "", file])
    : Object.entries(source);
  const files = new Map(entries.map(([name, content]) => [name.split("/").at(-1) ?? name, content]));
  return {
    name: "the files given",
    read: async (file) => {
      const content = files.get(file);
      return content === undefined || content instanceof Uint8Array
        ? content
        : new Uint8Array(await content.arrayBuffer());
    },
  };
}

function atAddress(address: string): RunFiles {
  const name = address.replace(/\/+$/, "");
  return {
    name,
    read: async (file) => {
      const response = await fetch(`${name}/${file}`).catch((cause: unknown) => {
        throw new InputError(`${name}/${file}: cannot be loaded (${cause instanceof Error ? cause.message : cause})`);
      });
      if (response.status === 404) return undefined;
      if (!response.ok) throw new InputError(`${name}/${file}: cannot be loaded (HTTP ${response.status})`);
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}

function isIterable(source: object): source is Iterable<FileContent> {
  return Symbol.iterator in source;
}
