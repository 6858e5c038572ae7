import { determinant, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import type { Bijection } from "../../../src/flows/bijection.ts";
import { orthogonal } from "../../../src/flows/householder.ts";
import type { LinearOptions } from "../../../src/flows/linear.ts";
import { linearLu } from "../../../src/flows/linear-lu.ts";
import { linearQr } from "../../../src/flows/linear-qr.ts";
import { gram, type Matrix as Rows } from "../../../src/linalg/matrix.ts";
import { constant, data, mean, mul, square, sub, sum } from "../../../src/tensor/index.ts";
import { evaluate } from "../../../src/tensor/reference.ts";
import { array, drawn, single } from "../single.ts";
import { minimise } from "./minimise.ts";
import { startsOf } from "./starts.ts";

type Build = (name: string, d: number, options?: LinearOptions) => Bijection;
const kinds: readonly { readonly name: string; readonly build: Build }[] = [
  { name: "LU", build: linearLu },
  { name: "QR", build: linearQr },
];

const identity = (d: number): Rows =>
  Array.from({ length: d }, (_, i) => Array.from({ length: d }, (__, j) => (i === j ? 1 : 0)));
const gaussian = (d: number): Rows => {
  const { data: numbers } = drawn(`W/${d}`, "normal", [d, d]);
  return Array.from({ length: d }, (_, i) => Array.from(numbers.subarray(i * d, i * d + d)));
};

/** W by its rows: where the axes go. */
function weightOf(bijection: Bijection, d: number): { readonly weight: Rows; readonly log: number } {
  const x = data("x", [d, d], "float");
  const { value, logAbsDetJacobian } = bijection.forward(x);
  const [columns, log] = evaluate([value, logAbsDetJacobian], {
    ...startsOf([value]),
    x: array(identity(d).flat(), [d, d]),
  });
  return { weight: identity(d).map((_, i) => identity(d).map((__, j) => columns.data[j * d + i])), log: log.data[0] };
}

describe.each(kinds)("$name", ({ build }) => {
  const given: readonly { readonly name: string; readonly of: Rows }[] = [
    ...[1, 2, 3, 7, 20].map((d) => ({ name: `${d} by ${d} at random`, of: gaussian(d) })),
    {
      name: "with a first row of 0 and 1",
      of: [
        [0, 1],
        [1, 0],
      ],
    },
    { name: "the identity", of: identity(5) },
    {
      name: "the identity, one axis turned",
      of: identity(4).map((row, i) => (i === 2 ? row.map((value) => -value) : row)),
    },
    { name: "minus 1", of: [[-1]] },
    {
      name: "nearly an axis",
      of: [
        [1, 1e-9],
        [-1e-9, 1],
      ],
    },
  ];
  it.each(given)("starts at the matrix it is given: $name", ({ of }) => {
    const { weight, log } = weightOf(build("w", of.length, { weight: of }), of.length);
    for (const [i, row] of of.entries()) {
      // Roundings of 20 × 20 products.
      for (const [j, value] of row.entries()) expect(Math.abs(weight[i][j] - value)).toBeLessThan(1e-13);
    }
    const exact = Math.log(Math.abs(determinant(new Matrix(of.map((row) => [...row])))));
    expect(Math.abs(log - exact)).toBeLessThan(1e-12);
  });

  it("starts at a rotation otherwise, another one for another seed or name", () => {
    const starts = [build("w", 6), build("w", 6, { seed: 1 }), build("v", 6)].map((each) => weightOf(each, 6));
    for (const { weight, log } of starts) {
      for (const [i, row] of gram(weight).entries()) {
        for (const [j, value] of row.entries()) expect(Math.abs(value - (i === j ? 1 : 0))).toBeLessThan(1e-13);
      }
      expect(determinant(new Matrix(weight.map((row) => [...row])))).toBeCloseTo(1, 12);
      expect(Math.abs(log)).toBeLessThan(1e-13);
    }
    const distinct = new Set(starts.map(({ weight }) => weight[0][0].toFixed(6)));
    expect(distinct.size).toBe(3);
  });

  it("says what is wrong with a matrix", () => {
    expect(() =>
      build("w", 2, {
        weight: [
          [1, 2],
          [2, 4],
        ],
      }),
    ).toThrow("w: weight: a matrix with an inverse is expected, got a singular one");
    expect(() => build("w", 2, { weight: [[1, 2]] })).toThrow("w: weight: 2 rows of 2 finite numbers are expected");
  });
});

it("Q has d reflections to learn, or one fewer, whatever it starts as", () => {
  const columns = (weight: Rows): unknown =>
    startsOf([linearQr("w", weight.length, { weight }).forward(data("x", ["n", weight.length], "float")).value])[
      "w/reflections"
    ].shape[1];
  expect(columns(identity(5))).toBe(4);
  expect(columns(identity(4))).toBe(4);
  expect(columns(identity(4).map((row, i) => (i === 0 ? row.map((value) => -value) : row)))).toBe(3);
  expect([6, 7]).toContain(columns(gaussian(7)));
});

it("QᵀQ = I to 1e-5 after training in float32", async () => {
  const d = 16;
  const x = constant(drawn("x", "normal", [64, d]).data, [64, d]);
  const target = constant(drawn("target", "normal", [64, d]).data, [64, d]);
  const { value, logAbsDetJacobian } = linearQr("q", d).forward(x);
  const loss = sub(mean(sum(square(sub(value, target)), -1)), mul(0.1, mean(logAbsDetJacobian)));
  const { parameters, losses } = await minimise(loss, { steps: 200, rate: 0.05, precision: "float32" });
  expect(losses[199]).toBeLessThan(0.8 * losses[0]);
  const { "q/reflections": before } = startsOf([loss]);
  const after = parameters["q/reflections"];
  expect(Math.max(...Array.from(after.data, (v, i) => Math.abs(v - before.data[i])))).toBeGreaterThan(0.1); // it was trained
  const [q] = await single([orthogonal(data("v", [d, d], "float"))], { v: after });
  const rows = Array.from({ length: d }, (_, i) => Array.from(q.data.slice(i * d, i * d + d)));
  for (const [i, row] of gram(rows).entries()) {
    for (const [j, entry] of row.entries()) expect(Math.abs(entry - (i === j ? 1 : 0))).toBeLessThan(1e-5); // row 23's
  }
});
