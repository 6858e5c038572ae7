import type { DataDescription, Model } from "../models/model.ts";
import {
  decoderProgram,
  densityProgram,
  encoderProgram,
  likelihoodProgram,
  type Outputs,
  priorProgram,
} from "../models/programs.ts";
import { type LowerOptions, lower } from "../onnx/lower.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import type { ArtifactName } from "./folder.ts";

/** The files that a trained model is, with its parameters inside and a symbolic batch. */
export function exportModel(
  model: Model,
  description: DataDescription,
  values: ReadonlyMap<string, NdArray>,
): ReadonlyMap<ArtifactName, Uint8Array> {
  const write = (name: string, outputs: Outputs, options: LowerOptions = {}): Uint8Array =>
    lower(outputs, { name, values, ...options }).bytes;
  const { outputs: draw, fed } = likelihoodProgram(model);
  return new Map<ArtifactName, Uint8Array>([
    ["encoder.onnx", write("encoder", encoderProgram(model, description))],
    ["decoder.onnx", write("decoder", decoderProgram(model))],
    ["likelihood.onnx", write("likelihood", draw, { fed })],
    ["prior.onnx", write("prior", priorProgram(model))],
    ["density.onnx", write("density", densityProgram(model, description))],
  ]);
}
