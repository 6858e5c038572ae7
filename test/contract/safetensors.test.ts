import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/run/safetensors.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";

const PREFIX_BYTES = 8;

/** Small enough to try every bit; the middle tensor is a view at an odd place of a larger array. */
const tensors = new Map<string, NdArray>([
  ["encoder/weight", { data: new Float32Array([0.5, -1.25, Number.NaN, -0]), shape: [2, 2] }],
  ["mask", { data: new Uint8Array([9, 1, 2, 255, 9]).subarray(1, 4), shape: [3] }],
  ["12", { data: new Float64Array([1 / 3]), shape: [] }],
  ["indices", { data: new Int32Array([-(2 ** 31), 2 ** 31 - 1]), shape: [2, 1] }],
  ["nothing", { data: new Float32Array(0), shape: [0, 3] }],
]);
const metadata = { step: "7", "3": "a key that objects put first", text: 'ü "quoted"' };

/** A safetensors file as another program could have written it. */
function fileOf(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(PREFIX_BYTES + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, PREFIX_BYTES);
  return bytes;
}

function headerOf(bytes: Uint8Array): { text: string; end: number } {
  const end = PREFIX_BYTES + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  return { text: new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, end)), end };
}

describe("safetensors", () => {
  it("gives back what was written, bit for bit", () => {
    const decoded = decodeSafetensors(encodeSafetensors(tensors, metadata), "a.safetensors");
    expect(decoded.metadata).toEqual(metadata);
    expect(decoded.tensors).toEqual(tensors);
    expect(Object.is(decoded.tensors.get("encoder/weight")?.data[3], -0)).toBe(true);
  });

  it("reads a file at an odd place in memory, and hands out copies", () => {
    const bytes = encodeSafetensors(tensors);
    const shifted = new Uint8Array(bytes.length + 1).subarray(1);
    shifted.set(bytes);
    const decoded = decodeSafetensors(shifted, "a.safetensors");
    shifted.fill(0);
    expect(decoded.tensors).toEqual(tensors);
  });

  it("aligns the data and every tensor in it", () => {
    const { text, end } = headerOf(encodeSafetensors(tensors, metadata));
    expect(end % 8).toBe(0);
    const begins = [...text.matchAll(/"dtype":"([A-Z])(\d+)","shape":[^:]*:\[(\d+),/g)];
    expect(begins).toHaveLength(tensors.size);
    for (const [, , bits, begin] of begins) expect(Number(begin) % (Number(bits) / 8)).toBe(0);
  });

  it("reads the file that the reference implementation wrote", () => {
    const bytes = readFileSync(new URL("../golden/values/safetensors_file.safetensors", import.meta.url));
    const decoded = decodeSafetensors(bytes, "golden");
    expect(decoded.metadata).toEqual({ safetensors: "0.8.0", numpy: "2.4.6" });
    // The formulas of test/golden/scripts/safetensors_file.py
    const expected = new Map<string, NdArray>([
      ["encoder/hidden/weight", { data: Float32Array.from({ length: 6 }, (_, i) => i / 8), shape: [2, 3] }],
      ["slots/Σ", { data: Float64Array.from({ length: 4 }, (_, i) => -i / 3), shape: [4] }],
      ["counts", { data: new Int32Array([-(2 ** 31), 0, 2 ** 31 - 1]), shape: [3] }],
      ["pixels", { data: new Uint8Array([0, 128, 255]), shape: [1, 3] }],
      ["12", { data: new Float32Array([0.5]), shape: [] }],
      ["empty", { data: new Float32Array(0), shape: [0, 3] }],
    ]);
    expect(decoded.tensors).toEqual(expected);
  });

  it("finds every flipped bit", () => {
    const bytes = encodeSafetensors(tensors, metadata);
    const { text } = headerOf(bytes);
    const digits = PREFIX_BYTES + text.indexOf("fnv1a32:") + "fnv1a32:".length;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const byte = bit >> 3;
      bytes[byte] ^= 1 << (bit & 7);
      // A changed name of the checksum leaves the file unchecked, but every number in it is right.
      if (byte >= PREFIX_BYTES && byte < digits) readsOrRefuses(bytes);
      else expect(() => decodeSafetensors(bytes, "a.safetensors"), `bit ${bit}`).toThrow(InputError);
      bytes[byte] ^= 1 << (bit & 7);
    }
    expect(decodeSafetensors(bytes, "a.safetensors").metadata).toEqual(metadata);
  });

  it("says which file is corrupted", () => {
    const bytes = encodeSafetensors(tensors, metadata);
    bytes[bytes.length - 1] ^= 1;
    expect(() => decodeSafetensors(bytes, "runs/a/best.safetensors")).toThrow(
      /^runs\/a\/best.safetensors: is corrupted: checksum fnv1a32:[0-9a-f]{8}, expected fnv1a32:[0-9a-f]{8}; delete it/,
    );
  });

  it("refuses every truncated file, and one with bytes too many", () => {
    const bytes = encodeSafetensors(tensors, metadata);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.slice(0, length), "a.safetensors"), `${length} bytes`).toThrow(InputError);
    }
    expect(() => decodeSafetensors(new Uint8Array([...bytes, 0]), "a.safetensors")).toThrow(InputError);
  });

  const f32 = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  it.each([
    ["no JSON", "{,", 0, "its header is not JSON"],
    ["no object", [], 0, "its header is not a JSON object"],
    ["metadata that is no object", { __metadata__: [] }, 0, "its __metadata__ is not a JSON object"],
    ["metadata that is no text", { __metadata__: { step: 1 } }, 0, 'its metadata "step" is not text'],
    [
      "an unknown dtype",
      { w: { ...f32, dtype: "BF16" } },
      8,
      'tensor "w" has dtype "BF16", expected F64, F32, I32, U8',
    ],
    ["a dtype by inheritance", { w: { ...f32, dtype: "toString" } }, 8, 'tensor "w" has dtype "toString"'],
    ["no entry", { w: 3 }, 8, 'tensor "w" has dtype undefined'],
    ["a negative size", { w: { ...f32, shape: [-2, -1] } }, 8, 'tensor "w" has shape [-2,-1]'],
    ["a fractional size", { w: { ...f32, shape: [0.5, 4] } }, 8, 'tensor "w" has shape [0.5,4]'],
    ["no offsets", { w: { ...f32, data_offsets: [0] } }, 8, 'tensor "w" has data_offsets [0], expected [begin, end]'],
    ["another size", { w: { ...f32, shape: [3] } }, 8, 'tensor "w": F32 [3] needs 12 bytes, its data_offsets span 8'],
    ["offsets backwards", { w: { ...f32, data_offsets: [8, 0] } }, 8, "needs 8 bytes, its data_offsets span -8"],
    ["a gap", { w: { ...f32, data_offsets: [4, 12] } }, 12, 'tensor "w" leaves a gap: it begins at byte 4, expected 0'],
    ["an overlap", { v: f32, w: { ...f32, data_offsets: [4, 12] } }, 12, 'tensor "w" overlaps the one before it'],
    ["data too short", { w: f32 }, 4, "its tensors take 8 bytes, its data 4"],
    ["data too long", { w: f32 }, 12, "its tensors take 8 bytes, its data 12"],
  ])("refuses %s", (_, header, dataBytes, message) => {
    const decode = (): unknown => decodeSafetensors(fileOf(header, dataBytes), "a.safetensors");
    expect(decode).toThrow(InputError);
    expect(decode).toThrow("a.safetensors: is no valid safetensors file: ");
    expect(decode).toThrow(message);
  });

  it("refuses to write a tensor that could not be read back", () => {
    const data = new Float32Array(5);
    expect(() => encodeSafetensors(new Map([["w", { data, shape: [2, 3] }]]))).toThrow(
      'safetensors: tensor "w": shape [2, 3] needs 6 numbers, got 5',
    );
    expect(() => encodeSafetensors(new Map([["__metadata__", { data, shape: [5] }]]))).toThrow(InputError);
  });
});

function readsOrRefuses(bytes: Uint8Array): void {
  try {
    expect(new Map([...decodeSafetensors(bytes, "a.safetensors").tensors].sort())).toEqual(
      new Map([...tensors].sort()),
    );
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
  }
}
