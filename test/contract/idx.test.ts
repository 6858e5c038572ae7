import { describe, expect, test } from "vitest";
import { parseIdx } from "../../src/data/idx.ts";
import { InputError } from "../../src/errors.ts";

/** Header and sizes, then these bytes. */
function idx(type: number, shape: readonly number[], payload: readonly number[]): Uint8Array {
  const sizes = shape.flatMap((size) => [size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255]);
  return Uint8Array.of(0, 0, type, shape.length, ...sizes, ...payload);
}

describe("parseIdx", () => {
  test("images and labels of bytes", () => {
    expect(parseIdx(idx(0x08, [2, 1, 2], [0, 128, 255, 7]), "a")).toEqual({
      data: Uint8Array.of(0, 128, 255, 7),
      shape: [2, 1, 2],
    });
    expect(parseIdx(idx(0x08, [3], [9, 0, 5]), "a")).toEqual({ data: Uint8Array.of(9, 0, 5), shape: [3] });
  });

  test.each([
    ["int8", 0x09, [0x80, 0x7f], Int32Array.of(-128, 127)],
    ["int16", 0x0b, [0x80, 0x00, 0x01, 0x02], Int32Array.of(-32768, 258)],
    ["int32", 0x0c, [0x80, 0, 0, 0, 0, 1, 0, 2], Int32Array.of(-(2 ** 31), 65538)],
    ["float32", 0x0d, [0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0], Float32Array.of(1, -2.5)],
    ["float64", 0x0e, [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 4, 0, 0, 0, 0, 0, 0], Float32Array.of(1, -2.5)],
  ])("%s, big-endian", (_, type, payload, data) => {
    expect(parseIdx(idx(type, [2, 1], payload), "a")).toEqual({ data, shape: [2, 1] });
  });

  test("a part of a larger buffer", () => {
    const file = idx(0x0b, [1, 1], [1, 0]);
    const within = new Uint8Array(file.length + 5);
    within.set(file, 3);
    expect(parseIdx(within.subarray(3, 3 + file.length), "a").data).toEqual(Int32Array.of(256));
  });

  test.each([
    ["nothing", new Uint8Array(0), "a.idx: byte 0: expected an IDX header of 4 bytes or more, got 0"],
    ["wrong magic", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0), "got 89 50 4e 47"],
    ["unknown type", Uint8Array.of(0, 0, 0x0a, 1, 0, 0, 0, 0), "got 00 00 0a 01"],
    ["rank 0", idx(0x08, [], []), "a.idx: byte 3: expected a rank from 1 to 64, got 0"],
    ["rank 255", Uint8Array.of(0, 0, 8, 255), "a.idx: byte 3: expected a rank from 1 to 64, got 255"],
    ["sizes cut off", idx(0x08, [2, 2, 2], []).subarray(0, 9), "byte 4: expected 3 sizes in 12 bytes, got 5 bytes"],
    ["truncated", idx(0x08, [2, 2], [1, 2, 3]), "a.idx: byte 12: expected 4 bytes for u1 of shape [2,2], got 3"],
    ["too long", idx(0x08, [2, 2], [1, 2, 3, 4, 5]), "a.idx: byte 12: expected 4 bytes for u1 of shape [2,2], got 5"],
    ["absurd", idx(0x0e, Array(8).fill(2 ** 32 - 1), [1]), "byte 36: expected 9.26"],
  ])("%s: one line with the byte, what was expected and what was there", (_, bytes, message) => {
    expect(() => parseIdx(bytes, "a.idx")).toThrow(InputError);
    expect(() => parseIdx(bytes, "a.idx")).toThrow(message);
  });
});
