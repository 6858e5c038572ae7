import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { encodeNpy, parseNpy } from "../../src/data/npy.ts";
import { InputError } from "../../src/errors.ts";

const folder = new URL("../golden/values/npy/", import.meta.url);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));

/** What NumPy reads from its own files: written by test/golden/scripts/npy.py. */
const golden = z
  .object({
    files: z.record(
      z.string(),
      z.object({ shape: z.array(z.number()), values: z.array(z.union([z.number(), z.string().transform(Number)])) }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL("npy.json", folder), "utf8"))).files;

/** A version 1 file with this header text and these bytes. */
function npy(header: string, payload: readonly number[] = []): Uint8Array {
  const start = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length & 255, header.length >> 8];
  return Uint8Array.of(...start, ...new TextEncoder().encode(header), ...payload);
}

const header = (descr: string, shape: string, fortran = "False"): string =>
  `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

describe("parseNpy reads what NumPy wrote", () => {
  test("every file is listed", () => {
    expect(
      readdirSync(folder)
        .filter((name) => name.endsWith(".npy"))
        .sort(),
    ).toEqual(Object.keys(golden).sort());
  });

  test.each(Object.entries(golden))("%s", (name, { shape, values }) => {
    const array = parseNpy(read(name), name);
    expect(array.shape).toEqual(shape);
    expect([...array.data]).toEqual(array.data instanceof Float32Array ? values.map(Math.fround) : values);
  });

  test.each([
    ["u1.npy", Uint8Array],
    ["b1.npy", Float32Array],
    ["i1.npy", Int32Array],
    ["u8-big.npy", Int32Array],
    ["f2-little.npy", Float32Array],
    ["f8-little.npy", Float32Array],
  ])("%s becomes the stated array", (name, array) => {
    expect(parseNpy(read(name), name).data).toBeInstanceOf(array);
  });
});

describe("encodeNpy", () => {
  test.each(["u1.npy", "i4-little.npy", "f4-little.npy", "rank0.npy", "rank1.npy", "rank4.npy", "empty.npy"])(
    "writes %s byte for byte as NumPy does",
    (name) => expect(encodeNpy(parseNpy(read(name), name))).toEqual(read(name)),
  );

  test("float64 keeps its bits", () => {
    const bytes = encodeNpy({ data: Float64Array.of(0.1, -1e300), shape: [2] });
    expect(new Float64Array(bytes.slice(-16).buffer)).toEqual(Float64Array.of(0.1, -1e300));
    expect(new TextDecoder().decode(bytes.subarray(10))).toContain("'descr': '<f8'");
  });

  test("numbers that do not fill the shape are an error", () => {
    expect(() => encodeNpy({ data: new Uint8Array(3), shape: [2, 2] })).toThrow(InputError);
  });
});

describe("parseNpy refuses", () => {
  const f4 = header("'<f4'", "(2,)");
  test.each([
    ["another file", Uint8Array.of(1, 2, 3), "a.npy: byte 0: expected the .npy magic"],
    ["the magic alone", npy("").subarray(0, 6), "a.npy: byte 6: expected version 1, 2 or 3, got the end of the file"],
    ["version 4", npy("").with(6, 4), "a.npy: byte 6: expected version 1, 2 or 3, got 4"],
    ["no header length", npy("").subarray(0, 9), "a.npy: byte 8: expected the length of the header"],
    ["half a header", npy(f4).subarray(0, 40), `a.npy: byte 10: expected a header of ${f4.length} bytes, got 30`],
    ["no dtype", npy("{'shape': (2,), }"), "a.npy: byte 10: expected a header with 'descr'"],
    ["no order", npy(f4.replace("False", "None")), "expected a header with 'fortran_order'"],
    ["no shape", npy(header("'<f4'", "(2, -1)")), "expected a header with 'shape'"],
    ["text", npy(header("'<U4'", "(2,)")), `got "'<U4'"; save it with array.astype("float32")`],
    ["Python objects", npy(header("'|O'", "(2,)")), `got "'|O'"; save it with array.astype("float32")`],
    ["complex numbers", npy(header("'<c8'", "(2,)")), `got "'<c8'"`],
    ["records", npy(header("[('a', '<f4')]", "(2,)")), "got records"],
    ["65 axes", npy(header("'|u1'", `(${"1, ".repeat(65)})`), [1]), "expected at most 64 axes, got 65"],
    [
      "truncated data",
      npy(f4, Array(7).fill(0)),
      `byte ${10 + f4.length}: expected 8 bytes for f4 of shape [2], got 7`,
    ],
    ["more data", npy(f4, Array(9).fill(0)), `byte ${10 + f4.length}: expected 8 bytes for f4 of shape [2], got 9`],
    ["absurd sizes", npy(header("'<f8'", "(99999999999, 99999999999)")), "expected 7.99"],
    [
      "sizes beyond all numbers",
      npy(header("'<f8'", `(0, 1${"0".repeat(400)})`)),
      "expected NaN bytes for f8 of shape [0,Infinity], got 0",
    ],
  ])("%s", (_, bytes, message) => {
    expect(() => parseNpy(bytes, "a.npy")).toThrow(InputError);
    expect(() => parseNpy(bytes, "a.npy")).toThrow(message);
  });

  test.each([
    ["'<i8'", [0, 0, 0, 0x80, 0, 0, 0, 0], "2147483648"],
    ["'<i8'", [0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff], "-2147483649"],
    ["'>u8'", [255, 255, 255, 255, 255, 255, 255, 255], "18446744073709552000"],
    ["'<u4'", [0, 0, 0, 0x80], "2147483648"],
  ])("an integer of %s that int32 does not hold: %s", (descr, payload, got) => {
    const text = header(descr, "(2,)");
    const bytes = npy(text, [...Array(payload.length).fill(0), ...payload]);
    const place = 10 + text.length + payload.length;
    expect(() => parseNpy(bytes, "a")).toThrow(`a: byte ${place}: expected an integer within int32`);
    expect(() => parseNpy(bytes, "a")).toThrow(new RegExp(`got ${got}$`));
  });
});
