import { describe, expect, it } from "vitest";
import type { Schedule } from "../../src/inference/phase.ts";
import { scheduleAt } from "../../src/training/schedule.ts";

const over = (schedule: Schedule, ...steps: readonly number[]): readonly number[] =>
  steps.map((step) => scheduleAt(schedule, step));

describe("schedules", () => {
  it("constant stays", () => {
    expect(over({ kind: "constant", value: 0.3 }, 0, 1, 1e6)).toEqual([0.3, 0.3, 0.3]);
  });

  it("linear goes from one value to the other and stays there, up or down", () => {
    expect(over({ kind: "linear", from: 0, to: 1, steps: 4 }, 0, 1, 2, 3, 4, 5, 1000)).toEqual([
      0, 0.25, 0.5, 0.75, 1, 1, 1,
    ]);
    expect(over({ kind: "linear", from: 3, to: 1, steps: 2 }, 0, 1, 2, 3)).toEqual([3, 2, 1, 1]);
  });

  it("warmupCosine rises to its peak in the warm-up's last step, falls along half a cosine and ends at 0", () => {
    const schedule: Schedule = { kind: "warmupCosine", peak: 2, warmup: 4, total: 9 };
    expect(over(schedule, 0, 1, 2, 3)).toEqual([0.5, 1, 1.5, 2]);
    // Steps 4 … 8 are the quarters of the half cosine: 1 + cos(πi/4).
    for (const [i, value] of over(schedule, 4, 5, 6, 7, 8).entries()) {
      expect(value).toBeCloseTo(1 + Math.cos((Math.PI * i) / 4), 14);
    }
    expect(over(schedule, 9, 100)).toEqual([0, 0]);
  });

  it("warmupCosine without a warm-up begins at its peak, and lives through runs too short for it", () => {
    expect(scheduleAt({ kind: "warmupCosine", peak: 1, warmup: 0, total: 10 }, 0)).toBe(1);
    expect(scheduleAt({ kind: "warmupCosine", peak: 1, warmup: 0, total: 1 }, 0)).toBe(1);
    expect(over({ kind: "warmupCosine", peak: 1, warmup: 10, total: 5 }, 0, 4)).toEqual([0.1, 0.5]);
  });

  it("stepwise rises to its peak, then falls by its factor at each of its steps", () => {
    const schedule: Schedule = { kind: "stepwise", peak: 8, warmup: 2, at: [4, 6], factor: 0.5 };
    expect(over(schedule, 0, 1, 2, 3, 4, 5, 6)).toEqual([4, 8, 8, 8, 4, 4, 2]);
  });

  it("cyclical rises in the first part of every period and stays", () => {
    const schedule: Schedule = { kind: "cyclical", peak: 2, period: 8, rise: 0.5 };
    const period = [0, 0.5, 1, 1.5, 2, 2, 2, 2];
    expect(over(schedule, ...Array.from({ length: 16 }, (_, i) => i))).toEqual([...period, ...period]);
  });

  it.each<Schedule>([
    { kind: "constant", value: 1 },
    { kind: "linear", from: 0.1, to: 1, steps: 7 },
    { kind: "warmupCosine", peak: 1, warmup: 3, total: 50 },
    { kind: "stepwise", peak: 1, warmup: 3, at: [10, 20], factor: 0.1 },
    { kind: "cyclical", peak: 1, period: 10, rise: 0.3 },
  ])("$kind depends on the step alone and never leaves [0, 1]", (schedule) => {
    for (let step = 0; step < 100; step++) {
      const value = scheduleAt(schedule, step);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
      expect(scheduleAt(schedule, step)).toBe(value);
    }
  });
});
