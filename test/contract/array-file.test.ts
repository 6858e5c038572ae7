import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ArrayFileOptions, openArrayFile } from "../../src/data/array-file.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { encodeNpy } from "../../src/data/npy.ts";
import { InputError } from "../../src/errors.ts";
import { type Data, sizeOf } from "../../src/tensor/ndarray.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-array-"));
const temporary = mkdtempSync(join(tmpdir(), "reparam-array-temporary-"));
beforeEach(() => void vi.stubEnv("TMPDIR", temporary));
afterEach(() => void vi.unstubAllEnvs());
afterAll(() => {
  for (const path of [folder, temporary]) rmSync(path, { recursive: true, force: true });
});

function file(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const npy = (data: Data, ...shape: readonly number[]): Uint8Array => encodeNpy({ data, shape });
const counting = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i % 256);

/** An IDX file of these bytes, sizes below 256. */
function idx(data: Uint8Array, ...shape: readonly number[]): Uint8Array {
  return Uint8Array.of(0, 0, 8, shape.length, ...shape.flatMap((size) => [0, 0, 0, size]), ...data);
}

function rowsOf(dataset: Dataset, indices: readonly number[]): Float32Array {
  const out = new Float32Array(indices.length * sizeOf(dataset.shape));
  dataset.read(indices, out);
  return out;
}

/** The message of the error that opening it ends in: always one line that begins with the path. */
async function refusal(path: string, options: ArrayFileOptions): Promise<string> {
  const error: unknown = await openArrayFile(path, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof InputError)) throw new Error(`expected an InputError, got ${error}`);
  expect(error.message).not.toContain("\n");
  expect(error.message.startsWith(`${path}: `)).toBe(true);
  return error.message;
}

/** More than a piece of the file and a block of the decoder, with rows that straddle their borders. */
const many = counting(3 * 7 * 11 * 14_000);

describe("data larger than the limit are the same as in memory", () => {
  test.each([
    ["a table of bytes", npy(counting(1000), 50, 20)],
    [
      "a table of floats",
      npy(
        Float32Array.from({ length: 60 }, (_, i) => Math.sin(i)),
        20,
        3,
      ),
    ],
    [
      "float64",
      npy(
        Float64Array.from({ length: 60 }, (_, i) => Math.sin(i)),
        20,
        3,
      ),
    ],
    [
      "integers",
      npy(
        Int32Array.from({ length: 60 }, (_, i) => i * i * i * 50 - 9),
        20,
        3,
      ),
    ],
    ["grey images", npy(counting(120), 5, 4, 6)],
    ["images, channels first", npy(counting(120), 5, 3, 4, 2)],
    ["images, channels last", npy(counting(120), 5, 2, 4, 3)],
    ["images of floats, channels last", npy(Float32Array.from(counting(120)), 5, 2, 4, 3)],
    ["IDX images", idx(counting(120), 5, 4, 6)],
    ["many", npy(many, 14_000, 7, 11, 3)],
    ["many floats", npy(Float32Array.from(many), 14_000, 7 * 11 * 3)],
  ])("%s", async (_, bytes) => {
    const path = file("plain", bytes);
    const zipped = file("zipped", gzipSync(bytes, { level: 1 }));
    const whole = await openArrayFile(path);
    const { length, shape, dtype, measure, checksum } = whole;
    // All of them, then some that repeat and go back.
    const indices = [...Array(length).keys(), length - 1, 0, 1, 2, 2, 1];
    const expected = Buffer.from(rowsOf(whole, indices).buffer);
    for (const large of [await openArrayFile(path, { limit: 0 }), await openArrayFile(zipped, { limit: 0 })]) {
      expect(large).toMatchObject({ length, shape, dtype, measure, checksum });
      expect(Buffer.compare(Buffer.from(rowsOf(large, indices).buffer), expected)).toBe(0);
      expect(large.notices).toHaveLength(1);
    }
    expect((await openArrayFile(zipped)).checksum).toBe(checksum);
    expect(whole.notices).toBeUndefined();
    expect(readdirSync(temporary)).toEqual([]);
  });

  test("labels come along", async () => {
    file("a-labels-idx1-ubyte", gzipSync(idx(counting(5), 5)));
    const path = file("a-images-idx3-ubyte", idx(counting(120), 5, 4, 6));
    expect((await openArrayFile(path, { limit: 0 })).labels).toEqual(counting(5));
  });

  test("bytes are read as bytes", async () => {
    const dataset = await openArrayFile(file("bytes", npy(counting(12), 4, 3)), { limit: 0 });
    const out = new Uint8Array(6);
    dataset.read([3, 1], out);
    expect([...out]).toEqual([9, 10, 11, 3, 4, 5]);
  });

  test("the limit is on the bytes of the data", async () => {
    const path = file("twelve", npy(counting(12), 4, 3));
    expect((await openArrayFile(path, { limit: 12 })).notices).toBeUndefined();
    expect((await openArrayFile(path, { limit: 11 })).notices).toHaveLength(1);
  });
});

describe("what is refused, larger than the limit or not", () => {
  const bytes = npy(counting(120), 5, 4, 6);
  test.each([
    [
      "cut",
      bytes.subarray(0, -1),
      "byte 128: expected 120 bytes for u1 of shape [5,4,6], got 119: the file is truncated",
    ],
    ["too long", new Uint8Array([...bytes, 0]), "byte 128: expected 120 bytes for u1 of shape [5,4,6], got 121"],
    ["NaN", npy(Float32Array.of(0, 1, Number.NaN, 2), 2, 2), "row 1, column 0 (from 0): expected a finite float32"],
    ["beyond float32", npy(Float64Array.of(0, 1e300), 2, 1), "row 1, column 0 (from 0): expected a finite float32"],
    [
      "an integer",
      npy(Int32Array.of(0, 2 ** 24 + 2), 2, 1),
      "an integer that float32 holds exactly (within ±2^24), got",
    ],
    ["a negative one", npy(Int32Array.of(-(2 ** 24), -(2 ** 24) - 2), 2, 1), "exactly (within ±2^24), got -16777218"],
    ["labels", npy(counting(3), 3), "these are labels"],
    ["two channels", npy(counting(8), 1, 2, 2, 2), "with 1, 3 or 4 channels, got [1,2,2,2]"],
    ["no rows", npy(counting(0), 0, 5), "with at least one of each, got [0,5]"],
  ])("%s", async (_, content, message) => {
    for (const path of [file("refused", content), file("refused.gz", gzipSync(content))]) {
      for (const limit of [0, 2 ** 20]) expect(await refusal(path, { limit })).toContain(message);
    }
    expect(readdirSync(temporary)).toEqual([]);
  });

  test("a header that promises more than any disk holds", async () => {
    const claim = Buffer.from(idx(counting(4), 2, 2)).fill(0xff, 4, 12);
    const message =
      /byte 12: expected 18446744065119617000 bytes .*truncated|expected examples of at most 268435456 numbers/;
    expect(await refusal(file("claim", claim), {})).toMatch(message);
    expect(await refusal(file("claim.gz", gzipSync(claim)), {})).toMatch(message);
  });

  test("numbers outside a stated measure", async () => {
    const path = file("measured", npy(Float32Array.of(0, 1, 0.5, 1), 2, 2));
    for (const limit of [0, 2 ** 20]) {
      expect((await openArrayFile(path, { limit, measure: "real" })).measure).toBe("real");
      expect(await refusal(path, { limit, measure: "binary" })).toContain(
        "row 1, column 0 (from 0): expected a number of",
      );
    }
  });

  test("a file that is cut after it was opened", async () => {
    const path = file("later", npy(counting(12), 4, 3));
    const dataset = await openArrayFile(path, { limit: 0 });
    truncateSync(path, 130);
    expect(() => rowsOf(dataset, [3])).toThrow(
      `${path}: byte 137: expected 3 bytes, got 0: the file was cut while in use`,
    );
  });
});

describe("a reading that lasts", () => {
  const path = file("lasting", npy(many, 14_000, 231));

  test("tells how many of the file's bytes are read", async () => {
    const told: (readonly [number, number])[] = [];
    await openArrayFile(path, { onProgress: (done, total) => told.push([done, total]) });
    expect(told.length).toBeGreaterThan(2);
    expect(told.map(([done]) => done)).toEqual(told.map(([done]) => done).toSorted((a, b) => a - b));
    expect(told.at(-1)).toEqual([128 + many.length, 128 + many.length]);
  });

  test.each([0, 2 ** 30])("stops when it is told to (limit %s)", async (limit) => {
    const stop = new AbortController();
    const reading = openArrayFile(path, {
      limit,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("enough")),
    });
    await expect(reading).rejects.toThrow("enough");
  });
});
