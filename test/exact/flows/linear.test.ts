import { determinant, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import type { Bijection } from "../../../src/flows/bijection.ts";
import { orthogonal } from "../../../src/flows/householder.ts";
import type { LinearOptions } from "../../../src/flows/linear.ts";
import { linearLu } from "../../../src/flows/linear-lu.ts";
import { linearQr } from "../../../src/flows/linear-qr.ts";
import { gram, type Matrix as Rows } from "../../../src/linalg/matrix.ts";
import { namedLeaves } from "../../../src/onnx/lower.ts";
import { compile } from "../../../src/runtime/compile.ts";
import { gradients } from "../../../src/tensor/gradients.ts";
import { data, mean, mul, square, sub, sum } from "../../../src/tensor/index.ts";
import { asFloat } from "../../../src/tensor/op.ts";
import { evaluate } from "../../../src/tensor/reference.ts";
import { array, drawn, type Feeds } from "../single.ts";
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

it("QᵀQ = I to 1e-5 after training in float32", async () => {
  const d = 16;
  const bijection = linearQr("q", d);
  const x = data("x", ["batch", d], "float");
  const target = data("target", ["batch", d], "float");
  const { value, logAbsDetJacobian } = bijection.forward(x);
  const loss = sub(mean(sum(square(sub(value, target)), -1)), mul(0.1, mean(logAbsDetJacobian)));
  const leaves = namedLeaves([loss]).filter(({ leaf }) => leaf.kind === "parameter");
  const slopes = gradients(
    loss,
    leaves.map(({ tensor }) => asFloat(tensor)),
  );
  const program = await compile(await openEngine({ engine: "native" }), {
    loss,
    ...Object.fromEntries(leaves.map(({ leaf: { name } }, i) => [name, slopes[i]])),
  });
  const rounded = (feeds: Feeds): Record<string, { data: Float32Array; shape: readonly number[] }> =>
    Object.fromEntries(Object.entries(feeds).map(([name, of]) => [name, { ...of, data: Float32Array.from(of.data) }]));
  const batch = rounded({ x: drawn("x", "normal", [64, d]), target: drawn("target", "normal", [64, d]) });
  const parameters = rounded(startsOf([loss]));
  const before = parameters["q/reflections"].data.slice();
  const losses: number[] = [];
  for (let step = 0; step < 300; step++) {
    const { loss: at, ...given } = await program.run({ ...parameters, ...batch });
    losses.push(Number(at.data[0]));
    for (const [name, { data: slope }] of Object.entries(given)) {
      for (const [i, value_] of slope.entries()) parameters[name].data[i] -= 0.05 * value_;
    }
  }
  await program.release();
  expect(losses[299]).toBeLessThan(losses[0]);
  const after = parameters["q/reflections"];
  expect(Math.max(...after.data.map((v, i) => Math.abs(v - before[i])))).toBeGreaterThan(0.1); // it was trained
  const q = await compile(await openEngine({ engine: "native" }), { q: orthogonal(data("v", [d, d], "float")) });
  const { q: of } = await q.run({ v: after });
  await q.release();
  const rows = Array.from({ length: d }, (_, i) => Array.from(of.data.slice(i * d, i * d + d)));
  for (const [i, row] of gram(rows).entries()) {
    for (const [j, entry] of row.entries()) expect(Math.abs(entry - (i === j ? 1 : 0))).toBeLessThan(1e-5); // row 23's
  }
});
