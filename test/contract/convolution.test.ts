import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { type CompiledFunction, compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { conv2d, convTranspose2d, data, gradients, mul, slice, sum } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";

let engine: Engine;
const compiled: CompiledFunction[] = [];
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});
afterAll(() => Promise.all(compiled.map((one) => one.release())));

const values = (size: number, seed: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i));

describe.each([
  { kernel: 4, stride: 2, padding: 1, size: [10, 10] },
  { kernel: 4, stride: 2, padding: 1, size: [9, 6] },
  { kernel: 3, stride: 1, padding: 1, size: [7, 7] },
  { kernel: 3, stride: 2, padding: 0, size: [8, 8] },
])(
  "a convolution beside its weight's gradient, $kernel/$stride/$padding on $size",
  ({ kernel, stride, padding, size }) => {
    // With more than three channels both come from one gathered matrix; alone, the convolution is ONNX's own.
    it.each([2, 5])("of %d channels is what the reference says", async (channels) => {
      const x = data("x", [3, channels, ...size]);
      const weight = data("weight", [6, channels, kernel, kernel]);
      const y = conv2d(x, weight, { stride, padding });
      const [slope] = gradients(sum(mul(y, y)), [weight]);
      const feeds = {
        x: { data: values(3 * channels * size[0] * size[1], 1), shape: [3, channels, ...size] },
        weight: { data: values(6 * channels * kernel * kernel, 2), shape: [6, channels, kernel, kernel] },
      };
      const program = await compile(engine, { y, slope });
      compiled.push(program);
      const got = await program.run(feeds);
      const [exactY, exactSlope] = evaluate([y, slope], feeds);
      for (const [a, b] of [
        [got.y, exactY],
        [got.slope, exactSlope],
      ]) {
        const scale = Math.max(...Array.from(b.data, Math.abs));
        // Sums of up to 300 products in float32, relative to the largest: 300 · 6e-8 at worst.
        for (let i = 0; i < b.data.length; i++) expect(Math.abs(a.data[i] - b.data[i])).toBeLessThan(2e-5 * scale);
      }
    });
  },
);

it("output padding on one axis gives what padding on both does, less the other axis's last row", async () => {
  const y = data("y", [2, 3, 4, 5]);
  const weight = data("weight", [3, 2, 4, 4]);
  const feeds = {
    y: { data: values(2 * 3 * 4 * 5, 3), shape: [2, 3, 4, 5] },
    weight: { data: values(3 * 2 * 4 * 4, 4), shape: [3, 2, 4, 4] },
  };
  const padded = (outputPadding: number | readonly [number, number]) =>
    convTranspose2d(y, weight, { stride: 2, padding: 1, outputPadding });
  const both = padded(1); // [2, 2, 9, 11], which golden/ops.test.ts holds against PyTorch
  const pairs = [
    { one: padded([1, 0]), cut: slice(both, 3, 0, 10) },
    { one: padded([0, 1]), cut: slice(both, 2, 0, 8) },
  ];
  for (const { one, cut } of pairs) {
    const outputs = { one, cut };
    const program = await compile(engine, outputs);
    compiled.push(program);
    const got = await program.run(feeds);
    const [exactOne, exactCut] = evaluate([one, cut], feeds);
    expect(got.one.shape).toEqual(exactCut.shape);
    expect(Array.from(exactOne.data)).toEqual(Array.from(exactCut.data));
    // the same products in the same order, whatever lies beyond the cut; 2e-6 leaves sixteen roundings
    for (const [i, value] of got.cut.data.entries()) expect(Math.abs(got.one.data[i] - value)).toBeLessThan(2e-6 * 12);
  }
});
