import { z } from "zod";
import type { Distribution } from "../distributions/distribution.ts";
import { InputError } from "../errors.ts";
import { argmax, less, mul, noise, sigmoid, split, sub, type Tensor, toFloat } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import type { Initial } from "../tensor/tensor.ts";
import { besideCondition, conditionalEncoder } from "./condition.ts";
import type { Family } from "./family.ts";
import { type LikelihoodPlan, likelihoodFamilies, likelihoodFor, TOP } from "./likelihoods.ts";
import type { Amortization, DataDescription, Model } from "./model.ts";
import {
  AS_THEY_ARE,
  type LikelihoodName,
  likelihoodNames,
  mixingNames,
  posteriorNames,
  priorNames,
  scaleNames,
  transformNames,
} from "./names.ts";
import { type Architecture, decoderNetwork } from "./networks.ts";
import { type PosteriorFamily, posteriorFamilies } from "./posteriors.ts";
import { type PriorFamily, priorFamilies } from "./priors.ts";
import { shareAtBound } from "./scales.ts";

const width = z.int().positive();

const networkSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("mlp"), widths: z.array(width).readonly() }),
  z.strictObject({ kind: z.literal("conv"), channels: z.array(width).min(1).readonly() }),
  z.strictObject({ kind: z.literal("residual"), channels: z.array(width).min(1).readonly() }),
]);

/** The arguments of the built-in VAE: checked here, shown as flags by the command. */
export const vaeSchema = z.strictObject({
  architecture: networkSchema.default({ kind: "mlp", widths: [400, 400] }),
  /** The decoder's network, written as the encoder that it mirrors; by default that of the encoder. */
  decoder: networkSchema.optional(),
  latents: z.int().positive().default(16),
  likelihood: z.enum(likelihoodNames).optional(),
  binarize: z.enum(["none", "threshold", "stochastic"]).default("stochastic"),
  /** η of a Normal likelihood N(g(z), ηI), a variance; learned where it is left out. */
  variance: z.number().positive().optional(),
  scale: z.enum(scaleNames).default("shared"),
  posterior: z.enum(posteriorNames).optional(),
  prior: z.enum(priorNames).optional(),
  /** Of mixtures, and the rank of a low-rank covariance. */
  components: z.int().positive().default(10),
  /** The deviation of a `fixed` posterior. */
  posteriorScale: z.number().positive().default(1),
  temperature: z.number().positive().default(0.5),
  /** Layers of a flow, of the prior and the posterior that are one. */
  flow: z
    .strictObject({
      transform: z.enum(transformNames).optional(),
      layers: z.int().positive().optional(),
      bins: z.int().positive().optional(),
      hidden: z.array(width).readonly().optional(),
      mixing: z.enum(mixingNames).optional(),
      seed: z.int().optional(),
    })
    .optional(),
});
export type VaeOptions = z.infer<typeof vaeSchema> & { readonly likelihood: LikelihoodName };

/** The name of the noise that decides each pixel when data are binarised afresh. */
export const BINARIZE = "binarize";
/** Degrees of freedom of a Student-t posterior. */
const DEGREES = 5;

/**
 * The variational autoencoder of Kingma & Welling 2014: q(z|x) by one network, p(x|z) by another, and p(z). Options that are not
 * given are the schema's; a posterior or prior that is not given suits the other. Data with a condition y get the conditional one of
 * Sohn, Lee & Yan 2015: q(z|x, y), p(x|z, y) and p(z), a bound of log p(x|y).
 */
export function vae(given: z.input<typeof vaeSchema>, data: DataDescription): Model {
  const options = settle(given, data);
  const { latents, architecture, decoder: mirrored = architecture, components } = options;
  const observation = observe(options, data);
  const plan = likelihoodPlan(options, data, observation.unit);
  const { posterior, prior } = latentFamilies(options);
  const posteriorOptions = { ...options, scale: options.posteriorScale, degrees: DEGREES };
  const numbers = posterior.numbers(posteriorOptions);
  const encoder = conditionalEncoder("encoder", architecture, data.shape, numbers, data.condition);
  const decoder = likelihoodNetwork(plan, mirrored, latents, data);
  const amortization: Amortization = {
    numbers,
    network: (x) => encoder(plan.scale(x)),
    posterior: posterior.build(posteriorOptions),
    refinable: posterior.refinable,
  };
  return {
    latents,
    space: posterior.space,
    observe: observation.observe,
    observation: observation.stamp,
    unit: options.likelihood === "bernoulli" ? observation.unit : 1,
    amortization,
    encoder: (x) => amortization.posterior(amortization.network(x)),
    decoder: (latent) => decoder(posterior.space === "unit" ? centred(latent) : latent),
    prior: prior.build({
      latents,
      components,
      temperature: options.temperature,
      relaxed: options.posterior === "relaxed",
      flow: options.flow,
      pseudoPosterior: () => amortization.posterior(encoder(pseudoInputs(options, data))),
    }),
    code: posterior.code,
    shown: options.likelihood === "categorical" ? likeliest : undefined,
    averages: plan.averages,
    monitors: ({ likelihood }): Readonly<Record<string, Tensor>> => {
      const share = shareAtBound(plan, likelihood);
      return share ? { scaleAtBound: share } : {};
    },
  };
}

function settle(given: z.input<typeof vaeSchema>, { measure }: DataDescription): VaeOptions {
  const { data, error } = vaeSchema.safeParse(given);
  // A Bernoulli by default, where the data can be zeros and ones; else what suits them.
  const bernoulli = likelihoodFamilies.bernoulli.measures.includes(measure);
  if (data) return { ...data, likelihood: data.likelihood ?? (bernoulli ? "bernoulli" : likelihoodFor(measure)) };
  const [{ path, message }] = error.issues;
  throw new InputError(`${["vae", ...path].join(".")}: ${message.replace(/^Invalid input: /, "")}`);
}

/** The posterior that suits each prior, where none is named. */
const usualPosterior = { real: "diagonal", unit: "uniform", binary: "bernoulli" } as const;
const usualPrior = { real: "normal", unit: "uniform", binary: "bernoulli" } as const;

/** The families of q(z|x) and p(z). @throws InputError where they lie in different spaces: the rate would be infinite. */
export function latentFamilies({ posterior, prior }: Pick<VaeOptions, "posterior" | "prior">): {
  readonly posterior: PosteriorFamily;
  readonly prior: PriorFamily;
} {
  const space = posterior ? posteriorFamilies[posterior].space : prior ? priorFamilies[prior].space : "real";
  const q: PosteriorFamily = posteriorFamilies[posterior ?? usualPosterior[space]];
  const p: PriorFamily = priorFamilies[prior ?? usualPrior[space]];
  if (q.space === p.space) return { posterior: q, prior: p };
  const suited = posteriorNames.filter((name) => posteriorFamilies[name].space === p.space).join(", ");
  throw new InputError(
    `--posterior ${posterior} with --prior ${prior}: the one lies in ${spaces[q.space]}, the other in ${spaces[p.space]}, so the rate is infinite; use --posterior ${suited}`,
  );
}

const spaces = { real: "R^k", unit: "[0, 1]^k", binary: "{0, 1}^k" } as const;

/** Uniform latents as a network sees them: of mean 0 and variance 1. */
function centred(u: Tensor): Tensor {
  return mul(Math.sqrt(12), sub(u, 0.5));
}

/** The inputs that a VampPrior trains [C, ...shape], as the encoder sees data; of zeros and ones they are probabilities. */
function pseudoInputs({ components, likelihood }: VaeOptions, { shape }: DataDescription): Tensor {
  const raw = parameter("prior/pseudoInputs", [components, ...shape], { law: "normal", scale: 1 });
  return likelihood === "bernoulli" ? sigmoid(raw) : raw;
}

/** The likeliest category of each number. */
function likeliest({ parameters }: Distribution): Tensor {
  return toFloat(argmax(parameters.logits, -1));
}

interface Observation {
  readonly observe: (raw: Tensor) => Tensor;
  readonly stamp: string;
  /** The data's own number that is a probability of 1 here. */
  readonly unit: number;
}

/** What is modelled, from the data as they lie: binarised for a Bernoulli, else untouched. */
function observe(options: VaeOptions, data: DataDescription): Observation {
  const observation = observeAlone(options, data);
  const { names = [] } = data.condition ?? {};
  return names.length === 0
    ? observation
    : { ...observation, stamp: `${observation.stamp}, given ${names.join(", ")}` };
}

function observeAlone({ likelihood, binarize }: VaeOptions, { shape, measure }: DataDescription): Observation {
  const unit = measure === "bytes" ? TOP : 1;
  if (likelihood !== "bernoulli" || measure === "binary") {
    return { observe: (raw) => raw, stamp: AS_THEY_ARE, unit };
  }
  if (binarize === "threshold") {
    return { observe: (raw) => toFloat(less(unit / 2, raw)), stamp: "binarised at one half", unit };
  }
  const uniform = noise(BINARIZE, "uniform", { batch: "batch", event: shape });
  // x = 1 with probability raw/unit
  return { observe: (raw) => toFloat(less(mul(uniform, unit), raw)), stamp: "stochastic binarisation", unit };
}

/** Refuses what is no density on the data: log p would be off by the units, or infinite. */
function checkDensity(
  { likelihood, binarize, scale, variance }: VaeOptions,
  { measure, range }: DataDescription,
): void {
  const {
    measures,
    remedy,
    between: [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  } = likelihoodFamilies[likelihood];
  if (!measures.includes(measure)) {
    const other = measures.some((one) => one === "count" || one === "category");
    const say = other ? `say what the numbers are, with --measure ${measures[0]}, or ` : "";
    throw new InputError(`--likelihood ${likelihood} is no density on ${measure} data; ${say}${remedy}`);
  }
  if (likelihood === "bernoulli" && binarize === "none" && measure !== "binary") {
    throw new InputError(
      `--likelihood bernoulli with --binarize none is no density on ${measure} data: it gives mass to 0 and 1 only; use --binarize stochastic or another likelihood`,
    );
  }
  const stray = range?.find((value) => value <= low || value >= high);
  if (stray !== undefined) {
    throw new InputError(
      `--likelihood ${likelihood} is a density on numbers between ${low} and ${high}, themselves excluded, and the data hold ${stray}; ${remedy}`,
    );
  }
  if (variance !== undefined && scale !== "shared") {
    throw new InputError(`--variance: fixes the scale, and --scale ${scale} learns it; give one of them`);
  }
}

function likelihoodPlan(options: VaeOptions, data: DataDescription, unit: number): LikelihoodPlan {
  checkDensity(options, data);
  if (options.prior === "vamp" && data.condition !== undefined) {
    throw new InputError(
      "--prior vamp with --condition: its components are posteriors of inputs that have no condition; use --prior mixture",
    );
  }
  const { plan, scales = ["shared"] } = likelihoodFamilies[options.likelihood];
  if (!scales.includes(options.scale)) {
    throw new InputError(
      `--scale ${options.scale}: the likelihood ${options.likelihood} has --scale ${scales.join(", ")} only`,
    );
  }
  return plan({ ...options, data, unit });
}

/** z ↦ p(x|z): one network that gives all the sets of numbers that the likelihood takes, side by side on the first axis. */
function likelihoodNetwork(
  { starts, extra = 0, build }: LikelihoodPlan,
  architecture: Architecture,
  latents: number,
  { shape, condition }: DataDescription,
): (z: Tensor) => Distribution {
  const [first, ...others] = shape;
  const perChannel = shape.length === 3 && architecture.kind !== "mlp";
  const values = starts.flatMap((start) => {
    if (typeof start !== "number") return perChannel ? channelMeans(start, shape) : start;
    return Array.from({ length: perChannel ? first : sizeOf(shape) }, () => start);
  });
  const bias: Initial = { law: "values", values: [...values, ...Array.from({ length: extra }, () => 0)] };
  const inputs = latents + (condition?.width ?? 0);
  const network = decoderNetwork("decoder", architecture, inputs, [starts.length * first + extra, ...others], bias);
  const sizes = [...starts.map(() => first), ...(extra > 0 ? [extra] : [])];
  return (latent) => {
    const parts = split(network(besideCondition(latent, condition)), -shape.length, sizes);
    return build(parts.slice(0, starts.length), parts.at(starts.length));
  };
}

/** The mean of each channel: the bias of a transposed convolution is one number a channel. */
function channelMeans(values: readonly number[], shape: readonly number[]): readonly number[] {
  const pixels = sizeOf(shape.slice(1));
  return Array.from({ length: shape[0] }, (_, channel) => {
    let total = 0;
    for (let i = 0; i < pixels; i++) total += values[channel * pixels + i];
    return total / pixels;
  });
}

export const vaeFamily: Family = {
  title: "A variational autoencoder",
  objective: "evidence lower bound of log p(x)",
  encoder: "network, x ↦ q(z|x)",
  decoder: "network, z ↦ p(x|z)",
  build: ({ vae: options }, data) => vae(options, data),
};
