/** What the page's worker and Node both run: twenty steps of the MLP VAE, through the package's public index. */
import { arrayDataset, createTraining, type Engine, featureMeans, trainingProgram, vae, vaeSchema } from "reparam";

export const STEPS = 20;
export const BATCH = 64;
export const IMAGES = STEPS * BATCH;

export interface Trained {
  readonly losses: readonly number[];
  /** How far each parameter has moved, by name. */
  readonly updates: ReadonlyMap<string, Float32Array>;
}

/** Trains on the images, 28·28 bytes each, in the order of the seed. */
export async function trainTwentySteps(engine: Engine, images: Uint8Array): Promise<Trained> {
  const dataset = arrayDataset({ data: images, shape: [IMAGES, 1, 28, 28] }, { name: "images" });
  const description = { shape: dataset.shape, measure: dataset.measure, means: featureMeans(dataset) };
  const model = vae(vaeSchema.parse({}), description);
  const { terms, loss } = trainingProgram(model, description);
  const training = await createTraining({
    engine,
    phases: [
      {
        name: "train",
        loss,
        terms: { ...terms },
        optimizer: { kind: "adam" },
        learningRate: { kind: "constant", value: 1e-3 },
      },
    ],
    dataset,
    seed: 0,
    batchSize: BATCH,
    hypers: { klWeight: { kind: "constant", value: 1 } },
  });
  const start = new Map(Array.from(training.parameters, ([name, { data }]) => [name, Float32Array.from(data)]));
  const losses: number[] = [];
  while (training.step < STEPS) losses.push((await training.runStep()).loss);
  const moved = (name: string, before: Float32Array): Float32Array => {
    const after = training.parameters.get(name)?.data;
    return before.map((value, i) => Number(after?.[i]) - value);
  };
  const updates = new Map(Array.from(start, ([name, before]) => [name, moved(name, before)]));
  await training.release();
  return { losses, updates };
}
