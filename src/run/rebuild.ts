import { InputError } from "../errors.ts";
import { type DataDescription, describeData, type Model } from "../models/model.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { runConfig } from "./config.ts";
import type { Run } from "./folder.ts";
import { buildModel, type RunData } from "./prepare.ts";

/** A trained model as formulas again, with its parameters: what its ONNX files cannot be asked, such as gradients. */
export interface Rebuilt {
  readonly model: Model;
  readonly description: DataDescription;
  /** Parameters and state by name. */
  readonly parameters: ReadonlyMap<string, NdArray>;
}

/**
 * Builds the model of a run again, from its options and its own data, with the parameters that were exported.
 * @throws InputError where the run has no parameters yet.
 */
export async function rebuildModel(run: Run, { train }: RunData): Promise<Rebuilt> {
  const { options } = runConfig(run);
  const source = (options.keep === "last" ? undefined : run.readBest()) ?? run.readCheckpoint();
  if (!source) {
    throw new InputError(`${run.path}: holds no parameters yet; finish it with: reparam train --resume ${run.path}`);
  }
  const description = describeData(train);
  const parameters = new Map<string, NdArray>();
  for (const [name, value] of source.tensors) {
    if (name.startsWith("parameter/")) parameters.set(name.slice("parameter/".length), value);
  }
  return { model: await buildModel(options, description), description, parameters };
}
