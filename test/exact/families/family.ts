import type { Distribution } from "../../../src/distributions/distribution.ts";
import { data, type Tensor } from "../../../src/tensor/index.ts";
import type { NdArray } from "../../../src/tensor/ndarray.ts";

/** One value of every parameter, exact in float32. */
export type Setting = Readonly<Record<string, number>>;

/** One point of a quadrature: Σ weight·f(x) is the integral, or the sum over the support, in x or the coordinate that stands for it. */
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
  /** Those whose gradients some thousands of samples show, where not those of `sampled`. */
  readonly differentiated?: readonly Setting[];
  /** As many points for every setting, in the coordinate; where an integrand has kinks, no rule may reach across them. */
  readonly points: (setting: Setting, kinks?: readonly number[]) => readonly Point[];
  /** Where the quadrature is in another coordinate y: x = place(y), and log dx/dy. */
  readonly coordinate?: { readonly place: (y: Tensor) => Tensor; readonly logSlope: (y: number) => number };
  /** log p(x) by its definition, on plain numbers. */
  readonly logProb: (x: number, setting: Setting) => number;
  /** The size of the terms that cancel in that definition, where it is large. */
  readonly cancelled?: (setting: Setting) => number;
  /** What the float32 rounding of log p(x) is relative to: the size of its terms, and of their arguments where steep. */
  readonly conditioning: (x: number, setting: Setting) => number;
  /** How far `mean` may be from the expectation, where it is stated as an approximation; else it is exact. */
  readonly meanError?: (setting: Setting) => number;
  /** How far integrals may be off, relative to their terms, where more than 1e-12; the comment at the family says why. */
  readonly accuracy?: number;
  /** Whether E|x|ᵏ exists; for all k where left out. */
  readonly hasMoment?: (k: number, setting: Setting) => boolean;
  /** The ends of where it has its mass, for the continuous ones. */
  readonly support?: (setting: Setting) => readonly [low: number, high: number];
  /** Where log p has a kink. */
  readonly kink?: (setting: Setting) => number;
  /** Those that KL divergences are taken between, where not all `settings`. */
  readonly paired?: readonly Setting[];
  /** Parameters and numbers at which density, draws and gradients must still be finite in float32. */
  readonly extremes?: { readonly settings: readonly Setting[]; readonly x: readonly number[] };
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

interface Quadrature {
  /** The coordinate: [points, n, 1] */
  readonly x: NdArray<Float64Array>;
  /** log of weight·dx/dy: [points, n] */
  readonly logWeights: Float64Array;
  readonly count: number;
}

/** Every setting's quadrature, with kinks that an integrand has for it. */
export function quadrature(
  family: Family,
  settings: readonly Setting[],
  kinks: readonly (readonly number[])[] = [],
): Quadrature {
  const all = settings.map((setting, i) => family.points(setting, kinks[i]));
  const count = all[0].length;
  const pick = (of: (point: Point) => number): Float64Array =>
    Float64Array.from({ length: count * all.length }, (_, i) => of(all[i % all.length][Math.floor(i / all.length)]));
  const logSlope = family.coordinate?.logSlope ?? ((): number => 0);
  return {
    x: { data: pick(({ x }) => x), shape: [count, all.length, 1] },
    logWeights: pick(({ x, weight }) => Math.log(weight) + logSlope(x)),
    count,
  };
}

/** x from its coordinate. */
export function placed(family: Family, coordinate: Tensor): Tensor {
  return family.coordinate ? family.coordinate.place(coordinate) : coordinate;
}

/** Σ over the points of each setting: [points, n] → [n] */
export function integrals(terms: ArrayLike<number>, settings: number): readonly number[] {
  return Array.from({ length: settings }, (_, setting) => {
    let total = 0;
    for (let i = setting; i < terms.length; i += settings) total += terms[i];
    return total;
  });
}

/** mass·value, 0 where there is no mass. */
export function weighted(mass: Float64Array, value: (i: number) => number): Float64Array {
  return mass.map((p, i) => (p === 0 ? 0 : p * value(i)));
}
