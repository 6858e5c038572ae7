import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { layerNorm } from "../../src/nn/layers.ts";
import { namedLeaves } from "../../src/onnx/lower.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { gradients } from "../../src/tensor/gradients.ts";
import {
  constant,
  conv2d,
  convTranspose2d,
  data,
  erf,
  finite,
  logsumexp,
  mul,
  neg,
  softplus,
  sum,
  type Tensor,
  where,
} from "../../src/tensor/index.ts";
import { asFloat } from "../../src/tensor/op.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { float32, float64, found, type GoldenArray, relativeDistance } from "./arrays.ts";
import golden from "./values/ops.json" with { type: "json" };

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

type Arrays = Readonly<Record<string, GoldenArray>>;
type Outputs = Readonly<Record<string, Tensor>>;

const leaf = (name: string, { shape }: GoldenArray): Tensor => data(name, shape, "float");

/** The outputs in float64 by the interpreter and in float32 by ONNX Runtime, given the same inputs. */
async function values(outputs: Outputs, inputs: Arrays): Promise<Readonly<Record<"exact" | "single", Arrays>>> {
  const names = Object.keys(outputs);
  const fed = (make: typeof float32 | typeof float64) =>
    Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, make(value)]));
  const interpreted = evaluate(Object.values(outputs), fed(float64));
  const compiled = await compile(engine, outputs);
  const run = await compiled.run(fed(float32));
  await compiled.release();
  return {
    exact: Object.fromEntries(names.map((name, i) => [name, plain(interpreted[i])])),
    single: Object.fromEntries(names.map((name) => [name, plain(run[name])])),
  };
}

const plain = ({ data: x, shape }: { readonly data: ArrayLike<number>; readonly shape: readonly number[] }) => ({
  shape,
  data: Array.from(x),
});

/** In norm: 1e-12 leaves a thousand roundings of float64, 1e-5 is the project's bar for float32. */
async function expectGolden(outputs: Outputs, inputs: Arrays, expected: Arrays): Promise<void> {
  const { exact, single } = await values(outputs, inputs);
  for (const [name, want] of Object.entries(expected)) {
    expect(exact[name].shape, name).toEqual(want.shape);
    expect(single[name].shape, name).toEqual(want.shape);
    expect(relativeDistance(numbers(exact[name]), numbers(want)), `${name} in float64`).toBeLessThan(1e-12);
    expect(relativeDistance(numbers(single[name]), numbers(want)), `${name} in float32`).toBeLessThan(1e-5);
  }
}

const numbers = ({ data: x }: GoldenArray): readonly number[] => Array.from(x, Number);

/** y and the gradients of Σ y·c in x and weight. */
function withGradients(y: Tensor, c: GoldenArray, wrt: Outputs): Outputs {
  const slopes = gradients(sum(mul(y, leaf("c", c))), Object.values(wrt));
  const named = Object.keys(wrt).map((name, i) => [`gradient/${name}`, slopes[i]] as const);
  return { y, ...Object.fromEntries(named) };
}

const prefixed = (arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [`gradient/${name}`, array]));

const window = ({ kernel, stride, padding, x }: (typeof golden.conv2d)[number]): string =>
  `kernel ${kernel.join("×")}, stride ${stride}, padding ${padding}, image ${x.shape.slice(2).join("×")}`;

describe("conv2d", () => {
  it.each(golden.conv2d.map((example) => [window(example), example] as const))("%s", async (_, example) => {
    const { stride, padding, c, y } = example;
    const x = leaf("x", example.x);
    const weight = leaf("weight", example.weight);
    const outputs = withGradients(conv2d(x, weight, { stride, padding }), c, { x, weight });
    await expectGolden(outputs, { x: example.x, weight: example.weight, c }, { y, ...prefixed(example.gradients) });
  });
});

describe("convTranspose2d", () => {
  const cases = golden.convTranspose2d.map(
    (example) => [`${window(example)}, output padding ${example.outputPadding}`, example] as const,
  );
  it.each(cases)("%s", async (_, example) => {
    const { stride, padding, outputPadding, c, y } = example;
    const x = leaf("x", example.x);
    const weight = leaf("weight", example.weight);
    const outputs = withGradients(convTranspose2d(x, weight, { stride, padding, outputPadding }), c, { x, weight });
    await expectGolden(outputs, { x: example.x, weight: example.weight, c }, { y, ...prefixed(example.gradients) });
  });
});

const SMALLEST = 2 ** -126; // below it float32 has few digits or none

/** Element by element: relative, and beyond the normal float32 an absolute error of the smallest of them. */
function expectEach(got: readonly number[], want: readonly number[], relative: (i: number) => number): void {
  for (const [i, value] of want.entries()) {
    expect(Math.abs(got[i] - value), `element ${i}: ${got[i]} against ${value}`).toBeLessThanOrEqual(
      relative(i) * Math.abs(value) + SMALLEST,
    );
  }
}

describe("pointwise", () => {
  const cases = [
    { name: "softplus", apply: softplus, example: golden.softplus },
    // log σ(x) = −softplus(−x)
    { name: "log of the sigmoid", apply: (x: Tensor) => neg(softplus(neg(x))), example: golden.logSigmoid },
    { name: "erf", apply: erf, example: golden.erf },
  ];
  it.each(cases)("$name and its derivative", async ({ apply, example }) => {
    const x = leaf("x", example.x);
    const y = apply(x);
    const [derivative] = gradients(sum(y), [x]);
    const { exact, single } = await values({ y, derivative }, { x: example.x });
    const points = numbers(example.x);
    for (const name of ["y", "derivative"] as const) {
      const want = numbers(example[name]);
      // eˣ magnifies the rounding of its argument by that argument: |x| in a logistic's tail, x² in the normal one's.
      const power = name === "derivative" && apply === erf ? 2 : 1;
      const magnified = (i: number): number => 1 + Math.abs(points[i]) ** power;
      expectEach(numbers(exact[name]), want, (i) => 4 * 2 ** -53 * magnified(i));
      expectEach(numbers(single[name]), want, (i) => 8 * 2 ** -24 * magnified(i));
    }
  });
});

it("logsumexp, rows of −∞ included, and its gradient", async () => {
  const { x: rows, c, y, gradients: slopes } = golden.logsumexp;
  const x = leaf("x", rows);
  const value = logsumexp(x, -1);
  // A row of −∞ stays out of the sum, as its weight times −∞ would be the loss; its gradient must then be 0 and not NaN.
  const loss = sum(mul(where(finite(value), value, 0), leaf("c", c)));
  const [gradient] = gradients(loss, [x]);
  const { exact, single } = await values({ y: value, gradient }, { x: rows, c });
  const finiteOnly = (all: readonly number[]): number[] => all.filter(Number.isFinite);
  for (const [result, bar] of [
    [exact, 1e-12],
    [single, 1e-5],
  ] as const) {
    expect(numbers(result.y).map(Number.isFinite)).toEqual(numbers(y).map(Number.isFinite));
    expect(numbers(result.y)[1]).toBe(Number.NEGATIVE_INFINITY);
    const want = finiteOnly(numbers(y));
    for (const [i, got] of finiteOnly(numbers(result.y)).entries())
      expect(Math.abs(got / want[i] - 1)).toBeLessThan(bar);
    expect(relativeDistance(numbers(result.gradient), numbers(slopes.x))).toBeLessThan(bar);
  }
});

it("logsumexp hands no NaN to a row of −∞ whose gradient is asked for", async () => {
  const x = constant(new Float64Array(3).fill(Number.NEGATIVE_INFINITY), [1, 3]);
  const [gradient] = gradients(sum(logsumexp(x, -1)), [x]);
  const { exact, single } = await values({ gradient }, {});
  expect(exact.gradient.data).toEqual([0, 0, 0]);
  expect(single.gradient.data).toEqual([0, 0, 0]);
});

describe("layerNorm", () => {
  it.each(golden.layerNorm.map((example) => [`${example.x.shape.join("×")}, ε ${example.epsilon}`, example] as const))(
    "%s",
    async (_, example) => {
      const { x: images, weight, bias, c, y, epsilon } = example;
      const x = leaf("x", images);
      const normalised = layerNorm("norm", weight.shape[0], epsilon)(x);
      const parameters = new Map(
        namedLeaves([normalised]).map(({ leaf: { name }, tensor }) => [name, asFloat(tensor)]),
      );
      const wrt = { x, weight: found(parameters, "norm/weight"), bias: found(parameters, "norm/bias") };
      const outputs = withGradients(normalised, c, wrt);
      const inputs = { x: images, "norm/weight": weight, "norm/bias": bias, c };
      await expectGolden(outputs, inputs, { y, ...prefixed(example.gradients) });
    },
  );
});
