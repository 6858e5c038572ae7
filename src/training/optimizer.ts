import type { OptimizerOptions } from "../inference/phase.ts";
import type { Kernels, UpdateRange } from "../runtime/kernels.ts";

/** What an update needs besides the range: the slots' byte offsets, and the numbers of this step. */
export interface UpdateStep {
  readonly slots: readonly number[];
  readonly learningRate: number;
  readonly gradScale: number;
  /** How many updates this phase has made, this one included. */
  readonly count: number;
}

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** The names of the float32 slots that an optimizer keeps for each parameter. */
export function slotNames(options: OptimizerOptions): readonly string[] {
  if (options.kind === "sgd") return options.momentum ? ["velocity"] : [];
  return ["m", "v"];
}

/** One update in place. Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2; PyTorch's formulas. */
export function applyUpdate(kernels: Kernels, options: OptimizerOptions, range: UpdateRange, step: UpdateStep): void {
  const { learningRate, gradScale, count, slots } = step;
  if (options.kind === "sgd") {
    const { momentum = 0, nesterov = false, weightDecay = 0 } = options;
    const velocity = slots[0] ?? 0;
    kernels.sgd({ ...range, velocity }, { learningRate, gradScale, momentum, nesterov, weightDecay });
    return;
  }
  const { beta1, beta2, epsilon } = { ...ADAM, ...options };
  const weightDecay = options.kind === "adamw" ? (options.weightDecay ?? 0.01) : 0;
  const settings = { learningRate, gradScale, beta1, beta2, epsilon, weightDecay };
  const [m, v] = slots;
  kernels.adam({ ...range, m, v }, { ...settings, bias1: 1 - beta1 ** count, bias2: 1 - beta2 ** count });
}

/** The factor that scales a gradient of this norm down to `limit`; PyTorch's clip_grad_norm_, its 1e-6 included. */
export function clipScale(norm: number, limit: number | undefined): number {
  return limit === undefined ? 1 : Math.min(1, limit / (norm + 1e-6));
}
