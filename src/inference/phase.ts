import type { Tensor } from "../tensor/index.ts";

/** What one optimizer does with gradients; `src/training/optimizer.ts` says how. */
export type OptimizerOptions =
  | { readonly kind: "sgd"; readonly momentum?: number; readonly nesterov?: boolean; readonly weightDecay?: number }
  | { readonly kind: "adam"; readonly beta1?: number; readonly beta2?: number; readonly epsilon?: number }
  | {
      readonly kind: "adamw";
      readonly beta1?: number;
      readonly beta2?: number;
      readonly epsilon?: number;
      readonly weightDecay?: number;
    };

/** A number that changes with the step, counted from 0. */
export type Schedule =
  | { readonly kind: "constant"; readonly value: number }
  /** From one value to another in `steps` steps, then staying there. */
  | { readonly kind: "linear"; readonly from: number; readonly to: number; readonly steps: number }
  /** Up to `peak` linearly in `warmup` steps, then along half a cosine to 0 at step `total` − 1. */
  | { readonly kind: "warmupCosine"; readonly peak: number; readonly warmup: number; readonly total: number }
  /** `peak` after a linear warm-up, times `factor` from each of the steps `at` on. */
  | {
      readonly kind: "stepwise";
      readonly peak: number;
      readonly warmup: number;
      readonly at: readonly number[];
      readonly factor: number;
    }
  /** Each `period` rises from 0 to `peak` in its first part `rise`, then stays there. Fu et al. 2019. */
  | { readonly kind: "cyclical"; readonly peak: number; readonly period: number; readonly rise: number };

/**
 * A stage of a training program: a loss to descend, the parameters it may move and how. One phase is a VAE, two that take
 * turns are variational EM or an adversarial autoencoder.
 */
export interface Phase {
  readonly name: string;
  /** One number, minimised. */
  readonly loss: Tensor;
  /** Named per-example terms to report, larger-is-better ones and others alike: [batch] or [samples, batch]. */
  readonly terms: Readonly<Record<string, Tensor>>;
  /** Prefixes of the names of the parameters that it moves; all that the loss depends on by default. */
  readonly moves?: readonly string[];
  readonly optimizer: OptimizerOptions;
  readonly learningRate: Schedule;
  /** The gradient is scaled down to this Euclidean norm over all parameters moved; no limit by default. */
  readonly clipNorm?: number;
  /** Steps in a row before the next phase has its turn. */
  readonly steps?: number;
  /** Halve the step until the loss falls, on the same examples and draws; where it never does, stay. Armijo 1966. */
  readonly lineSearch?: boolean;
  /** New values of state leaves, by name, committed after each step. */
  readonly updates?: Readonly<Record<string, Tensor>>;
}
