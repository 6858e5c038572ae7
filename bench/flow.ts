import { arrayDataset, createTraining, flow, openEngine, standardNormal } from "../dist/index.js";
import { flowLayers } from "../dist/models/flow-layers.js";
import { stream } from "../dist/random/stream.js";
import { data, mean, neg } from "../dist/tensor/index.js";
import { torchPeers, torchRemedy } from "./peers.ts";
import { race } from "./race.ts";
import type { Outcome } from "./results.ts";
import { timeSteps } from "./subject.ts";
import type { Contestant } from "./turns.ts";

/** The flows that are measured; `peers/flow.py` has the same two. */
export type FlowSubject = "coupling" | "autoregressive";

const D = 64;
const HIDDEN = 256;
const BATCH = 512;
const ROWS = 10_000;
const LAYERS: Readonly<Record<FlowSubject, number>> = { coupling: 8, autoregressive: 5 };
/** What a step may take of PyTorch's time, on one thread and each at the thread count it is best with. */
const BAR = 1;

/** A training step of a flow's density against PyTorch's, taking turns. */
export async function benchFlow(subject: FlowSubject, rounds: number): Promise<Outcome> {
  const sizes = { model: subject, d: D, hidden: HIDDEN, batch: BATCH };
  const { timings: _, ...outcome } = await race({
    ours: (threads) => ours(subject, threads),
    peers: torchPeers("flow.py", sizes, { oneThread: BAR, best: BAR }),
    turns: { rounds, steps: 20, lead: 4 },
    unit: "ms/step",
    remedy: torchRemedy,
  });
  return outcome;
}

/** Forward, −log p, backward and Adam, on rows from a dataset as in a run. */
async function ours(subject: FlowSubject, threads: number): Promise<Contestant> {
  const rows = new Float32Array(ROWS * D);
  stream(0, "bench/flow").fillNormal(rows, 0, rows.length);
  const bijection = flowLayers("flow", D, {
    transform: subject,
    layers: LAYERS[subject],
    hidden: [HIDDEN],
    mixing: "reverse",
  });
  const logLikelihood = flow(standardNormal(D), bijection).logProb(data("x", ["batch", D]));
  const loss = neg(mean(logLikelihood));
  const learningRate = { kind: "constant", value: 1e-3 } as const;
  const training = await createTraining({
    engine: await openEngine({ threads }),
    phases: [{ name: "train", loss, terms: { logLikelihood }, optimizer: { kind: "adam" }, learningRate }],
    dataset: arrayDataset({ data: rows, shape: [ROWS, D] }, { name: "noise", measure: "real" }),
    seed: 0,
    batchSize: BATCH,
    hypers: {},
  });
  await timeSteps(training, 5);
  return {
    name: "reparam",
    threads,
    take: (steps) => timeSteps(training, steps),
    close: () => training.release(),
  };
}
