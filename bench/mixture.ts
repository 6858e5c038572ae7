import { arrayDataset, openEngine } from "../dist/index.js";
import { datasetExamples } from "../dist/linalg/examples.js";
import { openMixtureEm, startingState } from "../dist/models/mixture-em.js";
import { stream } from "../dist/random/stream.js";
import { threadCounts } from "./machine.ts";
import { openPython } from "./python.ts";
import type { Figure, Outcome } from "./results.ts";
import { type Contestant, fastest, label, ratio, type Timing, takeTurns } from "./turns.ts";

/** What is measured: a step of EM, full covariances; `peers/mixture.py` does the same. */
const ROWS = 60_000;
const COLUMNS = 16;
const COMPONENTS = 20;
/** What a step may take of scikit-learn's time, each at the thread count it is best with. */
const BAR = 1;

const remedy =
  "scikit-learn takes no part: put it into a virtual environment (python3 -m venv peers && peers/bin/pip install scikit-learn, or apt install python3-sklearn) and give it as PYTHON=peers/bin/python";

/** A step of EM against scikit-learn's, taking turns. */
export async function benchMixture(rounds: number): Promise<Outcome> {
  const contestants: Contestant[] = [];
  const notes = new Set<string>();
  const peers: Record<string, string> = {};
  const sizes = { rows: ROWS, columns: COLUMNS, components: COMPONENTS };
  try {
    for (const threads of threadCounts()) {
      contestants.push(await ours(threads));
      const options = Object.entries({ ...sizes, threads }).flatMap(([name, value]) => [`--${name}`, String(value)]);
      const peer = await openPython("mixture.py", { name: "scikit-learn", threads, options });
      if ("absent" in peer) {
        notes.add(`scikit-learn: ${peer.absent}`).add(remedy);
        continue;
      }
      peers["scikit-learn"] = peer.version;
      contestants.push(peer);
    }
    const timings = await takeTurns(contestants, { rounds, steps: 3, lead: 1 });
    return { figures: [...ratios(timings), ...times(timings)], peers, notes: [...notes], details: timings };
  } finally {
    for (const contestant of contestants) await contestant.close();
  }
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

function ratios(timings: readonly Timing[]): readonly Figure[] {
  const figure = (what: string, of: readonly Timing[], bar?: number): readonly Figure[] => {
    const [own, peer] = [fastest(of, "reparam"), fastest(of, "scikit-learn")];
    if (!own || !peer) return [];
    const { median, low, high } = ratio(own, peer);
    const spread = `quartiles ${low.toFixed(2)}–${high.toFixed(2)} of ${own.rounds.length} rounds`;
    return [{ what: `${what}: ${label(own)} / ${label(peer)}`, value: median, unit: "×", spread, bar }];
  };
  const alone = timings.filter(({ threads }) => threads === 1);
  return [...figure("one thread", alone), ...figure("best of each", timings, BAR)];
}

function times(timings: readonly Timing[]): readonly Figure[] {
  return timings.map((timing) => {
    const { median, min, p10, p90 } = timing;
    const spread = `min ${min.toFixed(0)}, 10–90 % ${p10.toFixed(0)}–${p90.toFixed(0)}`;
    return { what: label(timing), value: median, unit: "ms/step", spread };
  });
}
