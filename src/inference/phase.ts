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

/**
 * A stage of a training program: a loss to descend, the parameters it may move and how. One phase is a VAE, two that take
 * turns are variational EM, three an adversarial autoencoder.
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
  /** Steps in a row before the next phase has its turn. */
  readonly steps?: number;
  /** New values of state leaves, by name, committed after each step. */
  readonly updates?: Readonly<Record<string, Tensor>>;
}
