import { modelNames, partsOf } from "../models/names.ts";
import { type OptionName, optionNames } from "../run/options.ts";

/** The models of some options, as a heading ends: which of them takes which, each option's own words say. */
function models(...options: readonly OptionName[]): string {
  return modelNames.filter((name) => options.some((option) => partsOf[name].includes(option))).join(", ");
}

const networks: readonly OptionName[] = ["preset", "encoder", "decoder", "latents"];
const families: readonly OptionName[] = [
  "likelihood",
  "scale",
  "variance",
  "binarize",
  "posterior",
  "posteriorScale",
  "temperature",
  "prior",
];
const fitted: readonly OptionName[] = [
  "components",
  "choose",
  "covariance",
  "restarts",
  "floor",
  "em",
  "tolerance",
  "standardize",
  "uncentred",
];
const kernel: readonly OptionName[] = ["kernel", "gamma", "degree", "coefficient", "ridge", "examples"];
const flow: readonly OptionName[] = ["transform", "layers", "bins", "hidden", "mixing"];
const game: readonly OptionName[] = ["discriminator", "regularization"];

const named: readonly (readonly [string, readonly OptionName[]])[] = [
  ["Data:", ["test", "validation", "size", "colour", "columns", "label", "condition", "measure", "missing"]],
  ["Model:", ["model", ...networks]],
  [`Distributions (${models(...families)}):`, families],
  ["Linear models and mixtures (pca, probabilistic-pca, factor-analysis, gaussian-mixture):", fitted],
  ["Kernels (kernel-pca):", kernel],
  [`Flows (${models(...flow)}):`, flow],
  [`Instead of the rate (${models(...game)}):`, game],
  [
    "Bound and inference (vae):",
    [
      "bound",
      "samples",
      "gradient",
      "baseline",
      "kl",
      "klWeight",
      "lambda",
      "klWarmup",
      "klPeriod",
      "freeBits",
      "capacity",
      "capacitySteps",
      "inference",
      "innerSteps",
      "outerSteps",
      "innerRate",
    ],
  ],
  [
    "Training (by gradients; of these EM takes --steps alone, a closed form none):",
    [
      "batch",
      "epochs",
      "steps",
      "optimizer",
      "learningRate",
      "warmup",
      "decay",
      "decayEpochs",
      "decayFactor",
      "clip",
      "lineSearch",
      "patience",
      "keep",
      "from",
    ],
  ],
];

/** The options of a training by what they are about, as the help lists them; what is about none is about the run. */
export function optionGroups(): ReadonlyMap<string, readonly OptionName[]> {
  const known = new Set<string>(named.flatMap(([, options]) => options));
  const rest = optionNames.filter((name) => name !== "data" && !known.has(name));
  return new Map([...named, ["Run:", rest]]);
}
