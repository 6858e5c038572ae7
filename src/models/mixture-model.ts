import { oneHotCategorical } from "../distributions/one-hot-categorical.ts";
import { type NormalComponents, type SelectedNormal, selectedNormal } from "../distributions/selected-normal.ts";
import { InputError, NumericalError } from "../errors.ts";
import { datasetExamples, type Examples, rescaledExamples } from "../linalg/examples.ts";
import { zeros } from "../nn/initialisers.ts";
import { add, constant, type Tensor } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { realDataset, realNumbers } from "./dequantize.ts";
import type { Family } from "./family.ts";
import { covarianceForms, type MixtureSize } from "./mixture-covariance.ts";
import { type EmSettings, factored, type MixtureState, mixtureRemarks, openMixtureEm } from "./mixture-em.ts";
import { columnMoments, EM_STEPS, EM_TOLERANCE, kMeansStart, settingsFor } from "./mixture-fit.ts";
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
    ...realNumbers(data),
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

/** What the decoder's parameters are called: a spherical covariance of standardised numbers is a diagonal one of the data's own. */
function componentsOf({ components, d }: MixtureSize, kind: CovarianceName, standardize: boolean): NormalComponents {
  const means = parameter("decoder/means", [components, d], zeros);
  if (kind === "full" || kind === "tied") {
    const count = kind === "full" ? components : 1;
    return { means, spread: { precisionTril: parameter("decoder/precisionTril", [count, d, d], zeros) } };
  }
  const width = kind === "diagonal" || standardize ? d : 1;
  return { means, spread: { scale: parameter("decoder/scale", [components, width], zeros) } };
}

/** Each number's centre and unit, in which EM works. */
interface Units {
  readonly centre: Float64Array;
  readonly unit: Float64Array;
}

type RuleOptions = MixtureModelOptions & Required<Pick<MixtureModelOptions, "covariance" | "standardize">>;

/** Smaller weights are 0 in float32; their logarithm must be a number. */
const LEAST_WEIGHT = 1e-30;

/** EM start after start, a step at a time; the best is kept. */
async function openRule({ engine, dataset, seed }: RuleContext, options: RuleOptions): Promise<RuleFit> {
  const { components, covariance, restarts = 1, tolerance = EM_TOLERANCE } = options;
  const given = datasetExamples(realDataset(dataset, seed));
  const units = await unitsOf(given, options.standardize);
  const examples = rescaledExamples(given, units);
  const settings = await settingsFor(examples, options);
  const size = { components, d: given.size };
  const em = await openMixtureEm(engine, size, settings);
  const logUnits = units.unit.reduce((total, value) => total + Math.log(value), 0);
  const startAt = (restart: number): Promise<MixtureState> => kMeansStart(examples, components, settings, { seed, restart });
  const now = await startAt(0);
  const best = structuredClone(now);
  const progress = { restart: scalar(0), logLikelihood: scalar(NONE), best: scalar(NONE) };
  const { restart, logLikelihood, best: bestSoFar } = progress;
  const kept = (): MixtureState => (bestSoFar.data[0] > logLikelihood.data[0] ? best : now);
  /** The next start, or the end: whether it is the end. */
  const goOn = async (): Promise<boolean> => {
    restart.data[0] += 1;
    logLikelihood.data[0] = NONE;
    const over = restart.data[0] >= restarts;
    copy(over ? best : await startAt(restart.data[0]), now);
    return over;
  };
  return {
    state: new Map([
      ...Object.entries(now),
      ...Object.entries(best).map(([name, value]): [string, NdArray] => [`best/${name}`, value]),
      ...Object.entries(progress).map(([name, value]): [string, NdArray] => [`progress/${name}`, value]),
    ]),
    step: async () => {
      const told = (value: number, converged: boolean): Awaited<ReturnType<RuleFit["step"]>> => ({
        loss: logUnits - value,
        terms: { logLikelihood: value - logUnits },
        converged,
      });
      try {
        const next = await em.step(now, examples);
        const settled = Math.abs(next.logLikelihood - logLikelihood.data[0]) < tolerance;
        copy(next.state, now);
        logLikelihood.data[0] = next.logLikelihood;
        if (!settled) return told(next.logLikelihood, false);
        if (next.logLikelihood > bestSoFar.data[0]) {
          copy(now, best);
          bestSoFar.data[0] = next.logLikelihood;
        }
        return told(next.logLikelihood, await goOn());
      } catch (error) {
        // A start that meets a singular covariance is left out, unless it is the last that could have come to something.
        const last = restart.data[0] + 1 >= restarts && bestSoFar.data[0] === NONE;
        if (!(error instanceof NumericalError) || last) throw error;
        return told(bestSoFar.data[0] === NONE ? logLikelihood.data[0] : bestSoFar.data[0], await goOn());
      }
    },
    parameters: () => parametersOf(kept(), size, settings, units),
    remarks: () => mixtureRemarks(kept(), settings, examples.length),
    release: () => em.release(),
  };
}
