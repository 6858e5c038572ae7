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
  "flow",
] as const;
export type PosteriorName = (typeof posteriorNames)[number];

export const priorNames = [
  "normal",
  "learned-normal",
  "mixture",
  "classes",
  "vamp",
  "flow",
  "uniform",
  "bernoulli",
] as const;
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

/** Where latents lie: in R^k, in [0, 1]^k, zeros and ones, or a single 1 among zeros. */
/** What a density is of: of a model that changes nothing in the data, and of one that adds uniform noise to integers. */
export const AS_THEY_ARE = "data as they are";
export const DEQUANTISED = "uniform dequantisation";

export const latentSpaces = ["real", "unit", "binary", "oneHot"] as const;
export type LatentSpace = (typeof latentSpaces)[number];
/** Those of a variational autoencoder. */
export type VaeSpace = Exclude<LatentSpace, "oneHot">;

/** The models that `--model` names. */
export const modelNames = [
  "vae",
  "autoencoder",
  "pca",
  "kernel-pca",
  "probabilistic-pca",
  "factor-analysis",
  "gaussian-mixture",
  "flow",
  "adversarial-autoencoder",
  "wasserstein-autoencoder",
] as const;
export type ModelName = (typeof modelNames)[number];

export const covarianceNames = ["full", "diagonal", "tied", "spherical"] as const;
export type CovarianceName = (typeof covarianceNames)[number];

export const kernelNames = ["rbf", "polynomial", "cosine"] as const;
export type KernelName = (typeof kernelNames)[number];

/** One layer of a flow: which part of it is moved, given what. */
export const transformNames = ["coupling", "spline-coupling", "autoregressive", "spline-autoregressive"] as const;
export type TransformName = (typeof transformNames)[number];

/** What stands between the layers of a flow, so that each number is moved by all. */
export const mixingNames = ["lu", "qr", "permutation", "reverse"] as const;
export type MixingName = (typeof mixingNames)[number];

const networks = ["preset", "encoder", "decoder", "latents"] as const;
const variational = [
  ...networks,
  "likelihood",
  "binarize",
  "variance",
  "scale",
  "posterior",
  "prior",
  "components",
  "posteriorScale",
  "temperature",
] as const;
const flows = ["transform", "layers", "bins", "hidden", "mixing"] as const;

/** Which of the options that make a model each of them has; one that is not here is refused, and told who has it. */
export const partsOf: Readonly<Record<ModelName, readonly string[]>> = {
  vae: [...variational, ...flows, "condition"],
  autoencoder: [...networks, "uncentred"],
  pca: ["latents", "uncentred", "standardize"],
  "kernel-pca": ["latents", "kernel", "gamma", "degree", "coefficient", "ridge", "examples", "standardize"],
  "probabilistic-pca": ["latents", "standardize", "em", "tolerance", "missing"],
  "factor-analysis": ["latents", "tolerance", "missing"],
  "gaussian-mixture": ["components", "choose", "covariance", "restarts", "floor", "tolerance", "standardize"],
  flow: flows,
  "adversarial-autoencoder": [...variational, "discriminator", "regularization", "condition"],
  "wasserstein-autoencoder": [...variational, "regularization"],
};

/** Models that give a density, or a bound of one; the others have no likelihood. */
export const densityModels: readonly ModelName[] = modelNames.filter(
  (name) => !["autoencoder", "pca", "kernel-pca"].some((without) => without === name),
);

/** Models that are fitted in closed form or by EM, not by gradients. */
export const fittedModels: readonly ModelName[] = [
  "pca",
  "kernel-pca",
  "probabilistic-pca",
  "factor-analysis",
  "gaussian-mixture",
];

/** The built-in model of this name, the variational autoencoder where none is given; undefined of a module's path. */
export function builtInModel(model: string | undefined): ModelName | undefined {
  return model === undefined ? "vae" : modelNames.find((name) => name === model);
}
