/** What the page's worker and Node both run: twenty steps of the MLP VAE, through the package's public index. */
import { arrayDataset, type Engine, featureMeans, modelTraining, vae } from "reparam";

export const STEPS = 20;
const BATCH = 64;
export const IMAGES = STEPS * BATCH;

export interface Trained {
  readonly losses: readonly number[];
  /** How far each parameter has moved, by name. */
  readonly updates: Readonly<Record<string, Float32Array>>;
}

/** Trains on images of 28·28 bytes each, a fresh batch at every step. */
export async function trainTwentySteps(engine: Engine, images: Uint8Array): Promise<Trained> {
  const dataset = arrayDataset({ data: images, shape: [IMAGES, 1, 28, 28] }, { name: "images" });
  const description = { shape: dataset.shape, measure: dataset.measure, means: featureMeans(dataset) };
  const training = await modelTraining({
    engine,
    model: vae({}, description),
    description,
    dataset,
    seed: 0,
    batchSize: BATCH,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate: { kind: "constant", value: 1e-3 },
    klWeight: { kind: "constant", value: 1 },
  });
  const start = Array.from(training.parameters.values(), ({ data }) => Float32Array.from(data));
  const losses: number[] = [];
  while (training.step < STEPS) losses.push((await training.runStep()).loss);
  const updates = Array.from(training.parameters, ([name, { data }], i) => [name, start[i].map((x, j) => data[j] - x)]);
  await training.release();
  return { losses, updates: Object.fromEntries(updates) };
}
