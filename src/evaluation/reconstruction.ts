import { NumericalError } from "../errors.ts";
import type { CompiledFunction } from "../runtime/compile.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { programFeeds } from "./feeds.ts";
import { forEachPosterior, type PosteriorSource } from "./latents.ts";
import { EVALUATION_STEP } from "./likelihood.ts";

export interface ReconstructionOptions extends PosteriorSource {
  /** `decoder.onnx`, or the program that it is written from. */
  readonly decoder: CompiledFunction;
  /** What 1 of what is modelled is in the data's own units: `Model.unit`. */
  readonly unit?: number;
}

export interface ReconstructionError {
  /** √ of the mean over examples and numbers of (x − x̂)², in the data's own units, over those that are observed. */
  readonly rmse: number;
  /** √ of the mean over an example's numbers, [n]; 0 where none is observed. */
  readonly perExample: Float64Array;
}

/**
 * How far x̂, the mean of p(x|z) at the mean of q(z|x), is from the data as they lie: undefined where one of the two has no
 * mean. Streamed; sums in float64.
 * @throws NumericalError for an example whose error is not a finite number.
 */
export async function reconstructionError(options: ReconstructionOptions): Promise<ReconstructionError | undefined> {
  const { decoder, dataset, unit = 1 } = options;
  const size = sizeOf(dataset.shape);
  const perExample = new Float64Array(dataset.length);
  const feeds = programFeeds({ ...options, program: decoder.program, step: EVALUATION_STEP }); // parameters and condition
  let known = true;
  let total = 0;
  let numbers = 0;
  await forEachPosterior(options, async ({ mean: z }, examples) => {
    known &&= z !== undefined;
    if (!known) return;
    const { mean } = await decoder.run({ ...feeds(examples), z });
    known = mean !== undefined;
    if (!known) return;
    const x = new Float32Array(examples.length * size);
    dataset.read(examples, x);
    for (let i = 0; i < examples.length; i++) {
      let squares = 0;
      let observed = 0;
      for (let j = i * size; j < (i + 1) * size; j++) {
        if (Number.isNaN(x[j])) continue; // missing
        squares += (x[j] - unit * mean.data[j]) ** 2;
        observed++;
      }
      if (!Number.isFinite(squares)) {
        throw new NumericalError(
          `${dataset.name}: example ${examples[i]} (from 0) has the reconstruction error ${Math.sqrt(squares)}; look for numbers far from those that the model learned from, and leave the example out`,
        );
      }
      total += squares;
      numbers += observed;
      perExample[examples[i]] = Math.sqrt(squares / Math.max(1, observed));
    }
  });
  return known ? { rmse: Math.sqrt(total / numbers), perExample } : undefined;
}
