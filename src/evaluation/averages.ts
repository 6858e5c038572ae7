import type { Dataset } from "../data/dataset.ts";
import type { DataDescription, Model } from "../models/model.ts";
import { averagesProgram } from "../models/programs.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { programFeeds } from "./feeds.ts";
import { EVALUATION_STEP } from "./likelihood.ts";

/**
 * State that is an average over the training data, at these parameters: the average itself, of one draw for each example, in float64,
 * instead of the running one that training went by. Empty for a model without such state.
 */
export async function exactAverages(
  engine: Engine,
  model: Model,
  description: DataDescription,
  parameters: ReadonlyMap<string, NdArray>,
  dataset: Dataset,
  seed: number,
): Promise<ReadonlyMap<string, NdArray>> {
  if (!model.averages) return new Map();
  const compiled = await compile(engine, averagesProgram(model, description), { name: "averages", values: parameters });
  try {
    const feeds = programFeeds({ program: compiled.program, dataset, seed, step: EVALUATION_STEP });
    const totals = new Map<string, number>();
    const CHUNK = 500;
    for (let start = 0; start < dataset.length; start += CHUNK) {
      const examples = Uint32Array.from({ length: Math.min(CHUNK, dataset.length - start) }, (_, i) => start + i);
      for (const [name, { data }] of Object.entries(await compiled.run(feeds(examples)))) {
        let total = totals.get(name) ?? 0;
        for (const value of data) total += Number(value);
        totals.set(name, total);
      }
    }
    const average = (total: number): NdArray => ({ data: Float32Array.of(total / dataset.length), shape: [] });
    return new Map(Array.from(totals, ([name, total]) => [name, average(total)]));
  } finally {
    await compiled.release();
  }
}
