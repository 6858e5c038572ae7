import { oneHotCategorical } from "../distributions/one-hot-categorical.ts";
import { type NormalComponents, type SelectedNormal, selectedNormal } from "../distributions/selected-normal.ts";
import { InputError } from "../errors.ts";
import { datasetExamples, type Examples, rescaledExamples } from "../linalg/examples.ts";
import { zeros } from "../nn/initialisers.ts";
import { add, constant, type Tensor } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { realDataset, realLikelihood } from "./dequantize.ts";
import type { Family } from "./family.ts";
import type { MixtureSize } from "./mixture-covariance.ts";
import { factored, type MixtureState, mixtureRemarks } from "./mixture-em.ts";
import { columnMoments, EM_STEPS, type MixtureSearch, openMixtureSearch } from "./mixture-fit.ts";
import type { DataDescription, Model, RuleContext, RuleFit } from "./model.ts";
import type { CovarianceName } from "./names.ts";

export interface MixtureModelOptions {
  readonly components: number;
  readonly covariance?: CovarianceName;
  readonly floor?: number;
  readonly restarts?: number;
  readonly tolerance?: number;
  /** Fitted in units of each number's own deviation: for spherical covariances another model, for the others another start and floor. */
  readonly standardize?: boolean;
}

/**
 * p(z) = Categorical(π), p(x|z) = N(μ_z, Σ_z) by EM. Its posterior p(z|x), in proportion to π_z N(x; μ_z, Σ_z), is exact, so that its
 * ELBO is log p(x). Bishop 2006, §9.2.
 */
export function gaussianMixtureModel(options: MixtureModelOptions, data: DataDescription): Model {
  const { components, covariance = "full", standardize = false } = options;
  if (!(Number.isInteger(components) && components >= 1)) {
    throw new InputError(`mixture: --components is a whole number of 1 or more, got ${components}`);
  }
  const d = sizeOf(data.shape);
  const logits = parameter("prior/logits", [components], zeros);
  const normals = componentsOf({ components, d }, covariance, standardize);
  const select = (z: Tensor): SelectedNormal => selectedNormal(z, normals, data.shape);
  const equal = constant(new Float32Array(components).fill(1 / components), [components]);
  return {
    latents: components,
    space: "oneHot",
    ...realLikelihood(data),
    // log p(z|x) = log π_z + log N(x; μ_z, Σ_z) − log p(x)
    encoder: (x) => oneHotCategorical(add(logits, select(equal).componentLogProb(x))),
    decoder: select,
    prior: oneHotCategorical(logits),
    rule: {
      steps: EM_STEPS * (options.restarts ?? 1),
      open: (context) => openRule(context, { ...options, covariance, standardize }),
    },
  };
}

/** The decoder's parameters. */
function componentsOf({ components, d }: MixtureSize, kind: CovarianceName, standardize: boolean): NormalComponents {
  const means = parameter("decoder/means", [components, d], zeros);
  if (kind === "full" || kind === "tied") {
    const count = kind === "full" ? components : 1;
    return { means, spread: { precisionTril: parameter("decoder/precisionTril", [count, d, d], zeros) } };
  }
  const columns = scaleColumns(kind, standardize, d);
  return { means, spread: { scale: parameter("decoder/scale", [components, columns], zeros) } };
}

/** One deviation of all numbers is one of each in the units that they had before they were standardised. */
function scaleColumns(kind: CovarianceName, standardize: boolean, d: number): number {
  return kind === "diagonal" || standardize ? d : 1;
}

/** Each number's centre and unit, in which EM works. */
interface Units {
  readonly centre: Float64Array;
  readonly unit: Float64Array;
}

type RuleOptions = MixtureModelOptions & Required<Pick<MixtureModelOptions, "covariance" | "standardize">>;

/** Smaller weights are 0 in float32; their logarithm must be a number. */
const LEAST_WEIGHT = 1e-30;

async function openRule({ engine, dataset, seed }: RuleContext, options: RuleOptions): Promise<RuleFit> {
  const given = datasetExamples(realDataset(dataset, seed));
  const units = await unitsOf(given, options.standardize);
  const examples = rescaledExamples(given, units);
  const search = await openMixtureSearch(engine, examples, { ...options, seed });
  // log p(x) of the data's own numbers is that of y = (x − centre)/unit minus Σ log unit
  const logUnits = units.unit.reduce((total, value) => total + Math.log(value), 0);
  return {
    state: search.state,
    step: async () => {
      let { logLikelihood, over } = await search.step();
      while (logLikelihood === undefined && !over) ({ logLikelihood, over } = await search.step());
      const told = (logLikelihood ?? search.largest()) - logUnits;
      return { loss: -told, terms: { logLikelihood: told }, converged: over };
    },
    parameters: () => parametersOf(search.kept(), search, units, options.standardize),
    remarks: () => mixtureRemarks(search.kept(), search.settings, examples.length),
    release: () => search.release(),
  };
}

/** The data's own units, or of each number its mean and deviation; a constant keeps its own. */
async function unitsOf(examples: Examples, standardize: boolean): Promise<Units> {
  if (!standardize) {
    return { centre: new Float64Array(examples.size), unit: new Float64Array(examples.size).fill(1) };
  }
  const { means, variances } = await columnMoments(examples);
  return { centre: means, unit: variances.map((variance) => Math.sqrt(variance) || 1) };
}

/** What the programs take, of the data's own units: x = centre + unit·y, so that Σ⁻¹ = (D⁻¹P)(D⁻¹P)ᵀ and the deviations are D/P. */
function parametersOf(
  state: MixtureState,
  { size, settings }: Pick<MixtureSearch, "size" | "settings">,
  { centre, unit }: Units,
  standardize: boolean,
): ReadonlyMap<string, NdArray> {
  const { d } = size;
  const { whitener } = factored(state, size, settings);
  const { covariance } = settings;
  const logits = state.weights.data.map((weight) => Math.log(Math.max(weight, LEAST_WEIGHT)));
  const means = state.means.data.map((value, i) => centre[i % d] + unit[i % d] * value);
  const parameters = new Map<string, NdArray>([
    ["prior/logits", { data: logits, shape: [size.components] }],
    ["decoder/means", { data: means, shape: [size.components, d] }],
  ]);
  if (covariance === "full" || covariance === "tied") {
    const precisionTril = whitener.map((value, i) => value / unit[Math.floor(i / d) % d]);
    return parameters.set("decoder/precisionTril", { data: precisionTril, shape: [whitener.length / d ** 2, d, d] });
  }
  const width = covariance === "diagonal" ? d : 1;
  const columns = scaleColumns(covariance, standardize, d);
  const scale = Float64Array.from({ length: size.components * columns }, (_, i) => {
    const [c, j] = [Math.floor(i / columns), i % columns];
    return unit[j] / whitener[c * width + (j % width)];
  });
  return parameters.set("decoder/scale", { data: scale, shape: [size.components, columns] });
}

/** Of more numbers an example full covariances have more entries than most data can tell. */
const MOST_FULL = 100;
/** Components where none are asked for, and the data have no classes. */
const COMPONENTS = 10;

export const gaussianMixtureFamily: Family = {
  title: "A mixture of Gaussians",
  draws: 5, // of an exact posterior: all alike
  objective: "largest likelihood, by EM",
  encoder: "exact, x ↦ p(z|x)",
  decoder: "table, z ↦ N(μ_z, Σ_z)",
  build: (options, data) => {
    const covariance = options.covariance ?? (sizeOf(data.shape) > MOST_FULL ? "diagonal" : "full");
    const usual = Math.min(data.classes ?? COMPONENTS, data.examples ?? COMPONENTS);
    return gaussianMixtureModel({ ...options, covariance, components: options.components ?? usual }, data);
  },
};
