import { meanOf } from "../distributions/distribution.ts";
import { hasClosedForm, klTerms } from "../distributions/kl.ts";
import { type BoundTerms, evidenceLowerBound, latentNoise, weightedLoss } from "../inference/elbo.ts";
import { type AnyTensor, type Dim, data, scope, type Tensor, toFloat } from "../tensor/index.ts";
import type { DataDescription, Model } from "./model.ts";

/** Names of the inputs of a model's programs. */
export const LATENT_NOISE = "epsilon";
export const OBSERVATION_NOISE = "observation";
export type Outputs = Readonly<Record<string, AnyTensor>>;

/** The leaf that data are fed to, [batch, ...shape], and what is modelled of them. */
function observed(model: Model, { shape, measure }: DataDescription): Tensor {
  const raw = toFloat(data("x", ["batch", ...shape], measure === "bytes" ? "uint8" : "float"));
  const { observe = (x) => x } = model;
  return scope("observe", () => observe(raw));
}

/** The bound's terms, at weight 1, and the loss to descend: the model's own, or −mean(reconstruction − klWeight·rate). */
export function trainingProgram(
  model: Model,
  description: DataDescription,
  samples?: number,
): { readonly terms: BoundTerms; readonly loss: Tensor } {
  const x = observed(model, description);
  const terms = evidenceLowerBound(model, x, latentNoise(LATENT_NOISE, model.prior, "batch", samples));
  const loss = scope("loss", () => (model.objective ? model.objective(terms, x) : weightedLoss(terms)));
  return { terms, loss };
}

/** x and noise → the posterior's parameters: `encoder.onnx`. */
export function encoderProgram(model: Model, description: DataDescription): Outputs {
  return { ...model.encoder(observed(model, description)).parameters };
}

/** z [batch, k] → the likelihood's parameters by their names, and its mean: `decoder.onnx`. */
export function decoderProgram(model: Model): Outputs {
  const likelihood = model.decoder(data("z", ["batch", model.latents]));
  return { mean: meanOf(likelihood), ...likelihood.parameters };
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
 * each, and the closed-form rate of each latent [batch, k] where there is one: `density.onnx`.
 */
export function densityProgram(model: Model, description: DataDescription): Outputs {
  const x = observed(model, description);
  const samples: Dim = "samples";
  const posterior = model.encoder(x);
  const { sample: z, logProb } = posterior.rsampleWithLogProb(latentNoise(LATENT_NOISE, model.prior, "batch", samples));
  const densities = {
    logLikelihood: model.decoder(z).logProb(x),
    logPrior: model.prior.logProb(z),
    logPosterior: logProb,
  };
  return hasClosedForm(posterior, model.prior) ? { ...densities, rates: klTerms(posterior, model.prior) } : densities;
}
