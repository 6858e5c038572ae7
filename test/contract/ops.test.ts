import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { gradients } from "../../src/tensor/gradients.ts";
import { add, mul, sum } from "../../src/tensor/index.ts";
import { constant, data } from "../../src/tensor/leaves.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { asFloat, type InputDomain, registeredOps } from "../../src/tensor/op.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import type { AnyTensor, Reference, Tensor } from "../../src/tensor/tensor.ts";

/** A small seeded generator of its own: these tests stand before `random/`. */
function generator(seed: number): () => number {
  let word = seed;
  return () => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return word / 2 ** 32;
  };
}

const KINK = 0.05; // distance kept from integers where an op has a kink there

function draw(domain: InputDomain, random: () => number, options: { edges: boolean; kinks: boolean }): NdArray {
  const size = domain.shape.reduce((a, b) => a * b, 1);
  const { low, high, edges = [] } = domain;
  const values = Float64Array.from({ length: size }, (_, i) => {
    if (options.edges && i < edges.length) return Math.fround(edges[i]);
    const x = low + (high - low) * random();
    if (domain.integers) return Math.round(x);
    const fraction = x - Math.floor(x);
    const near = options.kinks && (fraction < KINK || fraction > 1 - KINK);
    return Math.fround(near ? Math.floor(x) + 0.5 : x);
  });
  return { data: values, shape: domain.shape };
}

function feedArray(dtype: string, values: NdArray, precision: "float32" | "float64"): NdArray {
  const from = Array.from(values.data);
  if (dtype === "int") return { data: Int32Array.from(from), shape: values.shape };
  if (dtype === "bool" || dtype === "uint8") return { data: Uint8Array.from(from), shape: values.shape };
  return { data: precision === "float64" ? Float64Array.from(from) : Float32Array.from(from), shape: values.shape };
}

const LARGEST = 3.4028234663852886e38;
const SMALLEST = 1.1754943508222875e-38;

/** The largest relative error; beyond float32's range the exact 0 or ∞ is asked for. */
function relativeError(
  got: ArrayLike<number>,
  exact: Float64Array,
  scale: Float64Array,
  precision: "float32" | "float64",
): number {
  const single = precision === "float32";
  let worst = 0;
  for (let i = 0; i < exact.length; i++) {
    const a = Number(got[i]);
    const b = exact[i];
    if (Number.isNaN(b) || Number.isNaN(a)) return Object.is(a, b) ? worst : Number.POSITIVE_INFINITY;
    if (single && Math.abs(b) > LARGEST) worst = Math.max(worst, a === Math.sign(b) * Number.POSITIVE_INFINITY ? 0 : 1);
    else if (single && Math.abs(b) < SMALLEST)
      worst = Math.max(worst, Math.abs(a) <= SMALLEST + 1e-6 * scale[i] ? 0 : 1);
    else if (a !== b) worst = Math.max(worst, Math.abs(a - b) / Math.max(Math.abs(b), Math.abs(scale[i])));
  }
  return worst;
}

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const noFloat64 = new Set(["conv", "convTranspose", "convWeight"]);

describe.each(registeredOps)("$name", (op) => {
  it("has a case", () => expect(op.cases.length).toBeGreaterThan(0));

  describe.each(op.cases)("$name", (testCase) => {
    const leaves = testCase.inputs.map((domain, i) => data(`x${i}`, domain.shape, domain.dtype ?? "float"));
    const output = testCase.build(leaves);
    const feeds = (values: readonly NdArray[]): Record<string, NdArray> =>
      Object.fromEntries(values.map((value, i) => [`x${i}`, value]));

    it.each(["float32", "float64"] as const)("runs in %s as its reference says", async (precision) => {
      const values = testCase.inputs.map((domain, i) =>
        draw(domain, generator(i + 1), { edges: true, kinks: testCase.kinks === "integers" }),
      );
      const [exact] = evaluate([output], feeds(values));
      const references: Reference[] = values.map(({ data: x, shape }) => ({ data: Float64Array.from(x), shape }));
      const scale = op.conditioning
        ? output.reference(op.conditioning(references), exact.shape)
        : new Float64Array(exact.data.length);
      if (precision === "float64" && noFloat64.has(op.name)) {
        await expect(compile(engine, { y: output }, { precision })).rejects.toThrow(/float64/);
        return;
      }
      const compiled = await compile(engine, { y: output }, { precision });
      const fed = values.map((value, i) => feedArray(leaves[i].dtype, value, precision));
      const { y } = await compiled.run(feeds(fed));
      expect(y.shape).toEqual(exact.shape);
      // 2e-6: sixteen roundings of float32; 1e-13: a thousand of float64, whose exp and log are ONNX Runtime's own
      const allowed = precision === "float64" ? 1e-13 : (testCase.tolerance?.relative ?? 2e-6);
      expect(relativeError(y.data, exact.data, scale, precision)).toBeLessThan(allowed);
      await compiled.release();
    });

    if (!op.differentiable) return;

    it("has the gradient that finite differences give, and so has its gradient", () => {
      const values = testCase.inputs.map((domain, i) =>
        draw(domain, generator(i + 11), { edges: true, kinks: testCase.kinks === "integers" }),
      );
      const random = generator(5);
      const kinks = testCase.kinks === "integers";
      const floats = leaves.filter((leaf): leaf is Tensor => leaf.dtype === "float");
      const [at] = evaluate([output], feeds(values));
      const loss = weighted(asFloat(output), at, random);
      checkGradients(loss, floats, leaves, values, kinks);
      const first = gradients(loss, floats);
      const firstAt = evaluate(first, feeds(values));
      const second = first.map((gradient, i) => weighted(gradient, firstAt[i], random)).reduce((a, b) => add(a, b));
      checkGradients(second, floats, leaves, values, kinks);
    });
  });
});

/** Σ c·y with weights that make every term about 1, so that no element drowns another. */
function weighted(y: Tensor, at: Reference, random: () => number): Tensor {
  const weights = at.data.map((value) => (Number.isFinite(value) ? (0.5 + random()) / (1 + Math.abs(value)) : 0));
  return sum(mul(y, constant(weights, at.shape)));
}

/**
 * Central differences with a step of 1e-5 of x: truncation 1e-10, cancellation 1e-16·Σ|terms|/1e-5 ≈ 1e-9 of the sum,
 * so 1e-6 relative to the element plus the share of the sum that rounding can hide.
 */
function checkGradients(
  loss: Tensor,
  wrt: readonly Tensor[],
  leaves: readonly AnyTensor[],
  values: readonly NdArray[],
  kinks: boolean,
): void {
  const feeds = (): Record<string, NdArray> => Object.fromEntries(values.map((value, i) => [`x${i}`, value]));
  const got = evaluate(gradients(loss, wrt), feeds());
  const [{ data: total }] = evaluate([loss], feeds());
  for (const [i, leaf] of wrt.entries()) {
    const x = values[leaves.indexOf(leaf)].data;
    for (let j = 0; j < x.length; j++) {
      const before = x[j];
      if (Math.abs(before) > 89) continue; // beyond the representable range of exp
      if (kinks && Number.isInteger(before)) continue; // no derivative there: the gradient is a convention
      const step = 1e-5 * (Math.abs(before) || 1);
      x[j] = before + step;
      const [up] = evaluate([loss], feeds());
      x[j] = before - step;
      const [down] = evaluate([loss], feeds());
      x[j] = before;
      const numerical = (up.data[0] - down.data[0]) / (2 * step);
      const error = Math.abs(numerical - got[i].data[j]);
      const hidden = (64 * 2.2e-16 * (Math.abs(total[0]) + x.length)) / step;
      expect(error, `element ${j} of input ${i}: ${got[i].data[j]} against ${numerical}`).toBeLessThanOrEqual(
        1e-5 * Math.abs(got[i].data[j]) + hidden + 1e-9,
      );
    }
  }
}
