/** Rows that lie in a file and are read from it by index, and a writer of rows that keeps them in memory while they fit. */
import { bytesOf } from "../checksum.ts";
import { decodeInto, type Encoding, widthOf } from "./elements.ts";
import { readingFault } from "./file-bytes.ts";
import { OpenFile, TemporaryFile } from "./open-file.ts";
import type { Numbers, Rows } from "./rows.ts";

/** Takes rows in any order, each at least once, and gives them as `Rows`. */
export interface RowWriter {
  /** Puts whole rows, one after another from position `row`. Throws InputError where the disk is full. */
  write(row: number, numbers: Numbers): void;
  /** All rows from 0 to the last one. Throws where one of them was never written. */
  finish(): Rows;
  /** Gives memory and disk back, before or after `finish`; nothing can be written or read any more. */
  abandon(): void;
}

export interface RowWriterOptions {
  /** How many rows there will be. Default: up to the last one written. */
  readonly length?: number;
  /** Numbers in a row. */
  readonly size: number;
  readonly dtype: "uint8" | "float32";
  /** Bytes in memory; with more, all rows go into a temporary file. Default: a quarter of the memory that is free. */
  readonly limit?: number;
}

/** Where rows lie in a file: one after another from byte `offset`. */
export interface RowLayout extends Encoding {
  readonly offset: number;
  readonly length: number;
  readonly size: number;
}

const READ_BYTES = 2 ** 22; // of adjacent rows in one call
const CHUNK_NUMBERS = 2 ** 20;

/** Bytes of data that are kept in memory by default: a quarter of what is free, to leave some for the model. */
export function memoryLimit(): number {
  return process.availableMemory() / 4;
}

/**
 * The rows of a file, read by index as they are asked for: u1 as bytes, all other types as floats. The file stays open as long
 * as the rows are in use. Reading throws InputError where the file has become shorter, and for integers beyond ±2²⁴.
 */
export function fileRows(path: string, layout: RowLayout): Rows {
  try {
    return positioned(new OpenFile(path, "r"), layout);
  } catch (error) {
    throw readingFault(path, error);
  }
}

/** A writer that keeps rows in memory up to a limit, and else in a temporary file that is gone when the process ends. */
export function rowWriter({ length, size, dtype, limit = memoryLimit() }: RowWriterOptions): RowWriter {
  const rowBytes = size * (dtype === "uint8" ? 1 : 4);
  const known = length !== undefined && length * rowBytes > limit;
  let store: Store = known ? new FileStore(size, dtype) : new MemoryStore(size, dtype, length);
  const written = new Marks();
  return {
    write(row, numbers) {
      const count = numbers.length / size;
      const fits = length === undefined || row + count <= length;
      if (!Number.isInteger(row) || row < 0 || !Number.isInteger(count) || !fits) {
        const place = `${numbers.length} numbers at row ${row}`;
        throw new Error(`rowWriter: expected whole rows of ${size} numbers, of ${length ?? "any"} rows, got ${place}`);
      }
      if (dtype === "uint8" && !(numbers instanceof Uint8Array))
        throw new Error("rowWriter: expected bytes, got floats");
      store.write(row, numbers);
      written.mark(row, count);
      if (length === undefined && store instanceof MemoryStore && store.bytes > limit)
        store = spilled(store, size, dtype);
    },
    finish() {
      const rows = length ?? written.end;
      const missing = written.firstGap(rows);
      if (missing !== undefined) throw new Error(`rowWriter: row ${missing} of ${rows} was never written`);
      return store.rows(rows);
    },
    abandon: () => store.close(),
  };
}

interface Store {
  write(row: number, numbers: Numbers): void;
  rows(length: number): Rows;
  close(): void;
}

type Dtype = Rows["dtype"];

function numbers(length: number, dtype: Dtype): Numbers {
  return dtype === "uint8" ? new Uint8Array(length) : new Float32Array(length);
}

/** Rows in chunks of about a million numbers, each made when first written to: nothing is copied as they become more. */
class MemoryStore implements Store {
  readonly chunks: Numbers[] = [];
  readonly chunkRows: number;
  bytes = 0;
  readonly #size: number;
  readonly #dtype: Dtype;

  constructor(size: number, dtype: Dtype, length = Number.POSITIVE_INFINITY) {
    this.#size = size;
    this.#dtype = dtype;
    this.chunkRows = Math.max(1, Math.min(length, Math.floor(CHUNK_NUMBERS / size)));
  }

  write(row: number, source: Numbers): void {
    const size = this.#size;
    for (let done = 0; done < source.length; ) {
      const at = row + done / size;
      const within = at % this.chunkRows;
      const part = source.subarray(done, done + (this.chunkRows - within) * size);
      this.#chunk(Math.floor(at / this.chunkRows)).set(part, within * size);
      done += part.length;
    }
  }

  #chunk(index: number): Numbers {
    const there = this.chunks[index];
    if (there !== undefined) return there;
    const chunk = numbers(this.chunkRows * this.#size, this.#dtype);
    this.bytes += chunk.byteLength;
    this.chunks[index] = chunk;
    return chunk;
  }

  rows(length: number): Rows {
    const { chunks, chunkRows } = this;
    const size = this.#size;
    return {
      length,
      size,
      dtype: this.#dtype,
      read(indices, out) {
        for (let i = 0; i < indices.length; i++) {
          const start = (indices[i] % chunkRows) * size;
          out.set(chunks[Math.floor(indices[i] / chunkRows)].subarray(start, start + size), i * size);
        }
      },
    };
  }

  close(): void {
    this.chunks.length = 0;
  }
}

function spilled({ chunks, chunkRows }: MemoryStore, size: number, dtype: Dtype): FileStore {
  const store = new FileStore(size, dtype);
  // With rows that are not written yet, or never will be: those are overwritten, or found missing at the end.
  for (const [index, chunk] of Object.entries(chunks)) store.write(Number(index) * chunkRows, chunk);
  return store;
}

/** Rows in a temporary file, little-endian as on every machine the engine runs on. */
class FileStore implements Store {
  readonly #size: number;
  readonly #dtype: Dtype;
  readonly #file = new TemporaryFile();
  readonly #buffer: Numbers;
  /** The row where the buffer begins, and the numbers in it that are not in the file yet. */
  #row = 0;
  #filled = 0;

  constructor(size: number, dtype: Dtype) {
    this.#size = size;
    this.#dtype = dtype;
    this.#buffer = numbers(Math.max(1, Math.floor(CHUNK_NUMBERS / size)) * size, dtype);
  }

  /** Rows that follow each other go into the file together. */
  write(row: number, source: Numbers): void {
    if (row !== this.#row + this.#filled / this.#size) {
      this.#flush();
      this.#row = row;
    }
    for (let done = 0; done < source.length; ) {
      const part = source.subarray(done, done + this.#buffer.length - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      done += part.length;
      if (this.#filled === this.#buffer.length) this.#flush();
    }
  }

  #flush(): void {
    const bytes = bytesOf(this.#buffer.subarray(0, this.#filled));
    const start = this.#row * this.#size * this.#buffer.BYTES_PER_ELEMENT;
    this.#file.write(bytes, start);
    this.#row += this.#filled / this.#size;
    this.#filled = 0;
  }

  rows(length: number): Rows {
    this.#flush();
    const type = this.#dtype === "uint8" ? "u1" : "f4";
    const layout = { offset: 0, length, size: this.#size, type, littleEndian: true } as const;
    return positioned(this.#file, layout);
  }

  close(): void {
    this.#file.close();
  }
}

function positioned(file: OpenFile, layout: RowLayout): Rows {
  const { offset, length, size, type, littleEndian } = layout;
  const rowBytes = size * widthOf(type);
  const dtype = type === "u1" ? "uint8" : "float32";
  const mostRows = Math.max(1, Math.floor(READ_BYTES / rowBytes));
  let encoded = new Uint8Array(0);
  return {
    length,
    size,
    dtype,
    read(indices, out) {
      for (let i = 0, rows = 1; i < indices.length; i += rows) {
        for (rows = 1; rows < mostRows && indices[i + rows] === indices[i] + rows; ) rows++;
        const target = out.subarray(i * size, (i + rows) * size);
        const start = offset + indices[i] * rowBytes;
        // Numbers that lie in the file as they do in memory need no decoding.
        if (out instanceof Float32Array ? type === "f4" && littleEndian : type === "u1") {
          file.read(bytesOf(target), start);
          continue;
        }
        if (encoded.length < rows * rowBytes) encoded = new Uint8Array(rows * rowBytes);
        const bytes = encoded.subarray(0, rows * rowBytes);
        file.read(bytes, start);
        decodeInto(target, bytes, file.path, { type, littleEndian, offset: start });
      }
    },
  };
}

/** Which rows have been written, a bit each. */
class Marks {
  /** One more than the last row that was written. */
  end = 0;
  #bits = new Uint8Array(1024);

  mark(row: number, count: number): void {
    this.end = Math.max(this.end, row + count);
    if (this.end > this.#bits.length * 8) {
      const more = new Uint8Array(Math.max(this.#bits.length * 2, Math.ceil(this.end / 8)));
      more.set(this.#bits);
      this.#bits = more;
    }
    for (let i = row; i < row + count; i++) this.#bits[Math.floor(i / 8)] |= 1 << (i % 8);
  }

  /** The first of so many rows that was not written. */
  firstGap(length: number): number | undefined {
    for (let i = 0; i < length; i++) {
      if (i >= this.end || (this.#bits[Math.floor(i / 8)] & (1 << (i % 8))) === 0) return i;
    }
    return undefined;
  }
}
