import { ShapeError } from "../errors.ts";
import { type Stream, stream } from "../random/stream.ts";
import type { CodeRows } from "./latents.ts";
import { type Estimate, estimate } from "./likelihood.ts";

/** The posteriors of some examples, to be drawn from and scored: what a rate is taken apart by. Float64. */
export interface PosteriorCodes {
  readonly examples: number;
  readonly latents: number;
  /** Writes z ~ q(z|x_i) into `z` [k]. */
  draw(example: number, from: Stream, z: Float64Array): void;
  /** log q(z|x_i) */
  logProb(example: number, z: Float64Array): number;
  /** Writes log q(z_j|x_i), the density of each latent by itself, into `out` [k]; absent where it is not known. */
  readonly logMarginals?: (example: number, z: Float64Array, out: Float64Array) => void;
}

/** p(z), and the density of each latent by itself where the prior is a product of them. */
export interface PriorDensity {
  logProb(z: Float64Array): number;
  readonly logMarginals?: (z: Float64Array, out: Float64Array) => void;
}

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

/** N(μ_i, diag σ_i²), the posteriors of an encoder: [n, k] each. */
export function diagonalNormals(means: CodeRows, scales: CodeRows): PosteriorCodes {
  const [examples, latents] = means.shape;
  if (scales.shape.join() !== means.shape.join()) {
    throw new ShapeError(`diagonalNormals: means [${means.shape}] and scales [${scales.shape}] differ in shape`);
  }
  const [m, s] = [means.data, scales.data];
  const logScales = s.map(Math.log);
  const marginal = (at: number, z: number): number => -0.5 * ((z - m[at]) / s[at]) ** 2 - logScales[at] - HALF_LOG_2PI;
  return {
    examples,
    latents,
    draw: (i, from, z) => {
      for (let j = 0; j < latents; j++) z[j] = m[i * latents + j] + s[i * latents + j] * from.normal();
    },
    logProb: (i, z) => {
      let total = 0;
      for (let j = 0; j < latents; j++) total += marginal(i * latents + j, z[j]);
      return total;
    },
    logMarginals: (i, z, out) => {
      for (let j = 0; j < latents; j++) out[j] = marginal(i * latents + j, z[j]);
    },
  };
}

/** N(0, I) */
export const standardNormalPrior: PriorDensity = {
  logProb: (z) => z.reduce((total, value) => total - 0.5 * value ** 2 - HALF_LOG_2PI, 0),
  logMarginals: (z, out) => {
    for (let j = 0; j < z.length; j++) out[j] = -0.5 * z[j] ** 2 - HALF_LOG_2PI;
  },
};

/** The mean rate taken apart, in nats, each number with its standard error by the draws. */
export interface RateSplit {
  /** Mean over the codes of KL(q(z|x) ‖ p(z)): `mutualInformation` + `marginalKl`, draw by draw. */
  readonly rate: Estimate;
  /** I(x; z) = KL(q(z|x) ‖ q(z)), x one of the N codes: at most log N. */
  readonly mutualInformation: Estimate;
  /** KL(q(z) ‖ p(z)), q(z) = 1/N Σ q(z|x_i): `totalCorrelation` + `dimensionWiseKl`. */
  readonly marginalKl: Estimate;
  /** KL(q(z) ‖ Π_j q(z_j)); where the densities of single latents are known. */
  readonly totalCorrelation?: Estimate;
  /** Σ_j KL(q(z_j) ‖ p(z_j)) */
  readonly dimensionWiseKl?: Estimate;
  /** N, the codes that q(z) is made of, and how many draws of them were scored. */
  readonly codes: number;
  readonly draws: number;
  /** log N: the mutual information of N codes cannot be larger, however much more the examples differ. */
  readonly ceiling: number;
  /** How it was estimated, and what its bias is. */
  readonly stamp: string;
}

export interface RateSplitOptions {
  readonly codes: PosteriorCodes;
  readonly prior?: PriorDensity;
  /** How many draws are scored, spread evenly over the codes; each takes N densities. Default: 1,000, at most N. */
  readonly draws?: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (draws: number) => void;
}

/** A share of log N above which the ceiling holds the mutual information down. */
const NEAR_CEILING = 0.9;
/** More draws than these tell the split better than its bias allows. */
export const USUAL_DRAWS = 1000;
/** Draws between two looks at the signal. */
const BREATH = 50;

/**
 * Mean KL(q(z|x) ‖ p(z)) = I(x; z) + KL(q(z) ‖ p(z)), and KL(q(z) ‖ p(z)) = TC + Σ_j KL(q(z_j) ‖ p(z_j)): Hoffman & Johnson
 * 2016, eq. 6; Chen et al. 2018, eq. 2. By draws z ~ q(z|x_i) scored under the aggregated posterior over all N codes itself,
 * not under a minibatch of them: for these N examples as all there are, unbiased.
 */
export async function splitRate(options: RateSplitOptions): Promise<RateSplit> {
  const { codes, prior = standardNormalPrior, seed, signal, onProgress } = options;
  const { examples, latents } = codes;
  const draws = options.draws ?? Math.min(USUAL_DRAWS, examples);
  const byLatent = codes.logMarginals !== undefined && prior.logMarginals !== undefined;
  const term = (): Float64Array => new Float64Array(draws);
  const terms = { rate: term(), information: term(), marginal: term(), correlation: term(), dimensionWise: term() };
  const z = new Float64Array(latents);
  const joint = new Float64Array(examples);
  const single = new Float64Array(examples * latents); // [k, N]
  const room = new Float64Array(latents);
  for (let s = 0; s < draws; s++) {
    if (s % BREATH === 0) {
      signal?.throwIfAborted();
      onProgress?.(s);
      await new Promise((resolve) => setTimeout(resolve)); // timers and signals are heard
    }
    const own = codeOfDraw(s, draws, examples);
    codes.draw(own, stream(seed, "rate split", s), z);
    for (let i = 0; i < examples; i++) {
      joint[i] = codes.logProb(i, z);
      if (!byLatent) continue;
      codes.logMarginals?.(i, z, room);
      for (let j = 0; j < latents; j++) single[j * examples + i] = room[j];
    }
    const logAggregate = logMeanExp(joint); // log q(z)
    const logPrior = prior.logProb(z);
    terms.rate[s] = joint[own] - logPrior;
    terms.information[s] = joint[own] - logAggregate;
    terms.marginal[s] = logAggregate - logPrior;
    if (!byLatent) continue;
    let product = 0; // log Π_j q(z_j)
    for (let j = 0; j < latents; j++) product += logMeanExp(single.subarray(j * examples, (j + 1) * examples));
    terms.correlation[s] = logAggregate - product;
    terms.dimensionWise[s] = product - logPrior;
  }
  onProgress?.(draws);
  return rateSplitOf(byLatent ? terms : { ...terms, correlation: undefined, dimensionWise: undefined }, examples);
}

/** What was seen of each draw, in nats: [draws] each. */
export interface RateTerms {
  /** log q(z|x) − log p(z) */
  readonly rate: Float64Array;
  /** log q(z|x) − log q(z) */
  readonly information: Float64Array;
  /** log q(z) − log p(z) */
  readonly marginal: Float64Array;
  /** log q(z) − log Π_j q(z_j) */
  readonly correlation?: Float64Array;
  /** log Π_j q(z_j) − log p(z) */
  readonly dimensionWise?: Float64Array;
}

/** The means of the terms, with what is to be said of them; `codes` is N. */
export function rateSplitOf(terms: RateTerms, codes: number): RateSplit {
  const mutualInformation = estimate(terms.information);
  const draws = terms.rate.length;
  return {
    rate: estimate(terms.rate),
    mutualInformation,
    marginalKl: estimate(terms.marginal),
    totalCorrelation: terms.correlation && estimate(terms.correlation),
    dimensionWiseKl: terms.dimensionWise && estimate(terms.dimensionWise),
    codes,
    draws,
    ceiling: Math.log(codes),
    stamp: stampOf(codes, draws, mutualInformation.value),
  };
}

/** The code that draw s of so many is of: spread evenly. */
export function codeOfDraw(s: number, draws: number, codes: number): number {
  return Math.floor(((s + 0.5) / draws) * codes) % codes;
}

function stampOf(codes: number, draws: number, information: number): string {
  const count = (n: number): string => n.toLocaleString("en-US");
  const ceiling = Math.log(codes);
  const near = information > NEAR_CEILING * ceiling;
  const bias = near
    ? "; I is near it, so of more examples it would be larger and KL(q(z) ‖ p(z)) smaller"
    : "; of more examples I would be larger and KL(q(z) ‖ p(z)) smaller by as much";
  return (
    `Monte Carlo, ${count(draws)} draws under the aggregated posterior of ${count(codes)} codes, no minibatch; ` +
    `I ≤ log ${count(codes)} = ${ceiling.toFixed(2)} nats${bias}`
  );
}

/** log 1/n Σ exp(v) */
function logMeanExp(values: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (values[i] > largest) largest = values[i];
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  let total = 0;
  for (let i = 0; i < values.length; i++) total += Math.exp(values[i] - largest);
  return largest + Math.log(total / values.length);
}

/**
 * The same split for one latent by quadrature instead of draws, to rounding: E_q(z|x_i) over a grid that is fine and wide enough
 * for every Normal of the codes. Prior N(0, 1); row 34.
 */
export function splitRateByQuadrature(
  means: ArrayLike<number>,
  scales: ArrayLike<number>,
): { readonly rate: number; readonly mutualInformation: number; readonly marginalKl: number } {
  const n = means.length;
  const rows = (values: ArrayLike<number>): CodeRows => ({ data: Float64Array.from(values), shape: [n, 1] });
  const codes = diagonalNormals(rows(means), rows(scales));
  const REACH = 12; // standard deviations; beyond lies less than 1e-32
  const step = codesMinimum(scales, (scale) => scale) / 16; // the trapezoid's error falls as exp(−2π²·16²) for a Normal
  const low = codesMinimum(means, (mean, i) => mean - REACH * scales[i]);
  const high = -codesMinimum(means, (mean, i) => -mean - REACH * scales[i]);
  const points = Math.ceil((high - low) / step) + 1;
  const [z, logs] = [new Float64Array(1), new Float64Array(n)];
  let [rate, mutualInformation, marginalKl] = [0, 0, 0];
  for (let at = 0; at < points; at++) {
    z[0] = low + at * step;
    for (let i = 0; i < n; i++) logs[i] = codes.logProb(i, z);
    const logAggregate = logMeanExp(logs);
    const logPrior = standardNormalPrior.logProb(z);
    for (let i = 0; i < n; i++) {
      const weight = (step * Math.exp(logs[i])) / n;
      if (weight === 0) continue;
      rate += weight * (logs[i] - logPrior);
      mutualInformation += weight * (logs[i] - logAggregate);
      marginalKl += weight * (logAggregate - logPrior);
    }
  }
  return { rate, mutualInformation, marginalKl };
}

function codesMinimum(values: ArrayLike<number>, of: (value: number, i: number) => number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) least = Math.min(least, of(values[i], i));
  return least;
}
