import { type Dataset, subset } from "../data/dataset.ts";
import { refinePosteriors } from "../evaluation/refine.ts";
import type { Amortization, Model } from "../models/model.ts";
import { vae } from "../models/vae.ts";
import type { Engine } from "../runtime/engine.ts";
import { modelTraining } from "../training/fit.ts";
import { table, wineRows } from "./linear-vae.ts";
import type { Measurement } from "./row.ts";

const SEED = 10;
const HELD_OUT = 38;
const TRAINING_STEPS = 1500;
const STEPS = 300;
const SAMPLES = 20;

/** Bounds in nats of examples that were not trained on, by one pass of the network and by steps in each example's own γ from there. */
export interface OwnPosteriors {
  readonly examples: number;
  readonly steps: number;
  readonly samples: number;
  /** On the draws that γ was fitted to: the same for both. */
  readonly amortized: Float64Array;
  readonly own: Float64Array;
  /** On fresh draws. */
  readonly fresh: { readonly amortized: Float64Array; readonly own: Float64Array };
  /** For all examples. */
  readonly seconds: { readonly network: number; readonly own: number };
}

/** The part of a model that says each example's posterior. @throws where the encoder has one part only. */
export function amortized(model: Model): Model & { readonly amortization: Amortization } {
  const { amortization } = model;
  if (!amortization) throw new Error("own posteriors: the model has no amortization");
  return { ...model, amortization };
}

/** A small VAE of the wine data, trained jointly, and the posteriors of rows that it has not seen. */
export async function ownPosteriors(engine: Engine): Promise<OwnPosteriors> {
  const { dataset: all, description } = table("wine", wineRows());
  const rows = Array.from({ length: all.length }, (_, i) => (i * 55) % all.length); // 55 and 178 share no divisor: all rows, the three kinds mixed
  const [train, held]: readonly Dataset[] = [subset(all, rows.slice(HELD_OUT)), subset(all, rows.slice(0, HELD_OUT))];
  const architecture = { kind: "mlp" as const, widths: [8] };
  const model = amortized(vae({ architecture, latents: 3, likelihood: "normal" }, description));
  const training = await modelTraining({
    engine,
    model,
    description,
    dataset: train,
    seed: SEED,
    batchSize: train.length,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate: { kind: "warmupCosine", peak: 1e-2, warmup: 20, total: TRAINING_STEPS },
    klWeight: { kind: "constant", value: 1 },
  });
  for (let step = 0; step < TRAINING_STEPS; step++) await training.runStep();
  const { parameters } = training;
  const timed = async (steps: number) => {
    const begin = performance.now();
    const refined = await refinePosteriors({
      engine,
      model,
      description,
      parameters,
      dataset: held,
      start: "encoder",
      steps,
      samples: SAMPLES,
      seed: SEED,
    });
    return { refined, seconds: (performance.now() - begin) / 1000 };
  };
  await timed(0); // what is compiled once is not part of either
  const network = await timed(0);
  const { refined, seconds } = await timed(STEPS);
  await training.release();
  return {
    examples: held.length,
    steps: STEPS,
    samples: SAMPLES,
    amortized: refined.fitted.start,
    own: refined.fitted.best,
    fresh: { amortized: refined.fresh.start, own: refined.fresh.best },
    seconds: { network: network.seconds, own: seconds },
  };
}

/** That steps from the network's answer never lose: the bound of every x on the same draws. */
export function gained({
  examples,
  steps,
  samples,
  amortized: before,
  own,
  fresh,
  seconds,
}: OwnPosteriors): Measurement {
  const mean = (values: Float64Array): number => values.reduce((total, value) => total + value, 0) / examples;
  const losses = Array.from(own, (bound, i) => before[i] - bound);
  const unseen = (mean(fresh.own) - mean(fresh.amortized)).toFixed(3);
  const times = `${seconds.network.toPrecision(1)} s by the network, ${seconds.own.toPrecision(1)} s by the steps`;
  return {
    what: `mean bound of ${examples} new rows of wine after ${steps} steps in each γ_i, against one pass of the network (${times}); for no x below it on the same ${samples} draws, ${unseen} nats above it on fresh ones`,
    measured: mean(own),
    expected: mean(before),
    error: Math.max(0, ...losses),
    tolerance: 0,
  };
}
