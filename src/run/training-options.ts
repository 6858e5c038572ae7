import type { ObjectiveOptions } from "../inference/objective.ts";
import type { OptimizerOptions, Schedule } from "../inference/phase.ts";
import type { Refinement } from "../inference/semi-amortized.ts";
import type { WayOptions } from "../inference/ways.ts";
import { DECAY_FACTOR, parseCounts, type TrainOptions } from "./options.ts";

/** Options with everything decided that their defaults leave to the data. */
export type SettledOptions = TrainOptions &
  Required<Pick<TrainOptions, "batch" | "epochs" | "learningRate" | "warmup" | "evaluationSamples">>;

/** The steps of a run whose epochs have so many. */
export function totalSteps({ steps, epochs }: SettledOptions, stepsPerEpoch: number): number {
  return steps ?? epochs * stepsPerEpoch;
}

/** The learning rate over `total` steps, so many of them in an epoch. */
export function learningRateSchedule(options: SettledOptions, total: number, stepsPerEpoch: number): Schedule {
  const { learningRate, warmup, decay, decayEpochs = "", decayFactor = DECAY_FACTOR } = options;
  if (decay === "steps") {
    const at = parseCounts(decayEpochs).map((epochs) => epochs * stepsPerEpoch);
    return { kind: "stepwise", peak: learningRate, warmup, at, factor: decayFactor };
  }
  if (decay === "cosine") return { kind: "warmupCosine", peak: learningRate, warmup, total };
  if (warmup === 0) return { kind: "constant", value: learningRate };
  return { kind: "linear", from: 0, to: learningRate, steps: warmup };
}

/** The weight w of the rate in nats: given, or w = λ/2η, or 1. */
export function klWeight({ klWeight: given, lambda, variance }: TrainOptions): number {
  return lambda === undefined || variance === undefined ? (given ?? 1) : lambda / (2 * variance);
}

export function klWeightSchedule(options: TrainOptions): Schedule {
  const { klWarmup, klPeriod } = options;
  const peak = klWeight(options);
  if (klPeriod !== undefined && klWarmup > 0) {
    return { kind: "cyclical", peak, period: klPeriod, rise: klWarmup / klPeriod };
  }
  return klWarmup === 0 ? { kind: "constant", value: peak } : { kind: "linear", from: 0, to: peak, steps: klWarmup };
}

/** How the bound is sampled and its gradient estimated. */
export function objectiveOptions(options: TrainOptions): ObjectiveOptions {
  const { bound, kl, baseline, gradient, freeBits, capacity } = options;
  return { bound, rate: kl, baseline, gradient, freeBits, capacity: capacity !== undefined };
}

/** The way of inference, everything decided. */
export function wayOptions(options: TrainOptions): WayOptions {
  const { inference, innerSteps = inference === "em" ? 1 : 5, outerSteps = 1, innerRate, lineSearch } = options;
  const rate = innerRate ?? (inference === "per-example" || inference === "semi-amortized" ? INNER_RATE : undefined);
  const schedule = rate === undefined ? {} : { innerRate: { kind: "constant", value: rate } as const };
  return { inference, innerSteps, outerSteps, lineSearch, ...schedule };
}

/** The steps by which a semi-amortized encoder improves its answer. */
export function refinementOptions(options: TrainOptions): Pick<Refinement, "steps" | "rate"> {
  const { innerSteps, innerRate } = wayOptions(options);
  return { steps: innerSteps, rate: innerRate?.kind === "constant" ? innerRate.value : INNER_RATE };
}

/** The learning rate of posteriors of each example's own. */
const INNER_RATE = 0.02;

/** The capacity C of the rate at each step. */
export function capacitySchedule({ capacity = 0, capacitySteps }: TrainOptions): Schedule {
  if (capacitySteps === undefined) return { kind: "constant", value: capacity };
  return { kind: "linear", from: 0, to: capacity, steps: capacitySteps };
}

export function optimizerOptions({ optimizer }: TrainOptions): OptimizerOptions {
  return optimizer === "sgd" ? { kind: "sgd", momentum: 0.9 } : { kind: optimizer };
}
