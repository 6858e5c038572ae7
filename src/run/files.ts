/** Files that are there as a whole or not at all, and what the system says about them told in one line. */
import { randomUUID } from "node:crypto";
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { InputError } from "../errors.ts";

const TEMPORARY_SUFFIX = ".reparam-tmp";

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the device: free some",
  EDQUOT: "no space left in the disk quota: free some",
  EFBIG: "no space: the limit on the size of a file is reached: raise it (ulimit -f)",
  EACCES: "no permission: change it or choose another folder",
  EPERM: "no permission: change it or choose another folder",
  EROFS: "the file system is read-only: choose another folder",
  ENOENT: "there is no such file or folder",
  EISDIR: "it is a folder, expected a file",
  ENOTDIR: "part of its path is a file, expected a folder",
  EEXIST: "part of its path is a file, expected a folder",
};

/** A name in the same folder that nobody else uses; a killed process may leave a file under it. */
export function temporaryPath(path: string): string {
  return `${path}.${randomUUID()}${TEMPORARY_SUFFIX}`;
}

/** Whether a file of this name was left half-written by a killed process. */
export function isTemporary(name: string): boolean {
  return name.endsWith(TEMPORARY_SUFFIX);
}

/**
 * Replaces the file at `path`: the bytes reach the disk under a temporary name, which then takes the file's place in one
 * step. A kill or a power cut leaves the old file or the new one, never a part. With `previousPath`, the old file, which
 * must be there, is kept under that name.
 * @throws InputError naming the cause; the old file is as it was and nothing else stays behind.
 */
export function writeAtomically(path: string, bytes: Uint8Array | string, previousPath?: string): void {
  const temporary = temporaryPath(path);
  try {
    writeSynced(temporary, bytes);
    if (previousPath !== undefined) keepAs(path, previousPath);
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw fileError(path, "written; the previous file is intact", error);
  }
  syncFolder(dirname(path));
}

/** Adds text, in one write, to the end of a file. @throws InputError naming the cause; what the file held is as it was. */
export function appendWhole(path: string, text: string): void {
  try {
    withFile(path, "a", (file) => {
      const { size } = fstatSync(file);
      try {
        writeFileSync(file, text);
      } catch (error) {
        ftruncateSync(file, size);
        throw error;
      }
    });
  } catch (error) {
    throw fileError(path, "written; what it held is intact", error);
  }
}

/** The bytes of a file, or undefined where there is none. @throws InputError when it cannot be read. */
export function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw fileError(path, "read", error);
  }
}

/** Removes a file, if it is there and can be removed. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // The caller is cleaning up: what went wrong before is what matters.
  }
}

/** The system's code for an error, such as "ENOENT". */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** An error of the file system as one line about `path`; any other error as it is. */
export function fileError(path: string, action: string, error: unknown): unknown {
  const code = errorCode(error);
  if (code === undefined || !(error instanceof Error)) return error;
  return new InputError(`${path}: could not be ${action}: ${CAUSES[code] ?? error.message} (${code})`);
}

/** Gives the file a second name, so that at no instant it has none; or another, where there are no hard links. */
function keepAs(path: string, previousPath: string): void {
  const link = temporaryPath(path);
  try {
    linkSync(path, link);
    renameSync(link, previousPath);
  } catch {
    renameSync(path, previousPath);
  } finally {
    removeQuietly(link); // renaming does nothing where a kill left both names to one file
  }
}

function writeSynced(path: string, bytes: Uint8Array | string): void {
  withFile(path, "wx", (file) => {
    writeFileSync(file, bytes);
    fsyncSync(file);
  });
}

/** Makes a rename outlast a power cut, where the system can: Windows and some network drives cannot sync a folder. */
function syncFolder(path: string): void {
  try {
    withFile(path, "r", fsyncSync);
  } catch {
    // The file is complete and in its place.
  }
}

function withFile(path: string, flags: string, use: (file: number) => void): void {
  const file = openSync(path, flags);
  try {
    use(file);
  } finally {
    closeSync(file);
  }
}
