import { type Dataset, subset } from "../data/dataset.ts";
import { diagonalNormals, type RateSplit, splitRate } from "../evaluation/aggregate.ts";
import { splitModelRate } from "../evaluation/aggregate-programs.ts";
import { type CodeAccuracy, codeAccuracy, type LabelledCodes } from "../evaluation/codes.ts";
import { type CodeRows, forEachPosterior, type PosteriorSource } from "../evaluation/latents.ts";
import { builtInModel } from "../models/names.ts";
import { observed } from "../models/programs.ts";
import { runConfig } from "../run/config.ts";
import type { Run } from "../run/folder.ts";
import type { RunData } from "../run/prepare.ts";
import type { Engine } from "../runtime/engine.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { formulasOf } from "./evaluate-formulas.ts";

/** Means and, where the posterior has them, scales of examples spread evenly over the data: [m, k]. */
export interface SpreadCodes {
  /** Where the examples stand in the data. */
  readonly rows: readonly number[];
  readonly means: CodeRows;
  readonly scales?: CodeRows;
}

/** Posteriors of at most so many examples, spread evenly: data may lie sorted. Undefined for a posterior without a mean. */
export async function spreadPosteriors(source: PosteriorSource, most: number): Promise<SpreadCodes | undefined> {
  const rows = spreadRows(source.dataset.length, most);
  let k = 0;
  let means: Float64Array | undefined;
  let scales: Float64Array | undefined;
  let next = 0;
  await forEachPosterior(source, ({ mean, scale }, examples) => {
    if (mean?.shape.length !== 2) return;
    [, k] = mean.shape;
    means ??= new Float64Array(rows.length * k);
    if (scale) scales ??= new Float64Array(rows.length * k);
    for (; next < rows.length && rows[next] < examples[0] + examples.length; next++) {
      const row = rows[next] - examples[0];
      for (let j = 0; j < k; j++) {
        means[next * k + j] = mean.data[row * k + j];
        if (scales && scale) scales[next * k + j] = spread(scale, row, j);
      }
    }
  });
  const shaped = (data: Float64Array | undefined): CodeRows | undefined => data && { data, shape: [rows.length, k] };
  const found = shaped(means);
  return found && { rows, means: found, scales: shaped(scales) };
}

/** At most so many rows, spread evenly. */
function spreadRows(length: number, most: number): readonly number[] {
  const m = Math.min(most, length);
  return Array.from({ length: m }, (_, i) => Math.floor(((i + 0.5) * length) / m));
}

/** A scale [n, k], [n, 1], [k] or [] at one place. */
function spread({ data, shape }: NdArray, row: number, j: number): number {
  const width = shape.at(-1) ?? 1;
  return data[(shape.length > 1 ? row * width : 0) + (width > 1 ? j : 0)];
}

/** How far the rates by these formulas may be from those of the run's own program: float32, summed over the latents. */
const SAME = 1e-3;
/** Densities of single latents that the rate's split takes at most: some seconds. */
const MOST_DENSITIES = 4e7;

/**
 * The mean rate taken apart, by the files alone. Only for posteriors N(μ, diag σ²) and the prior N(0, I), which the files do not name: they
 * are known by ½Σ(μ² + σ² − 1 − log σ²) being the rate of each example that the density program gives. Undefined elsewhere.
 */
export async function splitOfRate(
  { rows, means, scales }: SpreadCodes,
  rates: Float64Array,
  seed: number,
  signal?: AbortSignal,
): Promise<RateSplit | undefined> {
  const [m, k] = means.shape;
  if (!scales || m < 2) return undefined; // one code says nothing of the others
  for (const [i, row] of rows.entries()) {
    let rate = 0;
    for (let at = i * k; at < (i + 1) * k; at++) {
      rate += 0.5 * (means.data[at] ** 2 + scales.data[at] ** 2 - 1) - Math.log(scales.data[at]);
    }
    if (!(Math.abs(rate - rates[row]) <= SAME * (1 + Math.abs(rates[row])))) return undefined;
  }
  const draws = Math.max(100, Math.min(1000, Math.floor(MOST_DENSITIES / (m * k))));
  return splitRate({ codes: diagonalNormals(means, scales), draws, seed, signal });
}

/**
 * The mean rate taken apart by the model's own densities, whatever its families. Undefined without the run's data, and for a model of the
 * user's own: an evaluation runs nobody's source.
 */
export async function splitByFormulas(
  engine: Engine,
  run: Run,
  data: RunData | undefined,
  { dataset, most, seed, signal }: Pick<PosteriorSource, "dataset" | "seed" | "signal"> & { readonly most: number },
): Promise<RateSplit | undefined> {
  if (!data || dataset.length < 2 || builtInModel(runConfig(run).options.model) === undefined) return undefined;
  const { model, description, parameters } = await formulasOf(engine, run, data);
  const used = model.deployed ?? model;
  return splitModelRate({
    engine,
    model: used,
    x: observed(used, description),
    values: parameters,
    dataset: subset(dataset, spreadRows(dataset.length, most)),
    draws: 1000,
    seed,
    signal,
  });
}

/** Codes that a classifier is fitted to: more tell little more. */
const MOST_TRAINING_CODES = 5000;

/** How well the classes can be read off the codes; undefined where either part has no labels, or one class alone. */
export async function accuracyOf(
  source: PosteriorSource,
  heldOut: SpreadCodes,
  train: Dataset | undefined,
): Promise<CodeAccuracy | undefined> {
  const { labels } = source.dataset;
  if (!labels || !train?.labels || new Set(train.labels).size < 2) return undefined;
  const step = Math.max(1, train.length / MOST_TRAINING_CODES);
  const kept = Array.from({ length: Math.floor(train.length / step) }, (_, i) => Math.floor((i + 0.5) * step));
  const dataset = subset(train, kept);
  const codes = await spreadPosteriors({ ...source, dataset }, kept.length);
  if (!codes) return undefined;
  const fitted: LabelledCodes = { codes: codes.means, labels: dataset.labels ?? [] };
  return codeAccuracy(fitted, { codes: heldOut.means, labels: heldOut.rows.map((row) => labels[row]) });
}
