import { arrayDataset } from "../data/dataset.ts";
import { adversarialTerms } from "../inference/adversarial.ts";
import { describeData, standardisation } from "../models/model.ts";
import { encoderNetwork } from "../models/networks.ts";
import { zeros } from "../nn/initialisers.ts";
import { dense } from "../nn/layers.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { add, concat, data, div, mean, reshape, slice, square, sub } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { train } from "../training/loop.ts";
import { createTraining } from "../training/training.ts";
import type { CodeRows } from "./latents.ts";
import { type Estimate, estimate } from "./likelihood.ts";
import { checkedPair, drawn, type TwoSampleOptions } from "./sample-pair.ts";

/** How often a classifier tells which of two samples a row is from. */
export interface TwoSampleAccuracy extends Estimate {
  /** Rows of each sample that it was fitted to, and others that it was scored on. */
  readonly trained: number;
  readonly scored: number;
  readonly stamp: string;
}

/** The parts of the rows that say when to stop, and that are scored. */
const STOPPING = 0.15;
const SCORED = 0.25;
const WIDTHS = [64, 64];
const BATCH = 128;
/** Steps between two looks at the rows that say when to stop, looks without a gain in nats before the end, and looks at most. */
const EVERY = 25;
const PATIENCE = 10;
const GAIN = 5e-4;
const LOOKS = 100;
/** More rows find hardly more. */
const MOST_FITTED = 10_000;
/** Fewer rows of each sample than this fit no classifier that says something. */
const FEWEST = 40;

/**
 * Held-out accuracy of a classifier fitted to tell rows of the two samples apart, a network of two hidden layers beside a linear map of z and
 * z²: ½ where the laws are equal, else at most ½ + ½ TV in the mean, TV their total variation. As many rows of both, scored in
 * pairs, between which the error is. The same seed gives the same bits on one machine. Friedman 2003; Lopez-Paz & Oquab 2017.
 */
export async function twoSampleAccuracy(
  engine: Engine,
  first: CodeRows,
  second: CodeRows,
  { seed = 0, most = MOST_FITTED }: TwoSampleOptions = {},
): Promise<TwoSampleAccuracy> {
  const pair = checkedPair("two-sample classifier", first, second, FEWEST);
  const n = Math.min(most, ...pair.map(({ shape }) => shape[0]));
  const k = first.shape[1];
  const rows = pair.map((one, i) => drawn(one, n, seed, i, true));
  const [stopping, scored] = [Math.round(STOPPING * n), Math.round(SCORED * n)];
  const trained = n - stopping - scored;
  const part = (from: number, to: number): NdArray<Float32Array> => sideBySide(rows, from, to);
  const fitting = part(0, trained);
  const { centre, spread } = standardisation(
    describeData(arrayDataset({ ...fitting, shape: [2 * trained, k] }, { name: "two samples", measure: "real" })),
  );
  const network = encoderNetwork("classifier", { kind: "mlp", widths: WIDTHS }, [k], 1);
  const moments = dense("classifier/moments", 2 * k, 1, { weight: zeros }); // what tells Gaussians apart is found first
  const z = div(sub(data("x", ["batch", 2, k]), centre), spread);
  const logits = add(network(z), moments(concat([z, square(z)], -1))); // [batch, 2, 1]
  const [ofFirst, ofSecond] = [0, 1].map((sample) => reshape(slice(logits, 1, sample, sample + 1), ["batch"]));
  const { discriminator: loss, accuracy } = adversarialTerms(ofSecond, ofFirst); // [batch]
  const training = await createTraining({
    engine,
    dataset: arrayDataset(fitting, { name: "two samples", measure: "real" }),
    phases: [
      {
        name: "classifier",
        loss: mean(loss),
        terms: { accuracy },
        optimizer: { kind: "adam" },
        learningRate: { kind: "constant", value: 2e-3 },
      },
    ],
    seed,
    batchSize: Math.min(BATCH, trained),
    hypers: {},
  });
  const told = await compile(engine, { loss, accuracy });
  try {
    const tell = async (from: number, to: number): Promise<Record<"loss" | "accuracy", Estimate>> => {
      const values = await told.run({ x: part(from, to), ...Object.fromEntries(training.parameters) });
      return { loss: estimateOf(values.loss), accuracy: estimateOf(values.accuracy) };
    };
    let best = await tell(trained, trained + stopping);
    let score = await tell(trained + stopping, n);
    for (let look = 1, since = 0; look <= LOOKS && since < PATIENCE; look++, since++) {
      await train(training, { steps: look * EVERY });
      const now = await tell(trained, trained + stopping);
      if (!(now.loss.value < best.loss.value - GAIN)) continue;
      [best, score, since] = [now, await tell(trained + stopping, n), 0];
    }
    return {
      ...score.accuracy,
      trained,
      scored,
      stamp: `network ${WIDTHS.join("-")} fitted to ${trained.toLocaleString("en-US")} rows of each sample, stopped by ${stopping.toLocaleString("en-US")}, scored on ${scored.toLocaleString("en-US")} others`,
    };
  } finally {
    await told.release();
    await training.release();
  }
}

/** Rows from … to − 1 of both samples, side by side: [to − from, 2, k]. */
function sideBySide(samples: readonly CodeRows[], from: number, to: number): NdArray<Float32Array> {
  const k = samples[0].shape[1];
  const values = new Float32Array((to - from) * 2 * k);
  for (const [at, { data: rows }] of samples.entries()) {
    for (let i = from; i < to; i++) values.set(rows.subarray(i * k, (i + 1) * k), (2 * (i - from) + at) * k);
  }
  return { data: values, shape: [to - from, 2, k] };
}

function estimateOf({ data: values }: NdArray): Estimate {
  return estimate(Float64Array.from(values));
}
