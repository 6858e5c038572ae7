import { multivariateNormal } from "../distributions/multivariate-normal.ts";
import { normal, standardNormal } from "../distributions/normal.ts";
import { addDiagonal, apply, type Matrix, product, transposed } from "../linalg/matrix.ts";
import { datasetMoments, type Moments } from "../linalg/moments.ts";
import { choleskyFactor, inversePositive } from "../linalg/positive.ts";
import { zeros } from "../nn/initialisers.ts";
import { add, matmul, reshape, type Tensor } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { realDataset, realNumbers } from "./dequantize.ts";
import { checkFactors, type FactorModel } from "./factor-analysis.ts";
import type { DataDescription, Model, UpdateRule } from "./model.ts";

/** How the parameters of p(x|z) = N(Wz + μ, diag ψ) are found from the data's moments. */
export interface FactorRule {
  /** Steps at most. */
  readonly steps: number;
  readonly start: (data: Moments, seed: number) => FactorModel;
  /** The next parameters and the mean log p(x) of the training data under them, in nats; the same again where nothing is left to gain. */
  readonly step: (model: FactorModel, data: Moments) => { readonly model: FactorModel; readonly logLikelihood: number };
  /** EM is over where a step gains less, in nats per example; a closed form after its one step. */
  readonly tolerance: number;
  readonly remarks?: (model: FactorModel, data: Moments) => readonly string[];
}

/**
 * p(x|z) = N(Wz + μ, diag ψ), p(z) = N(0, I), whose posterior N(Λ⁻¹WᵀΨ⁻¹(x − μ), Λ⁻¹), Λ = I + WᵀΨ⁻¹W, is exact, so that its ELBO
 * is log p(x). Bishop 2006, eqs. 12.66 to 12.68.
 */
export function linearGaussianFamily(name: string, k: number, data: DataDescription, rule: FactorRule): Model {
  const d = sizeOf(data.shape);
  checkFactors(name, k, d);
  const flat = (x: Tensor): Tensor => reshape(x, [...x.shape.slice(0, x.shape.length - data.shape.length), d]);
  const given = parameter("decoder/weight", [d, k], zeros);
  const mean = parameter("decoder/mean", [d], zeros);
  const scale = parameter("decoder/scale", [d], zeros);
  const inward = parameter("encoder/weight", [d, k], zeros);
  const offset = parameter("encoder/bias", [k], zeros);
  const root = parameter("encoder/scaleTril", [k, k], zeros);
  const shaped = (x: Tensor): Tensor => reshape(x, [...x.shape.slice(0, -1), ...data.shape]);
  return {
    latents: k,
    ...realNumbers(data),
    encoder: (x) => multivariateNormal(add(matmul(flat(x), inward), offset), root),
    decoder: (z) =>
      normal(shaped(add(matmul(z, given, { transposeB: true }), mean)), reshape(scale, data.shape), data.shape.length),
    prior: standardNormal(k),
    rule: factorUpdates(rule, k, d),
  };
}

function factorUpdates({ steps, start, step, tolerance, remarks }: FactorRule, k: number, d: number): UpdateRule {
  return {
    steps,
    open: async ({ engine, dataset, seed }) => {
      const data = await datasetMoments(engine, realDataset(dataset, seed));
      const state = { weight: float64(d, k), mean: float64(d), noiseVariances: float64(d), logLikelihood: float64(1) };
      const write = ({ weight, mean, noiseVariances }: FactorModel, logLikelihood: number): void => {
        state.weight.data.set(weight.flat());
        state.mean.data.set(mean);
        state.noiseVariances.data.set(noiseVariances);
        state.logLikelihood.data[0] = logLikelihood;
      };
      const read = (): FactorModel => ({
        weight: Array.from({ length: d }, (_, i) => Array.from(state.weight.data.subarray(i * k, (i + 1) * k))),
        mean: Array.from(state.mean.data),
        noiseVariances: Array.from(state.noiseVariances.data),
      });
      write(start(data, seed), -Number.MAX_VALUE);
      return {
        state: new Map(Object.entries(state)),
        step: async () => {
          const before = state.logLikelihood.data[0];
          const { model, logLikelihood } = step(read(), data);
          write(model, logLikelihood);
          return { loss: -logLikelihood, terms: { logLikelihood }, converged: logLikelihood - before < tolerance };
        },
        parameters: () => exported(read()),
        remarks: remarks && (() => remarks(read(), data)),
      };
    },
  };
}

function float64(...shape: readonly number[]): NdArray<Float64Array> {
  return { data: new Float64Array(sizeOf(shape)), shape };
}

/** The parameters as the programs take them. */
function exported({ weight, mean, noiseVariances }: FactorModel): ReadonlyMap<string, NdArray> {
  const scaled = weight.map((row, i) => row.map((value) => value / noiseVariances[i])); // Ψ⁻¹W  [d][k]
  const covariance = inversePositive(addDiagonal(product(transposed(scaled), weight), 1)); // Λ⁻¹
  const inward = product(scaled, covariance); // Ψ⁻¹WΛ⁻¹  [d][k]
  const rows = (name: string, matrix: Matrix): [string, NdArray] => [
    name,
    { data: Float64Array.from(matrix.flat()), shape: [matrix.length, matrix[0].length] },
  ];
  const vector = (name: string, values: readonly number[]): [string, NdArray] => [
    name,
    { data: Float64Array.from(values), shape: [values.length] },
  ];
  return new Map([
    rows("decoder/weight", weight),
    vector("decoder/mean", mean),
    vector("decoder/scale", noiseVariances.map(Math.sqrt)),
    rows("encoder/weight", inward),
    vector(
      "encoder/bias",
      apply(transposed(inward), mean).map((value) => -value),
    ),
    rows("encoder/scaleTril", choleskyFactor(covariance)),
  ]);
}
