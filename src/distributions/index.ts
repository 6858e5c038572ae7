/** Distributions over symbolic tensors, one file each; all densities are normalised, in nats. */
export { type Bernoulli, bernoulli } from "./bernoulli.ts";
export { type Beta, beta } from "./beta.ts";
export { type Categorical, categorical } from "./categorical.ts";
export { type ContinuousBernoulli, continuousBernoulli } from "./continuous-bernoulli.ts";
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
export { type Gamma, gamma } from "./gamma.ts";
export { type Independent, independent } from "./independent.ts";
export { hasClosedForm, kl, klTerms } from "./kl.ts";
export { type Laplace, laplace } from "./laplace.ts";
export { type LogNormal, logNormal } from "./log-normal.ts";
export { type Logistic, logistic } from "./logistic.ts";
export { type LogisticMixture, logisticMixture } from "./logistic-mixture.ts";
export { isLowRankNormal, type LowRankNormal, lowRankNormal } from "./low-rank-normal.ts";
export { type Mixture, mixture } from "./mixture.ts";
export {
  covarianceOf,
  isMultivariateNormal,
  type MultivariateNormal,
  multivariateNormal,
  multivariateNormalPrecision,
} from "./multivariate-normal.ts";
export { type NegativeBinomial, negativeBinomial } from "./negative-binomial.ts";
export { type Normal, normal, standardNormal } from "./normal.ts";
export { type OneHotCategorical, oneHotCategorical } from "./one-hot-categorical.ts";
export { type Poisson, poisson } from "./poisson.ts";
export { type ProbitNormal, probitNormal } from "./probit-normal.ts";
export { isProduct, type Product, product } from "./product.ts";
export { type RelaxedBernoulli, relaxedBernoulli } from "./relaxed-bernoulli.ts";
export { type RelaxedCategorical, relaxedCategorical } from "./relaxed-categorical.ts";
export { type NormalComponents, type SelectedNormal, selectedNormal } from "./selected-normal.ts";
export {
  type StraightThroughBernoulli,
  type StraightThroughCategorical,
  straightThrough,
  straightThroughBernoulli,
  straightThroughCategorical,
} from "./straight-through.ts";
export { type StudentT, studentT } from "./student-t.ts";
export { type Uniform, uniform } from "./uniform.ts";
