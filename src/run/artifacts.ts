import type { AnyModel, DataDescription } from "../models/model.ts";
import {
  decoderProgram,
  densityProgram,
  encoderProgram,
  type LikelihoodProgram,
  likelihoodProgram,
  type Outputs,
  priorProgram,
} from "../models/programs.ts";
import { lower } from "../onnx/lower.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import type { ProgramName } from "./facts.ts";
import type { ArtifactName } from "./folder.ts";

/** Which programs a model has. */
export function programsIn(model: AnyModel, description: DataDescription): readonly ProgramName[] {
  return [...programOutputs(model, description).keys()];
}

function programOutputs(
  model: AnyModel,
  description: DataDescription,
): ReadonlyMap<ProgramName, { readonly outputs: Outputs; readonly fed?: LikelihoodProgram["fed"] }> {
  const likelihood = likelihoodProgram(model);
  const [prior, density] = [priorProgram(model), densityProgram(model, description)];
  return new Map<ProgramName, { outputs: Outputs; fed?: LikelihoodProgram["fed"] }>([
    ["encoder", { outputs: encoderProgram(model, description) }],
    ["decoder", { outputs: decoderProgram(model) }],
    ...(likelihood ? [["likelihood", likelihood] as const] : []),
    ...(prior ? [["prior", { outputs: prior }] as const] : []),
    ...(density ? [["density", { outputs: density }] as const] : []),
  ]);
}

/** The files that a trained model is, with its parameters inside and a symbolic batch; what a model lacks is absent. */
export function exportModel(
  model: AnyModel,
  description: DataDescription,
  values: ReadonlyMap<string, NdArray>,
): ReadonlyMap<ArtifactName, Uint8Array> {
  const programs = Array.from(programOutputs(model, description));
  return new Map(
    programs.map(([name, { outputs, fed }]) => [`${name}.onnx`, lower(outputs, { name, values, fed }).bytes] as const),
  );
}
