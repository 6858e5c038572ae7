import type { Measure } from "../data/dataset.ts";
import { bernoulli } from "../distributions/bernoulli.ts";
import { beta } from "../distributions/beta.ts";
import { categorical } from "../distributions/categorical.ts";
import { continuousBernoulli } from "../distributions/continuous-bernoulli.ts";
import { discretizedLogistic } from "../distributions/discretized-logistic.ts";
import type { Distribution } from "../distributions/distribution.ts";
import { gamma } from "../distributions/gamma.ts";
import { laplace } from "../distributions/laplace.ts";
import { logNormal } from "../distributions/log-normal.ts";
import { logistic } from "../distributions/logistic.ts";
import { logisticMixture } from "../distributions/logistic-mixture.ts";
import { negativeBinomial } from "../distributions/negative-binomial.ts";
import { normal } from "../distributions/normal.ts";
import { poisson } from "../distributions/poisson.ts";
import { studentT } from "../distributions/student-t.ts";
import {
  add,
  constant,
  div,
  exp,
  log1p,
  minimum,
  mul,
  neg,
  sigmoid,
  softplus,
  sqrt,
  sub,
  type Tensor,
} from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { type DataDescription, standardisation } from "./model.ts";
import { type LikelihoodName, type ScaleName, scaleNames } from "./names.ts";
import {
  bounded,
  gently,
  LEAST_SCALE,
  type LocationScale,
  learnedLogScale,
  type Scaling,
  scalingFor,
  stacked,
} from "./scales.ts";

/** The data's top as bytes. */
export const TOP = 255;

/** What a likelihood is told. */
export interface LikelihoodOptions {
  readonly data: DataDescription;
  readonly scale: ScaleName;
  /** η of a fixed variance, in the data's own units. */
  readonly variance?: number;
  /** Components of a mixture, rank of a low-rank covariance. */
  readonly components: number;
  /** What 1 of what is modelled is in the data. */
  readonly unit: number;
}

/** A likelihood for these data: what the decoder's network must give, and what becomes of it. */
export interface LikelihoodPlan {
  /** Sets of numbers of an example's shape, and where each starts: one number, or one for each of the example's. */
  readonly starts: readonly (number | readonly number[])[];
  /** Numbers beyond those sets, where examples are flat. */
  readonly extra?: number;
  /** The sets [..., ...shape] (and what is beyond) → p(x|z). */
  readonly build: (sets: readonly Tensor[], extra: Tensor | undefined) => Distribution;
  /** What the encoder sees of x: numbers of about unit size. */
  readonly scale: (x: Tensor) => Tensor;
  /** The scales of p(x|z) as multiples of the least that they may have, where they are learned. */
  readonly aboveBound?: Scaling["aboveBound"];
  /** State that is an average over the training data. */
  readonly averages?: Scaling["averages"];
}

interface LikelihoodFamily {
  /** The measures it is a density on. */
  readonly measures: readonly Measure[];
  /** What to use for other data. */
  readonly remedy: string;
  /** The ends of its support, which numbers cannot reach. */
  readonly between?: readonly [number, number];
  /** Where its scale may come from; `shared` alone by default. */
  readonly scales?: readonly ScaleName[];
  readonly plan: (options: LikelihoodOptions) => LikelihoodPlan;
}

/**
 * Location g(z) and a scale, in units of each number's own deviation, so that a column of incomes and one of ages train alike; the
 * density stays one on the data as they are, and η is in their units.
 */
function located(family: LocationScale): LikelihoodFamily["plan"] {
  return (options) => {
    const { centre, spread } = standardisation(options.data);
    const scaling = scalingFor(options, family);
    return {
      starts: [0, ...scaling.starts],
      extra: scaling.extra,
      build: ([raw, ...others], extra) => scaling.build(raw, others, extra),
      scale: (x) => div(sub(x, centre), spread),
      aboveBound: scaling.aboveBound,
      averages: scaling.averages,
    };
  };
}

/** log of each number's mean, where a network's exponential starts. */
function logMeans({ means }: DataDescription): readonly number[] {
  return Array.from(means, (mean) => Math.log(Math.max(mean, 1e-3)));
}

/** Positive numbers of any size, as a network sees them: log(1 + x/mean). */
function logarithms({ means, shape }: DataDescription): (x: Tensor) => Tensor {
  const centre = constant(
    Array.from(means, (mean) => Math.max(mean, 1e-3)),
    shape,
  );
  return (x) => log1p(div(x, centre));
}

/** The logit of each number's mean, as a share of `unit`. */
function logitMeans({ means }: DataDescription, unit: number): readonly number[] {
  return Array.from(means, (mean) => {
    const p = Math.min(Math.max(mean / unit, 0.001), 0.999);
    return Math.log(p / (1 - p));
  });
}

/** The root mean square of the deviations: how far the numbers are from their means; at least one grey level. */
function spreadOf({ deviations, means }: DataDescription): number {
  const squares = Array.from(deviations ?? means, (_, i) => (deviations?.[i] ?? TOP / 4) ** 2);
  return Math.max(1, Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length));
}

const levels = (x: Tensor): Tensor => sub(div(x, TOP / 2), 1);
const grey = (raw: Tensor): Tensor => mul(add(raw, 1), TOP / 2);
/** Where the raw numbers of grey levels start: at the data's means. */
const levelStarts = ({ means }: DataDescription): readonly number[] =>
  Array.from(means, (mean) => mean / (TOP / 2) - 1);
/** The scale of a logistic whose deviation is that of the data. */
const logisticStart = (data: DataDescription): number => Math.log(spreadOf(data) * (Math.sqrt(3) / Math.PI));

/** A number for all of an example's, positive, trained. */
function learnedPositive(name: string, start: number): Tensor {
  return softplus(parameter(name, [], { law: "constant", value: Math.log(Math.expm1(start)) }));
}

/** A number of observations that a density is as sharp as: at most so many that its relative deviation is the least scale. */
function learnedSharpness(name: string, start: number): Tensor {
  return minimum(learnedPositive(name, start), LEAST_SCALE ** -2);
}

/** 1/√sharpness as a multiple of the least scale. */
const relativeDeviation = (sharpness: Tensor): Tensor => div(1 / LEAST_SCALE, sqrt(sharpness));

const diagonalScales: readonly ScaleName[] = ["shared", "columns", "network"];

/** The likelihoods that `--likelihood` names. */
export const likelihoodFamilies: Readonly<Record<LikelihoodName, LikelihoodFamily>> = {
  bernoulli: {
    measures: ["binary", "unit", "bytes"],
    remedy: "use --likelihood normal",
    plan: ({ data, unit }) => ({
      starts: [logitMeans(data, unit)],
      build: ([logits]) => bernoulli(logits, data.shape.length),
      scale: (x) => x,
    }),
  },
  "continuous-bernoulli": {
    measures: ["unit"],
    remedy: "use --likelihood normal for real numbers, bernoulli for zeros and ones",
    plan: ({ data }) => ({
      starts: [logitMeans(data, 1)],
      build: ([logits]) => continuousBernoulli(logits, data.shape.length),
      scale: (x) => x,
    }),
  },
  normal: {
    measures: ["real", "unit"],
    remedy: "use --likelihood logistic for 8-bit values, bernoulli for zeros and ones",
    scales: scaleNames,
    plan: located(normal),
  },
  laplace: {
    measures: ["real", "unit"],
    remedy: "use --likelihood logistic for 8-bit values",
    scales: diagonalScales,
    plan: located(laplace),
  },
  "student-t": {
    measures: ["real", "unit"],
    remedy: "use --likelihood logistic for 8-bit values",
    scales: diagonalScales,
    plan: (options) => {
      // More than two degrees of freedom, so that there is a variance; few are heavy tails.
      const degrees = add(2, learnedPositive("decoder/degrees", 5));
      return located((location, scale, rank) => studentT(degrees, location, scale, rank))(options);
    },
  },
  "continuous-logistic": {
    measures: ["real", "unit"],
    remedy: "use --likelihood logistic for 8-bit values",
    scales: diagonalScales,
    plan: located(logistic),
  },
  logistic: {
    measures: ["bytes"],
    remedy: "use --likelihood normal for real numbers, bernoulli for zeros and ones",
    scales: ["shared", "network"],
    plan: ({ data, scale }) => {
      // In grey levels; the mean is 127.5·(1 + raw). Probabilities, so no scale has infinite density.
      const start = logisticStart(data);
      const rank = data.shape.length;
      const network = scale === "network";
      const shared = network ? undefined : learnedLogScale("decoder/logScale", [], start);
      return {
        starts: [levelStarts(data), ...(network ? [0] : [])],
        build: ([raw, logScale]) => discretizedLogistic(grey(raw), exp(shared ?? add(gently(logScale), start)), rank),
        scale: levels,
      };
    },
  },
  "logistic-mixture": {
    measures: ["bytes"],
    remedy: "use --likelihood normal for real numbers",
    plan: ({ data, components }) => {
      const start = logisticStart(data);
      const counted = Array.from({ length: components });
      // The components' means start a third of a deviation apart.
      const apart = (i: number): readonly number[] =>
        levelStarts(data).map((level) => level + ((i - (components - 1) / 2) * spreadOf(data)) / 3 / (TOP / 2));
      return {
        starts: [...counted.map(() => 0), ...counted.map((_, i) => apart(i)), ...counted.map(() => 0)],
        build: (sets) => {
          const part = (from: number): Tensor => stacked(sets.slice(from * components, (from + 1) * components));
          const [logits, means, logScales] = [part(0), part(1), part(2)]; // [..., ...shape, C]
          return logisticMixture(logits, grey(means), exp(add(gently(logScales), start)), data.shape.length);
        },
        scale: levels,
      };
    },
  },
  "log-normal": {
    measures: ["real", "unit"],
    remedy: "use --likelihood normal",
    between: [0, Number.POSITIVE_INFINITY],
    plan: ({ data }) => {
      const logScale = learnedLogScale("decoder/logScale", [], 0); // of log x
      return {
        starts: [logMeans(data)],
        build: ([raw]) => logNormal(raw, exp(bounded(logScale)), data.shape.length),
        scale: logarithms(data),
        aboveBound: () => div(exp(bounded(logScale)), LEAST_SCALE),
      };
    },
  },
  gamma: {
    measures: ["real", "unit"],
    remedy: "use --likelihood normal",
    between: [0, Number.POSITIVE_INFINITY],
    plan: ({ data }) => {
      const shape = learnedSharpness("decoder/shape", 1);
      return {
        starts: [logMeans(data)],
        build: ([raw]) => gamma(shape, div(shape, exp(raw)), data.shape.length), // mean e^raw
        scale: logarithms(data),
        aboveBound: () => relativeDeviation(shape),
      };
    },
  },
  beta: {
    measures: ["unit"],
    between: [0, 1],
    remedy: "use --likelihood normal for real numbers",
    plan: ({ data }) => {
      const concentration = learnedSharpness("decoder/concentration", 4);
      // Above 0 also where the sigmoid is not, in float32: a Beta of a parameter 0 is no density.
      const share = (raw: Tensor): Tensor => add(LEAST_SCALE, mul(concentration, sigmoid(raw)));
      return {
        starts: [logitMeans(data, 1)],
        build: ([raw]) => beta(share(raw), share(neg(raw)), data.shape.length),
        scale: (x) => x,
        aboveBound: () => relativeDeviation(concentration),
      };
    },
  },
  poisson: {
    measures: ["count"],
    remedy: "leave --likelihood out: what suits the data is chosen",
    plan: ({ data }) => ({
      starts: [logMeans(data)],
      build: ([raw]) => poisson(exp(raw), data.shape.length),
      scale: logarithms(data),
    }),
  },
  "negative-binomial": {
    measures: ["count"],
    remedy: "leave --likelihood out: what suits the data is chosen",
    plan: ({ data }) => {
      const total = learnedPositive("decoder/total", 2);
      return {
        // mean = r·e^logits: the logits start where it is the data's
        starts: [logMeans(data).map((value) => value - Math.log(2))],
        build: ([raw]) => negativeBinomial(total, raw, data.shape.length),
        scale: logarithms(data),
      };
    },
  },
  categorical: {
    measures: ["category"],
    remedy: "leave --likelihood out: what suits the data is chosen",
    plan: ({ data }) => {
      const categories = data.categories ?? 2;
      return {
        starts: Array.from({ length: categories }, () => 0),
        build: (sets) => categorical(stacked(sets), data.shape.length), // logits [..., ...shape, C]
        scale: (x) => sub(div(x, Math.max(categories - 1, 1) / 2), 1),
      };
    },
  },
};

/** The likelihood that data of a measure have where none is named. */
export function likelihoodFor(measure: Measure): LikelihoodName {
  return usual[measure];
}

const usual: Readonly<Record<Measure, LikelihoodName>> = {
  bytes: "logistic",
  binary: "bernoulli",
  real: "normal",
  unit: "normal",
  count: "negative-binomial",
  category: "categorical",
};
