/** Progress of long work: one line redrawn in place in a terminal, now and then a plain line elsewhere. */
import { formatNumber } from "../report/numbers.ts";
import { formatClock, formatCount, formatDuration, isLive, type Paint, painter, type Screen } from "./terminal.ts";

export interface TrainingState {
  /** Steps made so far, and the epoch the last of them belonged to, from 1. */
  readonly step: number;
  readonly epoch: number;
  readonly epochs: number;
  /** What training tells, per example, the most telling first. */
  readonly terms: Readonly<Record<string, number>>;
  /** Of steps on a batch; undefined of those that see all examples, which are counted instead of epochs. */
  readonly examplesPerSecond?: number;
}

interface Output {
  readonly stream: Screen;
  /** Milliseconds. */
  readonly now?: () => number;
}

export interface Progress {
  update(state: TrainingState): void;
  /** Writes a line of its own above the progress. */
  log(line: string): void;
  /** Leaves the last state standing, with the time it took. */
  finish(): void;
}

export interface Meter {
  /** `done` of the total are through. */
  update(done: number): void;
  log(line: string): void;
  /** Takes the meter off the terminal. */
  finish(): void;
}

/** At most 15 pictures a second in a terminal. */
const REDRAW_MS = 1000 / 15;
/** Elsewhere short epochs share a line, and a meter is heard of this often. */
const PLAIN_EPOCH_MS = 2_000;
const PLAIN_METER_MS = 10_000;
/** What takes less than this needs no meter. */
const PATIENCE_MS = 2_000;

/** Progress of a training of `total` steps: a line an epoch where there is no terminal, and always the last. */
export function createProgress({
  stream,
  total,
  now = () => performance.now(),
}: Output & { readonly total: number }): Progress {
  const line = createLine(stream);
  const pace = createPace(total, now);
  let latest: TrainingState | undefined;
  let told: TrainingState | undefined;
  let toldAt = -Infinity;

  const tell = (state: TrainingState, time: string): void => {
    line.show({ fraction: state.step / total, parts: [...trainingParts(state, total), { text: time, keep: 4 }] });
    told = state;
    toldAt = now();
  };
  /** Steps that see all examples end when nothing is left to gain: those to come are the most that there can be. */
  const left = ({ examplesPerSecond }: TrainingState): string => {
    const time = pace.left();
    return examplesPerSecond === undefined && time !== "" ? `at most ${time}` : time;
  };
  return {
    update: (state) => {
      const before = latest;
      latest = state;
      pace.advance(state.step);
      if (line.live) {
        if (now() - toldAt >= REDRAW_MS) tell(state, left(state));
      } else if (before && state.epoch > before.epoch && now() - toldAt >= PLAIN_EPOCH_MS) {
        tell(before, left(before));
      }
    },
    log: line.log,
    finish: () => {
      if (latest && (line.live || latest !== told)) tell(latest, `in ${pace.elapsed()}`);
      line.close("keep");
    },
  };
}

/** How far through `total` units some work is, for work that lasts: "evaluating 400/1,000 images  0:03 left". */
export function createMeter({
  stream,
  label,
  total,
  unit,
  now = () => performance.now(),
}: Output & { readonly label: string; readonly total: number; readonly unit: string }): Meter {
  const line = createLine(stream);
  const pace = createPace(total, now);
  let next = now() + (line.live ? PATIENCE_MS : PLAIN_METER_MS);
  pace.advance(0);
  return {
    update: (done) => {
      pace.advance(done);
      if (now() < next) return;
      next = now() + (line.live ? REDRAW_MS : PLAIN_METER_MS);
      const text = `${label} ${formatCount(done)}/${formatCount(total)} ${unit}`;
      line.show({
        fraction: done / total,
        parts: [
          { text, keep: 5 },
          { text: pace.left(), keep: 4 },
        ],
      });
    },
    log: line.log,
    finish: () => line.close("clear"),
  };
}

/** A piece of the line. Where it is too narrow, pieces go by what they are worth keeping, the least first. */
interface Part {
  readonly text: string;
  readonly keep: number;
}

interface Picture {
  /** Of the work that is done. */
  readonly fraction: number;
  readonly parts: readonly Part[];
}

/** What the line calls the terms that it shows, in this order; others are not shown. */
const termWords: Readonly<Record<string, string>> = {
  logLikelihood: "log p",
  squaredError: "error",
  elbo: "ELBO",
  reconstruction: "recon",
  rate: "rate",
  discriminatorAccuracy: "told apart",
  discrepancy: "MMD",
};

function trainingParts(
  { step, epoch, epochs, terms, examplesPerSecond }: TrainingState,
  total: number,
): readonly Part[] {
  const shown = Object.entries(termWords).filter(([name]) => name in terms);
  const decimals = decimalsFor(terms[shown[0]?.[0]] ?? 0);
  const told = shown.map(([name, word], i) => ({
    text: `${word} ${formatNumber(terms[name], decimals)}`,
    keep: i === 0 ? 5 : Math.max(1, 3 - i),
  }));
  if (examplesPerSecond === undefined)
    return [{ text: `step ${formatCount(step)}/${formatCount(total)}`, keep: 6 }, ...told];
  return [
    { text: `epoch ${formatCount(epoch)}/${formatCount(epochs)}`, keep: 6 },
    ...told,
    { text: `${formatCount(examplesPerSecond)} ex/s`, keep: 0 },
  ];
}

/** Decimals that give the ELBO four significant digits; its terms to the same place add up on the screen. */
function decimalsFor(elbo: number): number {
  const size = Math.abs(elbo);
  if (size < 10) return 3;
  return size < 100 ? 2 : 1;
}

interface Line {
  /** Whether pictures replace each other; else each is a line. */
  readonly live: boolean;
  show(picture: Picture): void;
  log(text: string): void;
  close(end: "keep" | "clear"): void;
}

/** Erases from the cursor to the end of the line. What a picture leaves of the last one goes this way, without a flicker. */
const ERASE_REST = "\x1b[K";

function createLine(stream: Screen): Line {
  const live = isLive(stream);
  const paint = painter(stream);
  let shown: Picture | undefined;
  const draw = (picture: Picture): void => {
    // A full last column makes some terminals wrap.
    const text = compose(picture, (stream.columns || 80) - 1, paint);
    stream.write(`\r${text}${ERASE_REST}`);
    shown = picture;
  };
  return {
    live,
    show: (picture) => {
      if (live) draw(picture);
      else stream.write(`${joined(picture.parts)}\n`);
    },
    log: (text) => {
      stream.write(shown ? `\r${text}${ERASE_REST}\n` : `${text}\n`);
      if (shown) draw(shown);
    },
    close: (end) => {
      if (shown) stream.write(end === "keep" ? "\n" : `\r${ERASE_REST}`);
      shown = undefined;
    },
  };
}

const BAR_CELLS = { least: 4, most: 24 };

/** The parts that fit into `width` columns and a bar in what they leave. */
function compose({ fraction, parts }: Picture, width: number, paint: Paint): string {
  let kept = parts;
  while (kept.length > 1 && BAR_CELLS.least + 1 + joined(kept).length > width) {
    const least = Math.min(...kept.map(({ keep }) => keep));
    kept = kept.filter(({ keep }) => keep !== least);
  }
  const text = joined(kept);
  const cells = Math.min(BAR_CELLS.most, width - text.length - 1);
  if (cells < BAR_CELLS.least) return text.slice(0, Math.max(0, width));
  return `${bar(fraction, cells, paint)} ${text}`;
}

function joined(parts: readonly Part[]): string {
  return parts
    .map(({ text }) => text)
    .filter((text) => text !== "")
    .join("  ");
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

function bar(fraction: number, cells: number, paint: Paint): string {
  const eighths = Math.round(8 * cells * Math.min(1, Math.max(0, fraction)));
  const done = "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
  return paint("cyan", done) + paint("dim", "░".repeat(cells - done.length));
}

interface Pace {
  /** `done` of the total are through now. */
  advance(done: number): void;
  /** The time left at the recent pace: "0:21 left"; nothing while it is not known. */
  left(): string;
  elapsed(): string;
}

/** What happened this long ago counts 1/e as much as what happens now. */
const MEMORY_SECONDS = 10;

/** A pace as the ratio of two sums that forget alike: units done and seconds they took. */
function createPace(total: number, now: () => number): Pace {
  const start = now();
  let last: { readonly done: number; readonly at: number } | undefined;
  let units = 0;
  let seconds = 0;
  return {
    advance: (done) => {
      const at = now();
      if (last) {
        const passed = (at - last.at) / 1000;
        const fade = Math.exp(-passed / MEMORY_SECONDS);
        units = units * fade + (done - last.done);
        seconds = seconds * fade + passed;
      }
      last = { done, at };
    },
    left: () => {
      const ahead = last && units > 0 ? ((total - last.done) * seconds) / units : Number.NaN;
      return Number.isFinite(ahead) ? `${formatClock(ahead)} left` : "";
    },
    elapsed: () => formatDuration((now() - start) / 1000),
  };
}
