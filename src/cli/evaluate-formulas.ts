import { exactAverages } from "../evaluation/averages.ts";
import { type Rebuilt, rebuildModel } from "../run/rebuild.ts";
import { openOwnData } from "./own-data.ts";
import type { Workplace } from "./use-run.ts";

/** A run's model as formulas again, with the data that it was trained on. */
export interface Formulas extends Rebuilt {
  readonly data: Awaited<ReturnType<typeof openOwnData>>;
}

/**
 * Builds a run's model again from its options and data: what its ONNX files alone cannot be asked.
 * @throws InputError for an exported model, or where the data are no longer what they were.
 */
export async function openFormulas({
  run,
  config,
  engine,
  watch,
}: Pick<Workplace, "run" | "config" | "engine" | "watch">): Promise<Formulas> {
  const data = await openOwnData({ run, config, watch });
  const { model, description, parameters } = await rebuildModel(run, data);
  const averages = await exactAverages(engine, model, description, parameters, data.train, config.options.seed);
  return { model, description, parameters: new Map([...parameters, ...averages]), data };
}
