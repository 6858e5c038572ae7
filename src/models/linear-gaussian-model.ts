import type { Dataset } from "../data/dataset.ts";
import type { Distribution } from "../distributions/distribution.ts";
import { multivariateNormal } from "../distributions/multivariate-normal.ts";
import { normal, standardNormal } from "../distributions/normal.ts";
import { addDiagonal, type Matrix, product, transposed, type Vector } from "../linalg/matrix.ts";
import { choleskyFactor, inversePositive } from "../linalg/positive.ts";
import { zeros } from "../nn/initialisers.ts";
import { add, matmul, reshape, square, sub, type Tensor } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { realLikelihood } from "./dequantize.ts";
import { checkFactors, type FactorModel, type FactorStep } from "./factor-analysis.ts";
import { linearGaussianPosterior, observedNormal } from "./linear-gaussian-program.ts";
import type { DataDescription, Model, RuleContext, UpdateRule } from "./model.ts";

/** How the parameters of p(x|z) = N(Wz + μ, diag ψ) are found from what `open` takes of the data. */
export interface FactorRule<Data> {
  /** Steps at most. */
  readonly steps: number;
  readonly open: (on: RuleContext) => Promise<FactorData<Data>>;
  readonly start: (data: Data, seed: number) => FactorModel;
  readonly step: (model: FactorModel, data: Data) => FactorStep;
  /** EM is over where a step gains less, in nats per example; a closed form after its one step. */
  readonly tolerance: number;
  readonly remarks?: (model: FactorModel, data: Data, about: Dataset) => readonly string[];
}

export interface FactorData<Data> {
  readonly data: Data;
  /** Where the data are in other units than their own. */
  readonly units?: Units;
}

/** x = centre + spread·y of each number, y being what is fitted. */
export interface Units {
  readonly centre: Vector;
  readonly spread: Vector;
  /** The mean over the examples of Σ log spread of what is observed: log p(x) is log p(y) less this. */
  readonly logSpread: number;
}

/** EM tells of itself once in so many steps: one takes milliseconds, and there may be thousands. */
const STEPS_PER_EPOCH = 100;

/**
 * p(x|z) = N(Wz + μ, diag ψ), p(z) = N(0, I), whose posterior N(Λ⁻¹WᵀΨ⁻¹(x − μ), Λ⁻¹), Λ = I + WᵀΨ⁻¹W, is exact, so that its ELBO
 * is log p(x). Bishop 2006, eqs. 12.66 to 12.68. Of data with missing numbers the posterior is that of the observed ones, and their
 * density alone counts.
 */
export function linearGaussianFamily<Data>(
  name: string,
  k: number,
  data: DataDescription,
  rule: FactorRule<Data>,
): Model {
  const d = sizeOf(data.shape);
  checkFactors(name, k, d);
  const flat = (x: Tensor): Tensor => reshape(x, [...x.shape.slice(0, x.shape.length - data.shape.length), d]);
  const shaped = (x: Tensor): Tensor => reshape(x, [...x.shape.slice(0, -1), ...data.shape]);
  const weight = parameter("decoder/weight", [d, k], zeros);
  const mean = parameter("decoder/mean", [d], zeros);
  const scale = parameter("decoder/scale", [d], zeros);
  const posterior = (x: Tensor): Distribution => {
    const inward = parameter("encoder/weight", [d, k], zeros); // Ψ⁻¹WΛ⁻¹
    return multivariateNormal(matmul(sub(x, mean), inward), parameter("encoder/scaleTril", [k, k], zeros));
  };
  const partial = (x: Tensor): Distribution =>
    linearGaussianPosterior(x, { weight, mean, noiseVariance: square(scale) });
  const missing = data.missing !== undefined;
  const encoder = missing ? partial : posterior;
  const likelihood = missing ? observedNormal : normal;
  return {
    latents: k,
    ...realLikelihood(data),
    missing,
    encoder: (x) => encoder(flat(x)),
    decoder: (z) =>
      likelihood(
        shaped(add(matmul(z, weight, { transposeB: true }), mean)),
        reshape(scale, data.shape),
        data.shape.length,
      ),
    prior: standardNormal(k),
    rule: factorUpdates(rule, { k, d, missing }),
  };
}

interface FactorShape {
  readonly k: number;
  readonly d: number;
  readonly missing: boolean;
}

function factorUpdates<Data>(rule: FactorRule<Data>, { k, d, missing }: FactorShape): UpdateRule {
  const { steps, open, start, step, tolerance, remarks } = rule;
  return {
    steps,
    stepsPerEpoch: Math.min(steps, STEPS_PER_EPOCH),
    open: async (context) => {
      const { dataset, seed } = context;
      const { data, units } = await open(context);
      const state = { weight: float64(d, k), mean: float64(d), noiseVariances: float64(d), logLikelihood: float64(1) };
      const write = ({ model: { weight, mean, noiseVariances }, meanLogLikelihood }: FactorStep): void => {
        state.weight.data.set(weight.flat());
        state.mean.data.set(mean);
        state.noiseVariances.data.set(noiseVariances);
        state.logLikelihood.data[0] = meanLogLikelihood;
      };
      const read = (): FactorModel => ({
        weight: Array.from({ length: d }, (_, i) => Array.from(state.weight.data.subarray(i * k, (i + 1) * k))),
        mean: Array.from(state.mean.data),
        noiseVariances: Array.from(state.noiseVariances.data),
      });
      write({ model: start(data, seed), meanLogLikelihood: -Number.MAX_VALUE });
      let solved: FactorStep | undefined; // by a closed form, which does not depend on where it starts
      return {
        state: new Map(Object.entries(state)),
        step: async () => {
          const before = state.logLikelihood.data[0];
          const next = solved ?? step(read(), data);
          write(next);
          const logLikelihood = next.meanLogLikelihood - (units?.logSpread ?? 0);
          const converged = next.meanLogLikelihood - before < tolerance;
          return { loss: -logLikelihood, terms: { logLikelihood }, converged };
        },
        rehearse:
          steps === 1
            ? async () => {
                solved = step(read(), data);
              }
            : undefined,
        parameters: () => {
          const own = inOwnUnits(read(), units);
          return new Map([...decoding(own), ...(missing ? [] : encoding(own))]);
        },
        remarks: remarks && (() => remarks(read(), data, dataset)),
      };
    },
  };
}

function float64(...shape: readonly number[]): NdArray<Float64Array> {
  return { data: new Float64Array(sizeOf(shape)), shape };
}

/** What p(y) = N(μ, WWᵀ + Ψ) is of x = centre + spread·y. */
function inOwnUnits({ weight, mean, noiseVariances }: FactorModel, units: Units | undefined): FactorModel {
  if (!units) return { weight, mean, noiseVariances };
  const { centre, spread } = units;
  return {
    weight: weight.map((row, i) => row.map((value) => spread[i] * value)),
    mean: mean.map((value, i) => centre[i] + spread[i] * value),
    noiseVariances: noiseVariances.map((value, i) => spread[i] ** 2 * value),
  };
}

type Named = readonly (readonly [string, NdArray])[];

/** W, μ and ψ^½ as the programs take them. */
function decoding({ weight, mean, noiseVariances }: FactorModel): Named {
  return [
    ["decoder/weight", matrix(weight)],
    ["decoder/mean", vector(mean)],
    ["decoder/scale", vector(noiseVariances.map(Math.sqrt))],
  ];
}

/** Of the posterior of examples with nothing missing Ψ⁻¹WΛ⁻¹, and L with Λ⁻¹ = LLᵀ. */
function encoding({ weight, noiseVariances }: FactorModel): Named {
  const scaled = weight.map((row, i) => row.map((value) => value / noiseVariances[i])); // Ψ⁻¹W  [d][k]
  const covariance = inversePositive(addDiagonal(product(transposed(scaled), weight), 1)); // Λ⁻¹
  return [
    ["encoder/weight", matrix(product(scaled, covariance))],
    ["encoder/scaleTril", matrix(choleskyFactor(covariance))],
  ];
}

function matrix(rows: Matrix): NdArray {
  return { data: Float64Array.from(rows.flat()), shape: [rows.length, rows[0].length] };
}

function vector(values: Vector): NdArray {
  return { data: Float64Array.from(values), shape: [values.length] };
}
