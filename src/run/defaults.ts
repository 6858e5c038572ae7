import { InputError } from "../errors.ts";
import { stepsPerBatch } from "../inference/ways.ts";
import { parseArchitecture } from "../models/architecture.ts";
import { families } from "../models/families.ts";
import type { FamilyOptions } from "../models/family.ts";
import type { FlowOptions } from "../models/flow-layers.ts";
import { likelihoodFor } from "../models/likelihoods.ts";
import type { DataDescription } from "../models/model.ts";
import { builtInModel } from "../models/names.ts";
import type { Architecture } from "../models/networks.ts";
import { type VaeOptions, vaeSchema } from "../models/vae.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { LEAST_EPOCHS, parseCounts, type TrainOptions } from "./options.ts";
import { type SettledOptions, wayOptions } from "./training-options.ts";

/** The rest of the arguments as the schema has them. */
function withDefaults(given: Partial<VaeOptions> & Pick<VaeOptions, "likelihood">): VaeOptions {
  return { ...vaeSchema.parse(given), likelihood: given.likelihood };
}

const presets: Readonly<Record<NonNullable<TrainOptions["preset"]>, VaeOptions>> = {
  "bernoulli-mlp": withDefaults({ likelihood: "bernoulli" }),
  "bernoulli-conv": withDefaults({ likelihood: "bernoulli", architecture: { kind: "conv", channels: [32, 64] } }),
};

/** The VAE that options describe for these data: given parts first, then the preset's, else what suits measure and shape. */
export function vaeOptions(options: TrainOptions, description: DataDescription): VaeOptions {
  const preset = options.preset ?? (options.data === undefined ? "bernoulli-mlp" : undefined);
  const base = preset === undefined ? suited(options, description) : presets[preset];
  const architecture = parsed(options.encoder) ?? base.architecture;
  const { latents = base.latents, likelihood = base.likelihood, binarize = base.binarize, variance } = options;
  if (variance !== undefined && likelihood !== "normal") {
    throw new InputError(
      `--variance: is for a normal likelihood, and these ${description.measure} data have ${likelihood}`,
    );
  }
  const {
    scale = base.scale,
    posterior,
    prior,
    posteriorScale = base.posteriorScale,
    temperature = base.temperature,
  } = options;
  if (prior === "classes" && options.components === undefined && description.classes === undefined) {
    throw new InputError("--prior classes: the data have no classes; name their number with --components");
  }
  const { components = prior === "classes" ? (description.classes ?? base.components) : base.components } = options;
  const parts = {
    latents,
    likelihood,
    binarize,
    variance,
    scale,
    posterior,
    prior,
    components,
    posteriorScale,
    temperature,
    flow: flowOptions(options),
  };
  return { architecture, decoder: parsed(options.decoder), ...parts };
}

function flowOptions({ transform, layers, bins, hidden, mixing, seed }: TrainOptions): {
  readonly [name in keyof Required<FlowOptions>]: FlowOptions[name];
} {
  return { transform, layers, bins, mixing, seed, hidden: hidden === undefined ? undefined : parseCounts(hidden) };
}

/** What a built-in model is told: the options that are given, and the parts that suit the data. */
export function familyOptions(options: TrainOptions, description: DataDescription): FamilyOptions {
  const { discriminator } = options;
  return {
    ...options,
    ...flowOptions(options),
    vae: vaeOptions(options, description),
    discriminator: discriminator === undefined ? undefined : parseCounts(discriminator),
  };
}

const FEW_EXAMPLES = 5000;
/** Epochs on the embedded images: what the README measures. */
const EMBEDDED_EPOCHS = 60;
/** Steps that the default number of epochs should at least make. */
const LEAST_STEPS = 2000;

/**
 * The options with what the data decide of them: smaller batches and more epochs where examples are few, and then an end as
 * soon as the model only learns them by heart.
 */
export function settleOptions(options: TrainOptions, description: DataDescription, examples: number): SettledOptions {
  const { batch = Math.min(examples, examples < FEW_EXAMPLES ? 32 : 64) } = options;
  const stepsPerEpoch = Math.max(1, Math.floor(examples / batch));
  const enough = options.data === undefined ? EMBEDDED_EPOCHS : LEAST_EPOCHS;
  const { epochs = Math.max(enough, Math.ceil(LEAST_STEPS / stepsPerEpoch)) } = options;
  const { learningRate = usualRate(options, description) } = options;
  const open = options.data !== undefined && options.epochs === undefined && options.steps === undefined;
  const { patience = open ? Math.ceil(epochs / 4) : undefined } = options;
  const steps = options.steps ?? epochs * stepsPerEpoch * stepsPerBatch(wayOptions(options));
  const { warmup = Math.min(100, Math.floor(steps / 10)) } = options;
  return { ...options, batch, epochs, learningRate, patience, warmup, evaluationSamples: evaluationDraws(options) };
}

/** Draws that an example is scored by unless told otherwise, where they are not alike. */
const DRAWS = 200;

/** Draws that an example is scored by: those of the options, or what suits the model. */
export function evaluationDraws({ evaluationSamples, model }: TrainOptions): number {
  const name = builtInModel(model);
  return evaluationSamples ?? (name && families[name].draws) ?? DRAWS;
}

/** A dense layer that reads all of a large image moves by the sum over its inputs: its steps must be the smaller. */
function usualRate(options: TrainOptions, description: DataDescription): number {
  const features = sizeOf(description.shape);
  if (features <= DENSE_PIXELS || builtInModel(options.model) === undefined) return 1e-3;
  const { architecture } = vaeOptions(options, description);
  return architecture.kind === "mlp" ? 1e-3 * Math.sqrt(DENSE_PIXELS / features) : 2e-3;
}

function parsed(text: string | undefined): Architecture | undefined {
  return text === undefined ? undefined : parseArchitecture(text);
}

/** Larger images than this are convolved. */
const DENSE_PIXELS = 1024;

function suited({ binarize }: TrainOptions, { shape, measure }: DataDescription): VaeOptions {
  const likelihood = binarize === undefined || binarize === "none" ? likelihoodFor(measure) : "bernoulli";
  const features = sizeOf(shape);
  const image = shape.length === 3 && Math.min(shape[1], shape[2]) >= 16;
  if (image && features > DENSE_PIXELS) {
    return withDefaults({ likelihood, architecture: { kind: "conv", channels: [16, 32, 64, 128] }, latents: 128 });
  }
  if (features >= 100) return withDefaults({ likelihood });
  const latents = Math.min(16, Math.max(2, Math.ceil(features / 2)));
  return withDefaults({ likelihood, architecture: { kind: "mlp", widths: [128, 128] }, latents });
}
