/** Distributions over symbolic tensors, one file each; all densities are normalised, in nats. */
export { type Bernoulli, bernoulli } from "./bernoulli.ts";
export { type DiscretizedLogistic, discretizedLogistic } from "./discretized-logistic.ts";
export {
  type Distribution,
  draw,
  isReparameterized,
  isStratified,
  meanOf,
  type NoiseNeed,
  type Reparameterized,
  rsample,
  type Stratified,
  type Support,
  sumEvent,
} from "./distribution.ts";
export { hasClosedForm, kl, klTerms } from "./kl.ts";
export { type Normal, normal } from "./normal.ts";
