import { asFloat, defineOp, type Op } from "../op.ts";
import { multiply, type Shape, sameShape } from "../shape.ts";
import type { Emitter, Reference, Tensor, Value } from "../tensor.ts";
import { add } from "./binary.ts";
import { matmul } from "./matmul.ts";
import { reshape, transpose } from "./shape.ts";
import { entries, halvedLowerPart, lowerPart, orderOf } from "./triangle.ts";
import { neg } from "./unary.ts";

type None = Record<string, never>;
const none: None = {};

/** Visits the matrices of a stack: the entry at (i, j), and its place. */
function eachMatrix(
  { data, shape }: Reference,
  visit: (entry: (i: number, j: number) => number, place: (i: number, j: number) => number) => void,
): void {
  const k = shape[shape.length - 1];
  for (let start = 0; start < data.length; start += k * k) {
    const place = (i: number, j: number): number => start + i * k + j;
    visit((i, j) => data[place(i, j)], place);
  }
}

/** |l_ii| on the diagonal and −|l_ij| below it: in the inverse of this no terms cancel, so rounding is relative to it. */
function comparison([{ data, shape }]: readonly Reference[]): readonly Reference[] {
  const out = Float64Array.from(data);
  eachMatrix({ data, shape }, (entry, place) => {
    for (let i = 0; i < shape[shape.length - 1]; i++) {
      for (let j = 0; j <= i; j++) out[place(i, j)] = i === j ? Math.abs(entry(i, i)) : -Math.abs(entry(i, j));
    }
  });
  return [{ data: out, shape }];
}

const inverseOp: Op<None, "float"> = defineOp<None, "float">({
  name: "triangularInverse",
  conditioning: comparison,
  infer: ([l]) => {
    orderOf("triangularInverse", l.shape);
    return { shape: asFloat(l).shape, dtype: "float" };
  },
  // From the inverses of diagonal blocks to those of blocks twice as large, all of a size at once:
  // [[A, 0], [B, C]]⁻¹ = [[A⁻¹, 0], [−C⁻¹BA⁻¹, C⁻¹]], so X ← X − X·(the Bs of L)·X. Powers of L's lower part, which would
  // have to cancel each other, do not turn up.
  lower: (emit, [l], { shape }) => {
    const k = orderOf("triangularInverse", shape);
    const where = (inside: (i: number, j: number) => boolean): Value =>
      emit.floats(
        entries(k, (i, j) => (inside(i, j) ? 1 : 0)),
        [k, k],
      );
    const identity = where((i, j) => i === j);
    const diagonal = emit.node("Add", [emit.node("Mul", [l, identity]), where((i, j) => i !== j)]);
    let inverse = emit.node("Div", [identity, diagonal]);
    for (let size = 1; size < k; size *= 2) {
      const block = (i: number): number => Math.floor(i / size);
      const below = where((i, j) => block(i) % 2 === 1 && block(j) === block(i) - 1);
      const left = emit.node("MatMul", [inverse, emit.node("Mul", [l, below])]);
      inverse = emit.node("Sub", [inverse, emit.node("MatMul", [left, inverse])]);
    }
    return inverse;
  },
  // dX = −X dL X, in which L counts on and below its diagonal
  gradient: (node, upstream) => [
    neg(lowerPart(matmul(matmul(node, upstream, { transposeA: true }), node, { transposeB: true }))),
  ],
  reference: ([l], _attributes, shape) => {
    const k = shape[shape.length - 1];
    const out = new Float64Array(l.data.length);
    eachMatrix(l, (entry, place) => {
      for (let j = 0; j < k; j++) {
        for (let i = j; i < k; i++) {
          let rest = i === j ? 1 : 0;
          for (let m = j; m < i; m++) rest -= entry(i, m) * out[place(m, j)];
          out[place(i, j)] = rest / entry(i, i);
        }
      }
    });
    return out;
  },
  cases: [
    { name: "one number", inputs: [{ shape: [2, 1, 1], low: 0.5, high: 2 }], attributes: none },
    { name: "a stack, k not a power of 2", inputs: [{ shape: [2, 5, 5], low: 0.5, high: 2 }], attributes: none },
  ],
});

/** L⁻¹ of lower triangular matrices [..., k, k]; what stands above the diagonal is not read. */
export function triangularInverse(l: Tensor): Tensor {
  return inverseOp([l], none);
}

/** Ab: a [..., m, k], b [..., k] → [..., m], leading axes broadcast. */
export function matrixVector(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length === 2 && b.shape.length > 1) return matmul(b, a, { transposeB: true });
  const lead = a.shape.slice(0, -2);
  const further = b.shape.slice(0, Math.max(0, b.shape.length - 1 - lead.length));
  if (further.length > 0 && sameShape(b.shape.slice(further.length, -1), lead)) return shared(a, b, further);
  const columns = matmul(a, reshape(b, [...b.shape, 1])); // [..., m, 1]
  return reshape(columns, columns.shape.slice(0, -1));
}

/** Each matrix times all its vectors at once, so that its gradient is one product too: a [..., m, k], b [...further, ..., k]. */
function shared(a: Tensor, b: Tensor, further: Shape): Tensor {
  const rank = a.shape.length;
  const each = b.shape.slice(further.length);
  const last = transpose(
    reshape(b, [multiply(...further), ...each]),
    [...Array(rank - 1).keys()].map((axis) => axis + 1).concat(0),
  );
  const columns = matmul(a, last); // [..., m, further]
  const first = transpose(columns, [rank - 1, ...Array(rank - 1).keys()]); // [further, ..., m]
  return reshape(first, [...further, ...first.shape.slice(1)]);
}

/** L⁻¹b: l [..., k, k] lower triangular, b [..., k] → [..., k], leading axes broadcast. */
export function triangularSolve(l: Tensor, b: Tensor): Tensor {
  return matrixVector(triangularInverse(l), b);
}

/** x[..., from:to] on the last axes given. */
function cut(
  emit: Emitter,
  x: Value,
  { from, to, axes }: Readonly<Record<"from" | "to" | "axes", readonly number[]>>,
): Value {
  return emit.node("Slice", [x, emit.ints(from), emit.ints(to), emit.ints(axes)]);
}

const choleskyOp: Op<None, "float"> = defineOp<None, "float">({
  name: "cholesky",
  infer: ([a]) => {
    orderOf("cholesky", a.shape);
    return { shape: asFloat(a).shape, dtype: "float" };
  },
  // Column by column: l = a₁/√a₁₁; then the same of A − llᵀ without its first row and column.
  lower: (emit, [a], { shape }) => {
    const k = orderOf("cholesky", shape);
    const lead = shape.slice(0, -2).map(() => 0);
    const [row, column] = [lead.length, lead.length + 1];
    const columns: Value[] = [];
    let left = a;
    for (let j = 0; j < k; j++) {
      const size = k - j;
      const first = cut(emit, left, { from: [0], to: [1], axes: [column] }); // [..., size, 1]
      const pivot = cut(emit, first, { from: [0], to: [1], axes: [row] }); // [..., 1, 1]
      const l = emit.node("Div", [first, emit.node("Sqrt", [pivot])]);
      const above = emit.ints([...lead, j, 0, ...lead, 0, 0]);
      columns.push(emit.node("Pad", [l, above, emit.floats([0], [])])); // [..., k, 1]
      if (size === 1) break;
      const below = cut(emit, l, { from: [1], to: [size], axes: [row] }); // [..., size − 1, 1]
      const across = emit.node("Transpose", [below], { perm: [...lead.keys(), column, row] });
      const rest = cut(emit, left, { from: [1, 1], to: [size, size], axes: [row, column] });
      left = emit.node("Sub", [rest, emit.node("Mul", [below, across])]);
    }
    return emit.node("Concat", columns, { axis: column });
  },
  // P = L⁻ᵀ Φ(LᵀL̄) L⁻¹; A counts on and below its diagonal alone, so Ā = Φ(P + Pᵀ). Murray 2016, eq. 10; Giles 2008, §2.3.4.
  gradient: (node, upstream) => {
    const inverse = triangularInverse(node);
    const inner = halvedLowerPart(matmul(node, upstream, { transposeA: true }));
    const p = matmul(matmul(inverse, inner, { transposeA: true }), inverse);
    return [halvedLowerPart(add(p, transpose(p)))];
  },
  reference: ([a], _attributes, shape) => {
    const k = shape[shape.length - 1];
    const out = new Float64Array(a.data.length);
    eachMatrix(a, (entry, place) => {
      for (let i = 0; i < k; i++) {
        for (let j = 0; j <= i; j++) {
          let rest = entry(i, j);
          for (let m = 0; m < j; m++) rest -= out[place(i, m)] * out[place(j, m)];
          out[place(i, j)] = i === j ? Math.sqrt(rest) : rest / out[place(j, j)];
        }
      }
    });
    return out;
  },
  // Positive definite matrices, written out; the 9s above the diagonal are not read.
  cases: [
    { name: "one number", inputs: [{ shape: [2, 1, 1], low: 0.5, high: 4 }], attributes: none },
    {
      name: "two of 2 × 2",
      inputs: [{ shape: [2, 2, 2], low: 1, high: 2, edges: [4, 9, -1.5, 2, 0.25, 9, 0.5, 3] }],
      attributes: none,
    },
    {
      name: "4 × 4",
      inputs: [
        {
          shape: [4, 4],
          low: 1,
          high: 2,
          edges: [4, 9, 9, 9, -2, 3.25, 9, 9, 1, 0.625, 1.8125, 9, -1, 2, 0.25, 2.875],
        },
      ],
      attributes: none,
    },
  ],
});

/**
 * The lower triangular L with LLᵀ = A of symmetric positive definite matrices [..., k, k], which are read on and below the
 * diagonal; NaN where one is not positive definite. The compiled program has about 10·k nodes for it.
 */
export function cholesky(a: Tensor): Tensor {
  return choleskyOp([a], none);
}
