import { arrayDataset } from "../../data/dataset.ts";
import { draw, meanOf } from "../../distributions/distribution.ts";
import { kl } from "../../distributions/kl.ts";
import { normal, standardNormal } from "../../distributions/normal.ts";
import {
  evidenceLowerBound,
  KL_WEIGHT,
  type LatentVariableModel,
  latentNoise,
  weightedLoss,
} from "../../inference/elbo.ts";
import type { Phase, Schedule } from "../../inference/phase.ts";

import { dense, sequential } from "../../nn/layers.ts";
import type { Engine } from "../../runtime/engine.ts";
import { add, data, exp, mean, mul, split, square, sub, sum, type Tensor, tanh } from "../../tensor/index.ts";
import type { Precision } from "../../tensor/tensor.ts";
import { scheduleAt } from "../../training/schedule.ts";
import { createTraining } from "../../training/training.ts";
import { executable, flat, normals, parameterGradients, startingValues } from "../execute.ts";
import { EXACT, type Measurement, norm, relativeToLargest, type SystemRow } from "../row.ts";

const EXAMPLES = 16;
const DIMENSIONS = 6;
const LATENTS = 2;
const SEED = 20;
const WARM_UP = 4;
const STEPS = 6;

const x = normals("x", [EXAMPLES, DIMENSIONS], SEED);
const epsilon = normals("epsilon", [EXAMPLES, LATENTS], SEED);

/** Networks for q(z|x) and for x̂ = g(z), with p(x|z) = N(x̂, ηI), η a variance. */
function networks() {
  const encoder = sequential(dense("encoder/hidden", DIMENSIONS, 8), tanh, dense("encoder/output", 8, 2 * LATENTS));
  const decoder = sequential(dense("decoder/hidden", LATENTS, 8), tanh, dense("decoder/output", 8, DIMENSIONS));
  return (variance: number): LatentVariableModel => ({
    encoder: (input) => {
      const [location, logScale] = split(encoder(input), -1, [LATENTS, LATENTS]);
      return normal(location, exp(logScale));
    },
    decoder: (z) => normal(decoder(z), Math.sqrt(variance)),
    prior: standardNormal(LATENTS),
  });
}

/** mean(‖x − x̂‖² + λ·KL) and, of the model with variance η, mean(−(reconstruction − w·rate)), on the same draws. */
function losses(lambda: number, variance: number) {
  const input = data("x", ["batch", DIMENSIONS], "float");
  const model = networks()(variance);
  const noise = latentNoise("epsilon", model.prior, "batch");
  const posterior = model.encoder(input);
  const { sample: z } = draw(posterior, noise);
  const distance = sum(square(sub(input, meanOf(model.decoder(z)))), -1); // ‖x − x̂‖²  [batch]
  const penalised = mean(add(distance, mul(lambda, kl(posterior, model.prior))));
  return { penalised, weighted: weightedLoss(evidenceLowerBound(model, input, noise)) };
}

interface Weighing {
  readonly lambda: number;
  readonly variance: number;
  readonly weight: number;
}

/** λ = 2ηw: ∇(‖x − x̂‖² + λ·KL) = 2η·∇(−(reconstruction − w·rate)). */
async function sameGradient(
  engine: Engine,
  { lambda, variance, weight }: Weighing,
  precision: Precision,
): Promise<Measurement> {
  const { penalised, weighted } = losses(lambda, variance);
  const scaled: Tensor = mul(2 * variance, weighted);
  const feeds = {
    ...startingValues(weighted, SEED),
    x,
    epsilon,
    [KL_WEIGHT]: { data: Float64Array.of(weight), shape: [] },
  };
  const gradientOf = async (loss: Tensor): Promise<Float64Array> => {
    const slopes = await executable(engine, parameterGradients(loss), precision);
    const values = await slopes.run(feeds);
    await slopes.release();
    return flat(values, "gradient/");
  };
  const [left, right] = [await gradientOf(penalised), await gradientOf(scaled)];
  const name = weight === 1 ? "λ∇(−ELBO)" : `2η∇(−(reconstruction − ${weight}·rate))`;
  return {
    what: `norm of ∇(‖x − x̂‖² + λKL) against ${name}, λ = ${lambda}, η = ${variance}, ${precision}`,
    measured: norm(left),
    expected: norm(right),
    error: relativeToLargest(left, right),
    tolerance: EXACT[precision],
  };
}

/** A run whose KL weight rises from 0 to 1: what it descends, and the bound that it tells beside it. */
async function scheduled(engine: Engine): Promise<readonly Measurement[]> {
  const input = data("x", ["batch", DIMENSIONS], "float");
  const model = networks()(0.5);
  const terms = evidenceLowerBound(model, input, latentNoise("epsilon", model.prior, "batch"));
  const phase: Phase = {
    name: "warm-up",
    loss: weightedLoss(terms),
    terms: { ...terms },
    optimizer: { kind: "adam" },
    learningRate: { kind: "constant", value: 1e-2 },
  };
  const dataset = arrayDataset(x, { name: "memory" });
  const klWeight: Schedule = { kind: "linear", from: 0, to: 1, steps: WARM_UP };
  const options = { engine, phases: [phase], dataset, seed: SEED, batchSize: EXAMPLES };
  const training = await createTraining({ ...options, hypers: { klWeight } });
  const steps: { readonly loss: number; readonly weighted: number; readonly elbo: number; readonly atOne: number }[] =
    [];
  for (let step = 0; step < STEPS; step++) {
    const result = await training.runStep();
    const { elbo, reconstruction, rate } = result.terms;
    const weight = Math.fround(scheduleAt(klWeight, step));
    steps.push({ loss: result.loss, weighted: weight * rate - reconstruction, elbo, atOne: reconstruction - rate });
  }
  await training.release();
  const compare = (what: string, got: readonly number[], want: readonly number[]): Measurement => ({
    what: `${what}, each of ${STEPS} steps; the second is shown`,
    measured: got[1],
    expected: want[1],
    error: relativeToLargest(got, want),
    tolerance: EXACT.float32,
  });
  return [
    compare(
      "loss = −(reconstruction − w·rate) while w rises from 0 to 1",
      steps.map(({ loss }) => loss),
      steps.map(({ weighted }) => weighted),
    ),
    compare(
      "the ELBO told beside it = reconstruction − rate at w = 1",
      steps.map(({ elbo }) => elbo),
      steps.map(({ atOne }) => atOne),
    ),
  ];
}

const weighings: readonly Weighing[] = [
  // At η = λ/2 the weight is 1: the penalised distance is λ times the negative ELBO, and λ = 1 is it only at η = ½.
  { lambda: 0.1, variance: 0.05, weight: 1 },
  { lambda: 1, variance: 0.5, weight: 1 },
  { lambda: 4, variance: 2, weight: 1 },
  { lambda: 0.6, variance: 0.1, weight: 3 },
  { lambda: 0.5, variance: 1, weight: 0.25 },
];

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const precision of ["float64", "float32"] as const) {
    for (const weighing of weighings) measurements.push(await sameGradient(engine, weighing, precision));
  }
  return [...measurements, ...(await scheduled(engine))];
}

/** Row 20: ‖x − x̂‖² + λ·KL and reconstruction − w·KL in nats, one the other where λ = 2ηw. */
export const row20: SystemRow = { row: 20, title: "Weighted KL", measure };
