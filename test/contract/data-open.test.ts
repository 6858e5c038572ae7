import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { numbersOf } from "../../src/data/dataset.ts";
import { encodeNpy } from "../../src/data/npy.ts";
import { openDataset, openLike } from "../../src/data/open.ts";
import { InputError } from "../../src/errors.ts";
import { type Data, sizeOf } from "../../src/tensor/ndarray.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-data-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

function emptyFolder(): string {
  mkdirSync(join(folder, "nothing"), { recursive: true });
  return join(folder, "nothing");
}

/** An IDX file of bytes 0, 1, 2, … of this shape, sizes below 256. */
function idx(...shape: readonly number[]): Uint8Array {
  const payload = Array.from({ length: sizeOf(shape) }, (_, i) => i);
  return Uint8Array.of(0, 0, 8, shape.length, ...shape.flatMap((size) => [0, 0, 0, size]), ...payload);
}

function npy(data: Data, ...shape: readonly number[]): Uint8Array {
  return encodeNpy({ data, shape });
}

const counting = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i);

async function example(path: string, row: number): Promise<number[]> {
  const dataset = await openDataset(path);
  const out = new Float32Array(sizeOf(dataset.shape));
  dataset.read([row], out);
  return [...out];
}

/** The message of the error that opening it ends in: always one line that begins with the path. */
async function refusal(path: string): Promise<string> {
  const error = await openDataset(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof InputError)) throw new Error(`expected an InputError, got ${error}`);
  expect(error.message).not.toContain("\n");
  return error.message;
}

describe("openDataset", () => {
  test("IDX images, and the same gzipped under any name, with one checksum", async () => {
    const plain = file("images", idx(3, 2, 2));
    const zipped = file("images.txt", gzipSync(idx(3, 2, 2)));
    // sha256sum of 00 00 08 03, sizes 3 2 2, bytes 0–11
    const checksum = "sha256:96411bb42bfce6e873d9c66df5439c0e3fc743e8411014a602e60f101da36a78";
    const expected = { length: 3, shape: [1, 2, 2], dtype: "uint8", measure: "bytes", labels: undefined, checksum };
    for (const path of [plain, zipped]) {
      expect(await openDataset(path)).toMatchObject({ ...expected, name: path });
      expect(await example(path, 1)).toEqual([4, 5, 6, 7]);
    }
  });

  test("a table of floats", async () => {
    const path = file("table.npy", npy(Float32Array.of(0, 0.5, 1, 0.25, 0, 0), 2, 3));
    expect(await openDataset(path)).toMatchObject({ length: 2, shape: [3], dtype: "float32", measure: "unit" });
    expect(await example(path, 1)).toEqual([0.25, 0, 0]);
  });

  test("channels first are taken as they are, channels last are brought there", async () => {
    const first = file("nchw.npy", npy(counting(24), 2, 3, 2, 2));
    expect((await openDataset(first)).shape).toEqual([3, 2, 2]);
    expect(await example(first, 1)).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);

    const last = file("nhwc.npy", npy(counting(24), 2, 2, 2, 3));
    expect((await openDataset(last)).shape).toEqual([3, 2, 2]);
    expect(await example(last, 1)).toEqual([12, 15, 18, 21, 13, 16, 19, 22, 14, 17, 20, 23]);

    expect((await openDataset(file("both.npy", npy(counting(24), 1, 4, 2, 3)))).shape).toEqual([4, 2, 3]);
  });

  test("labels beside the images by the usual names", async () => {
    file("a-labels-idx1-ubyte", gzipSync(idx(3)));
    expect((await openDataset(file("a-images-idx3-ubyte", idx(3, 2, 2)))).labels).toEqual(Uint8Array.of(0, 1, 2));
    file("b-labels.idx1-ubyte", idx(3));
    expect((await openDataset(file("b-images.idx3-ubyte", idx(3, 2, 2)))).labels).toEqual(Uint8Array.of(0, 1, 2));
    expect((await openDataset(file("c-images-idx3-ubyte", idx(3, 2, 2)))).labels).toBeUndefined();
  });

  test("labels that do not fit are an error that names them", async () => {
    const labels = file("d-labels-idx1-ubyte", idx(4));
    const message = `${labels}: expected 3 integer labels for d-images-idx3-ubyte, got shape [4]`;
    expect(await refusal(file("d-images-idx3-ubyte", idx(3, 2, 2)))).toBe(message);
  });

  test.each([
    ["no file", () => join(folder, "nowhere"), "no such file"],
    ["a file as a folder", () => join(file("plain", idx(1, 1)), "x"), "cannot be read (ENOTDIR)"],
    ["an empty folder", () => emptyFolder(), "expected at least 2 images, got none"],
    ["nothing in it", () => file("empty", new Uint8Array(0)), "the file is empty"],
    ["nothing in the gzip", () => file("empty.gz", gzipSync("")), "the file is empty"],
    [
      "a cut gzip",
      () => file("cut.gz", gzipSync(idx(3, 2, 2)).subarray(0, 20)),
      "not a sound gzip file (unexpected end",
    ],
    ["a damaged gzip", () => file("bad.gz", gzipSync(idx(3, 2, 2)).fill(255, 12, 20)), "not a sound gzip file ("],
    [
      "bytes of nothing that we know",
      () => file("a.bin", Uint8Array.of(0, 1, 2, 3)),
      "byte 0: expected an IDX or .npy file",
    ],
    ["a spreadsheet", () => file("book.xlsx", text("PK\u0003\u0004...")), "is a zip archive or a spreadsheet"],
    ["Parquet", () => file("t.parquet", text("PAR1....")), "is a Parquet file; save it as CSV or .npy"],
    ["JSON", () => file("t.json", text(' [{"a": 1}]')), "is JSON; save the rows as CSV"],
    ["IDX cut short", () => file("cut", idx(3, 2, 2).subarray(0, 20)), "byte 16: expected 12 bytes"],
    [
      "labels as data",
      () => file("labels", idx(3)),
      "expected examples of at least rank 2, got shape [3]: these are labels",
    ],
    ["one number", () => file("scalar.npy", npy(counting(1))), "expected shape [n, features]"],
    ["rank 5", () => file("rank5.npy", npy(counting(1), 1, 1, 1, 1, 1)), "got [1,1,1,1,1]"],
    ["two channels", () => file("two.npy", npy(counting(8), 1, 2, 2, 2)), "with 1, 3 or 4 channels, got [1,2,2,2]"],
    ["no rows", () => file("rows.npy", npy(counting(0), 0, 5)), "with at least one of each, got [0,5]"],
    ["no features", () => file("features.npy", npy(counting(0), 5, 0)), "with at least one of each, got [5,0]"],
  ])("%s: one line with the path", async (_, make, message) => {
    const path = make();
    const told = await refusal(path);
    expect(told.startsWith(`${path}: `)).toBe(true);
    expect(told).toContain(message);
  });

  test("NaN: file, row and column", async () => {
    const path = file("nan.npy", npy(Float32Array.of(0, 0, 0, 0, Number.NaN, 0), 2, 3));
    expect(await refusal(path)).toContain(`${path}: row 1, column 1 (from 0): expected a finite`);
  });

  test("a file that may not be read", async () => {
    const path = file("locked", idx(1, 1));
    mkdirSync(join(folder, "locked-folder"), { mode: 0 });
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65534); // root may read anything: be nobody for a moment; the temporary folder is root's alone
    try {
      expect(await refusal(root ? path : join(folder, "locked-folder", "x"))).toContain("no permission to read it");
    } finally {
      if (root) process.seteuid?.(0);
    }
  });
});

describe("openLike", () => {
  const images = { shape: [1, 4, 4], measure: "bytes" } as const;
  const table = { shape: [2], measure: "real", columns: ["a", "b"] } as const;
  const message = (error: unknown): string => (error instanceof InputError ? error.message : `no InputError: ${error}`);

  test("tells a table from the images that a model was trained on, and images from a table", async () => {
    const rows = file("rows.csv", text("a,b\n1,2\n3,5\n"));
    expect(await openLike(rows, images).then(() => "", message)).toBe(
      `${rows}: is a table, and this model was trained on images of [1, 4, 4]`,
    );
    const nothing = emptyFolder();
    expect(await openLike(nothing, table).then(() => "", message)).toBe(
      `${nothing}: is a folder of images, and this model was trained on rows of a, b`,
    );
  });

  test("gives a table's columns in the order of training", async () => {
    const rows = file("other.csv", text("b,c,a\n2,x,1\n5,y,3\n"));
    const dataset = await openLike(rows, table);
    expect([...numbersOf(dataset)]).toEqual([1, 2, 3, 5]);
  });
});
