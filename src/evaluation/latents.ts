import type { Dataset } from "../data/dataset.ts";
import type { CompiledFunction } from "../runtime/compile.ts";
import { programFeeds } from "./feeds.ts";
import { EVALUATION_STEP } from "./likelihood.ts";

/** A latent whose posterior mean varies more than this over the data is in use. Burda et al. 2016, §5.1. */
const ACTIVE_VARIANCE = 0.01;

/** Which latents are active; undefined for a posterior without a mean. Rows in chunks, sums in float64. */
export async function activeLatents(
  encoder: CompiledFunction,
  dataset: Dataset,
  seed: number,
  chunk = 500,
): Promise<readonly boolean[] | undefined> {
  const feeds = programFeeds({ program: encoder.program, dataset, seed, step: EVALUATION_STEP });
  let sums: Float64Array | undefined;
  let squares = new Float64Array();
  for (let start = 0; start < dataset.length; start += chunk) {
    const examples = Uint32Array.from({ length: Math.min(chunk, dataset.length - start) }, (_, i) => start + i);
    const { mean } = await encoder.run(feeds(examples));
    if (!mean) return undefined;
    const k = mean.shape[1];
    sums ??= new Float64Array(k);
    if (squares.length === 0) squares = new Float64Array(k);
    for (let i = 0; i < mean.data.length; i++) {
      sums[i % k] += mean.data[i];
      squares[i % k] += mean.data[i] ** 2;
    }
  }
  return (
    sums && Array.from(sums, (sum, j) => squares[j] / dataset.length - (sum / dataset.length) ** 2 > ACTIVE_VARIANCE)
  );
}
