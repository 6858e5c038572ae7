import {
  compile,
  densityProgram,
  describeData,
  estimateLikelihood,
  modelTraining,
  openEngine,
  vae,
} from "../dist/index.js";
import type { Outcome } from "./results.ts";
import { IWAE, noisePictures } from "./subject.ts";

const IMAGES = 10_000;
const SAMPLES = 500;
/** What this may take on two cores, in seconds. */
const BAR = 60;

/** The importance-sampled log-likelihood of as many images as a test set has; untrained, as a run's time does not hang on its weights. */
export async function benchLikelihood(): Promise<Outcome> {
  const engine = await openEngine({ threads: 2 });
  const dataset = noisePictures(IMAGES);
  const description = describeData(dataset);
  const architecture = { kind: "mlp", widths: [IWAE.hidden, IWAE.hidden] } as const;
  const model = vae({ architecture, latents: IWAE.latents }, description);
  const constant = { kind: "constant", value: 1 } as const;
  const training = await modelTraining({
    engine,
    model,
    description,
    dataset,
    seed: 0,
    batchSize: IWAE.batch,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate: constant,
    klWeight: constant,
  });
  const density = await compile(engine, densityProgram(model, description), { values: training.parameters });
  const start = performance.now();
  await estimateLikelihood({ density, dataset, samples: SAMPLES, seed: 0 });
  const seconds = (performance.now() - start) / 1000;
  await density.release();
  await training.release();
  const peak = process.resourceUsage().maxRSS / 1024;
  const what = `log p(x) of ${IMAGES.toLocaleString("en-US")} images by ${SAMPLES} importance samples each, 784-200-200-50, 2 threads`;
  return {
    figures: [
      { what, value: seconds, unit: "s", bar: BAR },
      { what: "largest resident memory", value: peak, unit: "MiB" },
    ],
  };
}
