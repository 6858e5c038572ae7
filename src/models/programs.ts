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
  neg,
  scope,
  stopGradient,
  sub,
  type Tensor,
  toFloat,
} from "../tensor/index.ts";
import {
  type AnyModel,
  type Average,
  type DataDescription,
  type Gauge,
  isPointModel,
  type Model,
  type ModelPhase,
  observationName,
  type PointModel,
} from "./model.ts";

/** Names of the inputs of a model's programs. */
export const LATENT_NOISE = "epsilon";
export const OBSERVATION_NOISE = "observation";
export type Outputs = Readonly<Record<string, AnyTensor>>;

/**
 * The leaf that data are fed to, [batch, ...shape], and what is modelled of them; with `samples`, as many of it as there are ways in
 * which noise can make it from the data: [samples, batch, ...shape].
 */
export function observed(model: AnyModel, { shape, measure, missing }: DataDescription, samples?: Dim): Tensor {
  const bytes = measure === "bytes" && missing === undefined; // no byte says that it is missing
  const raw = toFloat(data("x", ["batch", ...shape], bytes ? "uint8" : "float"));
  const { observe = (x) => x } = model;
  return scope("observe", () => observe(raw, samples));
}

/** The families of q(z|x) and p(z), as they name themselves, and what p(x) is of, where the model has them. */
export function distributionNames(
  model: AnyModel,
  description: DataDescription,
): { readonly observation?: string; readonly posterior?: string; readonly prior?: string } {
  const observation = observationName(model);
  return {
    ...(observation === undefined ? {} : { observation }),
    ...(isPointModel(model) ? {} : { posterior: model.encoder(observed(model, description)).name }),
    ...(model.prior && { prior: model.prior.name }),
  };
}

/** What training a model takes besides the model: how its bound is sampled and its gradient estimated. */
export interface TrainingProgramOptions {
  /** Posterior samples of each example; no axis of samples by default. */
  readonly samples?: number;
  readonly objective?: ObjectiveOptions;
}

/**
 * What training tells of each example, the loss to descend (the model's own where it has one), and new values of state: of a
 * latent-variable model the bound's terms, at weight 1.
 */
export function trainingProgram(
  model: Model,
  description: DataDescription,
  options?: TrainingProgramOptions,
): TrainingProgram & { readonly terms: BoundTerms };
export function trainingProgram(
  model: AnyModel,
  description: DataDescription,
  options?: TrainingProgramOptions,
): TrainingProgram;
export function trainingProgram(
  model: AnyModel,
  description: DataDescription,
  options: TrainingProgramOptions = {},
): TrainingProgram {
  return isPointModel(model) ? pointProgram(model, description) : boundProgram(model, description, options);
}

function pointProgram(model: PointModel, description: DataDescription): TrainingProgram {
  const x = observed(model, description);
  const terms = model.terms(x);
  const { term, better } = model.gauge;
  const average = mean(terms[term]);
  return { terms, loss: better === "smaller" ? average : neg(average), updates: {} };
}

/** The parameters' data-dependent start, by name, from the first examples; empty for a model without one. */
export function startProgram(model: AnyModel, description: DataDescription): Readonly<Record<string, Tensor>> {
  const start = isPointModel(model) ? model.initialised : undefined;
  return start ? start(observed(model, description)) : {};
}

function boundProgram(
  model: Model,
  description: DataDescription,
  { samples, objective: options }: TrainingProgramOptions,
): TrainingProgram & { readonly terms: BoundTerms } {
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
    loss: scope("loss", () => (model.objective ? model.objective(terms, x, draws) : loss)),
    updates: { ...updates, ...runningAverages(model.averages?.(x, draws)) },
    phases: model.phases && scope("game", () => model.phases?.(terms, x, draws)),
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
  readonly terms: Readonly<Record<string, Tensor>>;
  readonly loss: Tensor;
  readonly updates: Readonly<Record<string, Tensor>>;
  /** The players of a game, where the model is trained by one. */
  readonly phases?: readonly ModelPhase[];
}

/** Steps that each batch is used for by a model that trains by a game: one for each player. 1 of other models. */
export function stepsInTurn(model: AnyModel, description: DataDescription): number {
  if (isPointModel(model) || !model.phases) return 1;
  return trainingProgram(model, description).phases?.length ?? 1;
}

/**
 * What tells better parameters from worse on held-out examples: the bound, or what the model names; nothing does in a game, and a
 * rule goes to its end.
 */
export function gaugeOf(model: AnyModel, { bound }: ObjectiveOptions = {}): Gauge | undefined {
  if (isPointModel(model)) return model.rule ? undefined : model.gauge;
  if (model.phases || model.rule) return undefined;
  return { term: bound === "importance" ? "importanceBound" : "elbo", better: "larger" };
}

/** x and noise → the code of x, which is the posterior's mean unless the model says otherwise, and its parameters: `encoder.onnx`. */
export function encoderProgram(model: AnyModel, description: DataDescription): Outputs {
  if (isPointModel(model)) return { mean: model.encode(observed(model, description)) };
  const { deployed = model } = model;
  const { code = meanOf } = deployed;
  const posterior = deployed.encoder(observed(deployed, description));
  return { ...posterior.parameters, mean: code(posterior) };
}

/** z [batch, k] → the likelihood's parameters by their names, and its mean (the likeliest of categories): `decoder.onnx`. */
export function decoderProgram(model: AnyModel): Outputs {
  const z = data("z", ["batch", model.latents]);
  if (isPointModel(model)) return { mean: model.decode(z) };
  const likelihood = model.decoder(z);
  const { shown = meanOf } = model;
  return { ...likelihoodParameters(model, likelihood), mean: shown(likelihood) };
}

/** A likelihood's parameters by their names in the files, where `mean` is what the decoder shows: another mean is the `location`. */
function likelihoodParameters({ shown }: Model, { parameters }: Distribution): Readonly<Record<string, Tensor>> {
  const { mean, ...others } = parameters;
  return shown && mean ? { location: mean, ...others } : parameters;
}

/**
 * The likelihood's parameters, as the decoder gives them, and noise → x ~ p(x|z), in units of what is modelled:
 * `likelihood.onnx`. `fed` are the parameters, which are inputs by their names instead of being computed from z again. Undefined
 * of a model whose decoder gives a point.
 */
export function likelihoodProgram(model: Model): LikelihoodProgram;
export function likelihoodProgram(model: AnyModel): LikelihoodProgram | undefined;
export function likelihoodProgram(model: AnyModel): LikelihoodProgram | undefined {
  if (isPointModel(model)) return undefined;
  const likelihood = model.decoder(data("z", ["batch", model.latents]));
  const { drawn = (x) => x } = model;
  const x = drawn(likelihood.sample(latentNoise(OBSERVATION_NOISE, likelihood, "batch")));
  const parameters = Object.entries(likelihoodParameters(model, likelihood));
  return { outputs: { x }, fed: new Map(parameters.map(([name, value]) => [value, name])) };
}

export interface LikelihoodProgram {
  readonly outputs: Outputs;
  readonly fed: ReadonlyMap<AnyTensor, string>;
}

/** noise [batch, k] → z: `prior.onnx`; undefined of a model that has no p(z). */
export function priorProgram(model: Model): Outputs;
export function priorProgram(model: AnyModel): Outputs | undefined;
export function priorProgram({ prior }: AnyModel): Outputs | undefined {
  return prior && { z: prior.sample(latentNoise("noise", prior, "batch")) };
}

/**
 * x and noise [samples, batch, k] → the log-densities that every likelihood estimate is made of, in nats, [samples, batch]
 * each, and the closed-form rate where there is one, of each latent [batch, k] or of all [batch]: `density.onnx`. Of a model with an
 * exact density log p(x) itself, `logProb` [batch], or [samples, batch] where noise makes what is modelled. Undefined without a density.
 */
export function densityProgram(model: Model, description: DataDescription): Outputs;
export function densityProgram(model: AnyModel, description: DataDescription): Outputs | undefined;
export function densityProgram(model: AnyModel, description: DataDescription): Outputs | undefined {
  return isPointModel(model) ? exactDensity(model, description) : posteriorDensity(model, description);
}

function exactDensity(model: PointModel, description: DataDescription): Outputs | undefined {
  return model.logProb && { logProb: model.logProb(observed(model, description, "samples")) };
}

function posteriorDensity({ deployed, ...trained }: Model, description: DataDescription): Outputs {
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

/** What training tells of each example, without a gradient: how a model without a density is validated. */
export function termsProgram(model: PointModel, description: DataDescription): Outputs {
  return model.terms(observed(model, description));
}
