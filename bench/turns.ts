/** Something that takes training steps when asked: ours or a peer. */
export interface Contestant {
  /** What it is, without the threads: "reparam", "torch eager". */
  readonly name: string;
  readonly threads: number;
  /** Takes so many steps: the milliseconds of each. */
  take(steps: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

export interface Turns {
  readonly rounds: number;
  /** Steps of a turn that count, and those before them that do not: caches and pools are another's when a turn begins. */
  readonly steps: number;
  readonly lead: number;
}

/** Milliseconds of a step, over all rounds; `rounds` are the medians of each, for ratios between neighbours in time. */
export interface Timing {
  readonly name: string;
  readonly threads: number;
  readonly median: number;
  readonly min: number;
  readonly p10: number;
  readonly p90: number;
  readonly rounds: readonly number[];
}

/** A ratio of two contestants, round by round: what the machine does meanwhile hits both alike. */
export interface Ratio {
  readonly ours: string;
  readonly peer: string;
  readonly median: number;
  /** The quartiles over the rounds. */
  readonly low: number;
  readonly high: number;
}

/** Idle threads of a pool may spin for a while after a turn. */
const REST_MS = 100;

/** Lets everybody take turns, round after round, each time beginning with another one. */
export async function takeTurns(
  contestants: readonly Contestant[],
  { rounds, steps, lead }: Turns,
): Promise<readonly Timing[]> {
  const times = contestants.map((): number[][] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const who = (round + turn) % contestants.length;
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      times[who].push((await contestants[who].take(lead + steps)).slice(lead));
    }
  }
  return contestants.map(({ name, threads }, i) => {
    const all = times[i].flat();
    const numbers = {
      median: quantile(all, 0.5),
      min: quantile(all, 0),
      p10: quantile(all, 0.1),
      p90: quantile(all, 0.9),
    };
    return { name, threads, ...numbers, rounds: times[i].map((round) => quantile(round, 0.5)) };
  });
}

/** ours / peer: the median over the rounds and its quartiles. */
export function ratio(ours: Timing, peer: Timing): Ratio {
  const ratios = ours.rounds.map((ms, round) => ms / peer.rounds[round]);
  const spread = { median: quantile(ratios, 0.5), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) };
  return { ours: label(ours), peer: label(peer), ...spread };
}

/** The fastest, by its median, of those with this name; undefined where there is none. */
export function fastest(timings: readonly Timing[], name: string): Timing | undefined {
  return timings.filter((timing) => timing.name === name).toSorted((a, b) => a.median - b.median)[0];
}

export function label({ name, threads }: { readonly name: string; readonly threads: number }): string {
  return `${name}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

/** The q-quantile, interpolated. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
