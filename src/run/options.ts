import { z } from "zod";
import { measures } from "../data/dataset.ts";
import type { ReadingOptions } from "../data/reading.ts";
import { InputError } from "../errors.ts";
import { inferenceNames } from "../inference/ways.ts";
import { parseArchitecture } from "../models/architecture.ts";
import {
  builtInModel,
  covarianceNames,
  kernelNames,
  likelihoodNames,
  mixingNames,
  modelNames,
  posteriorNames,
  priorNames,
  scaleNames,
  transformNames,
} from "../models/names.ts";
import { nearest } from "../nearest.ts";
import { checkTogether } from "./options-together.ts";

/** The gradient estimators of a training; `dropped-path` is for teaching only. */
const gradientNames = ["pathwise", "sticking-the-landing", "doubly-reparameterized", "score-function"] as const;
const count = z.int().positive();
const positive = z.number().positive();
const path = z.string().min(1);
const LARGEST_SIDE = 4096;
/** Epochs unless told otherwise. */
export const LEAST_EPOCHS = 40;

/** What the learning rate is multiplied by at each of the epochs where it falls. */
export const DECAY_FACTOR = 0.1;
const EXPECTED = '"mlp WIDTH …", "conv CHANNELS,…", "residual CHANNELS,…" or "linear", such as "mlp 400 400",';

/** Everything that `reparam train` can be told, as flags or in a config file; the descriptions are the help. */
export const optionsSchema = z.strictObject({
  data: path
    .optional()
    .describe(
      "folder of images, one image, CSV or TSV table, IDX or .npy file of training examples; the embedded Fashion-MNIST images by default",
    ),
  test: path
    .optional()
    .describe(
      "held-out examples for the numbers at the end; by default the embedded test images, or the validation part",
    ),
  validation: z
    .union([z.number().gt(0).lt(1), path])
    .default(0.1)
    .describe("share of the examples that is kept from training, or a file or folder of examples"),
  size: z
    .string()
    .refine(isSize, `a side in pixels, or WIDTHxHEIGHT, up to ${LARGEST_SIDE}, is expected, such as "64" or "64x48"`)
    .optional()
    .describe("images are scaled to cover this and cropped: a side in pixels or WIDTHxHEIGHT; of one image, its tiles"),
  colour: z.enum(["grey", "rgb"]).optional().describe("images: rgb unless all are grey"),
  columns: z.string().min(1).optional().describe("table: columns to model, by name or number from 1, with commas"),
  label: z.string().min(1).optional().describe("table: column that is the class of a row, and is not modelled"),
  condition: z
    .string()
    .min(1)
    .optional()
    .describe(
      'what is given with each example and not modelled: "label", its class; of a table also columns, with commas',
    ),
  measure: z.enum(measures).optional().describe("what the numbers are, instead of what they look like"),
  missing: z
    .enum(["keep"])
    .optional()
    .describe(
      "probabilistic-pca and factor-analysis: keep rows that lack numbers, and learn from those that are there",
    ),
  preset: z
    .enum(["bernoulli-mlp", "bernoulli-conv"])
    .optional()
    .describe(
      "named model, whose parts the options below replace; by default the data's measure and shape decide, and bernoulli-mlp for the embedded images",
    ),
  model: path
    .refine(isModel, { error: ({ input }) => modelExpected(String(input)) })
    .optional()
    .describe(`${modelNames.join(", ")}; or a module (.ts or .js) that exports a model of your own; vae by default`),
  encoder: z
    .string()
    .refine(isArchitecture, `${EXPECTED} is expected`)
    .optional()
    .describe('encoder network: "mlp 400 400", "conv 32,64" or "residual 32,64,128"'),
  decoder: z
    .string()
    .refine(isArchitecture, `${EXPECTED} is expected`)
    .optional()
    .describe("decoder network, written as the encoder that it mirrors; by default the encoder's"),
  latents: z.int().positive().max(65536).optional().describe("number of latent dimensions"),
  likelihood: z
    .enum(likelihoodNames)
    .optional()
    .describe(
      "p(x|z): logistic (discretised) for 8-bit pixels, bernoulli for zeros and ones, normal for real numbers …; by default what is a density on the data",
    ),
  scale: z
    .enum(scaleNames)
    .optional()
    .describe("where the scale of p(x|z) comes from: one for all by default; the network, its closed-form optimum …"),
  posterior: z
    .enum(posteriorNames)
    .optional()
    .describe("family of q(z|x): diagonal Normal by default, or what suits the prior"),
  prior: z.enum(priorNames).optional().describe("p(z): N(0, I) by default, or what suits the posterior"),
  components: count
    .optional()
    .describe("components of mixtures, rank of a low-rank scale; 10 by default, of --prior classes the data's"),
  choose: z
    .string()
    .refine(isChoice, 'two numbers of components or more are expected, such as "1 2 3 5 8"')
    .optional()
    .describe(
      'gaussian-mixture: numbers of components, such as "1 2 3 5 8": the fewest within one standard error of the largest held-out log p(x)',
    ),
  posteriorScale: positive.optional().describe("deviation of --posterior fixed; 1 by default"),
  temperature: positive.optional().describe("of --posterior relaxed and straight-through; 0.5 by default"),
  covariance: z
    .enum(covarianceNames)
    .optional()
    .describe("gaussian-mixture: covariances of the components; full by default, of images diagonal"),
  restarts: count.optional().describe("gaussian-mixture: starts of EM, of which the best is kept; 1 by default"),
  floor: z.number().nonnegative().optional().describe("gaussian-mixture: variance that is added to every covariance"),
  tolerance: positive
    .optional()
    .describe("EM is over where a step gains fewer nats per example; 1e-9 by default, of images and mixtures 1e-3"),
  em: z.boolean().optional().describe("probabilistic-pca: by EM instead of the closed form"),
  uncentred: z.boolean().optional().describe("pca, and autoencoder with --encoder linear: about 0 instead of the mean"),
  standardize: z.boolean().optional().describe("linear models and mixtures: columns in units of their own deviation"),
  kernel: z.enum(kernelNames).optional().describe("kernel-pca: rbf by default"),
  gamma: positive
    .optional()
    .describe(
      "kernel-pca: γ of the kernels rbf and polynomial, in the data's own units; by default 1 over the numbers' total variance",
    ),
  degree: count.optional().describe("kernel-pca: of the polynomial kernel; 3 by default"),
  coefficient: z.number().nonnegative().optional().describe("kernel-pca: c of (γxᵀy + c)^degree; 1 by default"),
  ridge: positive.optional().describe("kernel-pca: ridge of the regression that finds pre-images; 0.01 by default"),
  examples: count
    .max(10_000)
    .optional()
    .describe("kernel-pca: training examples that it is made of, spread evenly; 2,000 by default, 10,000 at most"),
  transform: z
    .enum(transformNames)
    .optional()
    .describe("flow: what one layer does; spline-coupling by default for tables, coupling for images"),
  layers: count.optional().describe("flow: how many of them; 8 by default"),
  bins: count.optional().describe("flow: bins of a spline; 8 by default"),
  hidden: z
    .string()
    .refine(isCounts, 'widths such as "128 128" are expected')
    .optional()
    .describe('flow: widths of the network in each layer, "128 128"'),
  mixing: z
    .enum(mixingNames)
    .optional()
    .describe("flow: what mixes the numbers between layers; lu by default for tables, permutation for images"),
  discriminator: z
    .string()
    .refine(isCounts, 'widths such as "256 256" are expected')
    .optional()
    .describe('adversarial-autoencoder: widths of the discriminator, "128 128" by default'),
  regularization: positive
    .optional()
    .describe(
      "adversarial- and wasserstein-autoencoder: weight of what holds the codes to the prior, in nats beside the reconstruction; 20 and 300 by default",
    ),
  binarize: z
    .enum(["none", "threshold", "stochastic"])
    .optional()
    .describe("how a Bernoulli gets its zeros and ones; stochastic by default, afresh at every use"),
  batch: count.optional().describe("examples in one step; 64 by default, 32 where there are fewer than 5,000"),
  epochs: count
    .optional()
    .describe(
      `passes over the training examples; ${LEAST_EPOCHS} by default, more where they are few and on the embedded images`,
    ),
  steps: count.optional().describe("steps in all, instead of epochs"),
  optimizer: z.enum(["adam", "adamw", "sgd"]).default("adam").describe("adam, adamw or sgd (momentum 0.9)"),
  learningRate: positive
    .optional()
    .describe("highest learning rate; 0.001 by default, for large images 0.002 by convolutions and less by mlp"),
  warmup: z
    .int()
    .nonnegative()
    .optional()
    .describe("steps in which the learning rate rises to its highest; 100 by default, in short runs a tenth of them"),
  decay: z
    .enum(["cosine", "steps", "none"])
    .default("cosine")
    .describe("what the learning rate does then: falls to 0 along half a cosine, or by --decay-factor, or stays"),
  decayEpochs: z
    .string()
    .refine(isEpochs, 'numbers of epochs are expected, each once, such as "200 350"')
    .optional()
    .describe('--decay steps: the epochs after which the learning rate falls, such as "200 350"'),
  decayFactor: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(`--decay steps: what the learning rate is multiplied by; ${DECAY_FACTOR} by default`),
  klWeight: z
    .number()
    .nonnegative()
    .optional()
    .describe("weight w of the rate in the loss, in nats, 1 by default; the reported ELBO never carries it"),
  variance: positive.optional().describe("fixed variance η of a normal likelihood, instead of a learned one"),
  lambda: positive.optional().describe("weight λ of the KL beside ‖x − x̂‖², instead of the KL weight: λ = 2ηw"),
  klWarmup: z.int().nonnegative().default(0).describe("steps in which the KL weight rises from 0"),
  kl: z
    .enum(["analytic", "sampled"])
    .optional()
    .describe("the rate in closed form where there is one (default), or by the samples"),
  freeBits: positive.optional().describe("nats of rate that each latent has free"),
  capacity: positive.optional().describe("descend w·|rate − C|: the capacity C in nats that the rate is held at"),
  capacitySteps: count.optional().describe("steps in which the capacity rises from 0; none by default"),
  bound: z
    .enum(["elbo", "importance"])
    .default("elbo")
    .describe("what is maximised: the ELBO, or the importance-weighted bound of --samples"),
  gradient: z
    .enum(gradientNames)
    .optional()
    .describe("estimator of the gradient in the encoder; pathwise where there is a path, else score-function"),
  baseline: z
    .enum(["none", "leave-one-out", "moving-average"])
    .optional()
    .describe(
      "what score-function takes off its signal; by default leave-one-out among --samples, else moving-average",
    ),
  inference: z
    .enum(inferenceNames)
    .default("joint")
    .describe(
      "who is moved when: encoder and decoder together, one alone, in turns (em), or posteriors of each example's own",
    ),
  innerSteps: count
    .optional()
    .describe(
      "steps in the encoder, or in an example's own posterior, before those in the decoder; 5 by default, 1 for em",
    ),
  outerSteps: count.optional().describe("of --inference em: steps in the decoder in a turn; 1 by default"),
  innerRate: positive
    .optional()
    .describe(
      "learning rate of the inner steps; the highest learning rate by default, 0.02 for posteriors of each example's own",
    ),
  lineSearch: z
    .boolean()
    .default(false)
    .describe(
      "halve each step until the loss falls on the same examples and draws; numbers of an example's own are not searched",
    ),
  from: path.optional().describe("run whose parameters to begin with"),
  klPeriod: count.optional().describe("repeat the KL weight's rise (klWarmup steps) every so many steps"),
  samples: count.default(1).describe("posterior samples per example in a step"),
  clip: positive.optional().describe("largest global norm of the gradient"),
  patience: count
    .optional()
    .describe(
      "stop after so many epochs without a better validation ELBO; for data of your own a quarter of the epochs, where those are not given",
    ),
  keep: z
    .enum(["best", "last"])
    .default("best")
    .describe("which parameters the model has in the end: those with the best validation ELBO, or the last"),
  checkpointEvery: count.optional().describe("also checkpoint every so many steps; at each epoch's end always"),
  evaluationSamples: count
    .optional()
    .describe(
      "importance samples per example for the numbers at the end; 200 by default, fewer of flows and of exact posteriors",
    ),
  seed: z.int().nonnegative().default(0).describe("seed of every draw"),
  threads: count.optional().describe("threads of the engine; up to 2 by default"),
  engine: z.enum(["native", "wasm"]).optional().describe("build of ONNX Runtime: native where it works, else wasm"),
});

export type OptionName = keyof typeof optionsSchema.shape;
export type TrainOptions = z.infer<typeof optionsSchema>;

/** In the order of the schema. */
export const optionNames: readonly OptionName[] = optionsSchema.keyof().options;

/**
 * Checks options from a config file or from flags.
 * @throws InputError that names `from`, the option, what was expected and what was got.
 */
export function parseOptions(
  values: Readonly<Record<string, unknown>>,
  from: (option: string) => string,
): TrainOptions {
  const parsed = optionsSchema.safeParse(values);
  if (parsed.success) {
    checkTogether(parsed.data, from);
    return parsed.data;
  }
  const [issue] = parsed.error.issues;
  if (issue.code === "unrecognized_keys") {
    const [key] = issue.keys;
    throw new InputError(
      `${from(key)} is not an option; did you mean ${nearest(key, Object.keys(optionsSchema.shape))}? (reparam train --help lists them)`,
    );
  }
  const option = String(issue.path[0]);
  const value = values[option];
  const got = typeof value === "number" ? value : JSON.stringify(value);
  throw new InputError(`${from(option)}: ${expectation(issue, value)}, got ${got}`);
}

/** What was expected, in words. */
function expectation(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === "too_small")
    return `a number ${issue.inclusive ? "of" : "above"} ${issue.minimum}${issue.inclusive ? " or more" : ""} is expected`;
  if (issue.code === "too_big")
    return `a number ${issue.inclusive ? "of" : "below"} ${issue.maximum}${issue.inclusive ? " or less" : ""} is expected`;
  if (issue.code === "invalid_value") {
    const names = issue.values.map(String);
    if (names.length === 1) return `${names[0]} is expected`;
    const close = typeof value === "string" ? nearest(value, names) : undefined;
    return `one of ${names.join(", ")} is expected${close === undefined ? "" : `; did you mean ${close}?`}`;
  }
  return issue.message.replace(/^Invalid input: /, "");
}

/** [height, width] of "64" or "64x48" (width first), undefined for anything else. */
export function parseSize(text: string): readonly [number, number] | undefined {
  const [, width, height = width] = /^([1-9]\d*)(?:x([1-9]\d*))?$/.exec(text) ?? [];
  const size: readonly [number, number] = [Number(height), Number(width)];
  return width === undefined || Math.max(...size) > LARGEST_SIDE ? undefined : size;
}

function isArchitecture(text: string): boolean {
  try {
    return parseArchitecture(text) !== undefined;
  } catch {
    return false;
  }
}

/** Counts such as the widths of hidden layers: "128 128" or "128,128". */
export function parseCounts(text: string): readonly number[] {
  return text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(Number);
}

function isCounts(text: string): boolean {
  const counts = parseCounts(text);
  return counts.length > 0 && counts.every((one) => Number.isInteger(one) && one > 0);
}

function isEpochs(text: string): boolean {
  return isCounts(text) && new Set(parseCounts(text)).size === parseCounts(text).length;
}

function isChoice(text: string): boolean {
  return isCounts(text) && new Set(parseCounts(text)).size > 1;
}

/** What is neither a built-in name nor looks like a path is a name that is not known. */
function isModel(text: string): boolean {
  return builtInModel(text) !== undefined || /[\\/.]/.test(text);
}

function modelExpected(text: string): string {
  const close = nearest(text, modelNames);
  const expected = `one of ${modelNames.join(", ")}, or a module (.ts or .js) of your own is expected`;
  return close === undefined ? expected : `${expected}; did you mean ${close}?`;
}

function isSize(text: string): boolean {
  return parseSize(text) !== undefined;
}

/** How the options want the training data read. */
export function readingOptions(options: TrainOptions): ReadingOptions {
  const { size, colour, columns, label, condition, measure, missing } = options;
  return {
    size: size === undefined ? undefined : parseSize(size),
    colour,
    columns: columns?.split(",").map((column) => column.trim()),
    label,
    condition: condition?.split(",").map((column) => column.trim()),
    measure,
    missing,
  };
}
