/**
 * Damaged files of every format that is parsed here: each gives a value or an InputError of one line, never another error,
 * and what is read by index is what is read into memory.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { openArrayFile } from "../../src/data/array-file.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { parseIdx } from "../../src/data/idx.ts";
import { encodeNpy, parseNpy } from "../../src/data/npy.ts";
import { InputError } from "../../src/errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/run/safetensors.ts";
import { sizeOf } from "../../src/tensor/ndarray.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const golden = new URL("../golden/values/", import.meta.url);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, golden)));

const npyFiles = readdirSync(new URL("npy/", golden))
  .filter((name) => name.endsWith(".npy"))
  .map((name) => read(`npy/${name}`));

/** An IDX file of four examples of this type, which takes so many bytes a number. */
function idx(type: number, width: number): Uint8Array {
  const payload = Array.from({ length: 4 * 3 * 2 * width }, (_, i) => (i * 5) % 120);
  return Uint8Array.of(0, 0, type, 3, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2, ...payload);
}

const idxFiles = [idx(8, 1), idx(9, 1), idx(0x0b, 2), idx(0x0c, 4), idx(0x0d, 4), idx(0x0e, 8)];

/** Headers of any type with sizes from nothing to the most that they can say, and some numbers. */
const idxHeaders = fc
  .tuple(
    fc.constantFrom(8, 9, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e),
    fc.array(fc.oneof(fc.nat(3), fc.constantFrom(2 ** 31, 2 ** 32 - 1)), { maxLength: 4 }),
    fc.uint8Array({ maxLength: 40 }),
  )
  .map(([type, sizes, payload]) => {
    const header = new DataView(new ArrayBuffer(4 + 4 * sizes.length));
    header.setUint8(2, type);
    header.setUint8(3, sizes.length);
    for (const [axis, size] of sizes.entries()) header.setUint32(4 + 4 * axis, size);
    return Uint8Array.of(...new Uint8Array(header.buffer), ...payload);
  });

const safetensorsFiles = [
  read("safetensors_file.safetensors"),
  encodeSafetensors(new Map([["w", { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] }]]), { step: "3" }),
];

/** One change of a file: `place` and `value` are fractions of what there is to choose from. */
type Change = (bytes: Uint8Array, place: number, value: number) => Uint8Array;

const at = (bytes: Uint8Array, place: number): number => Math.floor(place * bytes.length);

const changes: Readonly<Record<string, Change>> = {
  cut: (bytes, place) => bytes.slice(0, at(bytes, place)),
  grown: (bytes, place) => Uint8Array.of(...bytes, ...bytes.subarray(at(bytes, place))),
  flipped: (bytes, place, value) =>
    bytes.with(at(bytes, place), bytes[at(bytes, place)] ^ (1 << Math.floor(value * 8))),
  /** Most of what decides lies in the first bytes. */
  header: (bytes, place, value) => bytes.with(at(bytes.subarray(0, 140), place), Math.floor(value * 256)),
  /** A digit of a size or a name in the header's text becomes another character. */
  text: (bytes, place, value) => {
    const digits = [...bytes.subarray(0, 140).keys()].filter((i) => bytes[i] >= 0x30 && bytes[i] <= 0x39);
    if (digits.length === 0) return bytes;
    const others = [..."0123456789-.,e' "].map((character) => character.charCodeAt(0));
    return bytes.with(digits[Math.floor(place * digits.length)], others[Math.floor(value * others.length)]);
  },
  removed: (bytes, place) => Uint8Array.from([...bytes].filter((_, i) => i !== at(bytes, place))),
};

const fraction = fc.integer({ min: 0, max: 2 ** 16 - 1 }).map((value) => value / 2 ** 16);

/** One of these files with up to three changes, or bytes of any kind. */
function damaged(files: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.constantFrom(...Object.values(changes)), fraction, fraction);
  const changed = fc
    .tuple(fc.constantFrom(...files), fc.array(change, { maxLength: 3 }))
    .map(([file, list]) =>
      list.reduce((bytes, [apply, place, value]) => (bytes.length ? apply(bytes, place, value) : bytes), file),
    );
  return fc.oneof({ arbitrary: changed, weight: 9 }, { arbitrary: fc.uint8Array({ maxLength: 80 }), weight: 1 });
}

function expectOneLine(error: unknown, file: string): void {
  if (!(error instanceof InputError)) throw error;
  // Nothing in it may break the line or steer a terminal.
  expect(error.message).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,500}$/u);
  expect(error.message.startsWith(`${file}: `)).toBe(true);
}

/** How many of the damaged files were read; `use` looks at what they gave. */
function survive<T>(files: fc.Arbitrary<Uint8Array>, parse: (bytes: Uint8Array) => T, use: (value: T) => void): number {
  let parsed = 0;
  fc.assert(
    fc.property(files, (bytes) => {
      let value: T;
      try {
        value = parse(bytes);
      } catch (error) {
        expectOneLine(error, "a");
        expect(String(error)).toMatch(/^InputError: a: (byte \d+: expected|is )/);
        return;
      }
      use(value);
      parsed++;
    }),
    { seed: 1, numRuns: 2000 },
  );
  return parsed;
}

// Some damage is in padding or in the numbers, so that the far end of each parser is reached, too.
const ENOUGH = 100;

describe("parsers", () => {
  test(".npy", () => {
    const parsed = survive(
      damaged(npyFiles),
      (bytes) => parseNpy(bytes, "a"),
      ({ data, shape }) => {
        expect(data.length).toBe(sizeOf(shape));
      },
    );
    expect(parsed).toBeGreaterThan(ENOUGH);
  });

  test("IDX", () => {
    const parsed = survive(
      fc.oneof(damaged(idxFiles), idxHeaders),
      (bytes) => parseIdx(bytes, "a"),
      ({ data, shape }) => {
        expect(data.length).toBe(sizeOf(shape));
      },
    );
    expect(parsed).toBeGreaterThan(ENOUGH);
  });

  test("safetensors", () => {
    const parsed = survive(
      damaged(safetensorsFiles),
      (bytes) => decodeSafetensors(bytes, "a"),
      ({ tensors }) => {
        for (const { data, shape } of tensors.values()) expect(data.length).toBe(sizeOf(shape));
      },
    );
    expect(parsed).toBeGreaterThan(ENOUGH);
  });
});

/** The whole of a dataset, or the line that it was refused with. */
async function opened(path: string, limit: number): Promise<Dataset | string> {
  try {
    return await openArrayFile(path, { limit });
  } catch (error) {
    expectOneLine(error, path);
    return error instanceof Error ? error.message : "";
  }
}

function numbersOf(dataset: Dataset): Float32Array {
  const out = new Float32Array(dataset.length * sizeOf(dataset.shape));
  dataset.read([...Array(dataset.length).keys()], out);
  return out;
}

describe("files, into memory and by index", () => {
  const path = join(folder, "a");
  const images = encodeNpy({ data: Uint8Array.from({ length: 48 }, (_, i) => i), shape: [2, 2, 4, 3] });
  const arrays = [...npyFiles, ...idxFiles, images];
  // Little, so that damage hits what matters; a changed byte in the stream is found by gzip itself.
  const zipped = [npyFiles[0], idxFiles[0], images].map((bytes) => new Uint8Array(gzipSync(bytes)));

  test.each([
    ["arrays", damaged(arrays)],
    ["damaged arrays, gzipped", damaged(arrays).map((bytes) => new Uint8Array(gzipSync(bytes)))],
    ["damaged gzip", damaged(zipped)],
  ])("%s", async (_, files) => {
    let read = 0;
    await fc.assert(
      fc.asyncProperty(files, async (bytes) => {
        writeFileSync(path, bytes);
        const [whole, large] = [await opened(path, 2 ** 30), await opened(path, 0)];
        if (typeof whole === "string") {
          expect(typeof large).toBe("string");
        } else if (typeof large === "string") {
          expect(large).toContain("Fortran order");
        } else {
          const { notices: _, read: _read, ...about } = whole;
          expect(large).toMatchObject(about);
          expect(numbersOf(large)).toEqual(numbersOf(whole));
          read++;
        }
      }),
      { seed: 2, numRuns: 300 },
    );
    expect(read).toBeGreaterThan(15);
  });
});
