/** What stands in a file's first bytes, and what the system says of a file that cannot be read, in one line. */
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { InputError } from "../errors.ts";
import type { ReadingOptions } from "./reading.ts";

/** How a reading is stopped, and who is told how far it has come. */
export type Watch = Pick<ReadingOptions, "signal" | "onProgress">;

const PIECE_BYTES = 2 ** 20;

/** What is wrong with a file, by the system's code. */
const faults: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EISDIR: "a directory; a file is expected",
  EACCES: "no permission to read it",
  EPERM: "no permission to read it",
  ELOOP: "a symbolic link that leads back to itself; give the file itself",
  EIO: "the disk cannot be read there; check it, and copy the file again",
};

/** An error of the system as one line about `path`; any other error as it is. */
export function readingFault(path: string, error: unknown): unknown {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) return error;
  const code = String(error.code);
  return new InputError(`${path}: ${faults[code] ?? `cannot be read (${code})`}`);
}

/** The size of a file in bytes. Throws InputError in one line for what is not there, or no file with a size. */
export async function fileSize(path: string): Promise<number> {
  const about = await stat(path).catch((error) => {
    throw readingFault(path, error);
  });
  if (about.isFile()) return about.size;
  const got = about.isDirectory()
    ? faults.EISDIR
    : "a pipe or a device; write what it gives into a file, and give that";
  throw new InputError(`${path}: ${got}`);
}

/** The first bytes of a file: `count`, or as many as it has. Throws InputError in one line where it cannot be read. */
export async function firstBytesOf(path: string, count: number): Promise<Uint8Array> {
  await fileSize(path); // opening a pipe would wait for its writer
  const file = await open(path).catch((error) => {
    throw readingFault(path, error);
  });
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw readingFault(path, error);
  } finally {
    await file.close();
  }
}

/** Whether a file that begins with these bytes is compressed by gzip. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * The bytes of a file, decompressed where they are gzip, in pieces; progress is told in bytes of the file. Throws InputError
 * in one line where it cannot be read or is damaged. Who stops before the end calls `return`, so that the file is closed.
 */
export async function* contentOf(
  path: string,
  { signal, onProgress }: Watch = {},
): AsyncGenerator<Uint8Array, void, void> {
  const size = await fileSize(path);
  const compressed = isGzip(await firstBytesOf(path, 2));
  const file = createReadStream(path, { highWaterMark: PIECE_BYTES });
  file.on("error", () => {}); // told where the pieces are read, and not at all where nobody reads any more
  // What goes wrong is thrown where the pieces are read.
  const content = compressed ? pipeline(file, createGunzip({ chunkSize: PIECE_BYTES }), () => {}) : file;
  const pieces: AsyncIterator<Uint8Array> = content[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await pieces.next().catch((error) => {
        const fault = readingFault(path, error);
        if (fault !== error || !compressed) throw fault;
        throw new InputError(`${path}: not a sound gzip file (${error.message}); copy or download it again`);
      });
      if (done) return;
      yield value;
      onProgress?.(file.bytesRead, size);
    }
  } finally {
    content.destroy();
  }
}
