import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import { add, broadcastTo, data, matmul, reshape, sum, transpose } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import {
  bindShape,
  broadcastShapes,
  type Dim,
  factors,
  multiply,
  resolveAxes,
  resolveReshape,
  type Shape,
  show,
} from "../../src/tensor/shape.ts";

const SYMBOLS = ["batch", "samples", "rows"] as const;
const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 9 }),
  samples: fc.integer({ min: 1, max: 9 }),
  rows: fc.integer({ min: 1, max: 9 }),
});
type Sizes = Readonly<Record<(typeof SYMBOLS)[number], number>>;

/** Numbers, symbols and integer multiples of products of symbols, as programs make them. */
const dim: fc.Arbitrary<Dim> = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.array(fc.constantFrom(...SYMBOLS), { maxLength: 2 }))
  .map(([factor, symbols]) => multiply(factor, ...symbols));
const shape = fc.array(dim, { maxLength: 4 });
const numeric = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });

const value = (of: Dim, at: Sizes): number => Number(bindShape([of], at)[0]);
const product = (numbers: readonly number[]): number => numbers.reduce((total, each) => total * each, 1);

describe("dimensions", () => {
  it("multiply as their values do", () => {
    fc.assert(
      fc.property(shape, sizes, (dims, at) => {
        expect(value(multiply(...dims), at)).toBe(product(dims.map((each) => value(each, at))));
      }),
    );
  });

  it("have one form: the order and grouping of factors play no part", () => {
    fc.assert(
      fc.property(dim, dim, dim, (a, b, c) => {
        expect(multiply(a, b)).toBe(multiply(b, a));
        expect(multiply(multiply(a, b), c)).toBe(multiply(a, multiply(b, c)));
        expect(multiply(a, 1)).toBe(a);
        expect(multiply(a)).toBe(a);
      }),
    );
    expect(multiply("samples", 5, "batch")).toBe("5·batch·samples");
    expect(multiply()).toBe(1);
    expect(multiply("batch", 0)).toBe(0);
  });

  it("come apart into what they are made of", () => {
    fc.assert(
      fc.property(dim, (each) => {
        const { factor, symbols } = factors(each);
        expect(multiply(factor, ...symbols)).toBe(each);
      }),
    );
  });

  it("are bound a symbol at a time as all at once", () => {
    fc.assert(
      fc.property(shape, sizes, (dims, at) => {
        const { batch, ...others } = at;
        expect(bindShape(bindShape(dims, { batch }), others)).toEqual(bindShape(dims, at));
      }),
    );
  });
});

/** NumPy's rule, axis by axis from the back; undefined where the shapes do not fit. */
function numpyBroadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const padded = [a, b].map((each) => [...new Array<Dim>(rank - each.length).fill(1), ...each]);
  const joined = padded[0].map((left, i) => {
    const right = padded[1][i];
    return left === right || right === 1 ? left : left === 1 ? right : undefined;
  });
  return joined.every((each) => each !== undefined) ? joined : undefined;
}

describe("broadcasting", () => {
  const small: fc.Arbitrary<Shape> = fc.array(fc.constantFrom<Dim>(1, 2, 3, "batch", "2·batch"), { maxLength: 4 });

  it("follows NumPy's rule, symbols being equal only to themselves", () => {
    fc.assert(
      fc.property(small, small, (a, b) => {
        const joined = numpyBroadcast(a, b);
        if (joined) {
          expect(broadcastShapes("add", a, b)).toEqual(joined);
          expect(broadcastShapes("add", b, a)).toEqual(joined);
        } else {
          expect(() => broadcastShapes("add", a, b)).toThrow(ShapeError);
          expect(() => broadcastShapes("add", a, b)).toThrow(`add: shapes do not broadcast: ${show(a)} and ${show(b)}`);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("takes an axis from any of three", () => {
    expect(broadcastShapes("where", [3, 1], ["batch", 1, 1], [5])).toEqual(["batch", 3, 5]);
  });

  it("is what an op's reference does", () => {
    fc.assert(
      fc.property(numeric, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.nat(4), (full, thin, drop) => {
        const b = full.map((each, i) => (thin[i] ? 1 : each)).slice(Math.min(drop, full.length));
        const x = { data: Float64Array.from({ length: product(full) }, (_, i) => i), shape: full };
        const y = { data: Float64Array.from({ length: product(b) }, (_, i) => 100 * i), shape: b };
        const [left, right] = [data("x", full, "float"), data("y", b, "float")];
        const [direct, expanded] = evaluate([add(left, right), broadcastTo(right, full)], { x, y });
        expect(Array.from(direct.data)).toEqual(Array.from(x.data, (each, i) => each + expanded.data[i]));
      }),
    );
  });

  it("names what cannot be", () => {
    expect(() => broadcastTo(data("x", [2, 3], "float"), [3, 3])).toThrow(ShapeError);
    expect(() => broadcastTo(data("x", [2, 3], "float"), [3])).toThrow("broadcastTo: [2, 3] cannot become [3]");
  });
});

describe("reshape", () => {
  it("fills one hole with what is left, symbols included", () => {
    fc.assert(
      fc.property(fc.array(dim, { minLength: 1, maxLength: 4 }), fc.nat(3), fc.nat(3), (dims, a, b) => {
        const [start, end] = [Math.min(a, b, dims.length - 1), Math.max(a, b) + 1];
        const hole = [...dims.slice(0, start), -1, ...dims.slice(end)];
        const filled = [...dims.slice(0, start), multiply(...dims.slice(start, end)), ...dims.slice(end)];
        expect(resolveReshape(dims, hole)).toEqual(filled);
      }),
    );
  });

  it("keeps the number of elements or throws", () => {
    fc.assert(
      fc.property(shape, shape, (from, to) => {
        if (multiply(...from) === multiply(...to)) expect(resolveReshape(from, to)).toEqual(to);
        else {
          const message = `reshape: ${show(from)} has ${multiply(...from)} elements and cannot become ${show(to)}`;
          expect(() => resolveReshape(from, to)).toThrow(message);
        }
      }),
    );
    expect(() => resolveReshape([4], [-1, -1])).toThrow("reshape: only one axis of [-1, -1] can be -1");
    expect(() => resolveReshape(["batch", 5], [3, -1])).toThrow(ShapeError);
    expect(() => resolveReshape([6], ["batch", -1])).toThrow(ShapeError);
  });

  it("there and back is the same tensor's numbers", () => {
    fc.assert(
      fc.property(numeric, (dims) => {
        const leaf = data("x", dims, "float");
        const x = { data: Float64Array.from({ length: product(dims) }, (_, i) => i), shape: dims };
        const [back] = evaluate([reshape(reshape(leaf, [-1]), dims)], { x });
        expect(back.shape).toEqual(dims);
        expect(Array.from(back.data)).toEqual(Array.from(x.data));
      }),
    );
  });
});

describe("axes", () => {
  it("count from the back where negative, are in range and named once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: -8, max: 8 }), (rank, axis) => {
        if (axis >= -rank && axis < rank) expect(resolveAxes("sum", [axis], rank)).toEqual([(axis + rank) % rank]);
        else {
          expect(() => resolveAxes("sum", [axis], rank)).toThrow(
            `sum: axis ${axis} is not one of a tensor with ${rank} axes`,
          );
        }
      }),
    );
    expect(() => sum(data("x", [2, 3], "float"), [1, -1])).toThrow("sum: axis 1 is named twice");
    expect(() => sum(data("x", [2, 3], "float"), 0.5)).toThrow(ShapeError);
  });

  it("of a transposed matrix are exchanged, whatever stands before them", () => {
    expect(transpose(data("x", ["batch", 2, 3], "float")).shape).toEqual(["batch", 3, 2]);
    expect(transpose(data("x", [2, 3, 4], "float"), [2, 0, 1]).shape).toEqual([4, 2, 3]);
    expect(() => transpose(data("x", [2, 3, 4], "float"), [1, 0])).toThrow(
      "transpose: [2, 3, 4] needs 3 axes, got [1, 0]",
    );
  });

  it("of a product say what differs", () => {
    expect(() => matmul(data("x", [128, 784], "float"), data("w", [400, 20], "float"))).toThrow(
      "matmul: inner dimensions differ: [128, 784] × [400, 20] (784 and 400)",
    );
    expect(() => matmul(data("x", [3], "float"), data("w", [3, 2], "float"))).toThrow(
      /needs matrices, got \[3\] × \[3, 2\]/,
    );
  });
});
