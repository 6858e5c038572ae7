import { NumericalError } from "../errors.ts";
import { addDiagonal, type Matrix } from "../linalg/matrix.ts";
import { type Factored, factorPositive, invertLower } from "../linalg/positive.ts";
import { matmul, mul, reshape, sum, type Tensor } from "../tensor/index.ts";
import type { CovarianceName } from "./names.ts";

/** How many components there are, and in how many dimensions. */
export interface MixtureSize {
  readonly components: number;
  readonly d: number;
}

/** Covariances ready for use: y = (x − μ)P is standard, Σ⁻¹ = PPᵀ. */
export interface FactoredCovariances {
  /** P, of `whitenerShape`. */
  readonly whitener: Float64Array;
  /** log det P of each component: −½ log det Σ. */
  readonly logDeterminants: readonly number[];
}

/** Sums over the data of a step: N_c = Σ r_c, m_c = Σ r_c (x − μ_c)/N_c about the means before it, and the second moments. */
export interface Sums {
  readonly counts: Float64Array;
  /** Components whose N_c is not 0 to rounding; the others keep what they had. */
  readonly alive: readonly boolean[];
  /** [C·d] */
  readonly moved: Float64Array;
  readonly scatter: Float64Array;
}

/** Everything in which the kinds differ. */
export interface CovarianceForm {
  /** The shape of the covariances as they are kept. */
  readonly shape: (size: MixtureSize) => readonly number[];
  readonly whitenerShape: (size: MixtureSize) => readonly number[];
  /** (x − μ_c)P_c: [C, rows, d] → [C, rows, d] */
  readonly whiten: (apart: Tensor, whitener: Tensor) => Tensor;
  /** Σ r (x − μ)(x − μ)ᵀ, or of it what is needed, from r(x − μ) and x − μ [C, rows, d]. */
  readonly scatter: (weighted: Tensor, apart: Tensor) => Tensor;
  /** The covariances after a step, the floor added to their diagonals; those of components that are not alive as they were. */
  readonly update: (sums: Sums, before: Float64Array, floor: number, size: MixtureSize) => Float64Array;
  /** Calls `failed` with the first component that is not positive definite, to rounding. */
  readonly factor: (
    covariances: Float64Array,
    size: MixtureSize,
    failed: (component: number) => never,
  ) => FactoredCovariances;
  /** Whether a direction's variance, the smallest eigenvalue of Σ_c, is no more than this, of each component. */
  readonly flat: (covariances: Float64Array, size: MixtureSize, least: number) => readonly boolean[];
  /** Σ_c by its rows. */
  readonly matrix: (covariances: Float64Array, component: number, size: MixtureSize) => number[][];
  /** The covariances of components that all have these variances. */
  readonly fromVariances: (variances: Float64Array, size: MixtureSize) => Float64Array;
}

/**
 * Whether the smallest eigenvalue of Σ is no more than `least`: Σ − least·I is then not positive definite. A pivot of Σ tells less: where
 * a = b + c it is three times the eigenvalue.
 */
function isFlat(rows: Matrix, least: number): boolean {
  const lost = rows.length * Number.EPSILON * Math.max(...rows.map((row, i) => row[i])); // to which eigenvalues are known
  return factoredOrNot(addDiagonal(rows, -least - lost)) === undefined;
}

const rowsOf = (values: Float64Array, at: number, d: number): number[][] =>
  Array.from({ length: d }, (_, i) => Array.from(values.subarray(at + i * d, at + (i + 1) * d)));

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((total, { length }) => total + length, 0));
  for (const [i, part] of parts.entries()) all.set(part, i * part.length);
  return all;
}

const diagonal = (variances: ArrayLike<number>): number[][] =>
  Array.from(variances, (value, i) => Array.from(variances, (_, j) => (i === j ? value : 0)));

/**
 * P, lower triangular with Σ⁻¹ = PPᵀ, and log det P; undefined where Σ is singular to rounding. With the numbers in
 * reverse order Σ = LLᵀ, so that Σ = UUᵀ in their own, U upper triangular, and P = U⁻ᵀ.
 */
function factorMatrix(rows: Matrix): { readonly p: Float64Array; readonly logDeterminant: number } | undefined {
  const d = rows.length;
  const found = factoredOrNot(rows.map((_, i) => rows[d - 1 - i].toReversed()));
  if (found === undefined) return undefined;
  const { lower, logDeterminant } = found;
  // What is left of a variance given other numbers is known to d·ε of the variance itself.
  if (lower.some((row, i) => !(row[i] ** 2 > d * Number.EPSILON * rows[d - 1 - i][d - 1 - i]))) return undefined;
  const inverse = invertLower(lower);
  const p = new Float64Array(d * d);
  for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) p[i * d + j] = inverse[d - 1 - j][d - 1 - i];
  return { p, logDeterminant: -0.5 * logDeterminant };
}

function factoredOrNot(rows: Matrix): Factored | undefined {
  try {
    return factorPositive(rows);
  } catch (error) {
    if (error instanceof NumericalError) return undefined;
    throw error;
  }
}

/** Σ_c = Σ r (x − μ)(x − μ)ᵀ/N_c − m mᵀ + floor·I, where a component is alive. */
function secondMoments(
  { counts, alive, moved, scatter }: Sums,
  before: Float64Array,
  floor: number,
  { components, d }: MixtureSize,
): Float64Array {
  const out = Float64Array.from(before);
  for (let c = 0; c < components; c++) {
    if (!alive[c]) continue;
    for (let i = 0; i < d; i++) {
      for (let j = 0; j <= i; j++) {
        const [at, mirrored] = [(c * d + i) * d + j, (c * d + j) * d + i];
        out[at] = scatter[at] / counts[c] - moved[c * d + i] * moved[c * d + j] + (i === j ? floor : 0);
        out[mirrored] = out[at];
      }
    }
  }
  return out;
}

const full: CovarianceForm = {
  shape: ({ components, d }) => [components, d, d],
  whitenerShape: ({ components, d }) => [components, d, d],
  whiten: (apart, p) => matmul(apart, p),
  scatter: (weighted, apart) => matmul(weighted, apart, { transposeA: true }), // [C, d, d]
  update: secondMoments,
  factor: (covariances, { components, d }, failed) => {
    const parts = Array.from(
      { length: components },
      (_, c) => factorMatrix(rowsOf(covariances, c * d * d, d)) ?? failed(c),
    );
    return {
      whitener: joined(parts.map(({ p }) => p)),
      logDeterminants: parts.map(({ logDeterminant }) => logDeterminant),
    };
  },
  flat: (covariances, { components, d }, least) =>
    Array.from({ length: components }, (_, c) => isFlat(rowsOf(covariances, c * d * d, d), least)),
  matrix: (covariances, c, { d }) => rowsOf(covariances, c * d * d, d),
  fromVariances: (variances, { components }) =>
    Float64Array.from(Array.from({ length: components }, () => diagonal(variances).flat()).flat()),
};

const tied: CovarianceForm = {
  shape: ({ d }) => [d, d],
  whitenerShape: ({ d }) => [d, d],
  whiten: (apart, p) => matmul(apart, p),
  scatter: (weighted, apart) => {
    const d = apart.shape[2];
    return matmul(reshape(weighted, [-1, d]), reshape(apart, [-1, d]), { transposeA: true }); // [d, d]
  },
  // Σ = (Σ_c Σ r (x − μ_c)(x − μ_c)ᵀ − Σ_c N_c m_c m_cᵀ)/n + floor·I
  update: ({ counts, moved, scatter }, _before, floor, { components, d }) => {
    const n = counts.reduce((total, count) => total + count, 0);
    const out = new Float64Array(d * d);
    for (let i = 0; i < d; i++) {
      for (let j = 0; j <= i; j++) {
        let value = scatter[i * d + j];
        for (let c = 0; c < components; c++) value -= counts[c] * moved[c * d + i] * moved[c * d + j];
        out[i * d + j] = value / n + (i === j ? floor : 0);
        out[j * d + i] = out[i * d + j];
      }
    }
    return out;
  },
  factor: (covariances, { components, d }, failed) => {
    const part = factorMatrix(rowsOf(covariances, 0, d)) ?? failed(0);
    const each = <T>(value: T): readonly T[] => Array.from({ length: components }, () => value);
    return {
      whitener: part.p,
      logDeterminants: each(part.logDeterminant),
    };
  },
  flat: (covariances, { components, d }, least) =>
    new Array<boolean>(components).fill(isFlat(rowsOf(covariances, 0, d), least)),
  matrix: (covariances, _component, { d }) => rowsOf(covariances, 0, d),
  fromVariances: (variances) => Float64Array.from(diagonal(variances).flat()),
};

/** Variances [C, width]: one of each number, or one of all. */
function ofVariances(
  widthOf: (d: number) => number,
  scatter: CovarianceForm["scatter"],
): Omit<CovarianceForm, "fromVariances" | "shape"> {
  return {
    whitenerShape: ({ components, d }) => [components, 1, widthOf(d)],
    whiten: (apart, scale) => mul(apart, scale),
    scatter,
    update: ({ counts, alive, moved, scatter: squares }, before, floor, { components, d }) => {
      const width = widthOf(d);
      const shared = d / width; // numbers that have one variance
      const out = Float64Array.from(before);
      for (let c = 0; c < components; c++) {
        if (!alive[c]) continue;
        for (let i = 0; i < width; i++) {
          let value = squares[c * width + i] / counts[c];
          for (let j = 0; j < shared; j++) value -= moved[c * d + i * shared + j] ** 2;
          out[c * width + i] = value / shared + floor;
        }
      }
      return out;
    },
    factor: (variances, { components, d }, failed) => {
      const width = widthOf(d);
      const each = Array.from({ length: components }, (_, c) => variances.subarray(c * width, (c + 1) * width));
      for (const [c, own] of each.entries()) {
        if (own.some((value) => !(value >= Number.MIN_VALUE / Number.EPSILON))) failed(c);
      }
      return {
        whitener: variances.map((value) => 1 / Math.sqrt(value)),
        logDeterminants: each.map(
          (own) => -0.5 * (d / width) * own.reduce((total, value) => total + Math.log(value), 0),
        ),
      };
    },
    flat: (variances, { components, d }, least) => {
      const width = widthOf(d);
      return Array.from({ length: components }, (_, c) =>
        variances.subarray(c * width, (c + 1) * width).some((value) => value <= least),
      );
    },
    matrix: (variances, c, { d }) => {
      const width = widthOf(d);
      return diagonal(Array.from({ length: d }, (_, i) => variances[c * width + (i % width)]));
    },
  };
}

/** What is the same for every kind but in its numbers. */
export const covarianceForms: Readonly<Record<CovarianceName, CovarianceForm>> = {
  full,
  tied,
  diagonal: {
    ...ofVariances(
      (d) => d,
      (weighted, apart) => sum(mul(weighted, apart), 1), // [C, d]
    ),
    shape: ({ components, d }) => [components, d],
    fromVariances: (variances, { components, d }) =>
      Float64Array.from({ length: components * d }, (_, i) => variances[i % d]),
  },
  spherical: {
    ...ofVariances(
      () => 1,
      (weighted, apart) => sum(mul(weighted, apart), [1, 2]), // [C]
    ),
    shape: ({ components }) => [components],
    fromVariances: (variances, { components, d }) =>
      new Float64Array(components).fill(variances.reduce((total, value) => total + value, 0) / d),
  },
};
