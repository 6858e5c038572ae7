import { exactAverages } from "../evaluation/averages.ts";
import { type AnyModel, type DataDescription, isPointModel } from "../models/model.ts";
import { runConfig } from "../run/config.ts";
import type { Run } from "../run/folder.ts";
import type { RunData } from "../run/prepare.ts";
import { keptParameters } from "../run/rebuild.ts";
import type { Engine } from "../runtime/engine.ts";
import type { NdArray } from "../tensor/ndarray.ts";

/** What a run's model is, beside its formulas. */
export interface ModelOfRun {
  readonly model: AnyModel;
  readonly description: DataDescription;
  readonly data: RunData;
}

/** The parameters and state that a run's files are written with: those that were kept, and averages over the training data as they are. */
export async function exportedValues(
  engine: Engine,
  run: Run,
  { model, description, data }: ModelOfRun,
): Promise<ReadonlyMap<string, NdArray>> {
  const { inference, seed } = runConfig(run).options;
  const kept = keptParameters(run);
  if (isPointModel(model) || inference === "encoder") return kept; // φ alone: what is θ's stays as it was
  return new Map([...kept, ...(await exactAverages(engine, model, description, kept, data.train, seed))]);
}
