import type { CodeAccuracy } from "../evaluation/codes.ts";
import type { Scored } from "../evaluation/comparison.ts";
import type { EnergyDistance } from "../evaluation/energy-distance.ts";
import type { PlanePoint } from "../evaluation/latent-map.ts";
import type { Estimate } from "../evaluation/likelihood.ts";
import type { Modes } from "../evaluation/modes.ts";
import type { Image } from "./grid.ts";
import type { TableFigure } from "./report-input.ts";

/** Several models on the same held-out examples. */
export interface ComparisonInput {
  readonly title: string;
  /** Which examples of which data: "1,000 examples of the test split of …". */
  readonly examples: string;
  /** In the order that was given, the first of which others are compared with. */
  readonly models: readonly ComparedModel[];
  readonly labelNames?: readonly string[];
  /** The first images of the split; undefined of other data. */
  readonly originals?: readonly Image[];
  /** What is so beyond the numbers, a line each. */
  readonly notices: readonly string[];
}

/** One model: what it is, what was measured, what is shown of it. */
export interface ComparedModel extends Scored {
  /** "variational autoencoder" */
  readonly title: string;
  readonly objective?: string;
  readonly encoder?: string;
  readonly decoder?: string;
  readonly latents: number;
  readonly parameters: number;
  /** The mean of log p(x), how it was estimated in few words, and in all. */
  readonly density?: { readonly mean: Estimate; readonly estimator: string; readonly stamp: string };
  /** In the data's own units. */
  readonly rmse?: number;
  /** KL(q(z|x) ‖ p(z)) in nats. */
  readonly rate?: Estimate & { readonly by: string };
  /** Of codes z ~ q(z|x), or points f(x), to draws of p(z). */
  readonly distance?: EnergyDistance;
  /** Of a prior that is a mixture. */
  readonly modes?: Modes;
  readonly accuracy?: CodeAccuracy;
  /** The middle one of its epochs, validation included. */
  readonly secondsPerEpoch?: number;
  /** Why a number is not there, where that is not plain from the model's kind. */
  readonly lacks?: { readonly distance?: string; readonly accuracy?: string };
  readonly map?: CodeMap;
  /** Of `originals`. */
  readonly reconstructions?: readonly Image[];
  readonly samples?: readonly Image[];
  /** Of a table: its rows and as many draws. */
  readonly table?: TableFigure;
}

/** Codes in the plane, the posterior's means. */
export interface CodeMap {
  readonly points: readonly (PlanePoint & { readonly label?: number })[];
  /** "the two latents" */
  readonly axes: string;
  readonly axisNames: readonly [string, string];
  /** Undefined of a model without a prior, whose codes have any scale. */
  readonly prior?: PriorInPlane;
}

/** p(z) in the plane of the codes: N(0, I) by where its middle lies, another by draws. */
export type PriorInPlane =
  | { readonly kind: "standard"; readonly middle: PlanePoint }
  | { readonly kind: "draws"; readonly points: readonly PlanePoint[] };
