import type { Gauge } from "../models/model.ts";
import type { Scheduled, Snapshot, StepResult, Training } from "./training.ts";

export type Means = Readonly<Record<string, number>>;

/** What the loop knows besides the tensors; part of every checkpoint, so that a resumed run goes on as if never stopped. */
export interface LoopState {
  /** Sums of the terms over the steps of the epoch so far, and how many steps told each. */
  readonly sums: Means;
  readonly counts: Readonly<Record<string, number>>;
  /** Steps of the epoch so far. */
  readonly count: number;
  /** The best validation value so far, larger ones being better, and its epoch. */
  readonly best?: { readonly value: number; readonly epoch: number };
}

/** One epoch done: means over its steps, and the held-out ones. */
export interface EpochResult extends Scheduled {
  /** Steps made so far. */
  readonly step: number;
  /** Epochs done so far. */
  readonly epoch: number;
  readonly train: Means;
  readonly validation?: Means;
}

export type Outcome = "finished" | "stopped early" | "interrupted";

export interface LoopOptions {
  /** Steps in all, those of a resumed run included. */
  readonly steps: number;
  readonly resume?: LoopState;
  /** Stops between two steps, after a checkpoint. */
  readonly signal?: AbortSignal;
  /** Held-out terms with the parameters as they are. */
  readonly validate?: () => Promise<Means>;
  /** What decides which parameters are best, where anything does. */
  readonly gauge?: Gauge;
  /** Stop after so many epochs in which that did not improve. */
  readonly patience?: number;
  /** Also checkpoint every so many steps within an epoch. */
  readonly checkpointEvery?: number;
  readonly onStep?: (result: StepResult, epoch: number) => void;
  readonly onEpoch?: (result: EpochResult) => void;
  readonly onBest?: (snapshot: Snapshot, state: LoopState) => void;
  readonly onCheckpoint?: (snapshot: Snapshot, state: LoopState) => void;
}

const fresh: LoopState = { sums: {}, counts: {}, count: 0 };

/** The one loop: steps until there are enough, an epoch's bookkeeping when one ends. It knows phases' terms, no models. */
export async function train(training: Training, options: LoopOptions): Promise<Outcome> {
  const { steps, signal, patience, checkpointEvery } = options;
  let state = options.resume ?? fresh;
  const epochsSinceBest = (): number => training.step / training.stepsPerEpoch - (state.best?.epoch ?? 0);
  const exhausted = (): boolean =>
    patience !== undefined && options.gauge !== undefined && state.count === 0 && epochsSinceBest() >= patience;
  while (training.step < steps && !training.converged && !exhausted()) {
    if (signal?.aborted) {
      options.onCheckpoint?.(training.snapshot(), state);
      return "interrupted";
    }
    const result = await training.runStep();
    const [sums, counts] = [{ ...state.sums }, { ...state.counts }];
    for (const [name, value] of Object.entries(result.terms)) {
      sums[name] = (sums[name] ?? 0) + value;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    state = { ...state, sums, counts, count: state.count + 1 };
    options.onStep?.(result, Math.floor(result.step / training.stepsPerEpoch) + 1);
    if (training.step % training.stepsPerEpoch === 0 || training.step === steps || training.converged) {
      state = await endEpoch(training, options, state, result.terms);
    } else if (checkpointEvery && training.step % checkpointEvery === 0) {
      options.onCheckpoint?.(training.snapshot(), state);
    }
  }
  return exhausted() && training.step < steps && !training.converged ? "stopped early" : "finished";
}

/** Validates, reports, keeps the best and checkpoints: in this order, so that a kill in between repeats the epoch's end. */
async function endEpoch(
  training: Training,
  options: LoopOptions,
  { sums, counts, best }: LoopState,
  terms: Means,
): Promise<LoopState> {
  const epoch = Math.ceil(training.step / training.stepsPerEpoch); // the last one may be cut short by the number of steps
  const validation = await options.validate?.();
  // Each step of a rule sees all examples: its last one says where the fit stands.
  const isRule = training.converged !== undefined;
  const means = isRule
    ? terms
    : Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / counts[name]]));
  options.onEpoch?.({ step: training.step, epoch, train: means, validation, ...training.scheduled });
  const { gauge } = options;
  const value = gauge ? (gauge.better === "larger" ? 1 : -1) * (validation ?? means)[gauge.term] : 0;
  const improved = gauge !== undefined && Number.isFinite(value) && (best === undefined || value > best.value);
  const next: LoopState = { ...fresh, best: improved ? { value, epoch } : best };
  if (improved) options.onBest?.(training.snapshot(), next);
  options.onCheckpoint?.(training.snapshot(), next);
  return next;
}
