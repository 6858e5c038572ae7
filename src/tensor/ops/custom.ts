import { asFloat, defineOp } from "../op.ts";
import { makeNode, type Tensor } from "../tensor.ts";

const stop = defineOp<Record<string, never>, "float">({
  name: "stopGradient",
  infer: ([x]) => ({ shape: asFloat(x).shape, dtype: "float" }),
  lower: (_emit, [x]) => x,
  reference: ([x]) => x.data,
  cases: [{ name: "identity", inputs: [{ shape: [3], low: -1, high: 1 }], attributes: {} }],
});

/** The same value, through which no gradient passes. */
export function stopGradient(x: Tensor): Tensor {
  return stop([x], {});
}

/**
 * A value with a gradient of its own: `pullback` turns the gradient of the loss in `value` into those in `inputs`
 * (null for none). How `value` was computed plays no part; straight-through, guarded and re-derived gradients are this.
 */
export function customGradient(
  value: Tensor,
  inputs: readonly Tensor[],
  pullback: (upstream: Tensor) => readonly (Tensor | null)[],
): Tensor {
  return makeNode({
    op: "customGradient",
    inputs: [value, ...inputs],
    attributes: {},
    shape: value.shape,
    dtype: "float",
    lower: (_emit, [result]) => result,
    pullback: (upstream) => [null, ...pullback(upstream)],
    reference: ([result]) => result.data,
  });
}
