import {
  arrayDataset,
  createTraining,
  type Dataset,
  describeData,
  type Engine,
  modelTraining,
  openEngine,
  type Training,
  type TrainingOptions,
  trainingProgram,
  type VaeOptions,
  vae,
  vaeSchema,
} from "../dist/index.js";
import { adversarialAutoencoder } from "../dist/models/adversarial-autoencoder.js";
import { stream } from "../dist/random/stream.js";
import type { Contestant } from "./turns.ts";

/** The models that are measured, on 28×28 images; `peers/step.py` has the same four. */
export type Subject = "mlp" | "conv" | "iwae" | "aae";

export const BATCH = 128;
export const LATENTS = 20;
export const HIDDEN = 400;
export const CHANNELS = [32, 64] as const;

/** The importance-weighted autoencoder of Burda et al. 2016: 784-200-200-50, 50 samples of each of 20 images. */
export const IWAE = { batch: 20, samples: 50, latents: 50, hidden: 200 } as const;

/** An adversarial autoencoder: 784-400-400-16 and back, the discriminator 16-256-256-1. */
export const AAE = { latents: 16, discriminator: [256, 256] } as const;

interface Plan {
  readonly architecture: VaeOptions["architecture"];
  readonly latents: number;
  readonly batch: number;
  readonly samples?: number;
}

const plans: Readonly<Record<Subject, Plan>> = {
  mlp: { architecture: { kind: "mlp", widths: [HIDDEN] }, latents: LATENTS, batch: BATCH },
  conv: { architecture: { kind: "conv", channels: [...CHANNELS] }, latents: LATENTS, batch: BATCH },
  iwae: { ...IWAE, architecture: { kind: "mlp", widths: [IWAE.hidden, IWAE.hidden] } },
  aae: { architecture: { kind: "mlp", widths: [HIDDEN, HIDDEN] }, latents: AAE.latents, batch: BATCH },
};

/** Random pixels: a step's time does not depend on what is in the picture. */
export function noisePictures(length: number): Dataset {
  const pixels = stream(0, "bench/pixels");
  const data = Uint8Array.from({ length: length * 784 }, () => pixels.below(256));
  return arrayDataset({ data, shape: [length, 1, 28, 28] }, { name: "noise" });
}

/** A training whose step is all that one is: noise draw, binarisation, forward, backward, Adam. */
export function subjectOptions(subject: Subject, engine: Engine, dataset: Dataset): TrainingOptions {
  const { shape, measure } = dataset;
  const description = { shape, measure, means: new Float64Array(shape.reduce((a, b) => a * b)).fill(127.5) };
  const { architecture, latents, batch, samples } = plans[subject];
  const model = vae({ architecture, latents }, description);
  const objective = samples === undefined ? {} : ({ bound: "importance" } as const);
  const { terms, loss } = trainingProgram(model, description, { samples, objective });
  const learningRate = { kind: "constant", value: 1e-3 } as const;
  return {
    engine,
    phases: [{ name: "train", loss, terms: { ...terms }, optimizer: { kind: "adam" }, learningRate }],
    dataset,
    seed: 0,
    batchSize: batch,
    hypers: { klWeight: { kind: "constant", value: 1 } },
  };
}

/** Both players of a game take a step where it is one. */
const TURN: Readonly<Record<Subject, number>> = { mlp: 1, conv: 1, iwae: 1, aae: 2 };

export function openSubject(subject: Subject, engine: Engine, dataset: Dataset): Promise<Training> {
  if (subject === "aae") return openGame(engine, dataset);
  return createTraining(subjectOptions(subject, engine, dataset));
}

/** As `reparam train` has it: the game's steps, learning rates and optimizers are the model's. */
function openGame(engine: Engine, dataset: Dataset): Promise<Training> {
  const { architecture, latents, batch } = plans.aae;
  const description = describeData(dataset);
  const options = { ...vaeSchema.parse({ architecture, latents }), likelihood: "bernoulli" } as const;
  return modelTraining({
    engine,
    model: adversarialAutoencoder({ vae: options, discriminator: AAE.discriminator }, description),
    description,
    dataset,
    seed: 0,
    batchSize: batch,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate: { kind: "constant", value: 1e-3 },
    klWeight: { kind: "constant", value: 1 },
  });
}

/** Times each of so many steps, in milliseconds; of a game each turn. */
export async function timeSteps(training: Training, steps: number, turn = 1): Promise<readonly number[]> {
  const milliseconds: number[] = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    for (let player = 0; player < turn; player++) await training.runStep();
    milliseconds.push(performance.now() - start);
  }
  return milliseconds;
}

export async function ourContestant(subject: Subject, threads: number, dataset: Dataset): Promise<Contestant> {
  const training = await openSubject(subject, await openEngine({ threads }), dataset);
  return {
    name: "reparam",
    threads,
    take: (steps) => timeSteps(training, steps, TURN[subject]),
    close: () => training.release(),
  };
}
