import type { Schedule } from "../inference/phase.ts";

/** The schedule with every value times a share. */
export function scaledSchedule(schedule: Schedule, share: number): Schedule {
  switch (schedule.kind) {
    case "constant":
      return { ...schedule, value: share * schedule.value };
    case "linear":
      return { ...schedule, from: share * schedule.from, to: share * schedule.to };
    case "warmupCosine":
    case "stepwise":
    case "cyclical":
      return { ...schedule, peak: share * schedule.peak };
  }
}

/** The schedule's value at a step, the first of which is 0. */
export function scheduleAt(schedule: Schedule, step: number): number {
  switch (schedule.kind) {
    case "constant":
      return schedule.value;
    case "linear": {
      const share = Math.min(step / schedule.steps, 1);
      return schedule.from + (schedule.to - schedule.from) * share;
    }
    case "warmupCosine": {
      const { peak, warmup, total } = schedule;
      if (step < warmup) return (peak * (step + 1)) / warmup;
      const share = Math.min((step - warmup) / Math.max(total - 1 - warmup, 1), 1);
      return 0.5 * peak * (1 + Math.cos(Math.PI * share));
    }
    case "stepwise": {
      const { peak, warmup, at, factor } = schedule;
      if (step < warmup) return (peak * (step + 1)) / warmup;
      return peak * factor ** at.filter((one) => one <= step).length;
    }
    case "cyclical": {
      const { peak, period, rise } = schedule;
      return peak * Math.min((step % period) / (period * rise), 1);
    }
  }
}
