/** Datasets of NumPy's own files, every type in either byte order: read into memory, by index, and unpacked from gzip. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { openArrayFile } from "../../src/data/array-file.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { InputError } from "../../src/errors.ts";

const values = new URL("values/npy/", import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "reparam-npy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What NumPy reads from its own files: written by scripts/npy.py. */
const golden = Object.entries(
  z
    .object({ files: z.record(z.string(), z.object({ shape: z.array(z.number()), values: z.array(z.unknown()) })) })
    .parse(JSON.parse(readFileSync(new URL("npy.json", values), "utf8"))).files,
);
const named = (start: string): typeof golden => golden.filter(([name]) => name.startsWith(start));

const lying = (name: string): string => fileURLToPath(new URL(name, values));

function gzipped(name: string): string {
  writeFileSync(join(folder, `${name}.gz`), gzipSync(readFileSync(lying(name))));
  return join(folder, `${name}.gz`);
}

function numbersOf(dataset: Dataset): number[] {
  const out = new Float32Array(dataset.length * dataset.shape.reduce((a, b) => a * b));
  dataset.read([...Array(dataset.length).keys()], out);
  return [...out];
}

test("every type is there", () => {
  expect(named("rows-")).toHaveLength(21); // 12 types, 9 of them in two byte orders
  expect(named("fortran-")).toHaveLength(21 + 2);
});

describe("C order", () => {
  test.each(named("rows-"))("%s", async (name, { shape, values }) => {
    const expected = values.map((value) => Math.fround(Number(value)));
    const whole = await openArrayFile(lying(name));
    const byIndex = await openArrayFile(lying(name), { limit: 0 });
    const unpacked = await openArrayFile(gzipped(name), { limit: 0 });
    const { checksum, measure, dtype } = whole;
    for (const dataset of [whole, byIndex, unpacked]) {
      expect([dataset.length, ...dataset.shape]).toEqual(shape);
      expect(numbersOf(dataset)).toEqual(expected);
      expect(dataset).toMatchObject({ checksum, measure, dtype });
    }
    expect(dtype).toBe(name === "rows-u1.npy" ? "uint8" : "float32");
    expect([whole, byIndex, unpacked].map(({ notices }) => notices?.[0].slice(0, 30))).toEqual([
      undefined,
      "too large for memory: read fro",
      "too large for memory: unpacked",
    ]);
  });
});

describe("Fortran order", () => {
  test.each(named("fortran-").filter(([, { shape }]) => shape.length === 2))("%s", async (name, { values }) => {
    const expected = values.map((value) => Math.fround(Number(value)));
    expect(numbersOf(await openArrayFile(lying(name)))).toEqual(expected);
    expect(numbersOf(await openArrayFile(gzipped(name)))).toEqual(expected);
    for (const path of [lying(name), gzipped(name)]) {
      const large = openArrayFile(path, { limit: 0 });
      await expect(large).rejects.toThrow(InputError);
      await expect(large).rejects.toThrow(/: Fortran order, .*np\.ascontiguousarray\(array\)$/);
    }
  });
});
