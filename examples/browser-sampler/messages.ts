/** What the page asks its worker, and what the worker answers. */
export interface Questions {
  /** An address, or a model's files. */
  readonly open: { readonly source: string | readonly File[] };
  readonly sample: { readonly count: number; readonly seed: number; readonly from: "mean" | "draw" };
  readonly decode: { readonly z: readonly number[] };
  readonly look: { readonly image: Blob };
  readonly loaded: Record<never, never>;
}

export interface Answers {
  readonly open: ModelFacts;
  readonly sample: Examples;
  readonly decode: Examples;
  readonly look: Looked;
  readonly loaded: readonly LoadedFile[];
}

export type Kind = keyof Questions;

/** A question with its number, which its answer bears too. */
export type Question = { readonly [K in Kind]: { readonly id: number; readonly kind: K } & Questions[K] }[Kind];
export type Answer =
  | { readonly id: number; readonly answer: Answers[Kind] }
  | { readonly id: number; readonly error: string };

/** What the page shows of a model and needs to show its numbers. */
export interface ModelFacts {
  readonly name: string;
  readonly shape: readonly number[];
  /** What a picture shows as black and as white. */
  readonly range: readonly [number, number];
  readonly columns?: readonly string[];
  readonly examples: number;
  readonly latents: number;
  readonly likelihood: string;
  readonly parameters: number;
}

/** [n, …shape] in the data's own units. */
export interface Examples {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** What a model makes of an image, as far as it can. */
export interface Looked {
  /** The posterior's mean, and its decoding. */
  readonly z?: readonly number[];
  readonly reconstruction?: Examples;
  readonly score?: { readonly logLikelihood: number; readonly percentile: number; readonly typicality: number };
  /** Why something is missing. */
  readonly missing: readonly string[];
}

export interface LoadedFile {
  readonly name: string;
  /** As it came over the network, or from the disk. */
  readonly bytes: number;
}
