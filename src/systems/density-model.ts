import type { Dataset } from "../data/dataset.ts";
import { standardNormal } from "../distributions/normal.ts";
import type { Bijection } from "../flows/bijection.ts";
import { flow } from "../flows/flow.ts";
import type { Schedule } from "../inference/phase.ts";
import type { DataDescription, PointModel } from "../models/model.ts";
import { AS_THEY_ARE } from "../models/names.ts";
import type { Engine } from "../runtime/engine.ts";
import { data } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { modelTraining } from "../training/fit.ts";
import { executable } from "./execute.ts";

/** Rows of d real numbers as the law of f⁻¹(z), z ~ N(0, I), and nothing else: no standardisation, no dequantisation. */
export function densityModel(f: Bijection, d: number): PointModel {
  const prior = standardNormal(d);
  const law = flow(prior, f);
  return {
    latents: d,
    observation: AS_THEY_ARE,
    density: "Flow",
    encode: (x) => f.forward(x).value,
    decode: (z) => f.inverse(z).value,
    prior,
    logProb: law.logProb,
    terms: (x) => ({ logLikelihood: law.logProb(x) }),
    gauge: { term: "logLikelihood", better: "larger" },
    initialised: (x) => f.initialised?.(x).values ?? {},
  };
}

export interface DensityTraining {
  readonly steps: number;
  /** Where the learning rate is largest; it falls to 0 along half a cosine. */
  readonly rate: number;
  readonly batchSize: number;
  readonly seed: number;
}

/** Trains by Adam for the likelihood; the parameters by name. */
export async function trainDensity(
  engine: Engine,
  model: PointModel,
  { dataset, description }: { readonly dataset: Dataset; readonly description: DataDescription },
  { steps, rate, batchSize, seed }: DensityTraining,
): Promise<Readonly<Record<string, NdArray>>> {
  const learningRate: Schedule = { kind: "warmupCosine", peak: rate, warmup: Math.ceil(steps / 50), total: steps };
  const training = await modelTraining({
    engine,
    model,
    description,
    dataset,
    seed,
    batchSize,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate,
    klWeight: { kind: "constant", value: 1 },
  });
  for (let step = 0; step < steps; step++) await training.runStep();
  const parameters = Object.fromEntries(
    Array.from(training.parameters, ([name, { data: values, shape }]): [string, NdArray] => [
      name,
      { data: Float64Array.from(values), shape },
    ]),
  );
  await training.release();
  return parameters;
}

/** log p(x) of rows as the model sees them, float64. */
export async function logDensities(
  engine: Engine,
  model: PointModel,
  parameters: Readonly<Record<string, NdArray>>,
  rows: NdArray,
): Promise<Float64Array> {
  const x = data("x", ["batch", ...rows.shape.slice(1)]);
  const logProb = model.logProb?.(x);
  if (!logProb) throw new Error("a model with a density is expected");
  const program = await executable(engine, { logProb }, "float64");
  const { logProb: values } = await program.run({ ...parameters, x: rows });
  await program.release();
  return Float64Array.from(values.data);
}
