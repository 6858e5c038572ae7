import { ShapeError } from "../errors.ts";

/**
 * The extent of one axis: a number, or an integer multiple of named symbols that are bound when the program runs,
 * written canonically: `"batch"`, `"5·batch"`, `"batch·samples"`.
 */
export type Dim = number | string;
export type Shape = readonly Dim[];

interface Monomial {
  readonly factor: number;
  readonly symbols: readonly string[];
}

function parse(dim: Dim): Monomial {
  if (typeof dim === "number") return { factor: dim, symbols: [] };
  const parts = dim.split("·");
  const factor = Number(parts[0]);
  return Number.isInteger(factor) ? { factor, symbols: parts.slice(1) } : { factor: 1, symbols: parts };
}

function format({ factor, symbols }: Monomial): Dim {
  if (symbols.length === 0 || factor === 0) return factor;
  const product = [...symbols].sort().join("·");
  return factor === 1 ? product : `${factor}·${product}`;
}

/** The numeric factor of a dimension and the symbols it is multiplied with. */
export const factors = parse;

/** The product of dimensions; of none, 1. */
export function multiply(...dims: readonly Dim[]): Dim {
  if (dims.every((dim) => typeof dim === "number")) return dims.reduce<number>((product, dim) => product * dim, 1);
  const parts = dims.map(parse);
  return format({
    factor: parts.reduce((product, part) => product * part.factor, 1),
    symbols: parts.flatMap((part) => part.symbols),
  });
}

/** a / b where it is exact, else undefined. */
function divide(a: Dim, b: Dim): Dim | undefined {
  const numerator = parse(a);
  const denominator = parse(b);
  const rest = [...numerator.symbols];
  for (const symbol of denominator.symbols) {
    const at = rest.indexOf(symbol);
    if (at < 0) return undefined;
    rest.splice(at, 1);
  }
  const factor = numerator.factor / denominator.factor;
  return Number.isInteger(factor) ? format({ factor, symbols: rest }) : undefined;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** A shape as errors print it: `[batch, 28, 28]`. */
export function show(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** The shape that NumPy's rule gives to an elementwise operation on these shapes. */
export function broadcastShapes(operation: string, ...shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let result: Dim = 1;
    for (const shape of shapes) {
      const dim = shape[axis - rank + shape.length] ?? 1;
      if (dim === 1 || dim === result) continue;
      if (result !== 1) {
        const got = shapes.map(show).join(" and ");
        throw new ShapeError(`${operation}: shapes do not broadcast: ${got} (${result} and ${dim} on one axis)`);
      }
      result = dim;
    }
    return result;
  });
}

/** Axes as numbers from the front, negative ones counted from the end; each in range and named once. */
export function resolveAxes(operation: string, axes: readonly number[], rank: number): readonly number[] {
  const resolved = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  for (const [i, axis] of resolved.entries()) {
    if (!Number.isInteger(axis) || axis < 0 || axis >= rank) {
      throw new ShapeError(`${operation}: axis ${axes[i]} is not one of a tensor with ${rank} axes`);
    }
    if (resolved.indexOf(axis) !== i) throw new ShapeError(`${operation}: axis ${axis} is named twice`);
  }
  return resolved;
}

/** The one axis, from the front. */
export function resolveAxis(operation: string, axis: number, rank: number): number {
  return resolveAxes(operation, [axis], rank)[0];
}

/** The target of a reshape; one axis may be −1, for what is left. */
export function resolveReshape(from: Shape, to: Shape): Shape {
  const total = multiply(...from);
  const holes = to.filter((dim) => dim === -1).length;
  if (holes > 1) throw new ShapeError(`reshape: only one axis of ${show(to)} can be -1`);
  const known = multiply(...to.filter((dim) => dim !== -1));
  const rest = holes === 1 ? divide(total, known) : 1;
  if (rest === undefined || (holes === 0 && known !== total)) {
    throw new ShapeError(`reshape: ${show(from)} has ${total} elements and cannot become ${show(to)}`);
  }
  return to.map((dim) => (dim === -1 ? rest : dim));
}

/** The shape with every symbol replaced by its number. */
export function bindShape(shape: Shape, sizes: Readonly<Record<string, number>>): readonly Dim[] {
  return shape.map((dim) => {
    const { factor, symbols } = parse(dim);
    return multiply(factor, ...symbols.map((symbol) => sizes[symbol] ?? symbol));
  });
}

/** A shape of numbers only, or an error that names what is missing. */
export function staticShape(operation: string, shape: Shape): readonly number[] {
  return shape.map((dim) => {
    if (typeof dim === "number") return dim;
    throw new ShapeError(`${operation}: the size of ${dim} in ${show(shape)} must be known here`);
  });
}
