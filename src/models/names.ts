/** What the families of a model are called, apart from what they are: a command's help lists them without loading any. */
export const posteriorNames = [
  "diagonal",
  "isotropic",
  "full",
  "fixed",
  "mixture",
  "laplace",
  "student-t",
  "uniform",
  "bernoulli",
  "relaxed",
  "straight-through",
] as const;
export type PosteriorName = (typeof posteriorNames)[number];

export const priorNames = ["normal", "learned-normal", "mixture", "classes", "vamp", "uniform", "bernoulli"] as const;
export type PriorName = (typeof priorNames)[number];

export const likelihoodNames = [
  "bernoulli",
  "continuous-bernoulli",
  "normal",
  "laplace",
  "student-t",
  "continuous-logistic",
  "logistic",
  "logistic-mixture",
  "log-normal",
  "gamma",
  "beta",
  "poisson",
  "negative-binomial",
  "categorical",
] as const;
export type LikelihoodName = (typeof likelihoodNames)[number];

/**
 * Where the scale of p(x|z) comes from: one number for all (`shared`), one for each of an example's (`columns`), the decoder's
 * network (`network`: diagonal; `low-rank`: FFᵀ + diagonal; `full`: a Cholesky factor of the precision), or the closed-form
 * optimum E_q‖x − g‖²/d over the training data (`optimal`).
 */
export const scaleNames = ["shared", "columns", "network", "low-rank", "full", "optimal"] as const;
export type ScaleName = (typeof scaleNames)[number];

/** Where latents lie: in R^k, in [0, 1]^k, or zeros and ones. */
export const latentSpaces = ["real", "unit", "binary"] as const;
export type LatentSpace = (typeof latentSpaces)[number];
