import { sizeOf } from "../tensor/ndarray.ts";
import type { NoiseLaw } from "../tensor/tensor.ts";
import { type KeyedStream, keyed } from "./stream.ts";

/** What a noise leaf needs drawn: standard normals or uniforms of the shape `event` for every example and sample. */
export interface NoiseSpec {
  readonly name: string;
  readonly law: NoiseLaw;
  readonly event: readonly number[];
}

/** Which rows to draw. */
export interface NoiseRows {
  readonly step: number;
  /** The examples' places in the dataset, one per row of the batch. */
  readonly examples: ArrayLike<number>;
  /** How many samples of each example, and the number of the first, when they are drawn in chunks. */
  readonly samples: number;
  readonly firstSample: number;
}

export interface NoiseSource {
  /** Writes [samples, examples, ...event] into `out`. */
  fill(out: Float32Array, rows: NoiseRows): void;
}

/** The streams of a noise leaf: a row's is at (step, example, sample). */
export function noiseStream({ name }: NoiseSpec, seed: number): KeyedStream {
  return keyed(seed, `noise/${name}`);
}

/**
 * Draws one noise leaf. A row is keyed by (seed, name, step, example, sample) and by nothing else, so the draws do not depend
 * on the size or order of batches and chunks.
 */
export function noiseSource(spec: NoiseSpec, seed: number): NoiseSource {
  const size = sizeOf(spec.event);
  const stream = noiseStream(spec, seed);
  return {
    fill(out, { step, examples, samples, firstSample }) {
      if (out.length !== samples * examples.length * size) {
        const expected = `${samples} × ${examples.length} × ${size}`;
        throw new RangeError(`noise ${spec.name}: room for ${expected} numbers expected, got ${out.length}`);
      }
      let start = 0;
      for (let sample = firstSample; sample < firstSample + samples; sample += 1) {
        for (let row = 0; row < examples.length; row += 1) {
          stream.at(step, examples[row], sample);
          if (spec.law === "normal") stream.fillNormal(out, start, start + size);
          else stream.fillUniform(out, start, start + size);
          start += size;
        }
      }
    },
  };
}
