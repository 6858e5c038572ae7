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
  for (const node of topological(outputs)) {
    if (!node.leaf || node.leaf.kind === "constant") continue;
    const fed = feeds[node.leaf.name];
    if (!fed) throw new Error(`evaluate: ${node.leaf.kind} ${node.leaf.name} is not fed`);
    for (const [axis, dim] of node.shape.entries()) {
      const { factor, symbols } = factors(dim);
      if (symbols.length === 1) sizes[symbols[0]] = fed.shape[axis] / factor;
    }
    values.set(node, { data: Float64Array.from(fed.data), shape: fed.shape });
  }
  return interpret(outputs, values, sizes);
}

/** The outputs' values, from those that are known; what is computed on the way is known afterwards. */
export function interpret(
  outputs: readonly AnyTensor[],
  known: Map<AnyTensor, Reference>,
  sizes: Readonly<Record<string, number>>,
): readonly Reference[] {
  for (const node of topological(outputs, known)) {
    if (known.has(node)) continue;
    const shape = bindShape(node.shape, sizes).map(Number);
    const inputs = node.inputs.map((input) => valueFor(known, input));
    known.set(node, { data: node.reference(inputs, shape, sizes), shape });
  }
  return outputs.map((output) => valueFor(known, output));
}

function valueFor(values: ReadonlyMap<AnyTensor, Reference>, node: AnyTensor): Reference {
  const value = values.get(node);
  if (!value) throw new Error(`evaluate: ${node.op} has no value yet`);
  return value;
}
