import { describe, expect, it } from "vitest";
import { noiseSource } from "../../src/random/noise.ts";
import { noiseBuffer } from "../../src/runtime/noise-buffer.ts";

describe.each(["uniform", "normal"] as const)("%s noise in a buffer", (law) => {
  // Row counts that leave 0 to 3 over after fours, and a single column.
  it.each([
    [1, 5, 7],
    [1, 8, 784],
    [3, 3, 10],
    [2, 7, 1],
  ])("of %d × %d rows of %d has the bits of the stream", (samples, count, size) => {
    const spec = { name: "epsilon", law, event: [size] };
    const rows = {
      step: 41,
      examples: Uint32Array.from({ length: count }, (_, i) => 3 * i + 1),
      samples,
      firstSample: 2,
    };
    const expected = new Float32Array(samples * count * size);
    noiseSource(spec, 12).fill(expected, rows);
    const buffer = noiseBuffer(spec, 12, samples * count);
    buffer.fill(rows);
    expect(buffer.data).toEqual(expected);
    buffer.fill({ ...rows, step: 42 });
    expect(buffer.data).not.toEqual(expected);
    buffer.fill(rows);
    expect(buffer.data).toEqual(expected);
  });
});

it("refuses another number of rows", () => {
  const buffer = noiseBuffer({ name: "u", law: "uniform", event: [3] }, 0, 4);
  expect(() => buffer.fill({ step: 0, examples: [0, 1, 2], samples: 1, firstSample: 0 })).toThrow("4 rows expected");
});
