import { namedLeaves } from "../../../src/onnx/lower.ts";
import { drawInitial } from "../../../src/random/initial.ts";
import type { Tensor } from "../../../src/tensor/index.ts";
import { type NdArray, sizeOf } from "../../../src/tensor/ndarray.ts";
import { staticShape } from "../../../src/tensor/shape.ts";
import { array } from "../single.ts";

/** Where the parameters of a program start, by name; given values are not rounded to float32. */
export function startsOf(outputs: readonly Tensor[]): Readonly<Record<string, NdArray<Float64Array>>> {
  const starts: Record<string, NdArray<Float64Array>> = {};
  for (const { leaf, tensor } of namedLeaves(outputs)) {
    if (leaf.kind !== "parameter") continue;
    const shape = staticShape(leaf.name, tensor.shape);
    const { initial } = leaf;
    starts[leaf.name] = array(
      initial.law === "values" ? initial.values : drawInitial(initial, leaf.name, shape, 1),
      shape,
    );
    if (starts[leaf.name].data.length !== sizeOf(shape)) throw new Error(`${leaf.name}: a start of another size`);
  }
  return starts;
}
