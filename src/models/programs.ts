import { type Distribution, draw, isReparameterized, isStratified, meanOf } from "../distributions/distribution.ts";
import { hasClosedForm, klTerms } from "../distributions/kl.ts";
import { InputError } from "../errors.ts";
import { type BoundTerms, latentNoise } from "../inference/elbo.ts";
import { type ObjectiveOptions, objective } from "../inference/objective.ts";
import {
  type AnyTensor,
  add,
  type Dim,
  data,
  mean,
  mul,
  scope,
  stopGradient,
  sub,
  type Tensor,
  toFloat,
} from "../tensor/index.ts";
import type { Average, DataDescription, Model } from "./model.ts";

/** Names of the inputs of a model's programs. */
export const LATENT_NOISE = "epsilon";
export const OBSERVATION_NOISE = "observation";
export type Outputs = Readonly<Record<string, AnyTensor>>;

/** The leaf that data are fed to, [batch, ...shape], and what is modelled of them. */
export function observed(model: Model, { shape, measure }: DataDescription): Tensor {
  const raw = toFloat(data("x", ["batch", ...shape], measure === "bytes" ? "uint8" : "float"));
  const { observe = (x) => x } = model;
  return scope("observe", () => observe(raw));
}

/** The families of q(z|x) and p(z), as they name themselves. */
export function latentNames(
  model: Model,
  description: DataDescription,
): { readonly posterior: string; readonly prior: string } {
  const { name } = model.encoder(observed(model, description));
  return { posterior: name, prior: model.prior.name };
}

/** What training a model takes besides the model: how its bound is sampled and its gradient estimated. */
export interface TrainingProgramOptions {
  /** Posterior samples of each example; no axis of samples by default. */
  readonly samples?: number;
  readonly objective?: ObjectiveOptions;
}

/** The bound's terms, at weight 1, the loss to descend (the model's own where it has one), and new values of state. */
export function trainingProgram(
  model: Model,
  description: DataDescription,
  { samples, objective: options }: TrainingProgramOptions = {},
): TrainingProgram {
  const x = observed(model, description);
  const epsilon = (posterior: Distribution): Tensor =>
    latentNoise(LATENT_NOISE, posterior, "batch", samples === 1 ? undefined : samples);
  const { terms, loss, updates, draws } = objective(model, x, epsilon, options);
  const { posterior } = draws;
  if (model.objective && !isReparameterized(posterior) && !isStratified(posterior)) {
    throw new InputError(
      `objective: draws of the posterior ${posterior.name} have no path, so a loss of one's own would have no gradient through them; leave the objective out, or choose another posterior`,
    );
  }
  return {
    terms: { ...terms, ...model.monitors?.(draws) },
    loss: scope("loss", () => (model.objective ? model.objective(terms, x) : loss)),
    updates: { ...updates, ...runningAverages(model.averages?.(x, draws)) },
  };
}

/** How much of a step's own average a running one takes in. */
const NEWEST = 0.05;

/** New values of state that is an average over the data: a running one. */
function runningAverages(averages: readonly Average[] = []): Readonly<Record<string, Tensor>> {
  const updated = averages.map(({ state: before, value }) => {
    const now = add(before, mul(NEWEST, sub(stopGradient(mean(value)), before)));
    return [stateName(before), now] as const;
  });
  return Object.fromEntries(updated);
}

function stateName({ leaf }: Tensor): string {
  if (leaf?.kind === "state") return leaf.name;
  throw new InputError("averages: state leaves are expected, made with state()");
}

/** What each example gives to the state that is an average over the training data, by the leaf's name; [..., batch]. */
export function averagesProgram({ deployed, ...trained }: Model, description: DataDescription): Outputs {
  const model = deployed ?? trained;
  const x = observed(model, description);
  const epsilon = (posterior: Distribution): Tensor => latentNoise(LATENT_NOISE, posterior, "batch");
  const { draws } = objective(model, x, epsilon, { gradient: "dropped-path" });
  const averages = model.averages?.(x, draws) ?? [];
  return Object.fromEntries(averages.map(({ state, value }) => [stateName(state), value]));
}

export interface TrainingProgram {
  readonly terms: BoundTerms & Readonly<Record<string, Tensor>>;
  readonly loss: Tensor;
  readonly updates: Readonly<Record<string, Tensor>>;
}

/** x and noise → the code of x, which is the posterior's mean unless the model says otherwise, and its parameters: `encoder.onnx`. */
export function encoderProgram({ deployed, ...trained }: Model, description: DataDescription): Outputs {
  const model = deployed ?? trained;
  const { code = meanOf } = model;
  const posterior = model.encoder(observed(model, description));
  return { ...posterior.parameters, mean: code(posterior) };
}

/** z [batch, k] → the likelihood's parameters by their names, and its mean (the likeliest of categories): `decoder.onnx`. */
export function decoderProgram(model: Model): Outputs {
  const likelihood = model.decoder(data("z", ["batch", model.latents]));
  const { shown = meanOf } = model;
  return { ...likelihood.parameters, mean: shown(likelihood) };
}

/**
 * The likelihood's parameters, as the decoder gives them, and noise → x ~ p(x|z), in units of what is modelled:
 * `likelihood.onnx`. `fed` are the parameters, which are inputs by their names instead of being computed from z again.
 */
export function likelihoodProgram(model: Model): {
  readonly outputs: Outputs;
  readonly fed: ReadonlyMap<AnyTensor, string>;
} {
  const likelihood = model.decoder(data("z", ["batch", model.latents]));
  const x = likelihood.sample(latentNoise(OBSERVATION_NOISE, likelihood, "batch"));
  return { outputs: { x }, fed: new Map(Object.entries(likelihood.parameters).map(([name, value]) => [value, name])) };
}

/** noise [batch, k] → z: `prior.onnx`. */
export function priorProgram(model: Model): Outputs {
  return { z: model.prior.sample(latentNoise("noise", model.prior, "batch")) };
}

/**
 * x and noise [samples, batch, k] → the log-densities that every likelihood estimate is made of, in nats, [samples, batch]
 * each, and the closed-form rate where there is one, of each latent [batch, k] or of all [batch]: `density.onnx`.
 */
export function densityProgram({ deployed, ...trained }: Model, description: DataDescription): Outputs {
  const model = deployed ?? trained;
  const x = observed(model, description);
  const samples: Dim = "samples";
  const posterior = model.encoder(x);
  const { sample: z, logProb } = draw(posterior, latentNoise(LATENT_NOISE, posterior, "batch", samples));
  const densities = {
    logLikelihood: model.decoder(z).logProb(x),
    logPrior: model.prior.logProb(z),
    logPosterior: logProb,
  };
  return hasClosedForm(posterior, model.prior) ? { ...densities, rates: klTerms(posterior, model.prior) } : densities;
}
