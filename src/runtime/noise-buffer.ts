import { type NoiseRows, type NoiseSpec, noiseSource, noiseStream } from "../random/noise.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { instantiateKernels } from "./kernels.ts";

/** Room for one leaf's noise of a step, [samples, examples, ...event], drawn again and again. */
export interface NoiseBuffer {
  readonly data: Float32Array;
  fill(rows: NoiseRows): void;
}

const PAGE = 65536;

/** A buffer of `rows` rows. Uniforms, of which binarising needs one a pixel, are drawn by a kernel; the bits are the same. */
export function noiseBuffer(spec: NoiseSpec, seed: number, rows: number): NoiseBuffer {
  const size = sizeOf(spec.event);
  if (spec.law === "normal") {
    const data = new Float32Array(rows * size);
    const source = noiseSource(spec, seed);
    return { data, fill: (keys) => source.fill(data, keys) };
  }
  const words = 16 * Math.ceil(rows / 4);
  const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * (words + rows * size)) / PAGE) });
  const states = new Int32Array(memory.buffer, 0, words);
  const data = new Float32Array(memory.buffer, states.byteLength, rows * size);
  const kernels = instantiateKernels(memory);
  const stream = noiseStream(spec, seed);
  return {
    data,
    fill: ({ step, examples, samples, firstSample }) => {
      if (samples * examples.length !== rows) {
        throw new RangeError(`noise ${spec.name}: ${rows} rows expected, got ${samples} × ${examples.length}`);
      }
      for (let row = 0; row < rows; row += 1) {
        stream.at(step, examples[row % examples.length], firstSample + Math.floor(row / examples.length));
        const group = 16 * Math.floor(row / 4) + (row % 4);
        for (let word = 0; word < 4; word += 1) states[group + 4 * word] = stream.state[word];
      }
      kernels.fillUniform(states.byteOffset, data.byteOffset, rows, size);
    },
  };
}
