import { namedLeaves } from "../onnx/lower.ts";
import { CONDITION } from "./condition.ts";
import type { AnyModel, DataDescription } from "./model.ts";
import { decoderProgram, encoderProgram } from "./programs.ts";

/** Whether a model is given the condition when it is used, not in training alone. */
export function takesCondition(model: AnyModel, description: DataDescription): boolean {
  if (description.condition === undefined) return false;
  const outputs = [encoderProgram(model, description), decoderProgram(model)].flatMap(Object.values);
  return namedLeaves(outputs).some(({ leaf }) => leaf.name === CONDITION);
}
