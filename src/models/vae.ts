import { z } from "zod";
import type { Measure } from "../data/dataset.ts";
import { bernoulli } from "../distributions/bernoulli.ts";
import { discretizedLogistic } from "../distributions/discretized-logistic.ts";
import type { Distribution } from "../distributions/distribution.ts";
import { normal } from "../distributions/normal.ts";
import { InputError } from "../errors.ts";
import { add, div, exp, less, mul, noise, split, sub, type Tensor, toFloat } from "../tensor/index.ts";
import { constant, parameter } from "../tensor/leaves.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import type { Initial } from "../tensor/tensor.ts";
import { type DataDescription, type Model, standardisation } from "./model.ts";
import { decoderNetwork, encoderNetwork } from "./networks.ts";

const width = z.int().positive();

const networkSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("mlp"), widths: z.array(width).min(1).readonly() }),
  z.strictObject({ kind: z.literal("conv"), channels: z.array(width).min(1).readonly() }),
  z.strictObject({ kind: z.literal("residual"), channels: z.array(width).min(1).readonly() }),
]);

/** The arguments of the built-in VAE: checked here, shown as flags by the command. */
export const vaeSchema = z.strictObject({
  architecture: networkSchema.default({ kind: "mlp", widths: [400, 400] }),
  /** The decoder's network, written as the encoder that it mirrors; by default that of the encoder. */
  decoder: networkSchema.optional(),
  latents: z.int().positive().default(16),
  likelihood: z.enum(["bernoulli", "normal", "logistic"]).default("bernoulli"),
  binarize: z.enum(["none", "threshold", "stochastic"]).default("stochastic"),
  /** η of a Normal likelihood N(g(z), ηI), a variance; learned where it is left out. */
  variance: z.number().positive().optional(),
});
export type VaeOptions = z.infer<typeof vaeSchema>;

/** The name of the noise that decides each pixel when data are binarised afresh. */
export const BINARIZE = "binarize";

const TOP = 255;

interface Likelihood {
  /** What the last layer's numbers become. */
  readonly distribution: (raw: Tensor, eventRank: number) => Distribution;
  /** Where the last layer's bias starts: at the data's mean. */
  readonly bias: Initial;
  /** What the encoder sees, from what is modelled: numbers of about unit size. */
  readonly scale: (x: Tensor) => Tensor;
}

/**
 * The variational autoencoder of Kingma & Welling 2014: q(z|x) = N(μ(x), diag σ²(x)) by one network, p(x|z) by another,
 * p(z) = N(0, I). Options that are not given are the schema's.
 */
export function vae(given: z.input<typeof vaeSchema>, data: DataDescription): Model {
  const options = settle(given);
  const { latents, architecture, decoder: mirrored = architecture } = options;
  const observation = observe(options, data);
  const { distribution, bias, scale } = likelihood(options, data, observation.unit);
  const encoder = encoderNetwork("encoder", architecture, data.shape, 2 * latents);
  const decoder = decoderNetwork("decoder", mirrored, latents, data.shape, bias);
  return {
    latents,
    observe: observation.observe,
    observation: observation.stamp,
    unit: options.likelihood === "bernoulli" ? observation.unit : 1,
    encoder: (x) => {
      const [mean, logScale] = split(encoder(scale(x)), -1, [latents, latents]);
      return normal(mean, exp(logScale));
    },
    decoder: (z) => distribution(decoder(z), data.shape.length),
    prior: standardNormal(latents),
  };
}

function settle(given: z.input<typeof vaeSchema>): VaeOptions {
  const { data, error } = vaeSchema.safeParse(given);
  if (data) return data;
  const [{ path, message }] = error.issues;
  throw new InputError(`${["vae", ...path].join(".")}: ${message.replace(/^Invalid input: /, "")}`);
}

/** N(0, I) in k dimensions. */
export function standardNormal(k: number) {
  return normal(constant(new Float32Array(k), [k]), constant(new Float32Array(k).fill(1), [k]));
}

interface Observation {
  readonly observe: (raw: Tensor) => Tensor;
  readonly stamp: string;
  /** The data's own number that is a probability of 1 here. */
  readonly unit: number;
}

/** What is modelled, from the data as they lie: binarised for a Bernoulli, else untouched. */
function observe({ likelihood, binarize }: VaeOptions, { shape, measure }: DataDescription): Observation {
  const unit = measure === "bytes" ? TOP : 1;
  if (likelihood !== "bernoulli" || measure === "binary") {
    return { observe: (raw) => raw, stamp: "data as they are", unit };
  }
  if (binarize === "threshold") {
    return { observe: (raw) => toFloat(less(unit / 2, raw)), stamp: "binarised at one half", unit };
  }
  const uniform = noise(BINARIZE, "uniform", { batch: "batch", event: shape });
  // x = 1 with probability raw/unit
  return { observe: (raw) => toFloat(less(mul(uniform, unit), raw)), stamp: "stochastic binarisation", unit };
}

/** The likelihood that is a density on data of a measure, where there is one. */
export function likelihoodFor(measure: Measure): VaeOptions["likelihood"] {
  if (measure === "bytes") return "logistic";
  if (measure === "binary") return "bernoulli";
  if (measure === "real" || measure === "unit") return "normal";
  throw new InputError(`no likelihood for ${measure} data yet; --measure real models them as real numbers`);
}

const measures: Readonly<Record<VaeOptions["likelihood"], { allowed: readonly Measure[]; remedy: string }>> = {
  bernoulli: { allowed: ["binary", "unit", "bytes"], remedy: "use --likelihood normal" },
  normal: {
    allowed: ["real", "unit"],
    remedy: "use --likelihood logistic for 8-bit values, bernoulli for zeros and ones",
  },
  logistic: { allowed: ["bytes"], remedy: "use --likelihood normal for real numbers, bernoulli for zeros and ones" },
};

/** Refuses what is no density on the data: log p would be off by the units, or infinite. */
function checkDensity({ likelihood, binarize }: VaeOptions, { measure }: DataDescription): void {
  const { allowed, remedy } = measures[likelihood];
  if (!allowed.includes(measure)) {
    throw new InputError(`--likelihood ${likelihood} is no density on ${measure} data; ${remedy}`);
  }
  if (likelihood === "bernoulli" && binarize === "none" && measure !== "binary") {
    throw new InputError(
      `--likelihood bernoulli with --binarize none is no density on ${measure} data: it gives mass to 0 and 1 only; use --binarize stochastic or another likelihood`,
    );
  }
}

function likelihood(options: VaeOptions, data: DataDescription, unit: number): Likelihood {
  checkDensity(options, data);
  const channels = data.shape.length === 3 && (options.decoder ?? options.architecture).kind !== "mlp";
  const means = Array.from(data.means);
  const starts = channels ? channelMeans(data) : means;
  const start = (values: readonly number[]): Initial => ({ law: "values", values });
  switch (options.likelihood) {
    case "bernoulli": {
      const logit = (mean: number): number => {
        const p = Math.min(Math.max(mean / unit, 0.001), 0.999);
        return Math.log(p / (1 - p));
      };
      return { distribution: bernoulli, bias: start(starts.map(logit)), scale: (x) => x };
    }
    case "normal": {
      // In units of the data's own spread, so that a column of incomes and one of ages train alike; η itself is in raw units.
      const { centre, spread } = standardisation(data);
      const standardDeviation =
        options.variance === undefined ? mul(spread, exp(learnedLogScale(0))) : constant(Math.sqrt(options.variance));
      return {
        distribution: (raw, rank) => normal(add(centre, mul(spread, raw)), standardDeviation, rank),
        bias: { law: "constant", value: 0 },
        scale: (x) => div(sub(x, centre), spread),
      };
    }
    case "logistic": {
      // One scale for all pixels, in grey levels; the mean is 127.5·(1 + raw).
      const logScale = learnedLogScale(Math.log(spreadOf(data) * (Math.sqrt(3) / Math.PI))); // of a logistic with this deviation
      return {
        distribution: (raw, rank) => discretizedLogistic(mul(add(raw, 1), TOP / 2), exp(logScale), rank),
        bias: start(starts.map((mean) => mean / (TOP / 2) - 1)),
        scale: (x) => sub(div(x, TOP / 2), 1),
      };
    }
  }
}

/**
 * The logarithm of one scale for all numbers, ten times the parameter: the optimizers move every parameter by about the
 * learning rate a step, and this one, whose gradient is the clearest of all, has the furthest to go.
 */
function learnedLogScale(start: number): Tensor {
  const SPEED = 10;
  return mul(SPEED, parameter("decoder/logScale", [], { law: "constant", value: start / SPEED }));
}

/** The root mean square of the deviations: how far the numbers are from their means; at least one grey level. */
function spreadOf({ deviations, means }: DataDescription): number {
  const squares = Array.from(deviations ?? means, (_, i) => (deviations?.[i] ?? TOP / 4) ** 2);
  return Math.max(1, Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length));
}

/** The mean of each channel: the bias of a transposed convolution is one number a channel. */
function channelMeans({ shape, means }: DataDescription): readonly number[] {
  const pixels = sizeOf(shape.slice(1));
  return Array.from({ length: shape[0] }, (_, channel) => {
    let total = 0;
    for (let i = 0; i < pixels; i++) total += means[channel * pixels + i];
    return total / pixels;
  });
}
