import { InputError } from "../errors.ts";
import { type DataDescription, isPointModel, type Model } from "../models/model.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { runConfig } from "./config.ts";
import type { Run } from "./folder.ts";
import { buildModel, describeRunData, type RunData } from "./prepare.ts";

/** A trained model as formulas again, with its parameters: what its ONNX files cannot be asked, such as gradients. */
export interface Rebuilt {
  readonly model: Model;
  readonly description: DataDescription;
  /** Parameters and state by name. */
  readonly parameters: ReadonlyMap<string, NdArray>;
}

/**
 * Builds the model of a run again, from its options and its own data, with the parameters that were exported.
 * @throws InputError where the run has no parameters yet, or its model no posterior, which those who ask this work with.
 */
export async function rebuildModel(run: Run, data: RunData): Promise<Rebuilt> {
  const { options } = runConfig(run);
  const description = describeRunData(data);
  const model = await buildModel(options, description);
  if (isPointModel(model)) {
    throw new InputError(
      `${run.path}: this model has no posterior q(z|x), which that is about; --model vae and the other latent-variable models do`,
    );
  }
  return { model, description, parameters: keptParameters(run) };
}

/**
 * The parameters and state, by name, that a run's exported files have: the best ones, or the last where it was told to keep those.
 * @throws InputError where it has none yet.
 */
export function keptParameters(run: Run): ReadonlyMap<string, NdArray> {
  const { options } = runConfig(run);
  const source = (options.keep === "last" ? undefined : run.readBest()) ?? run.readCheckpoint();
  if (!source) {
    throw new InputError(`${run.path}: holds no parameters yet; finish it with: reparam train --resume ${run.path}`);
  }
  const parameters = new Map<string, NdArray>();
  for (const [name, value] of source.tensors) {
    if (name.startsWith("parameter/")) parameters.set(name.slice("parameter/".length), value);
  }
  return parameters;
}
