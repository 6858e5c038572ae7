import type { Stated } from "../data/conditions.ts";
import type { Dataset } from "../data/dataset.ts";
import type { RunFacts } from "../run/facts.ts";
import type { NdArray } from "../tensor/ndarray.ts";

/** What a trained model may be able to do. */
export const abilities = ["encode", "decode", "sample", "reconstruct", "score"] as const;
export type Ability = (typeof abilities)[number];

/** An image in memory as browsers have it: RGBA bytes, rows from the top. */
export interface PixelImage {
  readonly data: Uint8ClampedArray | Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** An image file in memory as browsers have it: a Blob or a File. */
export interface ImageBlob {
  readonly type: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** An ImageBitmap. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  close(): void;
}

/**
 * One image: in Node a path, the bytes of an image file, or pixels; in a browser a Blob or File, an ImageBitmap, or pixels.
 * It is scaled to cover the model's size and cropped to its middle, as training images were.
 */
export type ImageInput = string | Uint8Array | ImageBlob | DecodedImage | PixelImage;

/** Examples: images, numbers in the data's own units (an array with its shape, rows of a table, or one row), or a dataset. */
export type Examples =
  | ImageInput
  | readonly ImageInput[]
  | readonly number[]
  | readonly (readonly number[])[]
  | Float32Array
  | NdArray
  | Dataset;

/** What a long piece of work listens to and tells. */
export interface Watched {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** What is given to a model that was trained with a condition: a value for all examples, or one for each. */
export interface Given extends Stated, Watched {}

/** As `Given`; what is not said is, of a single category, each class in turn; of several fields drawn by its shares, numbers at their mean. */
export interface SampleOptions extends Given {
  /** Default 0. Equal seeds give equal samples; the first n of more are the same n. */
  readonly seed?: number;
  /** The mean of p(x|z) for z ~ p(z), or a draw x ~ p(x|z); by default the mean of images and a draw of other data. */
  readonly from?: "mean" | "draw";
}

export interface ScoreOptions extends Given {
  /** Importance samples of each example; by default as many as the validation scores were made with. */
  readonly samples?: number;
  /** Seed of the draws; default 0. */
  readonly seed?: number;
}

/** One number for each example. Densities in nats, larger is likelier. */
export interface Scores {
  /** Importance-sampled log p(x), a lower bound in the mean. Burda et al. 2016, eq. 8. */
  readonly logLikelihood: Float64Array;
  readonly elbo: Float64Array;
  readonly reconstruction: Float64Array;
  readonly rate: Float64Array;
  /** The share of validation examples with a lower log p(x): near 0, the example is unlike them. */
  readonly percentile: Float64Array;
  /**
   * The share of validation examples whose log p(x) is farther from their mean: near 0, untypical, also when log p(x) is
   * too high, as it can be of simple images. After Nalisnick et al. 2019, for single examples.
   */
  readonly typicality: Float64Array;
  readonly samples: number;
}

/** Posterior parameters by the names that the encoder gives them, [n, k] each: `mean` and `scale` of a Normal. */
export interface Codes {
  readonly mean: NdArray<Float32Array>;
  readonly [parameter: string]: NdArray<Float32Array>;
}

interface AllAbilities {
  /** x → q(z|x). Examples that are a dataset may say themselves what is given, here and below. */
  encode(examples: Examples, options?: Given): Promise<Codes>;
  /** z [n, k] → the mean of p(x|z) in the data's own units: [n, …shape]. */
  decode(latents: NdArray | readonly (readonly number[])[], options?: Given): Promise<NdArray<Float32Array>>;
  /** New examples in the data's own units: [count, …shape]. */
  sample(count: number, options?: SampleOptions): Promise<NdArray<Float32Array>>;
  /** The mean of p(x|z) at the posterior's mean, in the data's own units: [n, …shape]. */
  reconstruct(examples: Examples, options?: Given): Promise<NdArray<Float32Array>>;
  /** How likely each example is under the model, beside the validation examples. */
  score(examples: Examples, options?: ScoreOptions): Promise<Scores>;
}

/** A trained model with the abilities that were asked for. */
export type TrainedModel<A extends Ability = Ability> = Pick<AllAbilities, A> & {
  readonly name: string;
  readonly facts: RunFacts;
  /** Log p(x) of the validation examples, what scores are compared with; undefined where the run holds none. */
  readonly reference?: ReferenceScores;
  /** Frees what the engine holds. */
  release(): Promise<void>;
};

/** What scores are compared with: scores.json of a run. */
export interface ReferenceScores {
  /** Importance samples of each. */
  readonly samples: number;
  /** Of the validation examples, in ascending order, in nats. */
  readonly logLikelihood: readonly number[];
}
