import { beta } from "../../../src/distributions/beta.ts";
import { continuousBernoulli } from "../../../src/distributions/continuous-bernoulli.ts";
import { gamma } from "../../../src/distributions/gamma.ts";
import { laplace } from "../../../src/distributions/laplace.ts";
import { logNormal } from "../../../src/distributions/log-normal.ts";
import { logistic } from "../../../src/distributions/logistic.ts";
import { normal } from "../../../src/distributions/normal.ts";
import { probitNormal } from "../../../src/distributions/probit-normal.ts";
import { studentT } from "../../../src/distributions/student-t.ts";
import { uniform } from "../../../src/distributions/uniform.ts";
import { exp, normalCdf, normalQuantile, sigmoid } from "../../../src/tensor/index.ts";
import { constant } from "../../../src/tensor/leaves.ts";
import { evaluate } from "../../../src/tensor/reference.ts";
import { combinations, type Family } from "./family.ts";
import { logGamma } from "./log-gamma.ts";
import { doubleSinhLine, evenly, interval, panels, sinhLine } from "./quadrature.ts";

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const real: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
const positive: readonly [number, number] = [0, Number.POSITIVE_INFINITY];
const unit: readonly [number, number] = [0, 1];

const spread = [-1e4, -30, -1, 0, 0.25, 1, 30, 1e4];
const scales = [1e-3, 0.3, 1, 1e3];

const normals: Family = {
  name: "Normal",
  file: "normal.ts",
  build: ({ mean, scale }, eventRank) => normal(mean, scale, eventRank),
  settings: combinations({ mean: [-3, 0, 50], scale: [0.01, 1, 20] }),
  sampled: combinations({ mean: [-3, 0.5], scale: [0.1, 1, 20] }),
  support: () => real,
  // Beyond ten standard deviations lie 2e-23 of the mass.
  points: ({ mean, scale }, kinks) => evenly(mean, 10 * scale, 10, kinks),
  logProb: (x, { mean, scale }) => -0.5 * ((x - mean) / scale) ** 2 - Math.log(scale) - HALF_LOG_2PI,
  conditioning: (x, { mean, scale }) => 0.5 * ((x - mean) / scale) ** 2 + Math.abs(Math.log(scale)) + 1,
  extremes: { settings: combinations({ mean: [-1e4, 0, 1e4], scale: scales }), x: spread },
};

const laplaces: Family = {
  name: "Laplace",
  file: "laplace.ts",
  build: ({ location, scale }, eventRank) => laplace(location, scale, eventRank),
  settings: combinations({ location: [-3, 0, 50], scale: [0.01, 1, 20] }),
  sampled: combinations({ location: [-3, 0.5], scale: [0.1, 1, 20] }),
  support: () => real,
  // An edge lies at the location, where the density has a kink; beyond 40 scales lie 4e-18 of the mass.
  points: ({ location, scale }, kinks) => evenly(location, 40 * scale, 20, kinks),
  kink: ({ location }) => location,
  logProb: (x, { location, scale }) => -Math.abs(x - location) / scale - Math.log(2 * scale),
  conditioning: (x, { location, scale }) => Math.abs(x - location) / scale + Math.abs(Math.log(scale)) + 1,
  extremes: { settings: combinations({ location: [-1e4, 0, 1e4], scale: scales }), x: spread },
};

const logistics: Family = {
  name: "Logistic",
  file: "logistic.ts",
  build: ({ location, scale }, eventRank) => logistic(location, scale, eventRank),
  settings: combinations({ location: [-3, 0, 50], scale: [0.01, 1, 20] }),
  sampled: combinations({ location: [-3, 0.5], scale: [0.1, 1, 20] }),
  support: () => real,
  points: ({ location, scale }, kinks) => evenly(location, 40 * scale, 20, kinks),
  logProb: (x, { location, scale }) => {
    const y = (x - location) / scale;
    return -y - 2 * softplus(-y) - Math.log(scale);
  },
  conditioning: (x, { location, scale }) => (3 * Math.abs(x - location)) / scale + Math.abs(Math.log(scale)) + 1,
  extremes: { settings: combinations({ location: [-1e4, 0, 1e4], scale: scales }), x: spread },
};

const studentTs: Family = {
  name: "StudentT",
  file: "student-t.ts",
  build: ({ df, location, scale }, eventRank) => studentT(df, location, scale, eventRank),
  settings: combinations({ df: [0.7, 1, 2.5, 30, 1e5], location: [-3, 50], scale: [0.01, 1, 20] }),
  paired: combinations({ df: [1.5, 3, 30], location: [-3, 2], scale: [0.5, 3] }),
  sampled: combinations({ df: [12, 100], location: [-3], scale: [0.1, 2] }),
  differentiated: combinations({ df: [2.25, 4.5], location: [-3], scale: [2] }),
  support: () => real,
  points: ({ location, scale }) => doubleSinhLine(location, scale),
  hasMoment: (k, { df }) => df > k,
  logProb: (x, { df, location, scale }) => {
    const log = Math.log1p((x - location) ** 2 / scale ** 2 / df);
    const logBeta = logGamma(df / 2) - logGamma((df + 1) / 2) + 0.5 * Math.log(Math.PI * df);
    return -((df + 1) / 2) * log - logBeta - Math.log(scale);
  },
  cancelled: ({ df }) => 2 * Math.abs(logGamma(df / 2)),
  conditioning: (x, { df, location, scale }) =>
    (df + 1) * Math.log1p((x - location) ** 2 / scale ** 2 / df) +
    Math.abs(Math.log(scale)) +
    Math.abs(Math.log(df)) +
    1,
  extremes: {
    settings: combinations({ df: [0.1, 1, 1e6], location: [-1e4, 0, 1e4], scale: scales }),
    x: [...spread, 1e15, -1e15],
  },
};

const logNormals: Family = {
  name: "LogNormal",
  file: "log-normal.ts",
  build: ({ location, scale }, eventRank) => logNormal(location, scale, eventRank),
  settings: combinations({ location: [-3, 0, 5], scale: [0.02, 0.5, 2] }),
  sampled: combinations({ location: [-3, 0.5], scale: [0.02, 0.4] }),
  differentiated: combinations({ location: [-3, 0.5], scale: [0.02, 0.15] }),
  support: () => positive,
  coordinate: { place: exp, logSlope: (y) => y },
  points: ({ location, scale }) => evenly(location, 12 * scale, 12),
  logProb: (x, { location, scale }) =>
    -0.5 * ((Math.log(x) - location) / scale) ** 2 - Math.log(scale) - HALF_LOG_2PI - Math.log(x),
  conditioning: (x, { location, scale }) => {
    const epsilon = (Math.log(x) - location) / scale;
    const lost = (Math.abs(epsilon) * (Math.abs(Math.log(x)) + Math.abs(location))) / scale;
    return 0.5 * epsilon ** 2 + lost + Math.abs(Math.log(scale)) + Math.abs(Math.log(x)) + 1;
  },
  extremes: { settings: combinations({ location: [-60, 0, 60], scale: [1e-3, 0.3, 2] }), x: [0, 1e-20, 1, 1e20] },
};

const uniforms: Family = {
  name: "Uniform",
  file: "uniform.ts",
  build: ({ low, high }, eventRank) => uniform(low, high, eventRank),
  settings: [
    { low: 0, high: 1 },
    { low: 0.25, high: 0.5 },
    { low: -3, high: 7 },
    { low: 0.125, high: 50 },
  ],
  sampled: [
    { low: 0, high: 1 },
    { low: -3, high: 7 },
  ],
  support: ({ low, high }) => [low, high],
  points: ({ low, high }, kinks) => interval(low, high, kinks),
  logProb: (_x, { low, high }) => -Math.log(high - low),
  conditioning: (_x, { low, high }) => 1 + Math.abs(Math.log(high - low)),
  extremes: {
    settings: [
      { low: -1e6, high: 1e6 },
      { low: 0, high: 1e-6 },
    ],
    x: [0, 1e-7],
  },
};

const gammas: Family = {
  name: "Gamma",
  file: "gamma.ts",
  build: ({ shape, rate }, eventRank) => gamma(shape, rate, eventRank),
  settings: combinations({ shape: [0.3, 1, 4.5, 3e4], rate: [0.02, 1, 300] }),
  sampled: combinations({ shape: [0.3, 4.5, 300], rate: [3] }),
  differentiated: combinations({ shape: [0.5, 1.25, 300], rate: [3] }),
  support: () => positive,
  coordinate: { place: exp, logSlope: (y) => y },
  points: ({ shape, rate }) => sinhLine(Math.log(shape / rate), Math.sqrt(1 / shape + 1 / shape ** 2), 4.5, 1 / 20),
  logProb: (x, { shape, rate }) => shape * Math.log(rate) + (shape - 1) * Math.log(x) - rate * x - logGamma(shape),
  cancelled: ({ shape, rate }) => 3 * Math.abs(logGamma(shape)) + Math.abs(shape * Math.log(rate)),
  conditioning: (x, { shape, rate }) => {
    const r = Math.log((rate * x) / shape);
    const lost =
      Math.abs(rate * x - shape) * (Math.abs(r) < 1 ? 1 : Math.abs(Math.log(x)) + Math.abs(Math.log(shape / rate)));
    return (
      shape * Math.abs(Math.expm1(r) - r) +
      lost +
      Math.abs(r) +
      Math.abs(Math.log(x)) +
      Math.abs(Math.log(shape)) +
      Math.abs(Math.log(rate)) +
      1
    );
  },
  extremes: {
    settings: combinations({ shape: [1e-6, 1e-2, 1, 1e2, 1e6], rate: [1e-6, 1, 1e6] }),
    x: [0, 1e-20, 1e-3, 1, 1e3, 1e15],
  },
};

const betas: Family = {
  name: "Beta",
  file: "beta.ts",
  build: ({ a, b }, eventRank) => beta(a, b, eventRank),
  settings: combinations({ a: [0.5, 1, 4.5, 3000], b: [0.5, 1, 30, 1000] }),
  paired: combinations({ a: [0.5, 2, 300], b: [0.75, 1, 30] }),
  sampled: combinations({ a: [0.5, 30], b: [0.75, 4] }),
  differentiated: combinations({ a: [0.5, 30], b: [2] }),
  support: () => unit,
  coordinate: { place: sigmoid, logSlope: (y) => -softplus(y) - softplus(-y) },
  points: ({ a, b }) => sinhLine(Math.log(a / b), Math.sqrt(1 / a + 1 / b + 1 / a ** 2 + 1 / b ** 2), 4.5, 1 / 20),
  logProb: (x, { a, b }) =>
    (a - 1) * Math.log(x) + (b - 1) * Math.log1p(-x) - logGamma(a) - logGamma(b) + logGamma(a + b),
  cancelled: ({ a, b }) => 3 * Math.abs(logGamma(a + b)),
  conditioning: (x, { a, b }) => {
    const [logX, logRest] = [Math.log(x), Math.log1p(-x)];
    const [r, t] = [logX + Math.log1p(b / a), logRest + Math.log1p(a / b)];
    const excess = a * Math.abs(Math.expm1(r) - r) + b * Math.abs(Math.expm1(t) - t);
    const logs = Math.abs(logX) + Math.abs(logRest) + Math.log1p(b / a) + Math.log1p(a / b);
    return excess + Math.abs((a + b) * x - a) * logs + logs + Math.abs(Math.log(a)) + Math.abs(Math.log(b)) + 1;
  },
  extremes: {
    settings: combinations({ a: [1e-6, 1e-2, 1, 1e2, 1e6], b: [1e-6, 1, 1e6] }),
    x: [0, 1e-20, 1e-3, 0.5, 1 - 2 ** -24, 1],
  },
};

const continuousBernoullis: Family = {
  name: "ContinuousBernoulli",
  file: "continuous-bernoulli.ts",
  build: ({ logits }, eventRank) => continuousBernoulli(logits, eventRank),
  settings: combinations({ logits: [-80, -12, -1, -0.999, -0.1, 0, 1e-6, 0.3, 5, 40] }),
  sampled: combinations({ logits: [-12, -1, -0.01, 0, 0.3, 2.5, 40] }),
  support: () => unit,
  points: () => panels([0, 1 / 64, 1 / 16, 1 / 4, 1 / 2, 3 / 4, 15 / 16, 63 / 64, 1]),
  logProb: (x, { logits }) => {
    if (Math.abs(logits) < 1e-5) return logits * (x - 0.5); // to logits²/24
    return logits * x - Math.log(Math.expm1(logits) / logits);
  },
  conditioning: (x, { logits }) =>
    Math.abs(logits * x) + Math.max(logits, 0) + Math.abs(Math.log(Math.abs(logits) + 1)) + 1,
  extremes: { settings: combinations({ logits: [-1e6, -1e4, -300, -1, 0, 1, 300, 1e4, 1e6] }), x: [0, 1e-30, 0.5, 1] },
};

const quantile = (z: number): number => evaluate([normalQuantile(constant(z))], {})[0].data[0];

const probitNormals: Family = {
  name: "ProbitNormal",
  file: "probit-normal.ts",
  build: ({ location, scale }, eventRank) => probitNormal(location, scale, eventRank),
  settings: combinations({ location: [-2, 0, 0.75], scale: [0.05, 0.5, 1, 3] }),
  sampled: combinations({ location: [-2, 0.5], scale: [0.05, 1, 3] }),
  support: () => unit,
  coordinate: { place: normalCdf, logSlope: (u) => -0.5 * u * u - HALF_LOG_2PI },
  points: ({ location, scale }) => evenly(location, 10 * scale, 40),
  logProb: (z, { location, scale }) => {
    const u = quantile(z);
    return 0.5 * u ** 2 - 0.5 * ((u - location) / scale) ** 2 - Math.log(scale);
  },
  conditioning: (z, { location, scale }) => {
    const u = quantile(z);
    const epsilon = Math.abs(u - location) / scale;
    return (
      u ** 2 + epsilon ** 2 + (epsilon * (Math.abs(u) + Math.abs(location))) / scale + Math.abs(Math.log(scale)) + 1
    );
  },
  extremes: {
    settings: combinations({ location: [-30, 0, 30], scale: [1e-2, 1, 10] }),
    x: [0, 1e-30, 0.5, 1 - 2 ** -24, 1],
  },
};

/** Continuous families over one number. */
export const continuousFamilies: readonly Family[] = [
  normals,
  laplaces,
  logistics,
  studentTs,
  logNormals,
  uniforms,
  gammas,
  betas,
  continuousBernoullis,
  probitNormals,
];
