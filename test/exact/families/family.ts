import type { Distribution } from "../../../src/distributions/distribution.ts";
import { data, type Tensor } from "../../../src/tensor/index.ts";
import type { NdArray } from "../../../src/tensor/ndarray.ts";

/** One value of every parameter, exact in float32. */
export type Setting = Readonly<Record<string, number>>;

/** One point of a quadrature: Σ weight·f(x) is the integral, or the sum over the support. */
export interface Point {
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

/** Every combination of the values given for each parameter. */
export function combinations(values: Readonly<Record<string, readonly number[]>>): readonly Setting[] {
  return Object.entries(values).reduce<readonly Setting[]>(
    (settings, [name, choices]) =>
      settings.flatMap((setting) => choices.map((value) => ({ ...setting, [name]: Math.fround(value) }))),
    [{}],
  );
}

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
