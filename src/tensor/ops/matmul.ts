import { ShapeError } from "../../errors.ts";
import { asFloat, broadcastStrides, type Case, defineOp, forEachIndex, magnitudes } from "../op.ts";
import { broadcastShapes, type Dim, multiply, type Shape, show } from "../shape.ts";
import type { Emitter, Reference, Tensor, Value } from "../tensor.ts";
import { sum } from "./reduce.ts";
import { reshape, stridesOf, unbroadcast } from "./shape.ts";

interface Transposed {
  readonly [key: string]: boolean;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const wide = { low: -10, high: 10 };

/** The last two axes, after the transposition asked for. */
function matrix(shape: Shape, transposed: boolean): readonly [Dim, Dim] {
  const [rows, columns] = shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}

function productShape(a: Shape, b: Shape, { transposeA, transposeB }: Transposed, operation = "matmul"): Shape {
  if (a.length < 2 || b.length < 2) {
    throw new ShapeError(
      `${operation}: needs matrices, got ${show(a)} × ${show(b)}; reshape a vector to one row or column`,
    );
  }
  const [rows, inner] = matrix(a, transposeA);
  const [other, columns] = matrix(b, transposeB);
  if (inner !== other) {
    throw new ShapeError(`${operation}: inner dimensions differ: ${show(a)} × ${show(b)} (${inner} and ${other})`);
  }
  return [...broadcastShapes("matmul", a.slice(0, -2), b.slice(0, -2)), rows, columns];
}

function swap(emit: Emitter, value: Value, rank: number): Value {
  const perm = [...Array(rank).keys()];
  return emit.node("Transpose", [value], { perm: [...perm.slice(0, -2), rank - 1, rank - 2] });
}

function productReference(
  a: Reference,
  b: Reference,
  { transposeA, transposeB }: Transposed,
  shape: readonly number[],
): Float64Array {
  const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
  const batch = shape.slice(0, -2);
  const strides = [a, b].map(({ shape: from }, i) => {
    const lead = broadcastStrides(from.slice(0, -2), batch).map(
      (stride) => stride * from.slice(-2).reduce((x, y) => x * y),
    );
    const [row, column] = stridesOf(from).slice(-2);
    const [outer, inner] = (i === 0 ? transposeA : transposeB) ? [column, row] : [row, column];
    // a: walks rows of the result; b: its columns
    return { offsets: i === 0 ? [...lead, outer, 0] : [...lead, 0, inner], inner: i === 0 ? inner : outer };
  });
  const depth = a.shape[a.shape.length - (transposeA ? 2 : 1)];
  forEachIndex(shape, [strides[0].offsets, strides[1].offsets], (flat, [fromA, fromB]) => {
    for (let k = 0; k < depth; k++) {
      out[flat] += a.data[fromA + k * strides[0].inner] * b.data[fromB + k * strides[1].inner];
    }
  });
  return out;
}

function productCase(
  a: readonly number[],
  b: readonly number[],
  transposeA = false,
  transposeB = false,
): Case<Transposed> {
  const inputs = [a, b].map((shape) => ({ shape, ...wide }));
  return { name: `${show(a)} by ${show(b)}`, inputs, attributes: { transposeA, transposeB } };
}

const matmulOp = defineOp<Transposed, "float">({
  name: "matmul",
  conditioning: magnitudes,
  infer: ([a, b], attributes) => ({
    shape: productShape(asFloat(a).shape, asFloat(b).shape, attributes),
    dtype: "float",
  }),
  lower: (emit, [x, y], { inputs: [a, b], attributes: { transposeA, transposeB } }) => {
    if (a.shape.length === 2 && b.shape.length === 2) {
      return emit.node("Gemm", [x, y], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 });
    }
    const left = transposeA ? swap(emit, x, a.shape.length) : x;
    const right = transposeB ? swap(emit, y, b.shape.length) : y;
    return emit.node("MatMul", [left, right]);
  },
  gradient: (node, upstream, { transposeA, transposeB }) => {
    const [a, b] = node.inputs.map(asFloat);
    const da = transposeA
      ? product(b, upstream, transposeB, true) // [k, m] = op(b) [k, n] · upstreamᵀ [n, m]
      : product(upstream, b, false, !transposeB);
    const db = transposeB
      ? product(upstream, a, true, transposeA) // [n, k] = upstreamᵀ [n, m] · op(a) [m, k]
      : product(a, upstream, !transposeA, false);
    return [unbroadcast(da, a.shape), unbroadcast(db, b.shape)];
  },
  reference: ([a, b], attributes, shape) => productReference(a, b, attributes, shape),
  cases: [
    productCase([3, 4], [4, 5]),
    productCase([4, 3], [4, 5], true),
    productCase([3, 4], [5, 4], false, true),
    productCase([4, 3], [5, 4], true, true),
    productCase([2, 3, 4], [2, 4, 5]),
    productCase([2, 1, 4, 3], [3, 5, 4], true, true),
  ],
});

function product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  return matmulOp([a, b], { transposeA, transposeB });
}

/** Rows of a stack of matrices as one matrix, so that one large product (and one weight gradient) serves them all. */
function flattenRows(x: Tensor): Tensor {
  return reshape(x, [multiply(...x.shape.slice(0, -1)), x.shape[x.shape.length - 1]]);
}

/** The matrix product of the last two axes, leading axes broadcast; either side transposed on request. */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false }: { transposeA?: boolean; transposeB?: boolean } = {},
): Tensor {
  if (a.shape.length > 2 && b.shape.length === 2 && !transposeA) {
    const shape = productShape(a.shape, b.shape, { transposeA, transposeB });
    return reshape(product(flattenRows(a), b, false, transposeB), shape);
  }
  return product(a, b, transposeA, transposeB);
}

const affineOp = defineOp<Record<string, never>, "float">({
  name: "affine",
  conditioning: magnitudes,
  infer: ([x, weight, bias]) => {
    const shape = productShape(x.shape, weight.shape, { transposeA: false, transposeB: false }, "affine");
    if (bias.shape.length !== 1 || bias.shape[0] !== shape[1]) {
      throw new ShapeError(`affine: a bias of ${show([shape[1]])} is expected, got ${show(bias.shape)}`);
    }
    return { shape, dtype: "float" };
  },
  lower: (emit, inputs) => emit.node("Gemm", inputs),
  gradient: (node, upstream) => {
    const [x, weight] = node.inputs.map(asFloat);
    return [product(upstream, weight, false, true), product(x, upstream, true, false), sum(upstream, 0)];
  },
  reference: ([x, weight, bias], _attributes, shape) =>
    productReference(x, weight, { transposeA: false, transposeB: false }, shape).map(
      (value, i) => value + bias.data[i % bias.data.length],
    ),
  cases: [
    {
      name: "layer",
      inputs: [
        { shape: [3, 4], ...wide },
        { shape: [4, 5], ...wide },
        { shape: [5], ...wide },
      ],
      attributes: {},
    },
  ],
});

/** x · weight + bias over the last axis: x [..., in], weight [in, out], bias [out] → [..., out]. */
export function affine(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  if (x.shape.length === 2) return affineOp([x, weight, bias], {});
  const rows = affineOp([flattenRows(x), weight, bias], {});
  return reshape(rows, [...x.shape.slice(0, -1), weight.shape[1]]);
}
