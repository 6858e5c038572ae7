import { InputError, ShapeError } from "../../errors.ts";
import { interpret } from "../reference.ts";
import { type Shape, sameShape, show } from "../shape.ts";
import { type AnyTensor, makeNode, type Reference, type Tensor, topological } from "../tensor.ts";
import { sum } from "./reduce.ts";
import { and, equal, greater, not, or, toFloat } from "./select.ts";

/**
 * x ← step(x) from `start` until no number changes, at most `most` times; NaN that stays NaN is no change. One ONNX Loop: the step
 * may use any value of the program, and what in it does not depend on x is computed once. The result has no gradient.
 * @throws ShapeError where the step changes the shape.
 */
export function fixedPoint(step: (x: Tensor) => Tensor, start: Tensor, most: number): Tensor {
  if (!Number.isInteger(most) || most < 1) {
    throw new ShapeError(`fixedPoint: 1 step or more is expected, a whole number, got ${most}`);
  }
  const carried = carriedOf(start.shape);
  const next = nested(() => step(carried));
  if (!sameShape(next.shape, start.shape)) {
    throw new ShapeError(
      `fixedPoint: a step must keep the shape ${show(start.shape)}, got ${show(next.shape)}; broadcast the start first`,
    );
  }
  const known = made.get(next) ?? new Map<string, WeakRef<Tensor>>();
  const key = `${start.id} ${most}`;
  const node = known.get(key)?.deref() ?? repeated(start, carried, next, most);
  made.set(next, known.set(key, new WeakRef(node)));
  return node;
}

/** Loops already made, by what they compute, then by where and how long: equal ones are one. */
const made = new WeakMap<AnyTensor, Map<string, WeakRef<Tensor>>>();

function repeated(start: Tensor, carried: Tensor, next: Tensor, most: number): Tensor {
  const again = greater(sum(toFloat(changed(carried, next))), 0);
  const inside = new Set<AnyTensor>([carried]);
  const order = topological([again, next]);
  for (const node of order) if (node.inputs.some((input) => inside.has(input))) inside.add(node);
  if (!inside.has(next)) return next;
  const needed = new Set(order.filter((node) => inside.has(node)).flatMap(({ inputs }) => inputs));
  const outside = order.filter((node) => needed.has(node) && !inside.has(node));
  const given = <T>(values: readonly T[]): Map<AnyTensor, T> => new Map(outside.map((node, i) => [node, values[i]]));
  return makeNode({
    op: "fixedPoint",
    inputs: [start, ...outside],
    attributes: { most },
    shape: start.shape,
    dtype: "float",
    lower: (emit, [from, ...values]) => emit.loop(from, { carried, next, again, most, outside: given(values) }),
    pullback: () => {
      throw new InputError(
        "fixedPoint: no gradient passes; differentiate the direction that takes one pass, or put stopGradient around it",
      );
    },
    reference: ([from, ...values], shape, sizes = {}) => {
      let x: Reference = { data: from.data, shape };
      for (let step = 0; step < most; step++) {
        const [going, after] = interpret([again, next], given(values).set(carried, x), sizes);
        x = after;
        if (going.data[0] === 0) break;
      }
      return x.data;
    },
  });
}

/** Where y ≠ x, two NaN being the same. */
function changed(x: Tensor, y: Tensor): Tensor<"bool"> {
  return and(not(equal(y, x)), or(equal(x, x), equal(y, y)));
}

/** What x is in a body; one node for each depth of nesting and shape, so that equal bodies are equal nodes. */
const carriedValues = new Map<string, WeakRef<Tensor>>();
let depth = 0;

function nested<T>(build: () => T): T {
  depth += 1;
  try {
    return build();
  } finally {
    depth -= 1;
  }
}

function carriedOf(shape: Shape): Tensor {
  const key = `${depth} ${show(shape)}`;
  const known = carriedValues.get(key)?.deref();
  if (known) return known;
  const leaked = (): never => {
    throw new InputError("fixedPoint: what its step is given was used outside the step; use the result instead");
  };
  const node = makeNode({
    op: "carried",
    inputs: [],
    attributes: {},
    shape,
    dtype: "float",
    lower: leaked,
    pullback: () => [],
    reference: leaked,
  });
  carriedValues.set(key, new WeakRef(node));
  return node;
}
