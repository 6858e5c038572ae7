import { threadCounts } from "./machine.ts";
import { openPython } from "./python.ts";
import type { Figure, Outcome } from "./results.ts";
import { type Contestant, fastest, label, ratio, type Timing, type Turns, takeTurns } from "./turns.ts";

/** What ours may take of a peer's time: on one thread, and each at the thread count it is best with. */
export interface Bars {
  readonly oneThread?: number;
  readonly best?: number;
}

/** A script of `peers/` that does the same work. */
export interface PeerPlan {
  readonly name: string;
  /** Whose version is kept: "torch". */
  readonly product: string;
  readonly script: string;
  readonly options: Readonly<Record<string, string | number>>;
  /** Options without a value. */
  readonly flags?: readonly string[];
  readonly bars?: Bars;
}

export interface Race {
  readonly ours: (threads: number) => Promise<Contestant>;
  readonly peers: readonly PeerPlan[];
  readonly turns: Turns;
  /** Of a time: "ms/step". */
  readonly unit: string;
  /** What ours may take, in milliseconds. */
  readonly most?: number;
  /** What to do where a peer takes no part. */
  readonly remedy: string;
}

/** Our work against the peers', at every number of threads, taking turns. */
export async function race({ ours, peers, turns, unit, most, remedy }: Race): Promise<RaceOutcome> {
  const contestants: Contestant[] = [];
  const notes = new Set<string>();
  const versions: Record<string, string> = {};
  try {
    for (const threads of threadCounts()) {
      contestants.push(await ours(threads));
      for (const { name, product, script, options, flags = [] } of peers) {
        const given = Object.entries({ ...options, threads }).flatMap(([key, value]) => [`--${key}`, String(value)]);
        const peer = await openPython(script, { name, threads, options: [...given, ...flags] });
        if ("absent" in peer) {
          notes.add(`${name}: ${peer.absent}`);
          continue;
        }
        versions[product] = peer.version;
        contestants.push(peer);
      }
    }
    if (peers.some(({ product }) => !(product in versions))) notes.add(remedy);
    const timings = await takeTurns(contestants, turns);
    const figures = [...ratios(timings, peers), ...times(timings, unit, most)];
    return { figures, peers: versions, notes: [...notes], details: timings, timings };
  } finally {
    for (const contestant of contestants) await contestant.close();
  }
}

export interface RaceOutcome extends Outcome {
  readonly timings: readonly Timing[];
}

function ratios(timings: readonly Timing[], peers: readonly PeerPlan[]): readonly Figure[] {
  const figure = (what: string, of: readonly Timing[], name: string, bar?: number): readonly Figure[] => {
    const [own, peer] = [fastest(of, "reparam"), fastest(of, name)];
    if (!own || !peer) return [];
    const { median, low, high } = ratio(own, peer);
    const spread = `quartiles ${low.toFixed(2)}–${high.toFixed(2)} of ${own.rounds.length} rounds`;
    return [{ what: `${what}: ${label(own)} / ${label(peer)}`, value: median, unit: "×", spread, bar }];
  };
  const alone = timings.filter(({ threads }) => threads === 1);
  return peers.flatMap(({ name, bars }) => [
    ...figure("one thread", alone, name, bars?.oneThread),
    ...figure("best of each", timings, name, bars?.best),
  ]);
}

function times(timings: readonly Timing[], unit: string, most?: number): readonly Figure[] {
  return timings.map((timing) => {
    const { name, median, min, p10, p90 } = timing;
    const spread = `min ${min.toFixed(2)}, 10–90 % ${p10.toFixed(2)}–${p90.toFixed(2)}`;
    return { what: label(timing), value: median, unit, spread, bar: name === "reparam" ? most : undefined };
  });
}
