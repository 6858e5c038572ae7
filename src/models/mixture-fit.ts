import { InputError, NumericalError } from "../errors.ts";
import { type Examples, forEachBlockOf } from "../linalg/examples.ts";
import type { Vector } from "../linalg/matrix.ts";
import { permutation, type Stream, stream } from "../random/stream.ts";
import type { Engine } from "../runtime/engine.ts";
import { clusterSizes, kMeans } from "./k-means.ts";
import { type EmSettings, type MixtureEm, type MixtureState, openMixtureEm, startingState } from "./mixture-em.ts";
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

/** EM from one start until a step changes the mean log-likelihood by less than the tolerance. */
async function runEm(
  em: MixtureEm,
  start: MixtureState,
  examples: Examples,
  { tolerance = EM_TOLERANCE, steps = EM_STEPS }: Pick<MixtureFitOptions, "tolerance" | "steps">,
): Promise<Pick<MixtureFit, "state" | "logLikelihoods" | "converged">> {
  const logLikelihoods: number[] = [];
  let state = start;
  while (logLikelihoods.length < steps) {
    const next = await em.step(state, examples);
    state = next.state;
    logLikelihoods.push(next.logLikelihood);
    const change =
      logLikelihoods.length > 1 ? next.logLikelihood - (logLikelihoods.at(-2) ?? 0) : Number.POSITIVE_INFINITY;
    if (Math.abs(change) < tolerance) return { state, logLikelihoods, converged: true };
  }
  return { state, logLikelihoods, converged: false };
}

/**
 * A mixture by EM, from a given start or the best of several by k-means. A start that meets a singular covariance is left out.
 * @throws NumericalError where all do.
 */
export async function fitMixture(engine: Engine, examples: Examples, options: MixtureFitOptions): Promise<MixtureFit> {
  const { components, restarts = 1, seed = 0 } = options;
  if (!(Number.isInteger(restarts) && restarts >= 1)) {
    throw new InputError(`mixture: --restarts is a whole number of 1 or more, got ${restarts}`);
  }
  const settings = await settingsFor(examples, options);
  const em = await openMixtureEm(engine, { components, d: examples.size }, settings);
  const starts: (number | undefined)[] = [];
  let best: Pick<MixtureFit, "state" | "logLikelihoods" | "converged"> | undefined;
  let failure: NumericalError | undefined;
  try {
    for (let restart = 0; restart < (options.start ? 1 : restarts); restart++) {
      try {
        const start = options.start ?? (await kMeansStart(examples, components, settings, { seed, restart }));
        const found = await runEm(em, start, examples, options);
        const last = found.logLikelihoods.at(-1) ?? Number.NEGATIVE_INFINITY;
        if (last > (best?.logLikelihoods.at(-1) ?? Number.NEGATIVE_INFINITY)) best = found;
        starts.push(last);
      } catch (error) {
        if (!(error instanceof NumericalError)) throw error;
        failure = error;
        starts.push(undefined);
      }
    }
  } finally {
    await em.release();
  }
  if (best === undefined) throw failure ?? new NumericalError("mixture: no start was made");
  return { ...best, settings, starts };
}
