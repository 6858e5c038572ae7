import { bernoulli } from "../../src/distributions/bernoulli.ts";
import { discretizedLogistic } from "../../src/distributions/discretized-logistic.ts";
import type { Distribution } from "../../src/distributions/distribution.ts";
import { normal } from "../../src/distributions/normal.ts";
import { stream } from "../../src/random/stream.ts";
import { data, type Tensor } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";

/** One value of every parameter, exact in float32. */
export type Setting = Readonly<Record<string, number>>;

/** One point of a quadrature: Σ weight·f(x) is the integral, or the sum over the support. */
interface Point {
  readonly x: number;
  readonly weight: number;
}

/** What the contract needs to know of one family of distributions over a single number. */
export interface Family {
  readonly name: string;
  /** The file of src/distributions that exports it. */
  readonly file: string;
  readonly build: (parameters: Readonly<Record<string, Tensor>>, eventRank?: number) => Distribution;
  /** Everything that the densities are held to. */
  readonly settings: readonly Setting[];
  /** Those whose moments a sample of some thousands shows. */
  readonly sampled: readonly Setting[];
  readonly points: (setting: Setting) => readonly Point[];
  /** log p(x) by its definition, on plain numbers. */
  readonly logProb: (x: number, setting: Setting) => number;
  /** What the float32 rounding of log p(x) is relative to: the size of its terms, and of their arguments where steep. */
  readonly conditioning: (x: number, setting: Setting) => number;
  /** How far `mean` may be from the expectation, where it is stated as an approximation; else it is exact. */
  readonly meanError?: (setting: Setting) => number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** Every combination of the values given for each parameter. */
function combinations(values: Readonly<Record<string, readonly number[]>>): readonly Setting[] {
  return Object.entries(values).reduce<readonly Setting[]>(
    (settings, [name, choices]) =>
      settings.flatMap((setting) => choices.map((value) => ({ ...setting, [name]: Math.fround(value) }))),
    [{}],
  );
}

const STEPS = 8; // trapezoids a standard deviation: their error for a Gaussian is e^(−2π²·64), that is none
const REACH = 10; // and beyond ten of them lie 2e-23 of the mass

const normals: Family = {
  name: "Normal",
  file: "normal.ts",
  build: ({ mean, scale }, eventRank) => normal(mean, scale, eventRank),
  settings: combinations({ mean: [-3, 0, 50], scale: [0.01, 1, 20] }),
  sampled: combinations({ mean: [-3, 0.5], scale: [0.1, 1, 20] }),
  points: ({ mean, scale }) =>
    Array.from({ length: 2 * REACH * STEPS + 1 }, (_, i) => ({
      x: mean + scale * (i / STEPS - REACH),
      weight: scale / STEPS,
    })),
  logProb: (x, { mean, scale }) => -0.5 * ((x - mean) / scale) ** 2 - Math.log(scale * Math.sqrt(2 * Math.PI)),
  conditioning: (x, { mean, scale }) => 0.5 * ((x - mean) / scale) ** 2 + Math.abs(Math.log(scale)) + 1,
};

const bernoullis: Family = {
  name: "Bernoulli",
  file: "bernoulli.ts",
  build: ({ logits }, eventRank) => bernoulli(logits, eventRank),
  settings: combinations({ logits: [-80, -12, -1, 0, 0.3, 5, 40] }),
  sampled: combinations({ logits: [-3, -1, 0, 0.3, 2.5] }),
  points: () => [0, 1].map((x) => ({ x, weight: 1 })),
  logProb: (x, { logits }) => (x === 1 ? -softplus(-logits) : -softplus(logits)),
  // softplusSum promises an absolute 1e-7 a term; 0.1 stands for that beside the bar of 1e-5.
  conditioning: (x, { logits }) => Math.abs(x * logits) + softplus(logits) + 0.1,
};

const TOP = 255;
const random = stream(1, "families");
const randomLogistic = (): Setting => ({
  mean: Math.fround(-120 + 500 * random.uniform()),
  scale: Math.fround(0.05 * (300 / 0.05) ** random.uniform()),
});

const logistics: Family = {
  name: "DiscretizedLogistic",
  file: "discretized-logistic.ts",
  build: ({ mean, scale }, eventRank) => discretizedLogistic(mean, scale, eventRank),
  settings: [...combinations({ mean: [-200, 0, 127.5, 255, 400], scale: [0.05, 1, 300] })].concat(
    Array.from({ length: 40 }, randomLogistic),
  ),
  sampled: combinations({ mean: [3, 120.25], scale: [0.5, 12, 90] }),
  points: () => Array.from({ length: TOP + 1 }, (_, x) => ({ x, weight: 1 })),
  logProb: (x, { mean, scale }) => {
    const above = x === TOP ? 1 : sigmoid((x + 0.5 - mean) / scale);
    const below = x === 0 ? 0 : sigmoid((x - 0.5 - mean) / scale);
    return Math.log(above - below);
  },
  conditioning: (x, { mean, scale }) => {
    const a = (x + 0.5 - mean) / scale;
    const b = (x - 0.5 - mean) / scale;
    const steep = (Math.abs(x - mean) + 0.5) / scale; // the rounding of a and b, which the logistic tails magnify
    const below = x === TOP ? 0 : softplus(-a) + steep * sigmoid(-a);
    const above = x === 0 ? 0 : softplus(b) + steep * sigmoid(b);
    const width = x === 0 || x === TOP ? 0 : Math.log(2) + Math.abs(Math.log(Math.tanh(0.5 / scale)));
    return below + above + width;
  },
  // The integral that stands for the sum over levels: see the comment above `mean`.
  meanError: ({ scale }) => (scale >= 0.5 ? 1 / (80 * scale) : 0.5),
};

export const families: readonly Family[] = [normals, bernoullis, logistics];

const names = ({ settings }: Pick<Family, "settings">): readonly string[] => Object.keys(settings[0]);

/** The distributions of n settings at once, parameters as leaves of the shape [n, 1]: a batch of n, one number an event. */
export function overSettings(family: Family, settings: readonly Setting[], prefix = ""): Distribution {
  const leaves = names(family).map((name) => [name, data(`${prefix}${name}`, [settings.length, 1], "float")] as const);
  return family.build(Object.fromEntries(leaves));
}

/** What those leaves are fed. */
export function feedsFor(
  family: Family,
  settings: readonly Setting[],
  prefix = "",
): Record<string, NdArray<Float64Array>> {
  const column = (name: string): NdArray<Float64Array> => ({
    data: Float64Array.from(settings, (setting) => setting[name]),
    shape: [settings.length, 1],
  });
  return Object.fromEntries(names(family).map((name) => [`${prefix}${name}`, column(name)]));
}

/** Every setting's quadrature: x as [points, n, 1] and weights as [points, n]. */
export function quadrature(
  family: Family,
  settings: readonly Setting[],
): { readonly x: NdArray<Float64Array>; readonly weights: Float64Array; readonly count: number } {
  const all = settings.map(family.points);
  const count = all[0].length;
  const pick = (of: (point: Point) => number): Float64Array =>
    Float64Array.from({ length: count * all.length }, (_, i) => of(all[i % all.length][Math.floor(i / all.length)]));
  return {
    x: { data: pick(({ x }) => x), shape: [count, all.length, 1] },
    weights: pick(({ weight }) => weight),
    count,
  };
}

/** Σ over the points of one setting. */
export function integrals(values: ArrayLike<number>, weights: Float64Array, settings: number): readonly number[] {
  return Array.from({ length: settings }, (_, setting) => {
    let total = 0;
    for (let i = setting; i < weights.length; i += settings) total += weights[i] * values[i];
    return total;
  });
}
