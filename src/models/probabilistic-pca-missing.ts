import { columnNames, type Dataset, numbersOf } from "../data/dataset.ts";
import { quoted } from "../data/table/cells.ts";
import { InputError } from "../errors.ts";
import { addDiagonal, dot, type Matrix, product, transposed, type Vector } from "../linalg/matrix.ts";
import { factorPositive } from "../linalg/positive.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import {
  checkFactors,
  type FactorFit,
  type FactorModel,
  type FactorOptions,
  type FactorStep,
  meanVariance,
  NOISE_FLOOR,
  noiseFloors,
  numbersAtFloor,
  randomFactors,
  repeatSteps,
} from "./factor-analysis.ts";

/*
 * Probabilistic PCA and factor analysis of rows with missing numbers: EM on p(x_O) alone, x_O what is observed of a row; Ilin & Raiko
 * 2010, "Practical approaches to principal component analysis in the presence of missing values". It is right where what is missing depends on what is observed alone ("missing at random", Rubin 1976).
 */

/** Rows in which the same numbers are observed. */
interface Pattern {
  /** Which, ascending. */
  readonly columns: readonly number[];
  /** Which rows. */
  readonly rows: readonly number[];
  /** [rows][columns] */
  readonly values: readonly Float64Array[];
}

/** Rows of numbers of which some are missing, and what is known of each column. */
export interface ObservedRows {
  readonly length: number;
  readonly patterns: readonly Pattern[];
  /** How often each number is observed, at least once. */
  readonly counts: readonly number[];
  /** Of each number, over the rows in which it is observed; the variance with that count as its divisor. */
  readonly mean: Vector;
  readonly variances: Vector;
}

/** What rows and their columns are called in messages. */
type About = Pick<Dataset, "name" | "sources" | "columns">;

/** The examples of a dataset that was read with `missing: "keep"`. @throws InputError as `observedRows` does. */
export function observedExamples(dataset: Dataset): ObservedRows {
  const d = sizeOf(dataset.shape);
  const numbers = numbersOf(dataset);
  const rows = Array.from({ length: dataset.length }, (_, i) => numbers.subarray(i * d, (i + 1) * d));
  return observedRows(rows, dataset);
}

/**
 * Rows of numbers in which NaN stands for what is missing.
 * @throws InputError for a row or a column of which nothing is observed.
 */
export function observedRows(rows: readonly ArrayLike<number>[], about: About = { name: "rows" }): ObservedRows {
  if (rows.length === 0) throw new InputError(`${about.name}: at least one row is needed, got none`);
  const d = rows[0].length;
  const found = new Map<string, { columns: number[]; rows: number[]; values: Float64Array[] }>();
  for (const [i, row] of rows.entries()) {
    const columns = columnsObserved(row);
    if (columns.length === 0) {
      const place = about.sources?.[i] ?? `row ${i} (from 0)`;
      throw new InputError(`${about.name}: ${place}: all ${d} numbers are missing; leave it out`);
    }
    const key = keyOf(columns, d);
    const pattern = found.get(key) ?? { columns, rows: [], values: [] };
    found.set(key, pattern);
    pattern.rows.push(i);
    pattern.values.push(Float64Array.from(columns, (j) => row[j]));
  }
  const patterns = [...found.values()];
  const [counts, sums, squares] = [0, 1, 2].map(() => new Array<number>(d).fill(0));
  forEachNumber(patterns, (value, j) => {
    counts[j]++;
    sums[j] += value;
  });
  const empty = counts.indexOf(0);
  if (empty >= 0) {
    const column = columnNames(about.columns, d)[empty];
    throw new InputError(
      `${about.name}: column ${quoted(column)}: is missing in each of ${rows.length} rows; leave it out`,
    );
  }
  const mean = sums.map((sum, j) => sum / counts[j]);
  forEachNumber(patterns, (value, j) => {
    squares[j] += (value - mean[j]) ** 2;
  });
  return { length: rows.length, patterns, counts, mean, variances: squares.map((sum, j) => sum / counts[j]) };
}

/** The rows of y = (x − centre)/spread. */
export function rescaledRows(
  { patterns, mean, variances, ...rows }: ObservedRows,
  { centre, spread }: { readonly centre: Vector; readonly spread: Vector },
): ObservedRows {
  return {
    ...rows,
    patterns: patterns.map(({ columns, values, ...pattern }) => ({
      ...pattern,
      columns,
      values: values.map((row) => row.map((value, at) => (value - centre[columns[at]]) / spread[columns[at]])),
    })),
    mean: mean.map((value, j) => (value - centre[j]) / spread[j]),
    variances: variances.map((value, j) => value / spread[j] ** 2),
  };
}

function columnsObserved(row: ArrayLike<number>): number[] {
  return Array.from({ length: row.length }, (_, j) => j).filter((j) => !Number.isNaN(row[j]));
}

/** A short text for each set of columns: 16 of them a character. */
function keyOf(columns: readonly number[], d: number): string {
  const words = new Uint16Array(Math.ceil(d / 16));
  for (const j of columns) words[j >> 4] |= 1 << (j & 15);
  return Array.from(words, (word) => String.fromCharCode(word)).join("");
}

function forEachNumber(patterns: readonly Pattern[], visit: (value: number, column: number) => void): void {
  for (const { columns, values } of patterns) {
    for (const row of values) for (const [at, j] of columns.entries()) visit(row[at], j);
  }
}

/** Of the rows of one pattern: p(z|x_O) = N(m, Λ⁻¹), and log p(x_O). */
interface Explained {
  /** Λ⁻¹, Λ = I + W_OᵀΨ_O⁻¹W_O: one for all rows  [k][k] */
  readonly covariance: Matrix;
  /** m = Λ⁻¹W_OᵀΨ_O⁻¹(x_O − μ_O)  [rows][k] */
  readonly means: readonly number[][];
  /** x_O − μ_O  [rows][columns] */
  readonly apart: readonly number[][];
  readonly logLikelihoods: readonly number[];
}

/**
 * The E-step. log p(x_O) by p(x_O|z)p(z)/p(z|x_O) at z = m, which subtracts no large numbers:
 * −½(|O| log 2π + Σ log ψ + log det Λ + Σ (x_O − μ_O − W_Om)²/ψ + ‖m‖²). Bishop 2006, eq. 2.116.
 */
function explain({ weight, mean, noiseVariances }: FactorModel, { columns, values }: Omit<Pattern, "rows">): Explained {
  const observed = columns.map((j) => weight[j]); // W_O
  const pull = columns.map((j) => weight[j].map((value) => value / noiseVariances[j])); // Ψ_O⁻¹W_O
  const factored = factorPositive(addDiagonal(product(transposed(observed), pull), 1));
  const covariance = factored.inverse();
  const beta = transposed(product(pull, covariance)); // Λ⁻¹W_OᵀΨ_O⁻¹  [k][columns]
  const constant = columns.reduce(
    (total, j) => total + Math.log(2 * Math.PI * noiseVariances[j]),
    factored.logDeterminant,
  );
  const apart = values.map((row) => columns.map((j, at) => row[at] - mean[j]));
  const means = apart.map((row) => beta.map((each) => dot(each, row)));
  const logLikelihoods = apart.map((row, i) => {
    let quadratic = dot(means[i], means[i]);
    for (const [at, j] of columns.entries()) {
      quadratic += (row[at] - dot(observed[at], means[i])) ** 2 / noiseVariances[j];
    }
    return -0.5 * (constant + quadratic);
  });
  return { covariance, means, apart, logLikelihoods };
}

/** log p(x_O) of each row, in their order, in nats. */
export function observedLogLikelihoods(model: FactorModel, data: ObservedRows): Float64Array {
  const all = new Float64Array(data.length);
  for (const pattern of data.patterns) {
    const { logLikelihoods } = explain(model, pattern);
    for (const [at, row] of pattern.rows.entries()) all[row] = logLikelihoods[at];
  }
  return all;
}

/** A row with E[x_j|x_O] = (Wm + μ)_j in the place of each number that is missing. */
export function imputed(model: FactorModel, row: ArrayLike<number>): number[] {
  const columns = columnsObserved(row);
  const values = [Float64Array.from(columns, (j) => row[j])];
  const [mean] = explain(model, { columns, values }).means;
  return Array.from(row, (value, j) => (Number.isNaN(value) ? dot(model.weight[j], mean) + model.mean[j] : value));
}

/** What noise a number has: all one variance, which is probabilistic PCA, or each its own, which is factor analysis. */
export type NoiseKind = "isotropic" | "diagonal";

/** The least η, as a share of the mean variance: rounding alone, as one noise for all numbers has no Heywood cases. */
export const ISOTROPIC_FLOOR = 1e-9;

export interface ObservedStepOptions {
  readonly noise: NoiseKind;
  /** The share of the variances that the noise has at least: of each number's own, or of their mean where the noise is one. */
  readonly floor?: number;
}

/** The least ψ of each number; the same one for all where the noise is one. */
function floorsOf({ variances }: ObservedRows, { noise, floor }: ObservedStepOptions): readonly number[] {
  if (noise === "diagonal") return noiseFloors(variances, floor ?? NOISE_FLOOR);
  return variances.map(() => (floor ?? ISOTROPIC_FLOOR) * meanVariance(variances));
}

/**
 * What the M-step takes of the rows that observe a number, z̃ = [z, 1] and a = x_j − μ_j: Σ E[z̃z̃ᵀ] [k + 1][k + 1], Σ a E[z̃]
 * [k + 1] and Σ a².
 */
interface Sums {
  readonly second: Float64Array;
  readonly cross: Float64Array;
  squares: number;
}

/**
 * One step of EM on the observed numbers: [w_j, μ_j − old μ_j] = (Σ E[z̃z̃ᵀ])⁻¹ Σ a E[z̃], ψ_j = Σ E(a − w̃_jᵀz̃)²/n_j, sums over the
 * n_j rows that observe j; η = Σ n_jψ_j/Σ n_j; not below the floor. The likelihood of what is observed never falls. Where nothing is
 * missing and μ is the data's mean these are the steps on moments: `emStep` and `factorStep`.
 * Ilin & Raiko 2010 take w_j and μ_j in turns; here they are solved for at once, as a regression on z̃.
 */
export function observedStep(model: FactorModel, data: ObservedRows, options: ObservedStepOptions): FactorStep {
  const width = model.weight[0].length + 1;
  const sums = gathered(model, data);
  const solved = data.counts.map((count, j) => {
    const { second, cross, squares } = sums.columns[j];
    const matrix = Array.from({ length: width }, (_, a) => Array.from(second.subarray(a * width, (a + 1) * width)));
    const next = factorPositive(matrix).solve(Array.from(cross)); // w̃_j
    return { next, noise: (squares - dot(next, Array.from(cross))) / count };
  });
  const floors = floorsOf(data, options);
  const total = data.counts.reduce((sum, count) => sum + count, 0);
  const shared = solved.reduce((sum, { noise }, j) => sum + data.counts[j] * noise, 0) / total;
  return {
    model: {
      weight: solved.map(({ next }) => next.slice(0, -1)),
      mean: solved.map(({ next }, j) => model.mean[j] + next[width - 1]),
      noiseVariances: solved.map(({ noise }, j) => Math.max(floors[j], options.noise === "isotropic" ? shared : noise)),
    },
    meanLogLikelihood: sums.logLikelihood / data.length,
  };
}

function gathered(
  model: FactorModel,
  data: ObservedRows,
): { readonly columns: readonly Sums[]; readonly logLikelihood: number } {
  const width = model.weight[0].length + 1;
  // Numbers that are observed in every row have one Σ E[z̃z̃ᵀ].
  const whole = new Float64Array(width * width);
  const columns = data.counts.map(
    (count): Sums => ({
      second: count === data.length ? whole : new Float64Array(width * width),
      cross: new Float64Array(width),
      squares: 0,
    }),
  );
  let logLikelihood = 0;
  for (const pattern of data.patterns) {
    const { covariance, means, apart, logLikelihoods } = explain(model, pattern);
    const second = secondMoments(covariance, means);
    addTo(whole, second);
    for (const [at, j] of pattern.columns.entries()) {
      const sums = columns[j];
      if (sums.second !== whole) addTo(sums.second, second);
      for (const [i, mean] of means.entries()) {
        const a = apart[i][at];
        for (let l = 0; l < width - 1; l++) sums.cross[l] += a * mean[l];
        sums.cross[width - 1] += a;
        sums.squares += a * a;
      }
    }
    for (const value of logLikelihoods) logLikelihood += value;
  }
  return { columns, logLikelihood };
}

/** Σ E[z̃z̃ᵀ] over the rows of a pattern: of z nΛ⁻¹ + Σ mmᵀ, beside it Σ m, and n. */
function secondMoments(covariance: Matrix, means: readonly number[][]): Float64Array {
  const k = covariance.length;
  const width = k + 1;
  const out = new Float64Array(width * width);
  for (let a = 0; a < k; a++) for (let b = 0; b < k; b++) out[a * width + b] = means.length * covariance[a][b];
  for (const mean of means) {
    for (let a = 0; a < k; a++) {
      for (let b = 0; b < k; b++) out[a * width + b] += mean[a] * mean[b];
      out[a * width + k] += mean[a];
      out[k * width + a] += mean[a];
    }
  }
  out[width * width - 1] = means.length;
  return out;
}

function addTo(sums: Float64Array, terms: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] += terms[i];
}

/** Where EM may start: the means of what is observed, half of the variances as noise, and a random W as large as the other half. */
export function observedStart(data: ObservedRows, k: number, { noise, seed }: StartOptions): FactorModel {
  const isotropic = noise === "isotropic";
  checkFactors(isotropic ? "probabilistic PCA" : "factor analysis", k, data.mean.length);
  const start = randomFactors(data, k, seed);
  if (!isotropic) return start;
  const variance = 0.5 * meanVariance(data.variances);
  return { ...start, noiseVariances: start.noiseVariances.map(() => variance) };
}

export interface StartOptions {
  readonly noise: NoiseKind;
  readonly seed: number;
}

/** EM on what is observed until a step gains less than the tolerance. */
export function fitObserved(
  data: ObservedRows,
  { noise, start, tolerance = 1e-9, steps = 20_000, floor }: FactorOptions & { readonly noise: NoiseKind },
): FactorFit {
  const options = { noise, floor };
  const fit = repeatSteps(start, (model) => observedStep(model, data, options), { tolerance, steps });
  const reached = observedLogLikelihoods(fit.model, data).reduce((total, value) => total + value, 0) / data.length;
  return {
    model: fit.model,
    logLikelihoods: [...fit.logLikelihoods, reached],
    atFloor: numbersAtFloor(fit.model, floorsOf(data, options)),
  };
}
