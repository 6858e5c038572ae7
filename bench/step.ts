import { torchPeers, torchRemedy } from "./peers.ts";
import { matrixRate, stepFlops } from "./products.ts";
import { type Bars, race } from "./race.ts";
import type { Figure, Outcome } from "./results.ts";
import { noisePictures, ourContestant, type Subject } from "./subject.ts";
import { label, type Timing, type Turns } from "./turns.ts";

const plans: Readonly<Record<Subject, { turns: Omit<Turns, "rounds">; bars: Bars }>> = {
  mlp: { turns: { steps: 40, lead: 5 }, bars: { oneThread: 0.85, best: 0.65 } },
  conv: { turns: { steps: 6, lead: 2 }, bars: { best: 1 } },
  iwae: { turns: { steps: 20, lead: 3 }, bars: { oneThread: 0.8 } },
  aae: { turns: { steps: 20, lead: 3 }, bars: { oneThread: 1, best: 1 } },
};

/** The whole training step against PyTorch's, all variants taking turns. */
export async function benchStep(subject: Subject, rounds: number): Promise<Outcome> {
  const { turns, bars } = plans[subject];
  const pictures = noisePictures(10_000);
  const { timings, ...outcome } = await race({
    ours: (threads) => ourContestant(subject, threads, pictures),
    peers: torchPeers("step.py", { model: subject }, bars),
    turns: { ...turns, rounds },
    unit: "ms/step",
    remedy: torchRemedy,
  });
  return { ...outcome, figures: [...outcome.figures, ...(await shares(subject, timings))] };
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
