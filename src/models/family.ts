import type { FlowOptions } from "./flow-layers.ts";
import type { AnyModel, DataDescription } from "./model.ts";
import type { CovarianceName, KernelName } from "./names.ts";
import type { VaeOptions } from "./vae.ts";

/** What the built-in models are told; each reads what it has, and has defaults for what is not given. */
export interface FamilyOptions extends FlowOptions {
  /** Networks, latents and the parts of a VAE, with the defaults that suit the data. */
  readonly vae: VaeOptions;
  /** Latents, where they are given. */
  readonly latents?: number;
  /** Components of a mixture, where they are given. */
  readonly components?: number;
  readonly uncentred?: boolean;
  readonly standardize?: boolean;
  readonly em?: boolean;
  readonly tolerance?: number;
  readonly covariance?: CovarianceName;
  readonly restarts?: number;
  readonly floor?: number;
  readonly kernel?: KernelName;
  readonly gamma?: number;
  readonly degree?: number;
  readonly coefficient?: number;
  readonly ridge?: number;
  readonly examples?: number;
  readonly discriminator?: readonly number[];
  readonly regularization?: number;
}

/** A built-in model: one file that builds it, and what is said of it beside its numbers. */
export interface Family {
  /** As a sentence begins: "A variational autoencoder". */
  readonly title: string;
  /** What is maximised or minimised, and what its two maps are, for tables that set models side by side. */
  readonly objective: string;
  /** Draws that an example is scored by unless told otherwise. */
  readonly draws?: number;
  readonly encoder: string;
  readonly decoder: string;
  readonly build: (options: FamilyOptions, data: DataDescription) => AnyModel;
}
