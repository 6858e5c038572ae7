/** Files that stay open to be read and written at any place, and go when nobody uses them any more. */
import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { readingFault } from "./file-bytes.ts";

const CALL_BYTES = 2 ** 30; // the system takes 2³¹ − 1 at most

/** A descriptor that is closed when nothing uses it any more. */
export class OpenFile {
  static readonly #abandoned = new FinalizationRegistry<number>(closeSync);
  readonly path: string;
  #descriptor: number | undefined;

  constructor(path: string, flags: string) {
    this.path = path;
    this.#descriptor = openSync(path, flags, 0o600);
    OpenFile.#abandoned.register(this, this.#descriptor, this);
  }

  get #open(): number {
    if (this.#descriptor === undefined) throw new Error(`${this.path}: was given back, and can be used no more`);
    return this.#descriptor;
  }

  /** Fills `out` with the bytes from `position` on. Throws InputError, naming the file, where there are too few. */
  read(out: Uint8Array, position: number): void {
    for (let done = 0, got = 0; done < out.length; done += got) {
      try {
        got = readSync(this.#open, out, done, Math.min(out.length - done, CALL_BYTES), position + done);
      } catch (error) {
        throw readingFault(this.path, error);
      }
      if (got === 0) {
        const expected = `${out.length} bytes, got ${done}`;
        throw new InputError(
          `${this.path}: byte ${position}: expected ${expected}: the file was cut while in use; restore it`,
        );
      }
    }
  }

  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#open, bytes, done, Math.min(bytes.length - done, CALL_BYTES), position + done);
    }
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    OpenFile.#abandoned.unregister(this);
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** A file in the system's temporary folder that is gone with the process, however it ends where the system allows that. */
export class TemporaryFile extends OpenFile {
  readonly #folder: string;

  /** Throws InputError where none can be made. */
  constructor(folder: string = tmpdir()) {
    const path = join(folder, `reparam-${randomUUID()}.rows`);
    try {
      super(path, "wx+");
    } catch (error) {
      throw temporaryFault(folder, error);
    }
    this.#folder = folder;
    discard(path);
  }

  /** Throws InputError where the disk is full; the file is closed then, and its room is free again. */
  override write(bytes: Uint8Array, position: number): void {
    try {
      super.write(bytes, position);
    } catch (error) {
      this.close();
      throw temporaryFault(this.#folder, error);
    }
  }
}

/** Takes away the name of a file that is open, so that its room is free as soon as it is closed, even by a kill. */
function discard(path: string): void {
  const remove = (): void => unlinkSync(path);
  try {
    remove();
  } catch {
    process.once("exit", remove); // where the system keeps the names of open files
  }
}

const fullDisk: readonly string[] = ["ENOSPC", "EDQUOT", "EFBIG"];

function temporaryFault(folder: string, error: unknown): unknown {
  if (!(error instanceof Error && "code" in error)) return error;
  const code = String(error.code);
  const fault = fullDisk.includes(code) ? "no space left" : "no temporary file can be made here";
  const why = "for data that do not fit into memory";
  return new InputError(`${folder}: ${fault} ${why} (${code}): free some, or set TMPDIR to a folder with room`);
}
