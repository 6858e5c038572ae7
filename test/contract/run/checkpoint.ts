import type { Checkpoint } from "../../../src/run/folder.ts";
import type { NdArray } from "../../../src/tensor/ndarray.ts";

/** Tensors that show their step in every number. */
export function filled(step: number, size: number): Map<string, NdArray> {
  return new Map<string, NdArray>([
    ["weight", { data: new Float32Array(size).fill(step), shape: [size] }],
    ["slots/m", { data: new Float64Array(7).fill(step), shape: [7] }],
  ]);
}

/** The step of a checkpoint in which everything is of that step; 0 where there is none. */
export function stepOf(checkpoint: Checkpoint | undefined): number {
  if (checkpoint === undefined) return 0;
  const steps = new Set<number>([Number(checkpoint.metadata.step)]);
  for (const { data } of checkpoint.tensors.values()) for (const value of data) steps.add(value);
  if (checkpoint.tensors.size === 2 && steps.size === 1) return [...steps][0];
  throw new Error(`a checkpoint of mixed steps: ${[...steps].join(", ")}`);
}
