import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { type CompiledFunction, compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { conv2d, data, gradients, mul, sum } from "../../src/tensor/index.ts";
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
  { kernel: 4, stride: 2, padding: 1, size: 10 },
  { kernel: 3, stride: 1, padding: 1, size: 7 },
  { kernel: 3, stride: 2, padding: 0, size: 8 },
])(
  "a convolution beside its weight's gradient, $kernel/$stride/$padding on $size",
  ({ kernel, stride, padding, size }) => {
    // With more than three channels both come from one gathered matrix; alone, the convolution is ONNX's own.
    it.each([2, 5])("of %d channels is what the reference says", async (channels) => {
      const x = data("x", [3, channels, size, size]);
      const weight = data("weight", [6, channels, kernel, kernel]);
      const y = conv2d(x, weight, { stride, padding });
      const [slope] = gradients(sum(mul(y, y)), [weight]);
      const feeds = {
        x: { data: values(3 * channels * size * size, 1), shape: [3, channels, size, size] },
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
