/** Whether the engine computes what it should, and how fast it multiplies matrices. */
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { gradients } from "../tensor/gradients.ts";
import { affine, data, logsumexp, matmul, mean, type NdArray, softplus, tanh } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { evaluate } from "../tensor/reference.ts";

/** ‖a − b‖ / ‖b‖ over a small loss and its gradients: a from the engine in float32, b from the float64 interpreter. */
export async function selfTest(engine: Engine): Promise<number> {
  const x = data("x", [16, 8]);
  const weight = data("weight", [8, 8]);
  const bias = data("bias", [8]);
  const loss = mean(logsumexp(softplus(matmul(tanh(affine(x, weight, bias)), weight)), -1));
  const slopes = gradients(loss, [x, weight, bias]);
  const feeds = { x: ramp([16, 8]), weight: ramp([8, 8]), bias: ramp([8]) };

  const expected = evaluate([loss, ...slopes], feeds);
  const compiled = await compile(
    engine,
    Object.fromEntries([loss, ...slopes].map((output, i) => [`output${i}`, output])),
  );
  const values = await compiled.run(feeds);
  await compiled.release();

  let error = 0;
  let size = 0;
  for (const [i, { data: b }] of expected.entries()) {
    const a = values[`output${i}`].data;
    for (const [j, value] of b.entries()) {
      error += (a[j] - value) ** 2;
      size += value ** 2;
    }
  }
  return Math.sqrt(error / size);
}

/** Rows and columns of the matrices that the rate is measured on: many times the cost of a call, in cache. */
const SIDE = 512;
const MEASURED_MS = 200;

/** 10⁹ float32 operations a second in a matrix product, 2n³ each; the fastest of those that fit in 0.2 s. */
export async function matmulRate(engine: Engine): Promise<number> {
  const shape = [SIDE, SIDE];
  const compiled = await compile(engine, { product: matmul(data("a", shape), data("b", shape)) });
  const feeds = { a: ramp(shape), b: ramp(shape) };
  const into = { product: ramp(shape) };
  await compiled.run(feeds, into); // the first run packs and allocates
  let fastest = Infinity;
  const end = performance.now() + MEASURED_MS;
  while (performance.now() < end) {
    const start = performance.now();
    await compiled.run(feeds, into);
    fastest = Math.min(fastest, performance.now() - start);
  }
  await compiled.release();
  return (2 * SIDE ** 3) / (fastest * 1e6);
}

/** Numbers in [−1, 1) in no order that a transposed or skipped row would keep. */
function ramp(shape: readonly number[]): NdArray {
  return { data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 0.618_034) % 1) * 2 - 1), shape };
}
