import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import {
  besselRatio,
  data,
  digamma,
  digammaDifference,
  erf,
  erfc,
  erfinv,
  expm1,
  gradients,
  lbeta,
  lgamma,
  lgammaDifference,
  log1mexp,
  log1p,
  logI0,
  logNormalCdf,
  normalCdf,
  normalQuantile,
  polygamma,
  sum,
  type Tensor,
} from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { float32, float64, type GoldenArray } from "./arrays.ts";
import golden from "./values/special.json" with { type: "json" };

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

interface Example {
  readonly y: GoldenArray;
  readonly derivative: GoldenArray;
}

/** What an error may be relative to at a point where that is larger than the value: next to a zero. */
type Beside = (x: number, n: number) => number;
const nothing: Beside = () => 0;

/**
 * Allowed error in roundings. float32: the last four or five steps of a formula count, each of half a rounding or one, and
 * the most found at these points was 6. float64: the same with more steps and ONNX Runtime's own exp and log; most 18.
 * The interpreter sums hundreds of terms; most 55.
 */
const ALLOWED = {
  interpreted: 80 * 2 ** -53,
  float64: 30 * 2 ** -53,
  float32: 8 * 2 ** -24,
} as const;

type Values = Readonly<Record<"y" | "derivative", { readonly data: ArrayLike<number> }>>;

/** Holds y and its derivative in the first input against the golden ones, in both precisions and interpreted. */
async function expectGolden(
  y: Tensor,
  leaves: Readonly<Record<string, Tensor>>,
  inputs: Readonly<Record<string, GoldenArray>>,
  example: Example,
  beside: Beside,
): Promise<void> {
  const [derivative] = gradients(sum(y), [Object.values(leaves)[0]]);
  const fed = (make: typeof float32 | typeof float64) =>
    Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, make(value)]));
  const points = Object.values(inputs).map(({ data: x }) => x.map(Number));
  const check = (got: Values, precision: keyof typeof ALLOWED): void => {
    for (const name of ["y", "derivative"] as const) {
      for (const [i, value] of example[name].data.entries()) {
        const want = Number(value);
        const [x, n] = points.map((each) => each[i]);
        const scale = Math.max(Math.abs(want), name === "y" ? beside(x, n) : 0);
        const at = `${name} at ${n === undefined ? x : `(${x}, ${n})`} in ${precision}: ${got[name].data[i]}, not ${want}`;
        expect(Math.abs(got[name].data[i] - want), at).toBeLessThanOrEqual(ALLOWED[precision] * scale);
      }
    }
  };
  const [exactY, exactSlope] = evaluate([y, derivative], fed(float64));
  check({ y: exactY, derivative: exactSlope }, "interpreted");
  for (const precision of ["float64", "float32"] as const) {
    const compiled = await compile(engine, { y, derivative }, { precision });
    const values = await compiled.run(fed(precision === "float32" ? float32 : float64));
    await compiled.release();
    check({ y: values.y, derivative: values.derivative }, precision);
  }
}

/** The example of a function of one number, by its name. */
function exampleOf(name: string): Example & { readonly x: GoldenArray } {
  const found = Object.entries(golden).find(([key]) => key === name)?.[1];
  if (typeof found === "object" && "x" in found) return found;
  throw new Error(`no golden values of ${name}`);
}

const leaf = (name: string, { shape }: GoldenArray): Tensor => data(name, shape, "float");

describe("functions of one number, and their derivatives", () => {
  const functions = {
    log1p,
    expm1,
    log1mexp,
    lgamma,
    digamma,
    trigamma: (x: Tensor): Tensor => polygamma(1, x),
    tetragamma: (x: Tensor): Tensor => polygamma(2, x),
    erf,
    erfc,
    normalCdf,
    logNormalCdf,
    normalQuantile,
    erfinv,
    logI0,
    besselRatio,
  };
  it.each(Object.entries(functions))("%s", async (name, apply) => {
    const example = exampleOf(name);
    const x = leaf("x", example.x);
    await expectGolden(apply(x), { x }, { x: example.x }, example, nothing);
  });
});

describe("functions of two numbers, and their derivatives in the first", () => {
  const cases = [
    // 0 where x + n lies as far beyond 1.46 as x before it
    {
      name: "lgammaDifference",
      apply: lgammaDifference,
      example: golden.lgammaDifference,
      beside: (x: number, n: number) => n * Math.log(x + 4),
    },
    { name: "digammaDifference", apply: digammaDifference, example: golden.digammaDifference, beside: nothing },
    { name: "lbeta", apply: lbeta, example: golden.lbeta, beside: () => 1 },
  ];
  it.each(cases)("$name", async ({ apply, example, beside }) => {
    const [x, n] = [leaf("x", example.x), leaf("n", example.n)];
    await expectGolden(apply(x, n), { x, n }, { x: example.x, n: example.n }, example, beside);
  });
});
