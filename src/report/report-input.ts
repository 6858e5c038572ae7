import type { RateSplit } from "../evaluation/aggregate.ts";
import type { StampedNumber } from "../evaluation/summary.ts";
import type { CurvePoint } from "./curves.ts";
import type { Image } from "./grid.ts";

/**
 * Everything a report shows; a section that is undefined, or has nothing to show, is left out. Numbers are per example and
 * in nats unless their unit says otherwise. A `split` is a noun phrase, such as "test split" or a file's name. The images of
 * a section are of one size.
 */
export interface ReportInput {
  /** The run's name. */
  readonly title: string;
  /** What was trained, for how long, on what: one sentence. */
  readonly sentence: string;
  /** Held-out numbers, the headline first. */
  readonly numbers: readonly StampedNumber[];
  /** How far the headline can be trusted, a sentence below it. */
  readonly trust?: string;
  readonly curve: readonly CurvePoint[];
  readonly history?: History;
  readonly reconstructions?: Reconstructions;
  readonly samples?: PriorSamples;
  readonly latentMap?: LatentMap;
  readonly latents?: readonly LatentUse[];
  readonly inference?: InferenceFigures;
  readonly traversals?: Traversals;
  readonly scores?: ScoreFigure;
  readonly table?: TableFigure;
  /** Figures of another kind, after the others. */
  readonly pictures: readonly Picture[];
  /** What the likelihood is called, such as "Bernoulli, stochastic binarisation": it decides how blur is explained. */
  readonly likelihood?: string;
  /** Explanations, a paragraph each. */
  readonly notes: readonly string[];
  readonly card?: ModelCard;
  /** Shown as JSON: configuration and versions. */
  readonly config: unknown;
}

/** Rows of equally large images, shown as one grid. `alt` says in words what is to be seen. */
export interface Picture {
  readonly title: string;
  readonly caption: string;
  readonly alt: string;
  readonly rows: readonly (readonly Image[])[];
  readonly rowLabels?: readonly string[];
}

/** How one latent dimension is used: its rate KL(q(z|x) ‖ p(z)) in nats, averaged over examples, and whether it is active. */
export interface LatentUse {
  readonly rate: number;
  readonly active: boolean;
}

/** How good the posteriors are, and what the codes hold. */
export interface InferenceFigures {
  readonly rateSplit?: RateSplitFigure;
  readonly gaps?: GapFigure;
  /** Plain words: latents that are not in use, since when, what to try; scales at their bound. A paragraph each. */
  readonly words: readonly string[];
}

/** The mean rate taken apart, in nats. */
export type RateSplitFigure = Pick<
  RateSplit,
  "mutualInformation" | "marginalKl" | "totalCorrelation" | "dimensionWiseKl" | "codes" | "ceiling"
> & { readonly split: string };

/** log p(x) − ELBO of each example in two parts, in nats. */
export interface GapFigure {
  /** What the encoder loses against an example's own posterior of its family. */
  readonly amortization: readonly number[];
  /** What the best of the family loses against log p(x). */
  readonly approximation: readonly number[];
  /** How log p(x) was estimated. */
  readonly by: string;
  readonly split: string;
  /** How an example's own posterior was found. */
  readonly steps: number;
  readonly samples: number;
}

/** Samples as training went on: the same latents, decoded (the mean of p(x|z)) after each of these epochs. */
export interface History {
  readonly epochs: readonly { readonly epoch: number; readonly images: readonly Image[] }[];
}

/** An example and the mean of p(x|z) at its posterior's mean. */
export interface Reconstruction {
  readonly original: Image;
  readonly reconstruction: Image;
  /** By what `Reconstructions.by` says. */
  readonly value: number;
}

export interface Reconstructions {
  readonly split: string;
  /** How well one is reconstructed: log p(x|z) in nats, expected under q(z|x), or ‖x − x̂‖² in the data's own units. */
  readonly by: "log p(x|z)" | "squared error";
  /** How many examples best and worst were chosen from. */
  readonly examples: number;
  /** The first of the split, not chosen by how well they are reconstructed. */
  readonly typical: readonly Reconstruction[];
  /** The best first. */
  readonly best: readonly Reconstruction[];
  /** The worst first. */
  readonly worst: readonly Reconstruction[];
}

/** Of the same z ~ p(z), in the same order: draws x ~ p(x|z), and the means of p(x|z). */
export interface PriorSamples {
  readonly drawn: readonly Image[];
  readonly means: readonly Image[];
}

/** Examples in two dimensions of the latent space, at most 2,000. */
export interface LatentMap {
  readonly split: string;
  readonly points: readonly LatentPoint[];
  /** What the labels mean: the name of label i; its number where there is none. */
  readonly labelNames?: readonly string[];
  /** What the axes are, for the caption: "first two principal components of the codes", "the two latents". */
  readonly axes: string;
  /** The axes' own titles, horizontal first; default z₀ and z₁. */
  readonly axisNames?: readonly [string, string];
  /** Decoded means over the plane where k = 2: rows from the top (the largest of the vertical axis), columns from the left. */
  readonly decodedGrid?: DecodedGrid;
}

export interface LatentPoint {
  readonly x: number;
  readonly y: number;
  readonly label?: number;
}

export interface DecodedGrid {
  readonly rows: readonly (readonly Image[])[];
  /** Where the grid begins and ends on both axes. */
  readonly from: number;
  readonly to: number;
}

/** Each of these latents moved in equal steps, the others kept at the prior's mean; the means of p(x|z), the most used latent first. */
export interface Traversals {
  readonly latents: readonly { readonly latent: number; readonly images: readonly Image[] }[];
  /** What 0 is: the prior's mean, or the mean code, from which steps are then in deviations of the codes. */
  readonly around: "prior" | "codes";
  /** Where the steps begin and end, such as −3 and 3. */
  readonly from: number;
  readonly to: number;
}

/** The log-likelihood of each held-out example. */
export interface ScoreFigure {
  readonly split: string;
  /** log p(x) of each example in nats, importance-sampled; any order. */
  readonly values: readonly number[];
  /** How each was made: "importance sampling with 16 draws". */
  readonly by: string;
  readonly threshold?: ScoreThreshold;
  /** The lowest log p(x) first, and the highest first. */
  readonly strangest: StrangeExamples;
  readonly likeliest?: StrangeExamples;
}

/** Below it an example counts as strange. */
export interface ScoreThreshold {
  readonly value: number;
  /** The share of validation examples below it, such as 0.01. */
  readonly quantile: number;
  /** How many validation examples there are: with fewer than 1 / quantile the threshold is between the two lowest. */
  readonly examples?: number;
}

/** Images, or rows of a table with the names of its columns; each with its log p(x) in nats. */
export type StrangeExamples =
  | { readonly kind: "images"; readonly images: readonly ScoredImage[] }
  | { readonly kind: "rows"; readonly columns: readonly string[]; readonly rows: readonly ScoredRow[] };

export interface ScoredImage {
  readonly image: Image;
  readonly score: number;
  /** Where it is from, such as a file's name. */
  readonly source?: string;
}

export interface ScoredRow {
  /** In the data's own units, one number a column. */
  readonly values: readonly number[];
  readonly score: number;
  readonly source?: string;
}

/** Rows of the data and as many draws x ~ p(x|z), z ~ p(z), in the data's own units: [n ≤ 2,000, columns]. */
export interface TableFigure {
  readonly split: string;
  readonly columns: readonly string[];
  readonly data: readonly (readonly number[])[];
  readonly samples: readonly (readonly number[])[];
}

/** What somebody who is given the model should know. */
export interface ModelCard {
  readonly data: string;
  readonly intendedUse: string;
  readonly limits: string;
}
