import type { Dataset } from "../dist/index.js";

/** A discretised logistic for each pixel by itself: a location of its own, in grey levels, and one scale for all. */
export interface PixelFit {
  /** [pixels] */
  readonly locations: Float64Array;
  readonly scale: number;
  /** −log p(x) in nats, the mean over the images it was fitted to: the least that there is. */
  readonly nats: number;
}

const LEVELS = 256;
const MOST_ITERATIONS = 200;
const TOLERANCE = 1e-12; // of the objective, relative: a Newton step this near to the maximum is exact to rounding
const BLOCK = 2 ** 20; // numbers read at once

/** How often each pixel has each level: [pixels, 256]. Nothing more of the images counts for independent pixels. */
function histograms(images: Dataset): Uint32Array {
  if (images.dtype !== "uint8") throw new TypeError(`${images.name}: 8-bit images are expected, got ${images.dtype}`);
  const pixels = images.shape.reduce((a, b) => a * b);
  const counts = new Uint32Array(pixels * LEVELS);
  const rows = Math.max(1, Math.floor(BLOCK / pixels));
  for (let start = 0; start < images.length; start += rows) {
    const indices = Uint32Array.from({ length: Math.min(rows, images.length - start) }, (_, i) => start + i);
    const block = new Uint8Array(indices.length * pixels);
    images.read(indices, block);
    for (const [i, level] of block.entries()) counts[(i % pixels) * LEVELS + level] += 1;
  }
  return counts;
}

/** log σ(a) = −log(1 + e^−a) */
function logSigmoid(a: number): number {
  return a < 0 ? a - Math.log1p(Math.exp(a)) : -Math.log1p(Math.exp(-a));
}

const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a));

/**
 * log P(x) of one level, by τ = 1/s and θ = μ/s: log(σ(a) − σ(b)) = log(1 − e^−τ) + log σ(a) + log σ(−b) with a = (x + ½)τ − θ and
 * b = (x − ½)τ − θ; at the ends one of the two is 0 or 1. As `discretizedLogistic` of src/distributions, in float64.
 */
function logProbability(level: number, theta: number, tau: number): number {
  const above = level === LEVELS - 1 ? 0 : logSigmoid((level + 0.5) * tau - theta);
  const below = level === 0 ? 0 : logSigmoid(theta - (level - 0.5) * tau);
  const inside = level > 0 && level < LEVELS - 1;
  return above + below + (inside ? Math.log(-Math.expm1(-tau)) : 0);
}

/** Σ log P(x) over all counts. */
function logLikelihood(counts: Uint32Array, theta: Float64Array, tau: number): number {
  let total = 0;
  for (let d = 0; d < theta.length; d++) {
    for (let level = 0; level < LEVELS; level++) {
      const count = counts[d * LEVELS + level];
      if (count > 0) total += count * logProbability(level, theta[d], tau);
    }
  }
  return total;
}

/**
 * Newton's direction. The log-likelihood is jointly concave in (θ, τ), the density being log-concave (Pratt 1981), and its
 * Hessian is an arrow: a diagonal for the pixels and a border for τ, which they share.
 */
function direction(counts: Uint32Array, theta: Float64Array, tau: number): { theta: Float64Array; tau: number } {
  const pixels = theta.length;
  const gradient = new Float64Array(pixels);
  const diagonal = new Float64Array(pixels); // −∂²/∂θ²
  const border = new Float64Array(pixels); // ∂²/∂θ∂τ
  let gradientTau = 0;
  let cornerTau = 0; // −∂²/∂τ²
  const width = Math.expm1(tau);
  for (let d = 0; d < pixels; d++) {
    for (let level = 0; level < LEVELS; level++) {
      const count = counts[d * LEVELS + level];
      if (count === 0) continue;
      if (level < LEVELS - 1) {
        const edge = level + 0.5;
        const rest = sigmoid(theta[d] - edge * tau); // σ(−a) = d log σ(a)/da
        const curvature = count * rest * (1 - rest);
        gradient[d] -= count * rest;
        gradientTau += count * edge * rest;
        diagonal[d] += curvature;
        border[d] += curvature * edge;
        cornerTau += curvature * edge * edge;
      }
      if (level > 0) {
        const edge = level - 0.5;
        const rest = sigmoid(edge * tau - theta[d]); // σ(b) = −d log σ(−b)/db
        const curvature = count * rest * (1 - rest);
        gradient[d] += count * rest;
        gradientTau -= count * edge * rest;
        diagonal[d] += curvature;
        border[d] += curvature * edge;
        cornerTau += curvature * edge * edge;
      }
      if (level > 0 && level < LEVELS - 1) {
        gradientTau += count / width; // d log(1 − e^−τ)/dτ
        cornerTau += (count * (width + 1)) / (width * width);
      }
    }
  }
  let numerator = gradientTau;
  let denominator = cornerTau;
  for (let d = 0; d < pixels; d++) {
    numerator += (border[d] * gradient[d]) / diagonal[d];
    denominator -= (border[d] * border[d]) / diagonal[d];
  }
  const stepTau = numerator / denominator;
  return { theta: gradient.map((g, d) => (g + border[d] * stepTau) / diagonal[d]), tau: stepTau };
}

/** Per-pixel means, and the scale that a logistic of their mean variance has: s = σ√3/π. */
function start(counts: Uint32Array, images: number): { theta: Float64Array; tau: number } {
  const means = new Float64Array(counts.length / LEVELS);
  let variance = 0;
  for (let d = 0; d < means.length; d++) {
    for (let level = 0; level < LEVELS; level++) means[d] += (level * counts[d * LEVELS + level]) / images;
    for (let level = 0; level < LEVELS; level++) {
      variance += (counts[d * LEVELS + level] * (level - means[d]) ** 2) / images / means.length;
    }
  }
  if (variance === 0) throw new RangeError("all images are the same: no scale fits them");
  const tau = Math.PI / Math.sqrt(3 * variance);
  return { theta: means.map((mean) => mean * tau), tau };
}

/**
 * The maximum likelihood by Newton's method, with steps halved until they climb. A pixel that is 0 or 255 in all images has
 * none at a finite location; its own moves outwards until nothing more is gained.
 */
export function fitIndependentPixels(images: Dataset): PixelFit {
  const counts = histograms(images);
  let { theta, tau } = start(counts, images.length);
  let best = logLikelihood(counts, theta, tau);
  for (let iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
    const step = direction(counts, theta, tau);
    let gain = 0;
    for (let share = 1; share > 1e-6 && gain <= 0; share /= 2) {
      const nextTau = tau + share * step.tau;
      if (!(nextTau > 0)) continue;
      const next = theta.map((value, d) => value + share * step.theta[d]);
      gain = logLikelihood(counts, next, nextTau) - best;
      if (gain > 0) [theta, tau, best] = [next, nextTau, best + gain];
    }
    if (!(gain > TOLERANCE * Math.abs(best))) {
      return { locations: theta.map((value) => value / tau), scale: 1 / tau, nats: -best / images.length };
    }
  }
  throw new RangeError(`${images.name}: no maximum after ${MOST_ITERATIONS} steps`);
}

/** −log p(x) of the fit in nats: the mean over these images. */
export function scoreIndependentPixels({ locations, scale }: PixelFit, images: Dataset): number {
  const theta = locations.map((location) => location / scale);
  return -logLikelihood(histograms(images), theta, 1 / scale) / images.length;
}
