import { namedLeaves } from "../onnx/lower.ts";
import { CONDITION } from "./condition.ts";
import type { AnyModel, DataDescription } from "./model.ts";
import { decoderProgram, encoderProgram, priorProgram } from "./programs.ts";

/** Whether a model is given the condition when it is used, not in training alone. */
export function takesCondition(model: AnyModel, description: DataDescription): boolean {
  if (description.condition === undefined) return false;
  const programs = [encoderProgram(model, description), decoderProgram(model), priorProgram(model) ?? {}];
  const outputs = programs.flatMap((program) => Object.values(program));
  return namedLeaves(outputs).some(({ leaf }) => leaf.name === CONDITION);
}
