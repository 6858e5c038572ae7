import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fileRows, rowWriter } from "../../src/data/row-file.ts";
import { type Numbers, type Rows, rowsInMemory } from "../../src/data/rows.ts";
import { InputError } from "../../src/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-rows-"));
beforeEach(() => void vi.stubEnv("TMPDIR", folder));
afterEach(() => void vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const dtypes = ["uint8", "float32"] as const;

/** Numbers that are all different within a few rows, fractions where they can be. */
function counting(length: number, dtype: Rows["dtype"]): Numbers {
  const value = (_: unknown, i: number): number => (dtype === "uint8" ? (i * 7) % 251 : i / 8 - 5);
  return dtype === "uint8" ? Uint8Array.from({ length }, value) : Float32Array.from({ length }, value);
}

function readAll(rows: Rows, indices: readonly number[]): Float32Array {
  const out = new Float32Array(indices.length * rows.size);
  rows.read(indices, out);
  return out;
}

describe("rowWriter", () => {
  test("rows written in any order, in memory and spilled, are what was written", () => {
    const plan = fc.record({
      dtype: fc.constantFrom(...dtypes),
      // The large size puts two rows into a chunk.
      size: fc.constantFrom(1, 3, 400_000),
      pieces: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 }),
      order: fc.infiniteStream(fc.nat(1000)),
      told: fc.boolean(),
      limit: fc.constantFrom(0, 2_000_000, Number.POSITIVE_INFINITY),
      asked: fc.array(fc.nat(1000), { maxLength: 12 }),
    });
    fc.assert(
      fc.property(plan, ({ dtype, size, pieces, order, told, limit, asked }) => {
        const length = pieces.reduce((a, b) => a + b);
        const data = counting(length * size, dtype);
        const writer = rowWriter({ size, dtype, limit, ...(told ? { length } : {}) });
        let start = 0;
        const parts = pieces.map((rows) => {
          const part = { row: start, at: order.next().value, numbers: data.slice(start * size, (start + rows) * size) };
          start += rows;
          return part;
        });
        for (const { row, numbers } of parts.toSorted((a, b) => a.at - b.at)) writer.write(row, numbers);
        const rows = writer.finish();
        expect(rows).toMatchObject({ length, size, dtype });
        const indices = [...asked.map((i) => i % length), ...Array(length).keys()];
        const expected = readAll(rowsInMemory(data, size), indices);
        expect(Buffer.compare(Buffer.from(readAll(rows, indices).buffer), Buffer.from(expected.buffer))).toBe(0);
        writer.abandon();
      }),
      { seed: 3, numRuns: 60 },
    );
    expect(readdirSync(folder)).toEqual([]); // the temporary files have no name
  });

  test("a row written twice holds what was written last, also when it spills in between", () => {
    const writer = rowWriter({ size: 300_000, dtype: "uint8", limit: 1_000_000 });
    writer.write(0, new Uint8Array(900_000).fill(1));
    writer.write(3, new Uint8Array(300_000).fill(2)); // more than the limit
    writer.write(1, new Uint8Array(300_000).fill(3));
    writer.write(1, new Uint8Array(300_000).fill(4));
    const out = new Uint8Array(4 * 300_000);
    writer.finish().read([0, 1, 2, 3], out);
    expect([0, 1, 2, 3].map((row) => new Set(out.subarray(row * 300_000, (row + 1) * 300_000)))).toEqual(
      [1, 4, 1, 2].map((value) => new Set([value])),
    );
    writer.abandon();
  });

  test.each([0, Number.POSITIVE_INFINITY])("rows that were never written are an error (limit %s)", (limit) => {
    const gap = rowWriter({ size: 2, dtype: "uint8", limit });
    gap.write(9, Uint8Array.of(1, 2));
    gap.write(0, new Uint8Array(16));
    expect(() => gap.finish()).toThrow("row 8 of 10 was never written");
    const short = rowWriter({ length: 3, size: 2, dtype: "float32", limit });
    short.write(0, new Float32Array(4));
    expect(() => short.finish()).toThrow("row 2 of 3 was never written");
    gap.abandon();
    short.abandon();
  });

  test.each([
    ["half a row", 0, new Uint8Array(3)],
    ["a row beyond the end", 3, new Uint8Array(4)],
    ["no place", -1, new Uint8Array(2)],
    ["floats among bytes", 0, new Float32Array(2)],
  ])("refuses %s", (_, row, numbers) => {
    expect(() => rowWriter({ length: 4, size: 2, dtype: "uint8" }).write(row, numbers)).toThrow(/^rowWriter: expected/);
  });

  test.skipIf(!existsSync("/proc/self/fd"))("what was abandoned takes no disk", () => {
    const held = (): number =>
      readdirSync("/proc/self/fd").filter((name) => {
        try {
          return readlinkSync(`/proc/self/fd/${name}`).startsWith(folder);
        } catch {
          return false; // the listing's own descriptor
        }
      }).length;
    const before = held();
    const writer = rowWriter({ size: 1, dtype: "uint8", limit: 0 });
    writer.write(0, new Uint8Array(10));
    const rows = writer.finish();
    expect(held()).toBe(before + 1);
    writer.abandon();
    expect(held()).toBe(before);
    expect(() => readAll(rows, [0])).toThrow("was given back");
  });

  test("a folder where nothing can be written: one line", () => {
    vi.stubEnv("TMPDIR", join(folder, "nowhere"));
    const write = (): void => rowWriter({ size: 1, dtype: "uint8", limit: 0 }).write(0, new Uint8Array(1));
    expect(write).toThrow(InputError);
    expect(write).toThrow(
      `${join(folder, "nowhere")}: no temporary file can be made here for data that do not fit into memory (ENOENT): free some, or set TMPDIR`,
    );
  });

  test("a full disk, for which a file limit stands: one line that names the folder and TMPDIR", () => {
    const script = join(folder, "full.ts");
    const source = fileURLToPath(new URL("../../src/data/row-file.ts", import.meta.url));
    writeFileSync(
      script,
      `import { rowWriter } from ${JSON.stringify(source)};
       const writer = rowWriter({ size: 2 ** 20, dtype: "uint8", limit: 0 });
       try { writer.write(0, new Uint8Array(2 ** 21)); } catch (error) { console.log(String(error)); }`,
    );
    const jiti = fileURLToPath(new URL("../../node_modules/jiti/lib/jiti-cli.mjs", import.meta.url));
    const { stdout, stderr } = spawnSync(
      "/bin/sh",
      ["-c", `ulimit -f 1024; exec "$0" "$1" "$2"`, process.execPath, jiti, script],
      { encoding: "utf8", env: { ...process.env, TMPDIR: folder, JITI_FS_CACHE: "false" } },
    );
    expect(stdout, stderr).toMatch(
      /^InputError: .*: no space left for data .* \(EFBIG\): free some, or set TMPDIR .*\n$/,
    );
    expect(stdout).toContain(`InputError: ${folder}: `);
    rmSync(script);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("fileRows", () => {
  test("a file that is cut while it is in use: one line with the file and the place", () => {
    const path = join(folder, "cut");
    writeFileSync(path, counting(100, "uint8"));
    const rows = fileRows(path, { type: "u1", littleEndian: true, offset: 10, length: 9, size: 10 });
    expect(readAll(rows, [8])).toEqual(Float32Array.from(counting(100, "uint8").subarray(90)));
    truncateSync(path, 95);
    expect(() => readAll(rows, [8])).toThrow(InputError);
    expect(() => readAll(rows, [8])).toThrow(
      `${path}: byte 90: expected 10 bytes, got 5: the file was cut while in use`,
    );
    rmSync(path);
  });

  test("no such file: one line", () => {
    const layout = { type: "u1", littleEndian: true, offset: 0, length: 1, size: 1 } as const;
    expect(() => fileRows(join(folder, "nowhere"), layout)).toThrow(/^[^\n]*nowhere: no such file$/);
  });
});
