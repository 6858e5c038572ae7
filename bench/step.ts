import { threadCounts } from "./machine.ts";
import { flavours, openPeer } from "./peer.ts";
import { matrixRate, stepFlops } from "./products.ts";
import type { Figure, Outcome } from "./results.ts";
import { noisePictures, ourContestant, type Subject } from "./subject.ts";
import { type Contestant, fastest, label, ratio, type Timing, type Turns, takeTurns } from "./turns.ts";

/** What a step may take of PyTorch's time: on one thread, and each at the thread count it is best with. */
interface Bars {
  readonly oneThread?: number;
  readonly best?: number;
}

const plans: Readonly<Record<Subject, { turns: Omit<Turns, "rounds">; bars: Bars }>> = {
  mlp: { turns: { steps: 40, lead: 5 }, bars: { oneThread: 0.85, best: 0.65 } },
  conv: { turns: { steps: 6, lead: 2 }, bars: { best: 1 } },
  iwae: { turns: { steps: 20, lead: 3 }, bars: { oneThread: 0.8 } },
  aae: { turns: { steps: 20, lead: 3 }, bars: { oneThread: 1, best: 1 } },
};

const remedy =
  "PyTorch takes no part: put one into a virtual environment (python3 -m venv torch && torch/bin/pip install torch numpy, or apt install python3-torch) and give it as PYTHON=torch/bin/python";

/** The whole training step against PyTorch's, all variants taking turns. */
export async function benchStep(subject: Subject, rounds: number): Promise<Outcome> {
  const { turns, bars } = plans[subject];
  const pictures = noisePictures(10_000);
  const contestants: Contestant[] = [];
  const notes = new Set<string>();
  const peers: Record<string, string> = {};
  try {
    for (const threads of threadCounts()) {
      contestants.push(await ourContestant(subject, threads, pictures));
      for (const flavour of flavours) {
        const peer = await openPeer(subject, threads, flavour);
        if ("absent" in peer) {
          notes.add(`${flavour.name}: ${peer.absent}`);
          continue;
        }
        peers.torch = peer.version;
        contestants.push(peer);
      }
    }
    if (!("torch" in peers)) notes.add(remedy);
    const timings = await takeTurns(contestants, { ...turns, rounds });
    const figures = [...ratios(timings, bars), ...times(timings), ...(await shares(subject, timings))];
    return { figures, peers, notes: [...notes], details: timings };
  } finally {
    for (const contestant of contestants) await contestant.close();
  }
}

function ratios(timings: readonly Timing[], bars: Bars): readonly Figure[] {
  const figure = (what: string, ours?: Timing, peer?: Timing, bar?: number): readonly Figure[] => {
    if (!ours || !peer) return [];
    const { median, low, high } = ratio(ours, peer);
    const spread = `quartiles ${low.toFixed(2)}–${high.toFixed(2)} of ${ours.rounds.length} rounds`;
    return [{ what: `${what}: ${label(ours)} / ${label(peer)}`, value: median, unit: "×", spread, bar }];
  };
  const alone = timings.filter(({ threads }) => threads === 1);
  return flavours.flatMap(({ name, barred }) => [
    ...figure("one thread", fastest(alone, "reparam"), fastest(alone, name), barred ? bars.oneThread : undefined),
    ...figure("best of each", fastest(timings, "reparam"), fastest(timings, name), barred ? bars.best : undefined),
  ]);
}

function times(timings: readonly Timing[]): readonly Figure[] {
  return timings.map((timing) => {
    const { median, min, p10, p90 } = timing;
    const spread = `min ${min.toFixed(2)}, 10–90 % ${p10.toFixed(2)}–${p90.toFixed(2)}`;
    return { what: label(timing), value: median, unit: "ms/step", spread };
  });
}

/** The share of the rate that the engine reaches in the step's matrix products alone. */
async function shares(subject: Subject, timings: readonly Timing[]): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const { name, threads, median } of timings) {
    if (name !== "reparam") continue;
    const rate = await matrixRate(subject, threads);
    const reached = stepFlops(subject) / 1e6 / median;
    const spread = `${reached.toFixed(0)} of ${rate.toFixed(0)} GFLOP/s`;
    figures.push({
      what: `share of the matrix-product rate, ${label({ name, threads })}`,
      value: reached / rate,
      unit: "",
      spread,
    });
  }
  return figures;
}
