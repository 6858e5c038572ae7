import { ShapeError } from "../errors.ts";
import { constant } from "./leaves.ts";
import { asFloat, isFloat } from "./op.ts";
import { add } from "./ops/binary.ts";
import { customGradient } from "./ops/custom.ts";
import { broadcastTo } from "./ops/shape.ts";
import { sameShape, show } from "./shape.ts";
import { type AnyTensor, scope, type Tensor, topological } from "./tensor.ts";

/**
 * ∂loss/∂w for each w, as tensors: a graph in, a graph out, so that gradients can be differentiated again.
 * Reverse mode: every node hands its upstream gradient to its inputs, users before inputs. A w that the loss does not
 * depend on has the gradient 0.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): readonly Tensor[] {
  if (loss.shape.length !== 0) {
    throw new ShapeError(`gradients: the loss must be one number, got ${show(loss.shape)}; take its mean or sum`);
  }
  return pullBack(loss, constant(1), wrt);
}

/** Σ upstream · ∂output/∂w for each w; a w may be any node that the output is made from. */
export function pullBack(output: Tensor, given: Tensor, wrt: readonly Tensor[]): readonly Tensor[] {
  const order = topological([output]);
  const wanted = new Set<AnyTensor>(wrt);
  const leads = new Set<AnyTensor>();
  for (const node of order) {
    if (wanted.has(node) || node.inputs.some((input) => leads.has(input))) leads.add(node);
  }
  const upstream = new Map<AnyTensor, Tensor>([[output, given]]);
  for (const node of order.toReversed()) {
    const from = upstream.get(node);
    if (from === undefined || node.inputs.length === 0 || !leads.has(node) || !isFloat(node)) continue;
    for (const [i, part] of scope(node.scope, () => node.pullback(from)).entries()) {
      const input = node.inputs[i];
      if (part === null || !leads.has(input)) continue;
      if (!sameShape(part.shape, input.shape)) {
        throw new Error(`the gradient of ${node.op} in input ${i} is ${show(part.shape)}, not ${show(input.shape)}`);
      }
      const before = upstream.get(input);
      upstream.set(input, before ? add(before, part) : part);
    }
  }
  return wrt.map((w) => broadcastTo(upstream.get(w) ?? constant(0), asFloat(w).shape));
}

/**
 * The same value, whose gradient reaches only these nodes: what else it was made from counts as constant. With the density of a
 * sample and the sample itself this leaves out the score ∂ log q/∂φ at fixed z and keeps the path.
 */
export function gradientThrough(value: Tensor, nodes: readonly Tensor[]): Tensor {
  return customGradient(value, nodes, (upstream) => pullBack(value, upstream, nodes));
}
