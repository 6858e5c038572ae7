/**
 * One run of the table of Burda, Grosse & Salakhutdinov 2016 on a shorter schedule, one layer of latents:
 * `npx jiti examples/reproductions/iwae.ts FOLDER --bound elbo|importance --samples K --seed S [--steps N] [--images M]`.
 *
 * FOLDER is what prepare-mnist.ts wrote. 784-200-200-z50 and back, tanh; Glorot uniform weights, the output's bias the logits of the
 * pixels' means clipped to [0.001, 0.999]; all 60,000 training images, binarised afresh at every use; batch 20; Adam (0.9, 0.999,
 * ε 1e-4). The paper's eight learning rates 1e-3 · 10^(−i/7), i = 0 … 7, each for an eighth of the steps (there stage i has 3^i
 * epochs). Log-likelihood by 1,000 importance samples of the first images of test-binary.idx. Prints one line of JSON.
 * `bench/peers/iwae_mnist.py` is the same in PyTorch, `compare-iwae.ts` runs both and makes the table.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { DataDescription, Model, Snapshot } from "reparam";
import {
  arrayDataset,
  bernoulli,
  compile,
  type Dataset,
  dense,
  densityProgram,
  describeData,
  estimateLikelihood,
  flattenEvent,
  InputError,
  modelTraining,
  normal,
  openEngine,
  sequential,
  standardNormal,
  unflattenEvent,
} from "reparam";
import { openDataset, subset } from "reparam/data";
import { exp, less, mul, noise, tanh, toFloat } from "reparam/tensor";

const [LATENTS, HIDDEN, PIXELS, TOP] = [50, 200, 784, 255];
const BATCH = 20;
const STAGES = 8;
const IMPORTANCE_SAMPLES = 1000;

/** q(z|x) and p(x|z) by two hidden layers of tanh each. Burda et al. 2016, §5 and appendix. */
function model(data: DataDescription): Model {
  const { shape, means } = data;
  const logits = Array.from(means, (mean) => {
    const p = Math.min(Math.max(mean / TOP, 0.001), 0.999);
    return Math.log(p / (1 - p));
  });
  const hidden = (side: string, inputs: number) =>
    sequential(dense(`${side}/hidden1`, inputs, HIDDEN), tanh, dense(`${side}/hidden2`, HIDDEN, HIDDEN), tanh);
  const body = sequential(flattenEvent(shape), hidden("encoder", PIXELS));
  const mean = dense("encoder/mean", HIDDEN, LATENTS);
  const logScale = dense("encoder/logScale", HIDDEN, LATENTS);
  const bias = { law: "values", values: logits } as const;
  const decoder = sequential(
    hidden("decoder", LATENTS),
    dense("decoder/output", HIDDEN, PIXELS, { bias }),
    unflattenEvent(shape),
  );
  const uniform = noise("binarize", "uniform", { batch: "batch", event: shape });
  return {
    latents: LATENTS,
    observe: (raw) => toFloat(less(mul(uniform, TOP), raw)), // x = 1 with probability raw/255
    observation: "stochastic binarisation",
    unit: TOP,
    encoder: (x) => {
      const h = body(x); // [batch, 200]
      return normal(mean(h), exp(logScale(h)));
    },
    decoder: (z) => bernoulli(decoder(z), shape.length),
    prior: standardNormal(LATENTS),
  };
}

/** The first images of the fixed draw, as bytes 0 and 255, which binarisation leaves as they are. */
function fixedImages(binary: Dataset, count: number): Dataset {
  const first = Uint32Array.from({ length: count }, (_, i) => i);
  const bits = new Uint8Array(count * PIXELS);
  subset(binary, first).read(first, bits);
  const array = { data: bits.map((bit) => TOP * bit), shape: [count, ...binary.shape] };
  return arrayDataset(array, { name: "test-binary", measure: "bytes" });
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    bound: { type: "string", default: "elbo" },
    samples: { type: "string", default: "1" },
    seed: { type: "string", default: "0" },
    steps: { type: "string", default: "3000" },
    images: { type: "string", default: "1000" },
  },
});
const [folder] = positionals;
const { bound } = values;
const [samples, seed, steps, images] = [values.samples, values.seed, values.steps, values.images].map(Number);
if (folder === undefined || (bound !== "elbo" && bound !== "importance")) {
  throw new InputError("iwae: the folder of prepare-mnist.ts and --bound elbo or importance are expected");
}

const engine = await openEngine({ threads: 1 });
const train = await openDataset(join(folder, "package", "data", "train-images-idx3-ubyte"));
const test = fixedImages(await openDataset(join(folder, "test-binary.idx")), images);
const description = describeData(train);
const vae = model(description);
const start = performance.now();
let snapshot: Snapshot | undefined;
let parameters: Snapshot["tensors"] = new Map();
let elbo = 0;
for (let stage = 0; stage < STAGES; stage += 1) {
  const training = await modelTraining({
    engine,
    model: vae,
    description,
    dataset: train,
    seed,
    batchSize: BATCH,
    samples,
    objective: bound === "importance" ? { bound } : { bound, rate: "sampled" },
    optimizer: { kind: "adam", epsilon: 1e-4 },
    learningRate: { kind: "constant", value: 1e-3 * 10 ** (-stage / (STAGES - 1)) },
    klWeight: { kind: "constant", value: 1 },
  });
  if (snapshot) training.restore(snapshot, `stage ${stage - 1}`); // parameters, Adam's moments and the number of the step
  const end = Math.round((steps * (stage + 1)) / STAGES);
  let sum = 0;
  const begin = training.step;
  while (training.step < end) sum += (await training.runStep()).terms.elbo;
  elbo = sum / (end - begin);
  snapshot = training.snapshot();
  parameters = training.parameters;
  await training.release();
}
const trainingSeconds = (performance.now() - start) / 1000;
const density = await compile(engine, densityProgram(vae, description), { values: parameters });
const held = await estimateLikelihood({ density, dataset: test, samples: IMPORTANCE_SAMPLES, seed });
await density.release();
const result = {
  framework: "reparam",
  bound,
  samples,
  seed,
  steps,
  images,
  nll: -held.logLikelihood.value,
  nllStandardError: held.logLikelihood.error,
  elbo: held.elbo.value,
  rate: held.rate.value,
  trainingElbo: elbo,
  trainingSeconds: Math.round(trainingSeconds * 10) / 10,
  seconds: Math.round((performance.now() - start) / 100) / 10,
};
console.log(JSON.stringify(result));
