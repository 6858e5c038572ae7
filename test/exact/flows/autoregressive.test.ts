import { describe, expect, it } from "vitest";
import { isReparameterized } from "../../../src/distributions/distribution.ts";
import { multivariateNormal } from "../../../src/distributions/multivariate-normal.ts";
import { standardNormal } from "../../../src/distributions/normal.ts";
import { InputError, ShapeError } from "../../../src/errors.ts";
import { autoregressive, inverseAutoregressive, maskedAutoregressive } from "../../../src/flows/autoregressive.ts";
import { affineCoupling } from "../../../src/flows/coupling.ts";
import { flow } from "../../../src/flows/flow.ts";
import { rationalQuadratic } from "../../../src/flows/spline.ts";
import { affineTransform } from "../../../src/flows/transform.ts";
import type { Layer } from "../../../src/nn/layers.ts";
import { maskedNetwork } from "../../../src/nn/masked.ts";
import { multilayer } from "../../../src/nn/mlp.ts";
import { namedLeaves } from "../../../src/onnx/lower.ts";
import {
  add,
  concat,
  constant,
  data,
  gradients,
  matmul,
  mul,
  slice,
  split,
  stopGradient,
  sum,
  type Tensor,
} from "../../../src/tensor/index.ts";
import type { NdArray } from "../../../src/tensor/ndarray.ts";
import { asFloat } from "../../../src/tensor/op.ts";
import { evaluate } from "../../../src/tensor/reference.ts";
import { array, drawn, type Feeds, single } from "../single.ts";
import { randomParameters } from "./contract.ts";

const normals = (name: string, shape: readonly number[], scale = 1): NdArray<Float64Array> =>
  array(
    drawn(name, "normal", shape).data.map((value) => Math.fround(scale * value)),
    shape,
  );

/** The largest |a − b| over the larger of 1 and |b|. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  const each = Array.from(b, (value, i) => Math.abs(a[i] - value) / Math.max(1, Math.abs(value)));
  return each.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(0, ...each);
}

const x = (d: number): Tensor => data("x", ["batch", d]);
const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

describe("a masked network", () => {
  const owners = [0, 0, 1, 2, 2, 3];
  const order = [2, 0, 3, 1];
  const positive = (values: Feeds): Feeds =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, { ...value, data: value.data.map(Math.abs) }]),
    );

  it.each([
    { widths: [], size: 0 },
    { widths: [9], size: 0 },
    { widths: [5, 7], size: 0 },
    { widths: [], size: 2 },
    { widths: [9, 9], size: 2 },
  ])("sees for each variable all those before it and no others: widths $widths, context $size", ({ widths, size }) => {
    const network = maskedNetwork("made", 4, owners, { widths, order, context: size });
    const [given, beside] = [data("x", [1, 4]), data("c", [1, size])];
    const raw = network(given, size > 0 ? beside : undefined);
    // All positive, so that no ReLU is off and no two ways cancel.
    const feeds = positive({ ...randomParameters([raw]), x: normals("x", [1, 4]), c: normals("c", [1, size]) });
    for (const [output, owner] of owners.entries()) {
      const [ofX, ofContext] = evaluate(gradients(sum(slice(raw, -1, output, output + 1)), [given, beside]), feeds);
      const before = order.map((_, variable) => order.indexOf(variable) < order.indexOf(owner));
      expect(Array.from(ofX.data, (slope) => slope !== 0)).toEqual(before);
      expect(Array.from(ofContext.data, (slope) => slope !== 0)).toEqual(new Array(size).fill(true));
    }
  });

  it("is the last layer's bias for one variable, which sees nothing", () => {
    const raw = maskedNetwork("made", 1, [0, 0], { widths: [] })(x(1));
    expect(namedLeaves([raw]).map(({ leaf }) => leaf.name)).toEqual(["made/output/bias"]);
  });

  it.each([
    [{ widths: [4, 0] }, "made: hidden layers of 1 unit or more are expected, got [4, 0]"],
    [{ widths: [2.5] }, "made: hidden layers of 1 unit or more are expected, got [2.5]"],
    [{ widths: [], order: [0, 1, 1, 3] }, "made: the order must hold each of 0 … 3 once, got [0, 1, 1, 3]"],
    [{ widths: [], order: [0, 1, 2] }, "made: the order must hold each of 0 … 3 once, got [0, 1, 2]"],
  ])("refuses %o", (options, message) => {
    expect(() => maskedNetwork("made", 4, owners, options)).toThrow(ShapeError);
    expect(() => maskedNetwork("made", 4, owners, options)).toThrow(message);
  });

  it.each([0, 1.5])("refuses %d variables", (d) => {
    expect(() => maskedNetwork("made", d, [], { widths: [] })).toThrow(
      `made: 1 variable or more is expected, got ${d}`,
    );
  });

  it("refuses other numbers, and context that it was not made for", () => {
    const plain = maskedNetwork("made", 4, owners, { widths: [] });
    const conditional = maskedNetwork("made", 4, owners, { widths: [], context: 2 });
    expect(() => plain(x(5))).toThrow("made: 4 numbers and 0 of context are expected, got 5 and 0");
    expect(() => plain(x(4), x(2))).toThrow("made: 4 numbers and 0 of context are expected, got 4 and 2");
    expect(() => conditional(x(4))).toThrow("made: 4 numbers and 2 of context are expected, got 4 and 0");
  });
});

describe("row 24: x_j = σ_j(x_<j)·z_j + μ_j(x_<j)", () => {
  const d = 5;
  const rows = 6;
  const order = [3, 0, 4, 1, 2];
  const network = maskedNetwork("made", d, affineTransform().owners(d), { widths: [8, 8], order });
  const bijection = maskedAutoregressive("made", d, { widths: [8, 8], order });
  const raw = network(x(d));
  const parameters = randomParameters([raw]);
  /** μ and log σ at these x, by the network and the formula of the bound. */
  const numbersAt = (at: NdArray): { readonly mean: number; readonly logScale: number }[][] => {
    const [{ data: values }] = evaluate([raw], { ...parameters, x: at });
    return Array.from({ length: rows }, (_, row) =>
      Array.from({ length: d }, (__, j) => ({
        mean: values[row * 2 * d + j],
        logScale: 5 * Math.tanh(values[row * 2 * d + d + j] / 5),
      })),
    );
  };

  it("has log p(x) = Σ_j log N(x_j; μ_j, σ_j²)", () => {
    const at = normals("x", [rows, d], 2);
    const [{ data: got }] = evaluate([flow(standardNormal(d), bijection).logProb(x(d))], { ...parameters, x: at });
    const exact = numbersAt(at).map((each, row) =>
      each.reduce((total, { mean, logScale }, j) => {
        const z = (at.data[row * d + j] - mean) / Math.exp(logScale);
        return total - 0.5 * z * z - logScale - HALF_LOG_2PI;
      }, 0),
    );
    // F: some tens of roundings of float64
    expect(difference(got, exact)).toBeLessThan(1e-13);
  });

  it("is drawn one variable after another", () => {
    const z = normals("z", [rows, d]);
    const sample = { data: new Float64Array(rows * d).fill(1000), shape: [rows, d] };
    for (const j of order) {
      for (const [row, each] of numbersAt(sample).entries()) {
        const { mean, logScale } = each[j];
        sample.data[row * d + j] = z.data[row * d + j] * Math.exp(logScale) + mean;
      }
    }
    const [{ data: got }] = evaluate([bijection.inverse(x(d)).value], { ...parameters, x: z });
    expect(difference(got, sample.data)).toBeLessThan(1e-13);
  });

  it("is the full Gaussian where the network is linear and σ constant", () => {
    const linear = maskedAutoregressive("linear", d, { widths: [] });
    // x_j = σ_j z_j + Σ_{i<j} A_ji x_i + b_j, so Σ = LLᵀ with L = (I − A)⁻¹ diag σ
    const weight = normals("A", [d, 2 * d]);
    const bias = normals("b", [2 * d], 0.7);
    for (let i = 0; i < d; i++) weight.data.fill(0, i * 2 * d + d, (i + 1) * 2 * d);
    const fed = { "linear/output/weight": weight, "linear/output/bias": bias };
    const scale = Array.from(bias.data.subarray(d), (value) => Math.exp(5 * Math.tanh(value / 5)));
    const factor = Array.from({ length: d }, () => new Array<number>(d).fill(0));
    const mean = new Array<number>(d).fill(0);
    for (let j = 0; j < d; j++) {
      mean[j] = bias.data[j];
      factor[j][j] = scale[j];
      for (let i = 0; i < j; i++) {
        const a = weight.data[i * 2 * d + j];
        mean[j] += a * mean[i];
        for (let k = 0; k <= i; k++) factor[j][k] += a * factor[i][k];
      }
    }
    const gaussian = multivariateNormal(constant(mean, [d]), constant(factor.flat(), [d, d]));
    const values = [flow(standardNormal(d), linear).logProb(x(d)), gaussian.logProb(x(d))];
    const [got, exact] = evaluate(values, { ...fed, x: normals("x", [rows, d], 2) });
    expect(difference(got.data, exact.data)).toBeLessThan(1e-12); // the inverse of L loses a digit
  });
});

describe("row 25: a coupling is row 24 with μ = 0, σ = 1 on the first block", () => {
  const [d, kept] = [5, 2];
  const moved = d - kept;
  const network: Layer = multilayer("shared", kept, [8], 2 * moved);
  const coupled = affineCoupling("coupling", d, { split: kept, network });
  /** The same network as an autoregressive one: each of the second block sees the first alone. */
  const padded = (y: Tensor): Tensor => {
    const none = mul(slice(y, -1, 0, kept), 0);
    const [means, logScales] = split(network(slice(y, -1, 0, kept)), -1, [moved, moved]);
    return concat([none, means, none, logScales], -1);
  };
  const row24 = autoregressive("row24", d, padded, affineTransform());

  it.each(["forward", "inverse"] as const)("%s, log-determinant and density", (direction) => {
    const [a, b] = [coupled[direction](x(d)), row24[direction](x(d))];
    const densities = [coupled, row24].map((each) => flow(standardNormal(d), each).logProb(x(d)));
    const outputs = [a.value, b.value, a.logAbsDetJacobian, b.logAbsDetJacobian, ...densities];
    const fed = { ...randomParameters(outputs), x: normals("x", [4, d]) };
    const [value, other, volume, otherVolume, density, otherDensity] = evaluate(outputs, fed);
    expect(difference(value.data, other.data)).toBeLessThan(1e-14);
    expect(difference(volume.data, otherVolume.data)).toBeLessThan(1e-14);
    expect(difference(density.data, otherDensity.data)).toBeLessThan(1e-14);
    // z₂ ⊙ σ(z₁) + μ(z₁): not the identity, and the first block stays
    expect(difference(value.data, fed.x.data)).toBeGreaterThan(0.1);
    for (const row of [0, 1, 2, 3])
      expect(value.data.subarray(row * d, row * d + kept)).toEqual(fed.x.data.subarray(row * d, row * d + kept));
  });
});

describe("sampling by a fixed point", () => {
  const wide = 40;

  it("takes d passes where every variable waits for the one before", async () => {
    const after = Float64Array.from({ length: wide * wide }, (_, at) =>
      at % wide === Math.floor(at / wide) + 1 ? 1 : 0,
    );
    const network = (y: Tensor): Tensor => {
      const means = add(matmul(y, constant(after, [wide, wide])), 1); // x_j = 1 + z_j + x_{j−1}
      return concat([means, mul(means, 0)], -1);
    };
    const { value } = autoregressive("chain", wide, network, affineTransform()).inverse(x(wide));
    const z = array(
      Float64Array.from({ length: wide }, (_, j) => (j % 3) + 1),
      [1, wide],
    );
    let total = 0;
    const exact = Array.from(z.data, (each) => {
      total += 1 + each;
      return total;
    });
    expect(Array.from(evaluate([value], { x: z })[0].data)).toEqual(exact);
    expect(Array.from((await single([value], { x: z }))[0].data)).toEqual(exact);
  });

  it("is where forward comes back to the noise, in float32", async () => {
    const bijection = maskedAutoregressive("made", wide, { widths: [64] });
    const leaf = data("y", ["batch", wide]);
    const [inverse, forward] = [bijection.inverse(x(wide)).value, bijection.forward(leaf).value];
    const parameters = randomParameters([inverse], 0.2);
    const z = normals("z", [8, wide]);
    const [got] = await single([inverse], { ...parameters, x: z });
    const [back] = await single([forward], { ...parameters, y: got });
    const [exact] = evaluate([inverse], { ...parameters, x: z });
    // Roundings of 6e-8 of numbers of some tens, by slopes that a row of 40 variables multiplies.
    expect(difference(back.data, z.data)).toBeLessThan(1e-4);
    expect(difference(got.data, exact.data)).toBeLessThan(1e-3);
  });

  it("survives numbers that overflow on the way and come back", async () => {
    // x_j = z_j + b_j + 1000·(x_{j−1} − x_{j−2}) is 1 everywhere, but each pass makes what has not settled 1000 times as large
    const weight = Float64Array.from({ length: wide * wide }, (_, at) => {
      const [i, j] = [Math.floor(at / wide), at % wide];
      return j >= 2 && i === j - 1 ? 1000 : j >= 2 && i === j - 2 ? -1000 : 0;
    });
    const z = { data: Float32Array.from({ length: wide }, (_, j) => ((j * 5) % 8) / 4), shape: [1, wide] };
    const bias = constant(
      z.data.map((value) => 1 - value),
      [wide],
    );
    const network = (y: Tensor): Tensor => {
      const means = add(matmul(y, constant(weight, [wide, wide])), bias);
      return concat([means, mul(means, 0)], -1);
    };
    const { value } = autoregressive("chain", wide, network, affineTransform()).inverse(x(wide));
    const [got] = await single([value], { x: z });
    expect(Array.from(got.data)).toEqual(new Array(wide).fill(1));
    expect(Array.from(evaluate([value], { x: z })[0].data)).toEqual(new Array(wide).fill(1));
  });

  it("ends with NaN for a row that has one, and leaves the others", () => {
    const { value } = maskedAutoregressive("made", 4, { widths: [6] }).inverse(x(4));
    const rows = [1, Number.NaN, 0, 2, 1, -1, 0, 2];
    const z = { data: Float64Array.from(rows), shape: [2, 4] };
    const got = evaluate([value], { ...randomParameters([value]), x: z })[0].data;
    expect(Array.from(got, Number.isNaN)).toEqual([true, true, true, true, false, false, false, false]); // 0·NaN is NaN
  });

  it("has no gradient, and says which direction has one; the drawn one can be scored", () => {
    const law = flow(standardNormal(4), maskedAutoregressive("made", 4, { widths: [6] }));
    expect(isReparameterized(law)).toBe(false);
    const leaf = x(4);
    const sampled = law.sample(leaf);
    expect(() => gradients(sum(sampled), [leaf])).toThrow(InputError);
    const score = sum(law.logProb(stopGradient(sampled)));
    const parameters = namedLeaves([score]).flatMap(({ leaf: { kind }, tensor }) =>
      kind === "parameter" ? [asFloat(tensor)] : [],
    );
    const slopes = evaluate(gradients(score, parameters), { ...randomParameters([score]), x: normals("z", [3, 4]) });
    for (const { data: slope } of slopes) expect(slope.some((value) => value !== 0)).toBe(true);
  });
});

describe("an inverse autoregressive flow", () => {
  it.each([{ transform: affineTransform() }, { transform: rationalQuadratic({ bins: 4 }) }])(
    "scores its draws on their way, as the passes of its density say: $transform.name",
    ({ transform }) => {
      const d = 4;
      const law = flow(standardNormal(d), inverseAutoregressive("iaf", d, { widths: [8], transform }));
      if (!isReparameterized(law)) throw new Error("its draws take one pass");
      const { sample, logProb } = law.rsampleWithLogProb(x(d));
      const outputs = [logProb, law.logProb(sample)];
      const [direct, passes] = evaluate(outputs, { ...randomParameters(outputs), x: normals("z", [6, d]) });
      expect(difference(passes.data, direct.data)).toBeLessThan(1e-10); // as inverse∘forward
      expect(Math.abs(direct.data[0])).toBeGreaterThan(0.1);
    },
  );

  it("of one number takes one pass both ways, with gradients", () => {
    for (const bijection of [
      maskedAutoregressive("one", 1, { widths: [3] }),
      inverseAutoregressive("one", 1, { widths: [3], transform: rationalQuadratic() }),
    ]) {
      expect(bijection.sequential).toBeUndefined();
      const { value, logAbsDetJacobian } = bijection.inverse(x(1));
      const loss = sum(add(sum(value, -1), logAbsDetJacobian));
      const wrt = namedLeaves([loss]).map(({ tensor }) => asFloat(tensor));
      expect(gradients(loss, wrt)).toHaveLength(wrt.length);
    }
  });
});

describe("context", () => {
  it("passes with more axes before it, in both directions, and reaches the first variable", () => {
    const d = 3;
    const bijection = maskedAutoregressive("made", d, { widths: [24], context: 2 });
    const [many, context] = [data("x", ["samples", "batch", d]), data("c", ["batch", 2])];
    const { value: z, logAbsDetJacobian } = bijection.forward(many, context);
    const back = bijection.inverse(z, context);
    const wider = bijection.inverse(data("one", [d]), context).value;
    expect([z.shape, logAbsDetJacobian.shape, back.value.shape]).toEqual([
      ["samples", "batch", d],
      ["samples", "batch"],
      ["samples", "batch", d],
    ]);
    expect(wider.shape).toEqual(["batch", d]);
    const outputs = [z, back.value, logAbsDetJacobian, back.logAbsDetJacobian, wider];
    const fed = {
      ...randomParameters(outputs),
      x: normals("x", [2, 4, d]),
      c: normals("c", [4, 2]),
      one: normals("1", [d]),
    };
    const [, x2, forward, inverse, first] = evaluate(outputs, fed);
    expect(difference(x2.data, fed.x.data)).toBeLessThan(1e-12);
    expect(
      difference(
        inverse.data,
        forward.data.map((value) => -value),
      ),
    ).toBeLessThan(1e-12);
    expect(new Set([0, 1, 2, 3].map((row) => first.data[row * d])).size).toBe(4);
  });
});
