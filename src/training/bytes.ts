import type { ObjectiveOptions } from "../inference/objective.ts";
import type { OptimizerOptions } from "../inference/phase.ts";
import type { AnyModel, DataDescription } from "../models/model.ts";
import { trainingProgram } from "../models/programs.ts";
import { namedLeaves } from "../onnx/lower.ts";
import { gradients } from "../tensor/gradients.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { asFloat } from "../tensor/op.ts";
import { gatheredShape } from "../tensor/ops/convolution.ts";
import { bindShape, type Shape, staticShape } from "../tensor/shape.ts";
import { type AnyTensor, type DType, topological } from "../tensor/tensor.ts";
import { slotNames } from "./optimizer.ts";

const FLOAT = 4;
const bytesOf: Readonly<Record<DType, number>> = { float: FLOAT, int: 4, bool: 1, uint8: 1 };

export interface TrainingBytes {
  /** Float32 parameters and state, their gradients and the optimizer's slots; `allocate` adds below 64 bytes an array. */
  readonly parameters: number;
  readonly gradients: number;
  readonly slots: number;
  /**
   * Batch, noise and every intermediate of one step, forward and backward, as if all lived at once. An upper bound: the
   * engine reuses what is no longer needed.
   */
  readonly activations: number;
}

/** What training a model will take in memory, in bytes; nothing is allocated or run. */
export function trainingBytes(
  model: AnyModel,
  description: DataDescription,
  options: {
    readonly batchSize: number;
    readonly samples: number;
    readonly optimizer: OptimizerOptions;
    readonly objective?: ObjectiveOptions;
  },
): TrainingBytes {
  const { batchSize, samples, optimizer } = options;
  const { terms, loss } = trainingProgram(model, description, { samples, objective: options.objective });
  const program = [loss, ...Object.values(terms)];
  const kept = namedLeaves(program).filter(({ leaf }) => leaf.kind === "parameter" || leaf.kind === "state");
  const numbers = kept.reduce((sum, { leaf, tensor }) => sum + sizeOf(staticShape(leaf.name, tensor.shape)), 0);
  const moved = kept.filter(({ leaf }) => leaf.kind === "parameter").map(({ tensor }) => asFloat(tensor));
  const slopes = gradients(loss, moved);

  const size = (shape: Shape): number => sizeOf(staticShape("trainingBytes", bindShape(shape, { batch: batchSize })));
  const elsewhere = new Set<AnyTensor>([...kept.map(({ tensor }) => tensor), ...slopes]);
  let activations = 0;
  for (const node of topological([...program, ...slopes])) {
    activations += FLOAT * size(gatheredShape(node) ?? [0]);
    if (elsewhere.has(node) || node.leaf?.kind === "constant") continue;
    activations += bytesOf[node.dtype] * size(node.shape);
  }
  const once = FLOAT * numbers;
  return { parameters: once, gradients: once, slots: slotNames(optimizer).length * once, activations };
}
