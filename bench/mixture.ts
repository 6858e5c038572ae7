import { arrayDataset, openEngine } from "../dist/index.js";
import { datasetExamples } from "../dist/linalg/examples.js";
import { openMixtureEm, startingState } from "../dist/models/mixture-em.js";
import { stream } from "../dist/random/stream.js";
import { scikitRemedy } from "./peers.ts";
import { race } from "./race.ts";
import type { Outcome } from "./results.ts";
import type { Contestant } from "./turns.ts";

/** What is measured: a step of EM, full covariances; `peers/mixture.py` does the same. */
const ROWS = 60_000;
const COLUMNS = 16;
const COMPONENTS = 20;
/** What a step may take of scikit-learn's time, each at the thread count it is best with. */
const BAR = 1;

/** A step of EM against scikit-learn's, taking turns. */
export async function benchMixture(rounds: number): Promise<Outcome> {
  const options = { rows: ROWS, columns: COLUMNS, components: COMPONENTS };
  const peer = { name: "scikit-learn", product: "scikit-learn", script: "mixture.py", options, bars: { best: BAR } };
  const { timings: _, ...outcome } = await race({
    ours,
    peers: [peer],
    turns: { rounds, steps: 3, lead: 1 },
    unit: "ms/step",
    remedy: scikitRemedy,
  });
  return outcome;
}

/** Rows from as many Normals as there are components, read from a dataset as in a run. */
async function ours(threads: number): Promise<Contestant> {
  const from = stream(0, "bench/mixture");
  const centres = Array.from({ length: COMPONENTS }, () => Array.from({ length: COLUMNS }, () => 2 * from.normal()));
  const data = new Float32Array(ROWS * COLUMNS);
  for (let row = 0; row < ROWS; row++) {
    const centre = centres[from.below(COMPONENTS)];
    for (const [j, value] of centre.entries()) data[row * COLUMNS + j] = value + from.normal();
  }
  const examples = datasetExamples(arrayDataset({ data, shape: [ROWS, COLUMNS] }, { name: "noise" }));
  const settings = { covariance: "full", floor: 1e-6 } as const;
  const em = await openMixtureEm(await openEngine({ threads }), { components: COMPONENTS, d: COLUMNS }, settings);
  const near = centres.map((centre) => centre.map((value) => value + 0.5 * from.normal()));
  let state = startingState(near, new Array<number>(COLUMNS).fill(1), "full");
  const step = async (): Promise<number> => {
    const start = performance.now();
    ({ state } = await em.step(state, examples));
    return performance.now() - start;
  };
  for (let warmUp = 0; warmUp < 2; warmUp++) await step();
  return {
    name: "reparam",
    threads,
    take: async (steps) => {
      const milliseconds: number[] = [];
      for (let i = 0; i < steps; i++) milliseconds.push(await step());
      return milliseconds;
    },
    close: () => em.release(),
  };
}
