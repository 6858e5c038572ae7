import { describe, expect, it } from "vitest";
import { rationalQuadratic } from "../../../src/flows/spline.ts";
import { gradients } from "../../../src/tensor/gradients.ts";
import { constant, data, sum } from "../../../src/tensor/index.ts";
import { evaluate } from "../../../src/tensor/reference.ts";
import { array, drawn, single } from "../single.ts";

const BINS = 4;
const BOUND = 2;
const NUMBERS = 3 * BINS - 1;
const spline = rationalQuadratic({ bins: BINS, bound: BOUND });

/** Knots and slopes of one variable in plain numbers, by Durkan et al. 2019, §3.1, with the least sizes of this package. */
function knotsOf(raw: ArrayLike<number>): Readonly<Record<"x" | "z" | "slopes", readonly number[]>> {
  const numbers = Array.from(raw);
  const placed = (logits: readonly number[]): readonly number[] => {
    const most = Math.max(...logits);
    const total = logits.reduce((all, logit) => all + Math.exp(logit - most), 0);
    let at = -BOUND;
    return [
      at,
      ...logits.map((logit) => (at += 2 * BOUND * (1e-3 + (1 - 1e-3 * BINS) * (Math.exp(logit - most) / total)))),
    ];
  };
  const slope = (value: number): number => Math.exp(Math.log(1000) * Math.tanh(value / Math.log(1000)));
  return {
    x: placed(numbers.slice(0, BINS)),
    z: placed(numbers.slice(BINS, 2 * BINS)),
    slopes: [1, ...numbers.slice(2 * BINS).map(slope), 1],
  };
}

/** Eq. 4 as it is printed. */
function splineAt(x: number, { x: xs, z: zs, slopes }: ReturnType<typeof knotsOf>): number {
  if (Math.abs(x) > BOUND) return x;
  const k = Math.min(BINS - 1, xs.slice(1).filter((knot) => x >= knot).length);
  const [width, height] = [xs[k + 1] - xs[k], zs[k + 1] - zs[k]];
  const s = height / width;
  const xi = (x - xs[k]) / width;
  const rising = height * (s * xi ** 2 + slopes[k] * xi * (1 - xi));
  return zs[k] + rising / (s + (slopes[k + 1] + slopes[k] - 2 * s) * xi * (1 - xi));
}

describe("the rational-quadratic spline", () => {
  const raw = drawn("raw", "normal", [NUMBERS]);
  const knots = knotsOf(raw.data);
  const x = data("x", ["batch", 1], "float");
  const places = array(
    [...Array.from({ length: 101 }, (_, i) => (i - 50) / 20), ...knots.x, 1e-300, 1e30],
    [101 + BINS + 1 + 2, 1],
  );
  const numbers = constant(raw.data, [NUMBERS]);

  it("is eq. 4, with knots where the numbers put them and the identity beyond", () => {
    const { value } = spline.forward(x, numbers);
    const [got] = evaluate([value], { x: places });
    for (const [i, at] of places.data.entries()) {
      // Rounding, magnified by slopes of some tens.
      expect(Math.abs(got.data[i] - splineAt(at, knots)), `${at}`).toBeLessThanOrEqual(
        1e-13 * Math.max(1, Math.abs(at)),
      );
    }
    const [back] = evaluate([spline.inverse(value, numbers).value], { x: places });
    for (const [i, at] of places.data.entries()) {
      expect(Math.abs(back.data[i] - at), `${at}`).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(at)));
    }
  });

  it("has the slopes that were asked for at its knots, from either side", () => {
    const sides = knots.x.flatMap((knot) => [knot - 1e-9, knot + 1e-9]);
    const { logDerivative } = spline.forward(x, numbers);
    const [logs] = evaluate([logDerivative], { x: array(sides, [sides.length, 1]) });
    // 1e-9 beside a knot the slope has changed by 1e-9 of a curvature of some hundreds.
    for (const [i, log] of logs.data.entries())
      expect(Math.abs(log - Math.log(knots.slopes[i >> 1]))).toBeLessThan(1e-6);
  });

  it("is the identity where its numbers are 0", () => {
    const { value, logDerivative } = spline.forward(x, constant(new Float64Array(NUMBERS), [NUMBERS]));
    const [z, logs] = evaluate([value, logDerivative], { x: places });
    for (const [i, at] of places.data.entries()) {
      expect(Math.abs(z.data[i] - at)).toBeLessThanOrEqual(1e-15 * Math.max(BOUND, Math.abs(at)));
      expect(Math.abs(logs.data[i])).toBeLessThan(1e-14);
    }
  });

  it("rises and stays finite in float32 whatever the numbers, its gradients and its inverse too", async () => {
    const rows = 12;
    const steep = data("steep", ["rows", 1, NUMBERS], "float");
    const many = data("many", ["rows", "count", 1], "float");
    const wild = drawn("wild", "normal", [rows, 1, NUMBERS]);
    const even = Array.from({ length: 60 }, (_, i) => BOUND * ((2.02 * i) / 59 - 1.01));
    const maps = { x: spline.forward(many, steep), z: spline.inverse(many, steep) };
    for (const size of [1, 30, 1e5, 1e30]) {
      const multiples = wild.data.map((value) => size * value);
      const own = Array.from({ length: rows }, (_, row) =>
        knotsOf(multiples.subarray(NUMBERS * row, NUMBERS * (row + 1))),
      );
      for (const side of ["x", "z"] as const) {
        // Beside its knots a number may be taken for one of the next bin: some last places either way.
        const beside = own.map((each) =>
          each[side].flatMap((knot) => [-3, -2, -1, 0, 1, 2, 3].map((i) => knot + i * 2 ** -23)),
        );
        const at = beside.map((some) => [...even, ...some].toSorted((a, b) => a - b));
        const count = at[0].length;
        const { value, logDerivative } = maps[side];
        const outputs = [
          value,
          logDerivative,
          ...gradients(sum(value), [steep, many]),
          ...gradients(sum(logDerivative), [steep, many]),
        ];
        const values = await single(outputs, {
          many: array(at.flat(), [rows, count, 1]),
          steep: { ...wild, data: multiples },
        });
        for (const [i, { data: got }] of values.entries()) {
          expect(got.every(Number.isFinite), `${side}, output ${i} at size ${size}`).toBe(true);
        }
        const [{ data: reached }] = values;
        for (let i = 1; i < reached.length; i++) {
          // Some dozen roundings of numbers up to 4, 2.4e-7 each, in either of two neighbours.
          if (i % count > 0) expect(reached[i] - reached[i - 1]).toBeGreaterThanOrEqual(-1e-5);
        }
      }
    }
  });

  it("says what bins and bounds it takes", () => {
    expect(() => rationalQuadratic({ bins: 1 })).toThrow("spline: bins must be a whole number from 2 to 499, got 1");
    expect(() => rationalQuadratic({ bound: 0 })).toThrow("spline: bound must be a positive number, got 0");
  });
});
