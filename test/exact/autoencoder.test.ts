/** A linear autoencoder: its optimum is PCA's, and its other stationary points are known. Baldi & Hornik 1989, facts 3 and 4. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset, type Dataset, numbersOf } from "../../src/data/dataset.ts";
import { largestAngle } from "../../src/linalg/subspace.ts";
import { autoencoder } from "../../src/models/autoencoder.ts";
import { type DataDescription, describeData, type PointModel } from "../../src/models/model.ts";
import { fitPca, type Pca, pcaError } from "../../src/models/pca.ts";
import { namedLeaves } from "../../src/onnx/lower.ts";
import { stream } from "../../src/random/stream.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { gradients } from "../../src/tensor/gradients.ts";
import { data, mean } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { isFloat } from "../../src/tensor/op.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { fitModel } from "../../src/training/fit.ts";

const [N, D, K] = [40, 6, 2];

/** Pictures of 2 × 3 numbers with a mean, whose variances along the axes that made them go from 9 to ¼. */
const pictures = (unit: number): Dataset => {
  const random = stream(15, "pictures");
  const values = Array.from({ length: N }, () => {
    const z = Array.from({ length: D }, (_, j) => random.normal() * 3 * 0.7 ** j);
    return z.map((_, j) => unit * (2 + z.reduce((total, value, i) => total + value * Math.cos(i * j + i), 0)));
  });
  return arrayDataset(
    { data: Float32Array.from(values.flat()), shape: [N, 1, 2, 3] },
    { name: "pictures", measure: "real" },
  );
};

const linear = (description: DataDescription): PointModel =>
  autoencoder({ architecture: { kind: "mlp", widths: [] }, latents: K }, description);

let engine: Engine;
let dataset: Dataset;
let all: Pca;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
  dataset = pictures(1);
  all = await fitPca(engine, dataset, { latents: D });
});

/** Encoder and decoder by two directions, in other coordinates by an invertible 2 × 2 matrix: E = VᵀA, G = A⁻¹V. */
function weights(
  which: readonly number[],
  [a, b, c, d] = [1, 0, 0, 1],
): Readonly<Record<string, NdArray<Float64Array>>> {
  const [u, v] = which.map((j) => all.components[j]);
  const scale = 1 / (a * d - b * c);
  const [inverseU, inverseV] = [
    u.map((x, i) => scale * (d * x - b * v[i])),
    u.map((x, i) => scale * (a * v[i] - c * x)),
  ];
  return {
    "encoder/output/weight": {
      data: Float64Array.from(u.flatMap((x, i) => [a * x + c * v[i], b * x + d * v[i]])),
      shape: [D, K],
    },
    "encoder/output/bias": { data: new Float64Array(K), shape: [K] },
    "decoder/output/weight": { data: Float64Array.from([...inverseU, ...inverseV]), shape: [K, D] },
    "decoder/output/bias": { data: new Float64Array(D), shape: [D] },
  };
}

/** The mean of ‖x − x̂‖² over the pictures, and the largest number of its gradient; float64. */
function at(of: Dataset, given: Readonly<Record<string, NdArray>>): { readonly error: number; readonly slope: number } {
  const model = linear(describeData(of));
  const loss = mean(model.terms(data("x", [N, 1, 2, 3])).squaredError);
  const parameters = namedLeaves([loss]).flatMap(({ leaf, tensor }) =>
    leaf.kind === "parameter" && isFloat(tensor) ? [tensor] : [],
  );
  const x = { data: Float64Array.from(numbersOf(of)), shape: [N, 1, 2, 3] };
  const [{ data: value }, ...slopes] = evaluate([loss, ...gradients(loss, parameters)], { ...given, x });
  expect(parameters.length).toBe(4);
  return { error: value[0], slope: Math.max(...slopes.flatMap(({ data: numbers }) => Array.from(numbers, Math.abs))) };
}

const left = (which: readonly number[]): number =>
  all.eigenvalues.reduce((total, value, j) => (which.includes(j) ? total : total + value), 0);

const pairs = Array.from({ length: D }, (_, i) => Array.from({ length: i }, (_, j) => [j, i])).flat();

describe("a linear autoencoder", () => {
  it.each(pairs)("by principal components %d and %d leaves the others' variances, with no slope", (...which) => {
    const { error, slope } = at(dataset, weights(which));
    // 1e-10 of variances up to 30: rounding, and a centre that the model holds in float32
    expect(Math.abs(error - left(which))).toBeLessThan(1e-10);
    expect(slope).toBeLessThan(1e-6); // the centre is 1e-7 off, which moves x̂ and so the biases' slopes
    if (which.join() !== "0,1") expect(error).toBeGreaterThan(left([0, 1]) + 0.01);
  });

  it("is the same in any coordinates of the latents", () => {
    const { error, slope } = at(dataset, weights([0, 1], [2, 1, -0.5, 3]));
    expect(Math.abs(error - left([0, 1]))).toBeLessThan(1e-10);
    expect(slope).toBeLessThan(1e-6);
  });

  it("has a slope where its directions are no principal components", () => {
    const turned = weights([0, 1]);
    turned["encoder/output/weight"].data[0] += 0.1;
    expect(at(dataset, turned).slope).toBeGreaterThan(0.1);
  });

  it("counts in the data's own units", () => {
    const [one, thousand] = [at(dataset, weights([0, 3])), at(pictures(1024), weights([0, 3]))];
    expect(Math.abs(thousand.error / 1024 ** 2 / one.error - 1)).toBeLessThan(1e-6); // the unit is kept in float32
  });

  it("trained by gradients spans the principal subspace", async () => {
    const steps = 1000;
    const learningRate = { kind: "warmupCosine", peak: 0.1, warmup: 20, total: steps } as const;
    const { model, parameters } = await fitModel(linear, dataset, {
      engine,
      epochs: steps,
      batchSize: N,
      learningRate,
    });
    const weight = parameters.get("decoder/output/weight");
    const columns = Array.from({ length: D }, (_, i) => [weight?.data[i] ?? 0, weight?.data[D + i] ?? 0]);
    const principal = Array.from({ length: D }, (_, i) => [all.components[0][i], all.components[1][i]]);
    expect(model.latents).toBe(K);
    expect(largestAngle(columns, principal)).toBeLessThan(0.1); // degrees; another direction is 90 away
    const given = Object.fromEntries(
      Array.from(parameters, ([name, { data: values, shape }]) => [name, { data: Float64Array.from(values), shape }]),
    );
    // float32 steps: the error is flat at its least, so that 1e-3 of an angle is 1e-6 of it
    expect(Math.abs(at(dataset, given).error / left([0, 1]) - 1)).toBeLessThan(1e-5);
  });

  it("of two matrices alone, trained by gradients, leaves what PCA about 0 does", async () => {
    const uncentred = (widths: readonly number[]) => (description: DataDescription) =>
      autoencoder({ architecture: { kind: "mlp", widths }, latents: K, uncentred: true }, description);
    const steps = 1000;
    const { model, description, parameters } = await fitModel(uncentred([]), dataset, {
      engine,
      epochs: steps,
      batchSize: N,
      learningRate: { kind: "warmupCosine", peak: 0.1, warmup: 20, total: steps },
    });
    expect([...parameters.keys()].sort()).toEqual(["decoder/output/weight", "encoder/output/weight"]);
    const loss = mean(model.terms(data("x", [N, 1, 2, 3])).squaredError);
    const given = Object.fromEntries(
      Array.from(parameters, ([name, { data: values, shape }]) => [name, { data: Float64Array.from(values), shape }]),
    );
    const x = { data: Float64Array.from(numbersOf(dataset)), shape: [N, 1, 2, 3] };
    const [error] = evaluate([loss], { ...given, x })[0].data;
    const expected = pcaError(await fitPca(engine, dataset, { latents: K, uncentred: true }));
    expect(Math.abs(error / expected - 1)).toBeLessThan(1e-5); // as of the centred one
    expect(Math.abs(expected / left([0, 1]) - 1)).toBeGreaterThan(0.1); // which leaves another error
    expect(() => uncentred([4])(description)).toThrow(
      /^--uncentred: is for two matrices .*; give --encoder linear too$/,
    );
  });

  it("refuses categories", () => {
    const description: DataDescription = { shape: [2], measure: "category", means: [0, 0], categories: 3 };
    expect(() => linear(description)).toThrow("--measure category");
  });
});
