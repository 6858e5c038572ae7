import type { Schedule } from "../../inference/phase.ts";
import type { WayOptions } from "../../inference/ways.ts";
import { diagonalGap } from "../../models/linear-gaussian.ts";
import { meanLogLikelihood } from "../../models/probabilistic-pca.ts";
import { vae } from "../../models/vae.ts";
import type { Engine } from "../../runtime/engine.ts";
import { type ModelTrainingOptions, modelTraining } from "../../training/fit.ts";
import { copyOf, frozen, isTheta } from "../frozen.ts";
import { type LinearVaeOptions, linearFit, linearVae, table, wineRows } from "../linear-vae.ts";
import type { Measurement, SystemRow } from "../row.ts";

const SEED = 11;
const STEPS = 3000;

const wine = table("wine", wineRows());
const alone: WayOptions = { inference: "encoder", innerSteps: 1, outerSteps: 1, lineSearch: false };
const falling: Schedule = { kind: "warmupCosine", peak: 0.03, warmup: 10, total: STEPS };

function common(seed: number): Omit<ModelTrainingOptions, "engine" | "model" | "way"> {
  return {
    description: wine.description,
    dataset: wine.dataset,
    seed,
    batchSize: wine.dataset.length,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate: falling,
    klWeight: { kind: "constant", value: 1 },
  };
}

/** θ that somebody trained for a while, then another encoder alone: it comes to the best bound that this θ allows, which is known. */
async function bestForTheta(engine: Engine): Promise<readonly Measurement[]> {
  const options: LinearVaeOptions = { latents: 2, posterior: "diagonal", expectation: "analytic" };
  const model = linearVae(options, wine.description);
  const before = await modelTraining({ ...common(SEED), engine, model });
  for (let step = 0; step < 40; step++) await before.runStep();
  const training = await modelTraining({ ...common(SEED + 1), engine, model, way: alone });
  for (const [name, { data }] of before.parameters) {
    if (!name.startsWith("encoder/")) training.parameters.get(name)?.data.set(data);
  }
  await before.release();
  const start = copyOf(training);
  const untrained = await linearFit(engine, model, wine.dataset, training.parameters);
  for (let step = 0; step < STEPS; step++) await training.runStep();
  const after = copyOf(training);
  const reached = await linearFit(engine, model, wine.dataset, training.parameters);
  await training.release();
  const evidence = meanLogLikelihood(reached.model, wine.moments);
  const best = evidence - diagonalGap(reached.model);
  return [
    frozen(`θ through ${STEPS.toLocaleString("en-US")} steps in φ alone, linear-Gaussian`, start, after, isTheta),
    {
      what: `ELBO reached by φ alone from ${untrained.elbo.toFixed(1)}, against the best of diagonal q for this θ; log p(x) is ${evidence.toFixed(3)}`,
      measured: reached.elbo,
      expected: best,
      error: Math.abs(reached.elbo - best),
      tolerance: 1e-4,
      because: "nats; steps that end at a rate of 0, in float32",
    },
  ];
}

/** Slots of θ that are not 0 and a running average of the noise: neither moves in a phase of φ. */
async function slotsAndStatistics(engine: Engine): Promise<Measurement> {
  const model = vae(
    { architecture: { kind: "mlp", widths: [16] }, latents: 2, likelihood: "normal", scale: "optimal" },
    wine.description,
  );
  const way: WayOptions = { inference: "em", innerSteps: 50, outerSteps: 10, lineSearch: false };
  const training = await modelTraining({ ...common(SEED), engine, model, way });
  for (let step = 0; step < 60; step++) await training.runStep(); // a turn: θ's slots and statistics have values
  const start = copyOf(training);
  for (let step = 0; step < 50; step++) await training.runStep();
  const after = copyOf(training);
  await training.release();
  const kinds = ["parameter/decoder/", "slot/maximisation/m/", "slot/maximisation/v/", "parameter/decoder/variance"];
  const known = kinds.filter((kind) => Array.from(start.keys()).some((name) => name.startsWith(kind)));
  if (known.length < kinds.length) throw new Error(`row 11: of ${kinds.join(", ")} only ${known.join(", ")} are kept`);
  return frozen("θ, its Adam slots and its running variance through 50 steps in φ, a network", start, after, isTheta);
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  return [...(await bestForTheta(engine)), await slotsAndStatistics(engine)];
}

/** Row 11: θ as it is, the bound maximised in φ. */
export const row11: SystemRow = { row: 11, title: "Variational inference alone: φ moves, θ does not", measure };
