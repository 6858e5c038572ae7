import type { Run } from "../run/folder.ts";
import type { RunData } from "../run/prepare.ts";
import { type Rebuilt, rebuildModel } from "../run/rebuild.ts";
import type { Engine } from "../runtime/engine.ts";
import { exportedValues } from "./exported-values.ts";

/** A run's model as formulas again, with the data that it was trained on. */
export interface Formulas extends Rebuilt {
  readonly data: RunData;
}

/** Builds a run's model again from its options and its own data: what its ONNX files alone cannot be asked. */
export async function formulasOf(engine: Engine, run: Run, data: RunData): Promise<Formulas> {
  const rebuilt = await rebuildModel(run, data);
  return { ...rebuilt, parameters: await exportedValues(engine, run, { ...rebuilt, data }), data };
}
