import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { InputError, ShapeError } from "../../src/errors.ts";
import { lower, namedLeaves } from "../../src/onnx/lower.ts";
import { readProgram } from "../../src/onnx/read.ts";
import { compile, load } from "../../src/runtime/compile.ts";
import { firstNonFinite } from "../../src/runtime/debug.ts";
import type { Engine, EngineName } from "../../src/runtime/engine.ts";
import {
  add,
  concat,
  constant,
  cumsum,
  data,
  div,
  exp,
  gradients,
  log,
  matmul,
  mul,
  parameter,
  reverse,
  scope,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tanh,
} from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { fixedPoint } from "../../src/tensor/ops/fixed-point.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { drawn, single } from "../exact/single.ts";
import { readGraph } from "./onnx-graph.ts";

const engines = new Map<EngineName, Engine>();
beforeAll(async () => {
  for (const engine of ["native", "wasm"] as const) engines.set(engine, await openEngine({ engine }));
});

function open(name: EngineName): Engine {
  const engine = engines.get(name);
  if (!engine) throw new Error(`${name} is not open`);
  return engine;
}

/** So many that taking them all outlasts a test of five seconds. */
const STEPS = 300_000;

type Precision = "float32" | "float64";
const settings = (["native", "wasm"] as const).flatMap((engine) =>
  (["float32", "float64"] as const).map((precision) => ({ engine, precision })),
);

function of(precision: Precision, shape: readonly number[], values: readonly number[]): NdArray {
  return { data: precision === "float32" ? Float32Array.from(values) : Float64Array.from(values), shape };
}

/** What a program gives on an engine, and by the reference. */
async function both(
  setting: { readonly engine: EngineName; readonly precision: Precision },
  y: Tensor,
  feeds: Readonly<Record<string, NdArray>>,
): Promise<readonly [got: number[], exact: number[]]> {
  const compiled = await compile(open(setting.engine), { y }, { precision: setting.precision });
  const got = await compiled.run(feeds);
  await compiled.release();
  const [exact] = evaluate([y], feeds);
  expect(got.y.shape).toEqual(exact.shape);
  return [Array.from(got.y.data), Array.from(exact.data)];
}

const a = data("a", ["batch", 2]);
/** Heron's rule for √a: x ← (x + a/x)/2. */
const heron = (x: Tensor): Tensor => mul(0.5, add(x, div(a, x)));

describe.each(settings)("on $engine in $precision", (setting) => {
  const fed = (...values: readonly number[]): Readonly<Record<string, NdArray>> => ({
    a: of(setting.precision, [values.length / 2, 2], values),
  });
  // Heron's last step is rounded twice: two units in the last place.
  const unit = setting.precision === "float32" ? 1.2e-7 : 2.3e-16;

  it("finds the root that the step stays at, at every batch size", async () => {
    for (const values of [[2, 9], [1e-3, 1, 2, 3, 5, 7], []]) {
      const [got, exact] = await both(setting, fixedPoint(heron, a, 40), fed(...values));
      expect(got).toHaveLength(values.length);
      for (const [i, value] of values.entries()) {
        expect(Math.abs(got[i] / Math.sqrt(value) - 1)).toBeLessThan(2 * unit);
        expect(Math.abs(exact[i] / Math.sqrt(value) - 1)).toBeLessThan(2 * 2.3e-16 + (unit > 1e-10 ? unit : 0));
      }
    }
  });

  it.each([1, 2, 3])("takes at most %i steps", async (most) => {
    const counted = fixedPoint((x) => add(x, 1), a, most);
    const [got, exact] = await both(setting, counted, fed(10, 20));
    expect(got).toEqual([10 + most, 20 + most]);
    expect(exact).toEqual(got);
  });

  it("stops where nothing changes: a step away from rest would be seen", async () => {
    const stepped = fixedPoint((x) => sub(x, mul(a, sub(x, tanh(x)))), mul(a, 0), 1000);
    expect(await both(setting, stepped, fed(1, 1))).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it("ends with NaN, which has reached all that depends on it", async () => {
    // x_j ← a_j + Σ_{i<j} x_i
    const running = fixedPoint((x) => add(a, sub(cumsum(x, -1), x)), mul(a, 0), STEPS);
    const [got, exact] = await both(setting, running, fed(1, 2, Number.NaN, 1));
    expect(got).toEqual([1, 3, Number.NaN, Number.NaN]);
    expect(exact).toEqual(got);
  }, 5_000);
});

describe("fixedPoint", () => {
  const native = (): Engine => open("native");
  const fed = (...values: readonly number[]): Readonly<Record<string, NdArray>> => ({
    a: of("float32", [values.length / 2, 2], values),
  });

  it("is one node whose body asks the program for nothing: leaves, initializers and constants are read around it", async () => {
    const w = parameter("w", [2, 2], { law: "constant", value: 0 });
    const y = fixedPoint((x) => add(a, mul(0.5, tanh(matmul(x, exp(w))))), a, 100);
    expect(namedLeaves([y]).map(({ leaf }) => leaf.name)).toEqual(["a", "w"]);
    const weights = of("float32", [2, 2], [0.1, -0.2, 0.3, -0.4]);
    const program = lower({ y }, { values: new Map([["w", weights]]) });
    const graph = readGraph(program.bytes);
    expect(graph.inputs).toEqual([{ name: "a", shape: ["batch", 2] }]);
    expect(graph.nodes.map(({ type }) => type)).toEqual(["Exp", "Loop"]); // exp(w) once, not in every step
    const loaded = await load(native(), readProgram(program.bytes, "decoder.onnx"));
    const got = await loaded.run(fed(0.3, -0.2, 1, 2));
    await loaded.release();
    const [exact] = evaluate([y], { ...fed(0.3, -0.2, 1, 2), w: weights });
    // In norm: float32 rounds the map by 1e-7, and its slope is below ½·e^0.3·2 < 1.
    for (const [i, value] of exact.data.entries()) expect(Math.abs(got.y.data[i] - value)).toBeLessThan(1e-6);
  });

  it("runs where sizes are bound, inputs are computed by others and outputs are what it reads", async () => {
    const inner = square(a);
    const y = fixedPoint((x) => mul(0.5, add(x, div(inner, x))), inner, 60);
    const compiled = await compile(native(), { inner, y, again: y, sum: sum(y) }, { sizes: { batch: 1 } });
    const { inner: squares, y: roots, again, sum: total } = await compiled.run(fed(3, 5));
    await compiled.release();
    expect(Array.from(squares.data)).toEqual([9, 25]);
    expect(Array.from(roots.data)).toEqual([3, 5]);
    expect(Array.from(again.data)).toEqual([3, 5]);
    expect(total.data[0]).toBe(8);
    const handed = await compile(native(), { y }, { fed: new Map([[inner, "inner"]]) });
    const { y: given } = await handed.run({ inner: of("float32", [1, 2], [9, 25]) });
    await handed.release();
    expect(Array.from(given.data)).toEqual([3, 5]);
  });

  it("reads symbolic sizes inside and after it", async () => {
    const x = data("x", ["samples", "batch", 3]);
    const weight = constant(new Float64Array(18).fill(0.05), [6, 3]);
    const mixed = (y: Tensor): Tensor => matmul(concat([y, reverse(y, -1)], -1), weight); // by way of [batch·samples, 6]
    const y = fixedPoint((each) => add(x, mixed(each)), x, 50);
    const feeds = { x: drawn("x", "normal", [2, 3, 3]) };
    for (const [i, got] of (await single([y, mixed(y)], feeds)).entries()) {
      const exact = evaluate([y, mixed(y)], feeds)[i];
      expect(got.shape).toEqual([2, 3, 3]);
      // Roundings of 6e-8 of a map whose slope is 0.3 in norm.
      for (const [j, value] of exact.data.entries()) expect(Math.abs(got.data[j] - value)).toBeLessThan(1e-6);
    }
  });

  it("stands in another one, each with its own x, also of the same shape", async () => {
    // x ← ½(x + a/x) where a/x is itself found as y ← ½(y + (a/x)²/y)
    const y = fixedPoint(
      (x) =>
        mul(
          0.5,
          add(
            x,
            fixedPoint((inner) => mul(0.5, add(inner, div(square(div(a, x)), inner))), x, 60),
          ),
        ),
      a,
      60,
    );
    const compiled = await compile(native(), { y });
    const got = await compiled.run(fed(4, 9));
    await compiled.release();
    expect(Array.from(got.y.data, (value) => Math.fround(value))).toEqual([2, 3]);
    expect(Array.from(evaluate([y], fed(4, 9))[0].data)).toEqual([2, 3]);
  });

  it("is one node where it is asked for twice", () => {
    expect(fixedPoint(heron, a, 40)).toBe(fixedPoint((x) => heron(x), a, 40));
    expect(fixedPoint(heron, a, 40)).not.toBe(fixedPoint(heron, a, 41));
    expect(fixedPoint(heron, a, 40)).not.toBe(fixedPoint(heron, square(a), 40));
  });

  it("is no loop where the step does not look at x", () => {
    const y = square(a);
    expect(fixedPoint(() => y, a, 5)).toBe(y);
  });

  it("gives equal bits on both engines' own terms: a result is a fixed point of the step", async () => {
    const y = fixedPoint((x) => add(a, mul(0.3, tanh(x))), a, 200);
    const again = add(a, mul(0.3, tanh(y)));
    for (const engine of ["native", "wasm"] as const) {
      const compiled = await compile(open(engine), { y, again });
      const got = await compiled.run(fed(0.1, -0.7, 2, 0.4));
      await compiled.release();
      expect(Array.from(got.again.data)).toEqual(Array.from(got.y.data));
    }
  });

  it("has no gradient, and says what to differentiate", () => {
    const y = sum(fixedPoint(heron, a, 40));
    expect(() => gradients(y, [a])).toThrow(InputError);
    expect(() => gradients(y, [a])).toThrow(
      "fixedPoint: no gradient passes; differentiate the direction that takes one pass, or put stopGradient around it",
    );
    const [slope] = gradients(sum(mul(a, stopGradient(fixedPoint(heron, a, 40)))), [a]);
    expect(Array.from(evaluate([slope], { a: of("float64", [1, 2], [4, 9]) })[0].data)).toEqual([2, 3]);
  });

  it("lets gradients be taken inside the step", async () => {
    // Newton's rule for the root of log x − a, with the slope by differentiation.
    const newton = (x: Tensor): Tensor => {
      const value = sub(log(x), a);
      return sub(x, div(value, gradients(sum(value), [x])[0]));
    };
    const y = fixedPoint(newton, add(mul(a, 0), 1), 50);
    const compiled = await compile(native(), { y });
    const got = await compiled.run(fed(0.5, -0.5));
    await compiled.release();
    expect(Math.abs(got.y.data[0] / Math.exp(0.5) - 1)).toBeLessThan(3e-7);
    expect(Math.abs(got.y.data[1] / Math.exp(-0.5) - 1)).toBeLessThan(3e-7);
  });

  it("is named where it was the first to be wrong, by what it was given", async () => {
    const y = scope("prior", () => sum(fixedPoint((x) => log(sub(x, a)), a, 10)));
    expect(await firstNonFinite(native(), { y }, fed(1, 2), {})).toMatch(
      /^fixedPoint \(prior, contract\/fixed-point\.test\.ts:\d+\) of data a \[batch, 2\] in \[1\.000, 2\.000\]/,
    );
  });

  it.each([
    [
      () => fixedPoint((x) => sum(x, -1), a, 3),
      "fixedPoint: a step must keep the shape [batch, 2], got [batch]; broadcast the start first",
    ],
    [() => fixedPoint((x) => x, a, 0), "fixedPoint: 1 step or more is expected, a whole number, got 0"],
    [() => fixedPoint((x) => x, a, 1.5), "fixedPoint: 1 step or more is expected, a whole number, got 1.5"],
  ])("refuses %#", (build, message) => {
    expect(build).toThrow(ShapeError);
    expect(build).toThrow(message);
  });

  it("refuses a program that took x out of its step", () => {
    const taken: Tensor[] = [];
    fixedPoint(
      (x) => {
        taken.push(x);
        return mul(x, 0.5);
      },
      a,
      3,
    );
    expect(() => lower({ y: add(taken[0], 1) })).toThrow("was used outside the step");
  });
});
