import { InputError, NumericalError } from "../errors.ts";
import { type Examples, forEachBlockOf } from "../linalg/examples.ts";
import type { Vector } from "../linalg/matrix.ts";
import { permutation, type Stream, stream } from "../random/stream.ts";
import type { Engine } from "../runtime/engine.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { clusterSizes, kMeans } from "./k-means.ts";
import type { MixtureSize } from "./mixture-covariance.ts";
import { type EmSettings, type EmStep, type MixtureState, openMixtureEm, startingState } from "./mixture-em.ts";
import type { CovarianceName } from "./names.ts";

export interface MixtureFitOptions {
  readonly components: number;
  readonly covariance?: CovarianceName;
  /** Added to every variance; by default `FLOOR_SHARE` of the mean variance of the data's numbers, so that units do not matter. */
  readonly floor?: number;
  /** Starts by k-means, of which the one that ends with the largest log-likelihood is kept. */
  readonly restarts?: number;
  readonly seed?: number;
  /** A start of one's own instead. */
  readonly start?: MixtureState;
  /** Stops where a step changes the mean log-likelihood by less, in nats per example. */
  readonly tolerance?: number;
  /** Steps of one start at most. */
  readonly steps?: number;
}

export interface MixtureFit {
  readonly state: MixtureState;
  readonly settings: EmSettings;
  /** Mean log-likelihood before every step of the start that was kept; the state's own is one step further. */
  readonly logLikelihoods: readonly number[];
  readonly converged: boolean;
  /** The last log-likelihood of every start; undefined where it met a singular covariance. */
  readonly starts: readonly (number | undefined)[];
}

/** scikit-learn adds 1e-6 to variances of whatever unit; for standardised data this is the same. */
export const FLOOR_SHARE = 1e-6;
export const EM_TOLERANCE = 1e-6;
export const EM_STEPS = 1000;

/** Rounds of Lloyd's algorithm: EM goes on from there. */
const LLOYD_ROUNDS = 10;
/** Numbers that a start is made from, at most: all of 20,000 × 100. */
const START_NUMBERS = 2 ** 21;

/** Mean and variance (divisor n) of each number over the examples. */
export async function columnMoments(
  examples: Examples,
): Promise<{ readonly means: Float64Array; readonly variances: Float64Array }> {
  const { length, size } = examples;
  const average = async (term: (value: number, column: number) => number): Promise<Float64Array> => {
    const sums = new Float64Array(size);
    await forEachBlockOf(examples, Math.max(1, Math.floor(2 ** 18 / size)), async ({ data }) => {
      for (let i = 0, column = 0; i < data.length; i++) {
        sums[column] += term(data[i], column);
        if (++column === size) column = 0;
      }
    });
    return sums.map((sum) => sum / length);
  };
  const means = await average((value) => value);
  return { means, variances: await average((value, column) => (value - means[column]) ** 2) };
}

/** The floor and the kind, as given or by default; the examples are looked at. */
export async function settingsFor(
  examples: Examples,
  { components, covariance = "full", floor }: Pick<MixtureFitOptions, "components" | "covariance" | "floor">,
): Promise<EmSettings> {
  if (!(Number.isInteger(components) && components >= 1)) {
    throw new InputError(`mixture: --components is a whole number of 1 or more, got ${components}`);
  }
  if (examples.length < components) {
    throw new InputError(
      `mixture: ${examples.name} has ${examples.length} examples, fewer than ${components} components; take at most ${examples.length}`,
    );
  }
  const { variances } = await columnMoments(examples);
  const mean = variances.reduce((total, value) => total + value, 0) / variances.length;
  if (!(mean > 0) && !floor) {
    throw new InputError(`mixture: the examples of ${examples.name} are all the same; give a --floor above 0`);
  }
  const constant = variances.findIndex((value) => !(value > 0));
  if (constant >= 0 && floor === 0) {
    throw new InputError(
      `mixture: column ${constant} (from 0) of ${examples.name} is constant, so its variance is 0; leave it out, or give a --floor above 0`,
    );
  }
  return { covariance, floor: floor ?? FLOOR_SHARE * mean };
}

export interface StartOptions {
  readonly seed: number;
  /** Which of the starts with one seed. */
  readonly restart?: number;
  /** How many of the data's numbers are looked at, at most. */
  readonly numbers?: number;
}

/**
 * Where EM starts: the means of k-means, their shares as weights, and in every component the variances about the nearest mean. Of data
 * with more numbers, rows are taken by chance. The same seed and restart give the same start.
 */
export async function kMeansStart(
  examples: Examples,
  components: number,
  { covariance, floor }: EmSettings,
  { seed, restart = 0, numbers = START_NUMBERS }: StartOptions,
): Promise<MixtureState> {
  const d = examples.size;
  const from = stream(seed, "mixture/start", restart);
  const rows = await someRows(examples, Math.max(components, Math.floor(numbers / d)), from);
  const { centres, nearest } = kMeans(rows, d, components, from, LLOYD_ROUNDS);
  const n = nearest.length;
  const variances = new Array<number>(d).fill(floor);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < d; j++) variances[j] += (rows[i * d + j] - centres[nearest[i] * d + j]) ** 2 / n;
  }
  const means: Vector[] = Array.from({ length: components }, (_, c) =>
    Array.from(centres.subarray(c * d, (c + 1) * d)),
  );
  // A centre without rows of its own, as where rows are repeated, is let in by one row.
  const sizes = Array.from(clusterSizes(nearest, components), (size) => Math.max(1, size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return startingState(
    means,
    variances,
    covariance,
    sizes.map((size) => size / total),
  );
}

/** All rows, or so many by chance: [n·d]. */
async function someRows(examples: Examples, most: number, from: Stream): Promise<Float64Array> {
  const { length, size } = examples;
  if (length <= most) {
    const all = new Float64Array(length * size);
    examples.read(0, all);
    return all;
  }
  const chosen = permutation(length, from).slice(0, most).sort();
  const rows = new Float64Array(most * size);
  let next = 0;
  await forEachBlockOf(examples, 1024, async ({ data, shape }, start) => {
    for (; next < most && chosen[next] < start + shape[0]; next++) {
      const at = (chosen[next] - start) * size;
      rows.set(data.subarray(at, at + size), next * size);
    }
  });
  return rows;
}

/** What a step of a search did. */
export interface SearchStep {
  /** Which start it was of, from 0. */
  readonly restart: number;
  /** The mean log-likelihood before the step; absent where a covariance was singular, which ends the start. */
  readonly logLikelihood?: number;
  /** Whether the start is at its end: it changed by less than the tolerance, or took all its steps. */
  readonly ended?: "converged" | "steps";
  /** Whether there is nothing left to do. */
  readonly over: boolean;
}

/** EM from start after start, a step at a time; the best is kept. */
export interface MixtureSearch {
  readonly size: MixtureSize;
  readonly settings: EmSettings;
  /** Everything that the next step depends on, by name: arrays whose numbers change, and may be set to what they were. */
  readonly state: ReadonlyMap<string, NdArray<Float64Array>>;
  /** @throws NumericalError where a covariance is singular and no start has come, or can come, to an end. */
  step(): Promise<SearchStep>;
  /** The state of the largest log-likelihood so far. */
  kept(): MixtureState;
  /** The last log-likelihood of the best start that has come to its end. */
  largest(): number;
  release(): Promise<void>;
}

/** No log-likelihood yet: a finite number, so that files can hold it. */
const NONE = -Number.MAX_VALUE;

export async function openMixtureSearch(
  engine: Engine,
  examples: Examples,
  options: MixtureFitOptions,
): Promise<MixtureSearch> {
  const { components, seed = 0, tolerance = EM_TOLERANCE, steps = EM_STEPS } = options;
  const { restarts: asked = 1 } = options;
  if (!(Number.isInteger(asked) && asked >= 1)) {
    throw new InputError(`mixture: --restarts is a whole number of 1 or more, got ${asked}`);
  }
  const restarts = options.start ? 1 : asked;
  const settings = await settingsFor(examples, options);
  const size = { components, d: examples.size };
  const em = await openMixtureEm(engine, size, settings);
  const startOf = (restart: number): Promise<MixtureState> =>
    kMeansStart(examples, components, settings, { seed, restart });
  const now = structuredClone(options.start ?? (await startOf(0)));
  const best = structuredClone(now);
  const progress = { restart: scalar(0), steps: scalar(0), logLikelihood: scalar(NONE), best: scalar(NONE) };
  const { restart, steps: taken, logLikelihood, best: largest } = progress;
  const goOn = async (): Promise<boolean> => {
    restart.data[0] += 1;
    taken.data[0] = 0;
    logLikelihood.data[0] = NONE;
    const over = restart.data[0] >= restarts;
    if (!over) copy(await startOf(restart.data[0]), now);
    return over;
  };
  const step = async (): Promise<SearchStep> => {
    const { 0: which } = restart.data;
    if (which >= restarts) return { restart: restarts - 1, over: true };
    let next: EmStep;
    try {
      next = await em.step(now, examples);
    } catch (error) {
      const nothing = which + 1 >= restarts && largest.data[0] === NONE;
      if (!(error instanceof NumericalError) || nothing) throw error;
      return { restart: which, over: await goOn() };
    }
    const converged = Math.abs(next.logLikelihood - logLikelihood.data[0]) < tolerance;
    copy(next.state, now);
    logLikelihood.data[0] = next.logLikelihood;
    taken.data[0] += 1;
    const told = { restart: which, logLikelihood: next.logLikelihood };
    if (!converged && taken.data[0] < steps) return { ...told, over: false };
    if (next.logLikelihood > largest.data[0]) {
      copy(now, best);
      largest.data[0] = next.logLikelihood;
    }
    return { ...told, ended: converged ? "converged" : "steps", over: await goOn() };
  };
  const arrays = (prefix: string, of: object): readonly [string, NdArray<Float64Array>][] =>
    Object.entries(of).map(([name, value]) => [`${prefix}/${name}`, value]);
  return {
    size,
    settings,
    state: new Map([...arrays("now", now), ...arrays("best", best), ...arrays("progress", progress)]),
    step,
    kept: () => (largest.data[0] > logLikelihood.data[0] ? best : now),
    largest: () => largest.data[0],
    release: () => em.release(),
  };
}

function scalar(value: number): NdArray<Float64Array> {
  return { data: Float64Array.of(value), shape: [1] };
}

function copy(from: MixtureState, to: MixtureState): void {
  to.weights.data.set(from.weights.data);
  to.means.data.set(from.means.data);
  to.covariances.data.set(from.covariances.data);
}

/**
 * A mixture by EM, from a given start or the best of several by k-means. A start that meets a singular covariance is left out.
 * @throws NumericalError where all do.
 */
export async function fitMixture(engine: Engine, examples: Examples, options: MixtureFitOptions): Promise<MixtureFit> {
  const search = await openMixtureSearch(engine, examples, options);
  const ways: { readonly logLikelihoods: number[]; ended?: SearchStep["ended"] }[] = [];
  try {
    for (;;) {
      const { restart, logLikelihood, ended, over } = await search.step();
      ways[restart] ??= { logLikelihoods: [] };
      if (logLikelihood !== undefined) ways[restart].logLikelihoods.push(logLikelihood);
      if (ended) ways[restart].ended = ended;
      if (over) break;
    }
  } finally {
    await search.release();
  }
  const starts = ways.map(({ ended, logLikelihoods }) => (ended ? logLikelihoods.at(-1) : undefined));
  const largest = Math.max(...starts.map((value) => value ?? Number.NEGATIVE_INFINITY));
  const { logLikelihoods, ended } = ways[starts.indexOf(largest)];
  return { state: search.kept(), settings: search.settings, logLikelihoods, converged: ended === "converged", starts };
}
