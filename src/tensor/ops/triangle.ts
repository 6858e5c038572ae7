import { ShapeError } from "../../errors.ts";
import { constant } from "../leaves.ts";
import { asFloat, defineOp, type Op } from "../op.ts";
import { type Shape, show, staticShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { add, mul } from "./binary.ts";
import { sum } from "./reduce.ts";
import { softplus } from "./saturating.ts";
import { concat, reshape, split } from "./shape.ts";
import { exp } from "./unary.ts";

type None = Record<string, never>;
const none: None = {};

/** The size k of square matrices [..., k, k]. */
export function orderOf(operation: string, shape: Shape): number {
  const [rows, columns] = staticShape(operation, shape.slice(-2));
  if (shape.length < 2 || rows !== columns || rows === 0) {
    throw new ShapeError(`${operation}: square matrices [..., k, k] are expected, got ${show(shape)}`);
  }
  return rows;
}

/** The entries (i, j) of a k × k matrix, row by row. */
export function entries(k: number, entry: (i: number, j: number) => number): Float64Array {
  return Float64Array.from({ length: k * k }, (_, at) => entry(Math.floor(at / k), at % k));
}

const masks = new Map<string, Tensor>();

/** A constant matrix [k, k], one node for each name and size. */
function mask(name: string, k: number, entry: (i: number, j: number) => number): Tensor {
  const key = `${name} ${k}`;
  const known = masks.get(key);
  if (known) return known;
  const made = constant(entries(k, entry), [k, k]);
  masks.set(key, made);
  return made;
}

/** The identity [k, k]. */
export function identityMatrix(k: number): Tensor {
  return mask("identity", k, (i, j) => (i === j ? 1 : 0));
}

/** Square matrices [..., k, k] with zeros above the diagonal. */
export function lowerPart(x: Tensor): Tensor {
  return mul(
    x,
    mask("lower", orderOf("lowerPart", x.shape), (i, j) => (i >= j ? 1 : 0)),
  );
}

/** Φ of square matrices: what is below the diagonal and half of what is on it. Murray 2016, eq. 8. */
export function halvedLowerPart(x: Tensor): Tensor {
  return mul(
    x,
    mask("halved", orderOf("halvedLowerPart", x.shape), (i, j) => (i > j ? 1 : i === j ? 0.5 : 0)),
  );
}

/** The diagonals of square matrices: [..., k, k] → [..., k]. */
export function diagonalOf(x: Tensor): Tensor {
  return sum(mul(x, identityMatrix(orderOf("diagonalOf", x.shape))), -1);
}

/** Square matrices with these diagonals and zeros elsewhere: [..., k] → [..., k, k]. */
export function diagonalMatrix(diagonal: Tensor): Tensor {
  const [k] = staticShape("diagonalMatrix", diagonal.shape.slice(-1));
  return mul(reshape(diagonal, [...diagonal.shape, 1]), identityMatrix(k));
}

const numbersIn = (k: number): number => (k * (k + 1)) / 2;

/** The place of entry (i, j), i ≥ j, among a triangle's numbers: the diagonal first, then what is below it row by row. */
function placeOf(k: number, i: number, j: number): number {
  return i === j ? i : k + (i * (i - 1)) / 2 + j;
}

/** The place in the matrix of each of a triangle's numbers. */
function entryOf(k: number): readonly number[] {
  const at = new Array<number>(numbersIn(k));
  for (let i = 0; i < k; i++) for (let j = 0; j <= i; j++) at[placeOf(k, i, j)] = i * k + j;
  return at;
}

interface Order {
  readonly [key: string]: number;
  readonly k: number;
}

const triangleOp: Op<Order, "float"> = defineOp<Order, "float">({
  name: "triangle",
  infer: ([flat], { k }) => {
    if (flat.shape.at(-1) !== numbersIn(k)) {
      throw new ShapeError(
        `triangle: the last axis of ${show(flat.shape)} must have k(k + 1)/2 = ${numbersIn(k)} numbers for k = ${k}`,
      );
    }
    return { shape: [...asFloat(flat).shape.slice(0, -1), k, k], dtype: "float" };
  },
  lower: (emit, [flat], { shape, attributes: { k } }) => {
    const lead = shape.slice(0, -2).map(() => 0);
    const padded = emit.node("Pad", [flat, emit.ints([...lead, 0, ...lead, 1]), emit.floats([0], [])]);
    const from = entries(k, (i, j) => (j > i ? numbersIn(k) : placeOf(k, i, j)));
    const matrices = emit.node("Gather", [padded, emit.ints(Array.from(from))], { axis: lead.length });
    return emit.node("Reshape", [matrices, emit.ints([...lead, k, k])]);
  },
  gradient: (_node, upstream) => [triangleEntries(upstream)],
  reference: ([{ data }], { k }, shape) => {
    const out = new Float64Array(shape.reduce((product, dim) => product * dim, 1));
    const at = entryOf(k);
    for (const [i, x] of data.entries()) out[Math.floor(i / at.length) * k * k + at[i % at.length]] = x;
    return out;
  },
  cases: [
    { name: "one number", inputs: [{ shape: [1], low: -3, high: 3 }], attributes: { k: 1 } },
    { name: "a stack", inputs: [{ shape: [2, 10], low: -3, high: 3 }], attributes: { k: 4 } },
  ],
});

/** Lower triangular matrices, [..., k(k + 1)/2] → [..., k, k]: the diagonal first, then what is below it row by row. */
export function triangle(flat: Tensor, k: number): Tensor {
  return triangleOp([flat], { k });
}

const entriesOp: Op<None, "float"> = defineOp<None, "float">({
  name: "triangleEntries",
  infer: ([l]) => {
    const k = orderOf("triangleEntries", l.shape);
    return { shape: [...asFloat(l).shape.slice(0, -2), numbersIn(k)], dtype: "float" };
  },
  lower: (emit, [l], { inputs: [{ shape }] }) => {
    const k = orderOf("triangleEntries", shape);
    const lead = shape.slice(0, -2).map(() => 0);
    const flat = emit.node("Reshape", [l, emit.ints([...lead, k * k])]);
    return emit.node("Gather", [flat, emit.ints(entryOf(k))], { axis: lead.length });
  },
  gradient: ({ inputs: [l] }, upstream) => [triangle(upstream, orderOf("triangleEntries", l.shape))],
  reference: ([{ data, shape }], _attributes, to) => {
    const k = shape[shape.length - 1];
    const at = entryOf(k);
    const size = to.reduce((product, dim) => product * dim, 1);
    return Float64Array.from({ length: size }, (_, i) => data[Math.floor(i / at.length) * k * k + at[i % at.length]]);
  },
  cases: [{ name: "a stack", inputs: [{ shape: [2, 3, 3], low: -3, high: 3 }], attributes: none }],
});

/** The numbers on and below the diagonal, [..., k, k] → [..., k(k + 1)/2], in the order of `triangle`. */
export function triangleEntries(l: Tensor): Tensor {
  return entriesOp([l], none);
}

/** How a number of any size becomes one of the diagonal: exp (the default) or softplus, then `floor` added (0). */
export interface PositiveDiagonal {
  readonly diagonal?: "exp" | "softplus";
  readonly floor?: number;
}

/**
 * Lower triangular matrices with a positive diagonal, as Cholesky factors are, from numbers of any size, as a network gives
 * them: the diagonal first, then what is below it row by row. [..., k(k + 1)/2] → [..., k, k].
 */
export function lowerTriangle(flat: Tensor, k: number, { diagonal = "exp", floor = 0 }: PositiveDiagonal = {}): Tensor {
  const positive = (raw: Tensor): Tensor => add(diagonal === "exp" ? exp(raw) : softplus(raw), floor);
  if (k === 1 || flat.shape.at(-1) !== numbersIn(k)) return triangle(positive(flat), k);
  const [raw, below] = split(flat, -1, [k, numbersIn(k) - k]);
  return triangle(concat([positive(raw), below], -1), k);
}
