import { InputError, NumericalError, ShapeError } from "../errors.ts";
import { type Examples, forEachBlockOf } from "../linalg/examples.ts";
import type { Vector } from "../linalg/matrix.ts";
import { type CompiledFunction, compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { data, exp, logsumexp, mul, reshape, square, sub, sum, type Tensor, transpose } from "../tensor/index.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import type { MixtureParameters } from "./gaussian-mixture.ts";
import { covarianceForms, type FactoredCovariances, type MixtureSize } from "./mixture-covariance.ts";
import type { CovarianceName } from "./names.ts";

/*
 * A mixture of Gaussians, p(x) = Σ_c π_c N(x; μ_c, Σ_c), fitted by expectation–maximisation in float64: Dempster, Laird & Rubin 1977;
 * Bishop 2006, §9.2.2. Nats per example.
 */

/** Where EM is. It depends on nothing else: the same state and data give the same bits. */
export interface MixtureState {
  /** π [C] */
  readonly weights: NdArray<Float64Array>;
  /** μ [C, d] */
  readonly means: NdArray<Float64Array>;
  /** By kind: full [C, d, d], tied [d, d], variances of diagonal [C, d] and spherical [C]. */
  readonly covariances: NdArray<Float64Array>;
}

export interface EmSettings {
  readonly covariance: CovarianceName;
  /** Added to every diagonal after a step, in the data's units squared. With 0 the log-likelihood never falls. */
  readonly floor: number;
}

export interface EmStep {
  readonly state: MixtureState;
  /** The mean of log p(x) over the data under the state BEFORE the step. */
  readonly logLikelihood: number;
}

export interface MixtureScores {
  /** log p(x) of each example. */
  readonly logLikelihoods: Float64Array;
  /** p(z|x): [rows, C] */
  readonly responsibilities: NdArray<Float64Array>;
}

/** EM's two halves as programs of the engine, for one number of components and of dimensions. */
export interface MixtureEm {
  readonly size: MixtureSize;
  readonly settings: EmSettings;
  /** One step over all examples. @throws NumericalError where a covariance is singular. */
  step(state: MixtureState, examples: Examples): Promise<EmStep>;
  /** log p(x) and p(z|x) of examples, with [rows, C] numbers held. */
  score(state: MixtureState, examples: Examples): Promise<MixtureScores>;
  release(): Promise<void>;
}

/** Numbers of x − μ held at once, [C, rows, d]: what stays in a core's cache. */
const BLOCK = 2 ** 16;
const FEWEST_ROWS = 128;
const MOST_BY_COLUMNS = 1024;

/** Examples are read so many rows at a time; where matrices are large, enough that their products take more time than adding them up. */
function blockRows({ components, d }: MixtureSize): number {
  return Math.max(FEWEST_ROWS, Math.min(d, MOST_BY_COLUMNS), Math.floor(BLOCK / (components * d)));
}

export async function openMixtureEm(
  engine: Engine,
  size: MixtureSize,
  settings: EmSettings,
  rows = blockRows(size),
): Promise<MixtureEm> {
  const { components, d } = size;
  const form = covarianceForms[settings.covariance];
  if (!(settings.floor >= 0 && Number.isFinite(settings.floor))) {
    throw new InputError(`mixture: the floor of the variances is 0 or more, got ${settings.floor}`);
  }
  const { logJoint, apart } = logJointOf(size, settings.covariance);
  const logProb = logsumexp(logJoint, 0); //                                 [rows]
  const posterior = exp(sub(logJoint, reshape(logProb, [1, "rows"]))); //    r: [C, rows]
  const weighted = mul(reshape(posterior, [components, "rows", 1]), apart); // r(x − μ): [C, rows, d]
  const program = (outputs: Readonly<Record<string, Tensor>>): Promise<CompiledFunction> =>
    compile(engine, outputs, { precision: "float64" });
  const sums = await program({
    total: sum(logProb),
    counts: sum(posterior, 1), //  N: [C]
    moved: sum(weighted, 1), //    Σ r(x − μ): [C, d]
    scatter: form.scatter(weighted, apart),
  });
  let scores: CompiledFunction | undefined;

  const step = async (state: MixtureState, examples: Examples): Promise<EmStep> => {
    const feeds = feedsOf(state, size, settings);
    checkSize(examples, size);
    const sizes = [components, components * d, sizeOf(state.covariances.shape)];
    const [counts, moved, scatter] = sizes.map((length) => new Float64Array(length));
    let total = 0;
    await forEachBlockOf(examples, rows, async (x) => {
      const part = await sums.run({ ...feeds, x });
      total += part.total.data[0];
      addTo(counts, part.counts.data);
      addTo(moved, part.moved.data);
      addTo(scatter, part.scatter.data);
    });
    const logLikelihood = total / examples.length;
    if (!Number.isFinite(logLikelihood)) {
      throw new NumericalError(
        `mixture: the mean log-likelihood is ${logLikelihood}; divide the data by their size, or raise --floor above ${settings.floor}`,
      );
    }
    return { state: maximised(state, { counts, moved, scatter }, examples.length, size, settings), logLikelihood };
  };

  const score = async (state: MixtureState, examples: Examples): Promise<MixtureScores> => {
    const feeds = feedsOf(state, size, settings);
    checkSize(examples, size);
    scores ??= await program({ logProb, posterior: transpose(posterior) });
    const run = scores;
    const logLikelihoods = new Float64Array(examples.length);
    const shape = [examples.length, components];
    const responsibilities = { data: new Float64Array(sizeOf(shape)), shape };
    await forEachBlockOf(examples, rows, async (x, start) => {
      const part = await run.run({ ...feeds, x });
      logLikelihoods.set(part.logProb.data, start);
      responsibilities.data.set(part.posterior.data, start * components);
    });
    return { logLikelihoods, responsibilities };
  };

  const release = async (): Promise<void> => {
    await sums.release();
    await scores?.release();
  };
  return { size, settings, step, score, release };
}

/** log π_c + log N(x; μ_c, Σ_c) = log π_c + log det P_c − ½‖(x − μ_c)P_c‖² − ½d log 2π: [C, rows]; and x − μ_c: [C, rows, d]. */
function logJointOf({ components, d }: MixtureSize, kind: CovarianceName): { logJoint: Tensor; apart: Tensor } {
  const form = covarianceForms[kind];
  const mean = reshape(data("means", [components, d]), [components, 1, d]);
  const apart = sub(reshape(data("x", ["rows", d]), [1, "rows", d]), mean);
  const standard = form.whiten(apart, data("whitener", form.whitenerShape({ components, d })));
  const height = data("height", [components, 1]); // log π_c + log det P_c − ½d log 2π
  return { apart, logJoint: sub(height, mul(0.5, sum(square(standard), 2))) };
}

/** What a state is to the programs. */
function feedsOf(state: MixtureState, size: MixtureSize, settings: EmSettings): Readonly<Record<string, NdArray>> {
  const { components, d } = size;
  const { whitener, logDeterminants } = factored(state, size, settings);
  const constant = 0.5 * d * Math.log(2 * Math.PI);
  const height = state.weights.data.map((weight, c) => Math.log(weight) + logDeterminants[c] - constant);
  return {
    means: state.means,
    whitener: { data: whitener, shape: covarianceForms[settings.covariance].whitenerShape(size) },
    height: { data: height, shape: [components, 1] },
  };
}

/** The covariances of a state, checked and factored. @throws NumericalError where one is singular. */
export function factored(
  state: MixtureState,
  size: MixtureSize,
  { covariance, floor }: EmSettings,
): FactoredCovariances {
  const form = covarianceForms[covariance];
  checkState(state, size, covariance);
  return form.factor(state.covariances.data, size, (component) => {
    const which =
      covariance === "tied"
        ? "the covariance of all components"
        : `that of component ${component} of ${size.components}`;
    throw new NumericalError(
      `mixture: a covariance is singular, ${which} (weight ${state.weights.data[component].toPrecision(3)}): its examples do not vary in every direction; raise --floor above ${floor}, or take fewer components`,
    );
  });
}

/** π_c = N_c/n, μ_c + m_c and the covariances about it. Bishop 2006, eqs. 9.24–9.26. */
function maximised(
  state: MixtureState,
  { counts, moved, scatter }: Readonly<Record<"counts" | "moved" | "scatter", Float64Array>>,
  n: number,
  size: MixtureSize,
  { covariance, floor }: EmSettings,
): MixtureState {
  const form = covarianceForms[covariance];
  // A component that no example belongs to, to rounding, has nothing to learn from: it keeps its place with what weight it has.
  const alive = Array.from(counts, (count) => count > n * Number.EPSILON);
  const all = counts.reduce((total, count) => total + count, 0);
  const mean = moved.map((value, i) => (alive[Math.floor(i / size.d)] ? value / counts[Math.floor(i / size.d)] : 0)); // m_c
  const covariances = form.update({ counts, alive, moved: mean, scatter }, state.covariances.data, floor, size);
  return {
    weights: { data: counts.map((count) => count / all), shape: state.weights.shape },
    means: { data: state.means.data.map((value, i) => value + mean[i]), shape: state.means.shape },
    covariances: { data: covariances, shape: state.covariances.shape },
  };
}

/** What a user should hear of a state: components that are empty, and those with a direction that is mostly floor. */
export function mixtureRemarks(state: MixtureState, settings: EmSettings, examples: number): readonly string[] {
  const [components, d] = state.means.shape;
  const { covariance, floor } = settings;
  const { flat: flatTo } = covarianceForms[covariance];
  const isFlat = floor > 0 ? flatTo(state.covariances.data, { components, d }, FLAT * floor) : [];
  const listed = (which: readonly number[]): string =>
    `${which.length} of ${components} components (${which.slice(0, 8).join(", ")}${which.length > 8 ? ", …" : ""})`;
  const numbers = Array.from({ length: components }, (_, c) => c);
  const empty = numbers.filter((c) => state.weights.data[c] * examples < EMPTY);
  const flat = numbers.filter((c) => !empty.includes(c) && isFlat[c]);
  return [
    ...(empty.length > 0
      ? [`mixture: ${listed(empty)} are empty: fewer than ${EMPTY} examples each; take fewer components`]
      : []),
    ...(flat.length > 0
      ? [
          `mixture: ${listed(flat)} are flat: a direction's variance is half floor (${floor.toPrecision(3)}) or more; raise --floor, take fewer components, or leave out columns that others make up`,
        ]
      : []),
  ];
}

/** A direction that has less than so many times the floor is mostly floor. */
const FLAT = 2;
/** Fewer examples than this make no component. */
const EMPTY = 0.5;

/** A state as a given mixture: every component with its whole covariance. */
export function mixtureParameters(state: MixtureState, covariance: CovarianceName): MixtureParameters {
  const [components, d] = state.means.shape;
  const form = covarianceForms[covariance];
  const size = { components, d };
  const numbers = Array.from({ length: components }, (_, c) => c);
  return {
    weights: Array.from(state.weights.data),
    means: numbers.map((c) => Array.from(state.means.data.subarray(c * d, (c + 1) * d))),
    covariances: numbers.map((c) => form.matrix(state.covariances.data, c, size)),
  };
}

/** Where EM may start: these means, equal weights, and in all components these variances of the numbers. */
export function startingState(
  means: readonly Vector[],
  variances: Vector,
  covariance: CovarianceName,
  weights: Vector = means.map(() => 1 / means.length),
): MixtureState {
  const form = covarianceForms[covariance];
  const size = { components: means.length, d: variances.length };
  const state = {
    weights: { data: Float64Array.from(weights), shape: [size.components] },
    means: { data: Float64Array.from(means.flat()), shape: [size.components, size.d] },
    covariances: { data: form.fromVariances(Float64Array.from(variances), size), shape: form.shape(size) },
  };
  checkState(state, size, covariance);
  return state;
}

function checkState({ weights, means, covariances }: MixtureState, size: MixtureSize, kind: CovarianceName): void {
  const { components, d } = size;
  const expected = { weights: [components], means: [components, d], covariances: covarianceForms[kind].shape(size) };
  for (const [name, { data: numbers, shape }] of Object.entries({ weights, means, covariances })) {
    const wanted = name === "weights" ? expected.weights : name === "means" ? expected.means : expected.covariances;
    if (shape.join() !== wanted.join() || numbers.length !== sizeOf(wanted)) {
      throw new ShapeError(`mixture: ${name} [${wanted}] are expected for ${kind} covariances, got [${shape}]`);
    }
    if (!numbers.every(Number.isFinite)) throw new NumericalError(`mixture: a number of the ${name} is not finite`);
  }
  const total = weights.data.reduce((sum, weight) => sum + weight, 0);
  if (Math.abs(total - 1) > 1e-6 || weights.data.some((weight) => weight < 0)) {
    throw new InputError(`mixture: the weights must be ${components} probabilities of sum 1, got sum ${total}`);
  }
}

function checkSize({ name, size }: Examples, { d }: MixtureSize): void {
  if (size !== d) throw new ShapeError(`${name}: examples of ${d} numbers are expected, got ${size}`);
}

function addTo(sums: Float64Array, part: ArrayLike<number>): void {
  for (let i = 0; i < sums.length; i++) sums[i] += part[i];
}
