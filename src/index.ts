/** What both Node and browsers have: models, their parts, training and evaluation. `reparam/tensor` is the formula language. */

export { openEngine } from "#engine";
export {
  type ConditionField,
  type Conditions,
  conditioned,
  type GivenValues,
  labelCondition,
  type Stated,
} from "./data/conditions.ts";
export { arrayDataset, type Dataset, featureMeans, type Measure, split, subset } from "./data/dataset.ts";
export * from "./distributions/index.ts";
export { InputError, NumericalError, ShapeError } from "./errors.ts";
export { splitModelRate } from "./evaluation/aggregate-programs.ts";
export { annealedBracket, annealedLogLikelihood } from "./evaluation/annealed.ts";
export { openAnnealing } from "./evaluation/annealed-programs.ts";
export { type Estimate, estimateLikelihood, type LikelihoodEstimate } from "./evaluation/likelihood.ts";
export { comparePaired } from "./evaluation/paired.ts";
export { naiveLogLikelihood, priorSamplingProgram } from "./evaluation/prior-sampling.ts";
export { type Refined, type RefineOptions, refinePosteriors } from "./evaluation/refine.ts";
export * from "./flows/index.ts";
export {
  type BoundTerms,
  evidenceLowerBound,
  type LatentVariableModel,
  latentNoise,
  weightedLoss,
} from "./inference/elbo.ts";
export {
  type Draws,
  type GradientEstimator,
  type Objective,
  type ObjectiveOptions,
  objective,
} from "./inference/objective.ts";
export type { OptimizerOptions, Phase, Schedule } from "./inference/phase.ts";
export { inferenceNames, LOCAL, phasesOf, type WayOptions } from "./inference/ways.ts";
export { datasetMoments, type Moments, moments } from "./linalg/moments.ts";
export { type AdversarialOptions, adversarialAutoencoder } from "./models/adversarial-autoencoder.ts";
export { formatArchitecture, parseArchitecture } from "./models/architecture.ts";
export { type AutoencoderOptions, autoencoder } from "./models/autoencoder.ts";
export { type ConditionDescription, conditionInput } from "./models/condition.ts";
export { factorStart, factorStep, fitFactorAnalysis } from "./models/factor-analysis.ts";
export { families } from "./models/families.ts";
export type { Family, FamilyOptions } from "./models/family.ts";
export { normalizingFlow } from "./models/flow.ts";
export { type FlowOptions, flowLayers } from "./models/flow-layers.ts";
export { type GaussianMixture, gaussianMixture } from "./models/gaussian-mixture.ts";
export { inferredBy } from "./models/inference.ts";
export { fitKernelPca, type KernelPca, type KernelPcaOptions } from "./models/kernel-pca.ts";
export { type KernelPcaModelOptions, kernelPca } from "./models/kernel-pca-model.ts";
export { likelihoodFamilies } from "./models/likelihoods.ts";
export {
  type ExactPosterior,
  elboOf,
  exactPosterior,
  type Gaussian,
  type LinearGaussian,
  logEvidence,
  posteriorGap,
} from "./models/linear-gaussian.ts";
export { mixtureParameters } from "./models/mixture-em.ts";
export { fitMixture, type MixtureFit } from "./models/mixture-fit.ts";
export { gaussianMixtureModel, type MixtureModelOptions } from "./models/mixture-model.ts";
export {
  type AnyModel,
  type DataDescription,
  describeData,
  type Gauge,
  type Model,
  type ModelModule,
  type ModelPhase,
  type PointModel,
  type RuleContext,
  type RuleFit,
  type RuleStep,
  standardisation,
  type UpdateRule,
} from "./models/model.ts";
export {
  type LikelihoodName,
  type ModelName,
  modelNames,
  type PosteriorName,
  type PriorName,
  type ScaleName,
} from "./models/names.ts";
export { type Architecture, decoderNetwork, encoderNetwork } from "./models/networks.ts";
export { fitPca, type Pca, type PcaOptions } from "./models/pca.ts";
export { pca } from "./models/pca-model.ts";
export { posteriorFamilies } from "./models/posteriors.ts";
export { priorFamilies } from "./models/priors.ts";
export { emStep, fitByEm, fitProbabilisticPca, meanLogLikelihood } from "./models/probabilistic-pca.ts";
export { fitObserved, imputed, observedRows, observedStart, observedStep } from "./models/probabilistic-pca-missing.ts";
export {
  decoderProgram,
  densityProgram,
  encoderProgram,
  observed,
  priorProgram,
  trainingProgram,
} from "./models/programs.ts";
export { type LayerSummary, type NetworkSummary, networkSummary } from "./models/summary.ts";
export { type VaeOptions, vae, vaeSchema } from "./models/vae.ts";
export { type WassersteinOptions, wassersteinAutoencoder } from "./models/wasserstein-autoencoder.ts";
export {
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  lecunNormal,
  ones,
  zeros,
} from "./nn/initialisers.ts";
export {
  conv,
  convTranspose,
  dense,
  dropout,
  flattenEvent,
  type Layer,
  layerNorm,
  residual,
  sequential,
  unflattenEvent,
} from "./nn/layers.ts";
export { type CompiledFunction, compile, type Feeds } from "./runtime/compile.ts";
export type { Engine, EngineOptions } from "./runtime/engine.ts";
export { type LoadOptions, load } from "./trained/load.ts";
export { scoreThreshold } from "./trained/scores.ts";
export type {
  Ability,
  Codes,
  Examples,
  ImageInput,
  PixelImage,
  ReferenceScores,
  SampleOptions,
  ScoreOptions,
  Scores,
  TrainedModel,
  Watched,
} from "./trained/trained-model.ts";
export { type TrainingBytes, trainingBytes } from "./training/bytes.ts";
export { type FitOptions, type Fitted, fitModel, type ModelTrainingOptions, modelTraining } from "./training/fit.ts";
export { type EpochResult, type LoopOptions, type Outcome, train } from "./training/loop.ts";
export type { TrainingOptions } from "./training/prepared-phase.ts";
export { scheduleAt } from "./training/schedule.ts";
export {
  createTraining,
  type Snapshot,
  type StepResult,
  type Training,
} from "./training/training.ts";
