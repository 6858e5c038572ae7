import type { NdArray } from "./ndarray.ts";
import { bindShape, factors } from "./shape.ts";
import { type AnyTensor, type Reference, topological } from "./tensor.ts";

/**
 * The plain float64 interpreter: every op by the loop that defines it. Slow, and independent of ONNX and of rounding to
 * float32: what the compiled program is held against. Leaves are fed by name.
 */
export function evaluate(
  outputs: readonly AnyTensor[],
  feeds: Readonly<Record<string, NdArray>>,
): readonly Reference[] {
  const values = new Map<AnyTensor, Reference>();
  const sizes: Record<string, number> = {};
  const order = topological(outputs);
  for (const node of order) {
    if (!node.leaf || node.leaf.kind === "constant") continue;
    const fed = feeds[node.leaf.name];
    if (!fed) throw new Error(`evaluate: ${node.leaf.kind} ${node.leaf.name} is not fed`);
    for (const [axis, dim] of node.shape.entries()) {
      const { factor, symbols } = factors(dim);
      if (symbols.length === 1) sizes[symbols[0]] = fed.shape[axis] / factor;
    }
    values.set(node, { data: Float64Array.from(fed.data), shape: fed.shape });
  }
  for (const node of order) {
    if (values.has(node)) continue;
    const shape = bindShape(node.shape, sizes).map(Number);
    const inputs = node.inputs.map((input) => valueFor(values, input));
    values.set(node, { data: node.reference(inputs, shape), shape });
  }
  return outputs.map((output) => valueFor(values, output));
}

function valueFor(values: ReadonlyMap<AnyTensor, Reference>, node: AnyTensor): Reference {
  const value = values.get(node);
  if (!value) throw new Error(`evaluate: ${node.op} has no value yet`);
  return value;
}
