import { lift, scalarValue, type TensorLike } from "../leaves.ts";
import { asFloat, broadcastStrides, type Case, defineOp, forEachIndex, type InputDomain, magnitudes } from "../op.ts";
import { broadcastShapes, sameShape } from "../shape.ts";
import type { AnyTensor, Emitter, Tensor, Value } from "../tensor.ts";
import { unbroadcast } from "./shape.ts";
import { log, neg, step } from "./unary.ts";

type None = Record<string, never>;
const none: None = {};

interface BinaryDeclaration {
  readonly name: string;
  readonly onnx: string;
  readonly reference: (a: number, b: number) => number;
  readonly gradient: (a: Tensor, b: Tensor, y: Tensor, up: Tensor) => readonly [Tensor, Tensor];
  readonly domain: readonly [Omit<InputDomain, "shape">, Omit<InputDomain, "shape">];
  readonly conditioning?: typeof magnitudes;
  readonly kinks?: Case<None>["kinks"];
  readonly tolerance?: Case<None>["tolerance"];
  /** Where one node of ONNX is not what is written. */
  readonly lower?: (emit: Emitter, values: readonly Value[], inputs: readonly AnyTensor[]) => Value | undefined;
}

/** An explicit broadcast is dropped where the operation broadcasts by itself. */
function loosen(x: Tensor, other: Tensor): Tensor {
  if (x.op !== "broadcastTo") return x;
  const source = asFloat(x.inputs[0]);
  const with_ = broadcastShapes("broadcast", source.shape, other.shape);
  return sameShape(with_, broadcastShapes("broadcast", x.shape, other.shape)) ? source : x;
}

/** Applies `visit` elementwise with broadcasting. */
export function broadcastReference(
  inputs: readonly { readonly data: Float64Array; readonly shape: readonly number[] }[],
  shape: readonly number[],
  compute: (...values: number[]) => number,
): Float64Array {
  const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
  const strides = inputs.map((input) => broadcastStrides(input.shape, shape));
  forEachIndex(shape, strides, (flat, offsets) => {
    out[flat] = compute(...inputs.map((input, i) => input.data[offsets[i]]));
  });
  return out;
}

const broadcasts = [
  {
    name: "equal shapes",
    shapes: [
      [3, 5],
      [3, 5],
    ],
  },
  { name: "row", shapes: [[3, 5], [5]] },
  {
    name: "column against row",
    shapes: [
      [3, 1],
      [1, 5],
    ],
  },
  { name: "scalar", shapes: [[], [2, 3]] },
];

function binary(declaration: BinaryDeclaration): (a: TensorLike, b: TensorLike) => Tensor {
  const { name, onnx, reference, gradient, domain, conditioning, kinks, tolerance, lower } = declaration;
  const op = defineOp<None, "float">({
    name,
    conditioning,
    infer: ([a, b]) => ({ shape: broadcastShapes(name, asFloat(a).shape, asFloat(b).shape), dtype: "float" }),
    lower: (emit, values, { inputs }) => lower?.(emit, values, inputs) ?? emit.node(onnx, values),
    gradient: (node, upstream) => {
      const [a, b] = node.inputs.map(asFloat);
      const [da, db] = gradient(a, b, node, upstream);
      return [unbroadcast(da, a.shape), unbroadcast(db, b.shape)];
    },
    reference: (inputs, _attributes, shape) => broadcastReference(inputs, shape, reference),
    cases: broadcasts.map(({ name: label, shapes }) => ({
      name: label,
      inputs: shapes.map((shape, i) => ({ shape, ...domain[i] })),
      attributes: none,
      kinks,
      tolerance,
    })),
  });
  return (a, b) => {
    const y = lift(b);
    const x = loosen(lift(a), y);
    return op([x, loosen(y, x)], none); // against x as it is now: two broadcasts of one axis must not both go
  };
}

const wide = { low: -100, high: 100 };

const addOp = binary({
  name: "add",
  onnx: "Add",
  reference: (a, b) => a + b,
  gradient: (_a, _b, _y, up) => [up, up],
  domain: [wide, wide],
  conditioning: magnitudes,
});

/** a + b */
export function add(a: TensorLike, b: TensorLike): Tensor {
  if (isNumber(a, 0)) return lift(b);
  if (isNumber(b, 0)) return lift(a);
  return addOp(a, b);
}

/** a − b */
export const sub = binary({
  name: "sub",
  onnx: "Sub",
  reference: (a, b) => a - b,
  gradient: (_a, _b, _y, up) => [up, neg(up)],
  domain: [wide, wide],
  conditioning: (inputs) => {
    const [a, b] = magnitudes(inputs);
    return [a, { ...b, data: b.data.map((x) => -x) }];
  },
});

const mulOp = binary({
  name: "mul",
  onnx: "Mul",
  reference: (a, b) => a * b,
  gradient: (a, b, _y, up) => [mul(up, b), mul(up, a)],
  domain: [wide, wide],
});

/** Whether x is this scalar constant. */
function isNumber(x: TensorLike, value: number): boolean {
  return (typeof x === "number" ? x : scalarValue(x)) === value;
}

/** a · b */
export function mul(a: TensorLike, b: TensorLike): Tensor {
  if (isNumber(a, 1)) return lift(b);
  if (isNumber(b, 1)) return lift(a);
  return mulOp(a, b);
}

/** a / b */
export const div = binary({
  name: "div",
  onnx: "Div",
  // ONNX Runtime 1.30 fuses products of 1/a and 1/b, and where one is used twice cannot load the graph; not so Reciprocal.
  lower: (emit, [, b], [a]) => (scalarValue(a) === 1 ? emit.node("Reciprocal", [b]) : undefined),
  reference: (a, b) => a / b,
  gradient: (_a, b, y, up) => [div(up, b), neg(div(mul(up, y), b))],
  domain: [wide, { low: 0.1, high: 100 }],
});

/** aᵇ for a > 0 */
export const pow = binary({
  name: "pow",
  onnx: "Pow",
  reference: (a, b) => a ** b,
  gradient: (a, b, y, up) => [mul(up, mul(b, pow(a, sub(b, 1)))), mul(up, mul(y, log(a)))],
  domain: [
    { low: 0.1, high: 10 },
    { low: -4, high: 4 },
  ],
  tolerance: { relative: 1e-5, reason: "aᵇ magnifies the rounding of b by b·log a ≤ 10, and of a by b" },
});

/** The larger of the two; where they are equal the gradient goes to b. */
export const maximum = binary({
  name: "maximum",
  onnx: "Max",
  reference: Math.max,
  gradient: (a, b, _y, up) => {
    const first = step(sub(a, b));
    return [mul(up, first), mul(up, sub(1, first))];
  },
  domain: [wide, wide],
  kinks: "ties",
});

/** The smaller of the two; where they are equal the gradient goes to b. */
export const minimum = binary({
  name: "minimum",
  onnx: "Min",
  reference: Math.min,
  gradient: (a, b, _y, up) => {
    const first = step(sub(b, a));
    return [mul(up, first), mul(up, sub(1, first))];
  },
  domain: [wide, wide],
  kinks: "ties",
});

/** x² */
export function square(x: TensorLike): Tensor {
  return mul(x, x);
}
