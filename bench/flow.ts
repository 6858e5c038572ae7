import { arrayDataset, createTraining, flow, openEngine, standardNormal } from "../dist/index.js";
import { flowLayers } from "../dist/models/flow-layers.js";
import { stream } from "../dist/random/stream.js";
import { data, mean, neg } from "../dist/tensor/index.js";
import { threadCounts } from "./machine.ts";
import { flavours } from "./peer.ts";
import { openPython } from "./python.ts";
import type { Figure, Outcome } from "./results.ts";
import { timeSteps } from "./subject.ts";
import { type Contestant, fastest, label, ratio, type Timing, takeTurns } from "./turns.ts";

/** The flows that are measured; `peers/flow.py` has the same two. */
export type FlowSubject = "coupling" | "autoregressive";

const D = 64;
const HIDDEN = 256;
const BATCH = 512;
const ROWS = 10_000;
const LAYERS: Readonly<Record<FlowSubject, number>> = { coupling: 8, autoregressive: 5 };
/** What a step may take of PyTorch's time, on one thread and each at the thread count it is best with. */
const BAR = 1;

const remedy =
  "PyTorch takes no part: put one into a virtual environment (python3 -m venv torch && torch/bin/pip install torch numpy, or apt install python3-torch) and give it as PYTHON=torch/bin/python";

/** A training step of a flow's density against PyTorch's, taking turns. */
export async function benchFlow(subject: FlowSubject, rounds: number): Promise<Outcome> {
  const contestants: Contestant[] = [];
  const notes = new Set<string>();
  const peers: Record<string, string> = {};
  const sizes = { model: subject, d: D, hidden: HIDDEN, batch: BATCH };
  try {
    for (const threads of threadCounts()) {
      contestants.push(await ours(subject, threads));
      for (const { name, options } of flavours) {
        const given = Object.entries({ ...sizes, threads }).flatMap(([key, value]) => [`--${key}`, String(value)]);
        const peer = await openPython("flow.py", { name, threads, options: [...given, ...options] });
        if ("absent" in peer) {
          notes.add(`${name}: ${peer.absent}`);
          continue;
        }
        peers.torch = peer.version;
        contestants.push(peer);
      }
    }
    if (!("torch" in peers)) notes.add(remedy);
    const timings = await takeTurns(contestants, { rounds, steps: 20, lead: 4 });
    return { figures: [...ratios(timings), ...times(timings)], peers, notes: [...notes], details: timings };
  } finally {
    for (const contestant of contestants) await contestant.close();
  }
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

function ratios(timings: readonly Timing[]): readonly Figure[] {
  const figure = (what: string, of: readonly Timing[], name: string, bar?: number): readonly Figure[] => {
    const [own, peer] = [fastest(of, "reparam"), fastest(of, name)];
    if (!own || !peer) return [];
    const { median, low, high } = ratio(own, peer);
    const spread = `quartiles ${low.toFixed(2)}–${high.toFixed(2)} of ${own.rounds.length} rounds`;
    return [{ what: `${what}: ${label(own)} / ${label(peer)}`, value: median, unit: "×", spread, bar }];
  };
  const alone = timings.filter(({ threads }) => threads === 1);
  return flavours.flatMap(({ name, barred }) => {
    const bar = barred ? BAR : undefined;
    return [...figure("one thread", alone, name, bar), ...figure("best of each", timings, name, bar)];
  });
}

function times(timings: readonly Timing[]): readonly Figure[] {
  return timings.map((timing) => {
    const { median, min, p10, p90 } = timing;
    const spread = `min ${min.toFixed(2)}, 10–90 % ${p10.toFixed(2)}–${p90.toFixed(2)}`;
    return { what: label(timing), value: median, unit: "ms/step", spread };
  });
}
