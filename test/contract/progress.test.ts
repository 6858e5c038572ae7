import { describe, expect, it } from "vitest";
import { createMeter, createProgress, type TrainingState } from "../../src/cli/progress.ts";
import { formatClock, formatDuration, painter, type Screen } from "../../src/cli/terminal.ts";

/** A terminal of the given width that keeps what is seen, or a file where there is no width; and a clock to turn by hand. */
function stage(columns?: number) {
  const lines = [""];
  const written: string[] = [];
  let column = 0;
  let time = 0;
  const screen: Screen = {
    isTTY: columns !== undefined,
    columns,
    hasColors: () => false,
    write: (text) => {
      written.push(text);
      for (const token of text.replaceAll("\x1b[K", "\0")) {
        const row = lines.length - 1;
        if (token === "\n") {
          lines.push("");
          column = 0;
        } else if (token === "\r") column = 0;
        else if (token === "\0") lines[row] = lines[row].slice(0, column);
        else {
          expect(column, `wraps: ${lines[row]}${token}`).toBeLessThan(columns ?? Infinity);
          lines[row] = lines[row].slice(0, column) + token + lines[row].slice(column + 1);
          column += 1;
        }
      }
    },
  };
  return {
    screen,
    lines,
    written,
    now: () => time,
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

const state = (step: number, more: Partial<TrainingState> = {}): TrainingState => ({
  step,
  epoch: Math.ceil(step / 100),
  epochs: 10,
  terms: { elbo: -243.1, reconstruction: -230.2, rate: 12.9 },
  examplesPerSecond: 28_100,
  ...more,
});

/** A thousand steps of `milliseconds` each. */
function train(at: ReturnType<typeof stage>, milliseconds: number, steps = 1000) {
  const progress = createProgress({ stream: at.screen, total: 1000, now: at.now });
  for (let step = 1; step <= steps; step++) {
    at.pass(milliseconds);
    progress.update(state(step));
  }
  return progress;
}

describe("progress of a training in a terminal", () => {
  it("is one line with everything in 80 columns", () => {
    const at = stage(80);
    train(at, 42, 500);
    expect(at.lines).toEqual(["███░░░ epoch 5/10  ELBO −243.1  recon −230.2  rate 12.9  28,100 ex/s  0:21 left"]);
  });

  it("is drawn at most 15 times a second", () => {
    const at = stage(80);
    train(at, 10);
    expect(at.written.length).toBeGreaterThan(100);
    expect(at.written.length).toBeLessThanOrEqual(150);
  });

  it("drops the least important parts first and never wraps", () => {
    const parts = [/epoch 5\/10/, / left/, /ELBO/, /recon/, /rate/, /ex\/s/];
    let before = 0;
    for (let columns = 1; columns <= 120; columns++) {
      const at = stage(columns); // fails where a line wraps
      const progress = createProgress({ stream: at.screen, total: 1000, now: at.now });
      progress.update(state(499));
      at.pass(100);
      progress.update(state(500));
      expect(at.lines).toHaveLength(1);
      const shown = parts.map((part) => part.test(at.lines[0]));
      if (columns < 12) continue;
      if (columns >= 40) expect(at.lines[0]).toMatch(/^█/);
      expect(shown[0], `${columns} columns`).toBe(true);
      const count = shown.filter(Boolean).length;
      expect(count).toBeGreaterThanOrEqual(before);
      before = count;
    }
    expect(before).toBe(parts.length);
  });

  it("leaves nothing of a longer line behind", () => {
    const at = stage(120);
    const progress = createProgress({ stream: at.screen, total: 10, now: at.now });
    progress.update(
      state(1, { terms: { elbo: -123_456.7, reconstruction: -123_400.1, rate: 12.9 }, examplesPerSecond: 1e6 }),
    );
    at.pass(1000);
    progress.update(state(2, { terms: { elbo: -1.5, reconstruction: -1, rate: 0.5 }, examplesPerSecond: 1 }));
    expect(at.lines[0]).toMatch(/ELBO −1\.500 {2}recon −1\.000 {2}rate 0\.500 {2}1 ex\/s {2}0:08 left$/);
  });

  it("writes other lines above itself, and leaves the last state with the time it took", () => {
    const at = stage(100);
    const progress = train(at, 65);
    progress.log("stopped early");
    progress.finish();
    expect(at.lines).toHaveLength(3);
    expect(at.lines[0]).toBe("stopped early");
    expect(at.lines[1]).toMatch(/^█+ epoch 10\/10 .* in 1m 05s$/);
    expect(at.lines[2]).toBe("");
  });

  it("tells the time left from the pace of the last seconds, not of the first", () => {
    const at = stage(100);
    const progress = train(at, 1000, 10); // a slow start: 1 step a second
    for (let step = 11; step <= 500; step++) {
      at.pass(100);
      progress.update(state(step));
    }
    expect(at.lines[0]).toMatch(/0:5[01] left$/); // 500 steps at 10 a second
  });

  it("does not count the steps made before it began", () => {
    const at = stage(100);
    const progress = createProgress({ stream: at.screen, total: 1000, now: at.now });
    for (let step = 900; step <= 950; step++) {
      at.pass(1000);
      progress.update(state(step));
    }
    expect(at.lines[0]).toMatch(/0:50 left$/);
  });

  it("counts the steps where each sees all examples, and says that they may end before", () => {
    const at = stage(100);
    const progress = createProgress({ stream: at.screen, total: 20_000, now: at.now });
    const more = { terms: { logLikelihood: -12.3456 }, examplesPerSecond: undefined };
    for (let step = 1; step <= 500; step++) {
      at.pass(10);
      progress.update(state(step, more));
    }
    expect(at.lines[0]).toMatch(/░ step \d{3}\/20,000 {2}log p −12\.35 {2}at most 3:1\d left$/);
    progress.finish();
    expect(at.lines[0]).toMatch(/ step 500\/20,000 {2}log p −12\.35 {2}in 5s$/);
  });

  it("shows numbers that are not finite", () => {
    const at = stage(100);
    const progress = createProgress({ stream: at.screen, total: 10, now: at.now });
    progress.update(state(1, { terms: { elbo: Number.NaN, reconstruction: Number.NEGATIVE_INFINITY } }));
    expect(at.lines[0]).toContain("ELBO NaN  recon −∞");
  });
});

describe("progress of a training without a terminal", () => {
  it("is a line an epoch", () => {
    const at = stage();
    train(at, 50).finish();
    const line =
      /^epoch (\d+)\/10 {2}ELBO −243\.1 {2}recon −230\.2 {2}rate 12\.9 {2}28,100 ex\/s {2}(?:0:\d\d left|in 50s)$/;
    expect(at.lines.slice(0, -1).map((text) => Number(text.match(line)?.[1]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("is at most one line in two seconds, and always the last", () => {
    const at = stage();
    train(at, 9).finish(); // 0.9 s an epoch
    expect(at.lines.slice(0, -1).map((line) => line.match(/^epoch (\d+)/)?.[1])).toEqual(["1", "4", "7", "10"]);
  });

  it("writes no control characters, and nothing where nothing was done", () => {
    const at = stage();
    createProgress({ stream: at.screen, total: 10, now: at.now }).finish();
    expect(at.lines).toEqual([""]);
    train(at, 50).finish();
    for (const control of ["\r", "\x1b"]) expect(at.written.join("")).not.toContain(control);
  });
});

describe("a meter", () => {
  const evaluate = (at: ReturnType<typeof stage>, milliseconds: number, images = 1000) => {
    const meter = createMeter({ stream: at.screen, label: "evaluating", total: 1000, unit: "images", now: at.now });
    for (let done = 10; done <= images; done += 10) {
      at.pass(milliseconds);
      meter.update(done);
    }
    return meter;
  };

  it("stays away from what takes less than two seconds", () => {
    const at = stage(80);
    evaluate(at, 19).finish();
    expect(at.written.length).toBe(0);
  });

  it("shows how far and how long, and goes when it is done", () => {
    const at = stage(80);
    const meter = evaluate(at, 100, 400);
    expect(at.lines).toEqual([expect.stringMatching(/^█{9}▋░{14} evaluating 400\/1,000 images {2}0:06 left$/)]);
    meter.finish();
    expect(at.lines).toEqual([""]);
  });

  it("is a line in ten seconds where there is no terminal", () => {
    const at = stage();
    evaluate(at, 250).finish(); // 25 s
    expect(at.lines.slice(0, -1)).toEqual([
      "evaluating 400/1,000 images  0:15 left",
      "evaluating 800/1,000 images  0:05 left",
    ]);
  });
});

describe("what a terminal shows", () => {
  it("durations in prose and on a clock, carried over where they are rounded", () => {
    expect([0, 0.44, 9.94, 9.96, 21.4, 59.6, 65, 3599.7, 7380, 7379.9].map(formatDuration)).toEqual(
      "0s 0.4s 9.9s 10s 21s 1m|00s 1m|05s 1h|00m 2h|03m 2h|03m".split(" ").map((text) => text.replace("|", " ")),
    );
    expect([0, 20.6, 59.5, 65, 3599.5, 7389].map(formatClock)).toEqual([
      "0:00",
      "0:21",
      "1:00",
      "1:05",
      "1:00:00",
      "2:03:09",
    ]);
  });

  it("colours in a terminal that has them, unless the environment says otherwise", () => {
    const screen = (isTTY: boolean, colours: boolean): Screen => ({ isTTY, hasColors: () => colours, write: () => {} });
    const isPlain = (to: Screen, environment: NodeJS.ProcessEnv): boolean =>
      painter(to, environment)("red", "x") === "x";
    expect(painter(screen(true, true), {})("red", "x")).toBe("\x1b[31mx\x1b[39m");
    expect(isPlain(screen(false, true), {})).toBe(true);
    expect(isPlain(screen(true, false), {})).toBe(true);
    expect(isPlain(screen(true, true), { TERM: "dumb" })).toBe(true);
    expect(isPlain(screen(true, true), { NO_COLOR: "1" })).toBe(true);
    expect(isPlain(screen(true, true), { NO_COLOR: "" })).toBe(false);
    expect(isPlain(screen(false, false), { FORCE_COLOR: "1" })).toBe(false);
    expect(isPlain(screen(true, true), { FORCE_COLOR: "0" })).toBe(true);
  });
});
