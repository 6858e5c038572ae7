import { z } from "zod";
import type { Dataset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import type { RateSplit } from "../evaluation/aggregate.ts";
import type { CodeAccuracy } from "../evaluation/codes.ts";
import { diagnoseCollapse, type EpochRates } from "../evaluation/collapse.ts";
import { ACTIVE_VARIANCE, meanVariances, type PosteriorSource } from "../evaluation/latents.ts";
import { estimateLikelihood, type LikelihoodEstimate } from "../evaluation/likelihood.ts";
import { reconstructionError } from "../evaluation/reconstruction.ts";
import { type StampedNumber, summarise, summariseDistance } from "../evaluation/summary.ts";
import { type AdversarialEpoch, adversarialTrouble } from "../inference/adversarial.ts";
import { formatNumber } from "../report/numbers.ts";
import { type RunConfig, runConfig } from "../run/config.ts";
import { exactOf } from "../run/facts.ts";
import type { ArtifactName, Run } from "../run/folder.ts";
import type { RunData } from "../run/prepare.ts";
import type { CompiledFunction } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { openProgram } from "../trained/programs.ts";
import type { Watched } from "../trained/trained-model.ts";
import { aggregateFit } from "./evaluate-aggregate.ts";
import { accuracyOf, splitByFormulas, splitOfRate, spreadPosteriors } from "./evaluate-codes.ts";
import { accuracyNumbers, aggregateNumbers, rateNumbers, type Stamping } from "./evaluate-stamps.ts";
import { SPLITS } from "./examples.ts";

export interface Evaluation {
  /** Of a model that has a density. */
  readonly estimate?: LikelihoodEstimate;
  /** Which latents are active, for posteriors that have a mean. */
  readonly active?: readonly boolean[];
  readonly numbers: readonly StampedNumber[];
  readonly split: string;
  readonly rateSplit?: RateSplit;
  readonly accuracy?: CodeAccuracy;
  /** The root mean square of x − x̂ of each example, in the data's own units. */
  readonly reconstructionErrors?: Float64Array;
  /** What is so beyond the numbers, in plain words, a line each: latents that are not in use, what to try, what is bounded. */
  readonly remarks: readonly string[];
}

export interface EvaluationOptions extends Watched {
  readonly dataset: Dataset;
  readonly split: string;
  readonly samples: number;
  readonly seed: number;
  readonly chunk?: number;
  /**
   * What the run was trained on, where it can be had: with labels the codes are judged by how well a class can be read off them, and
   * the rate of families that the files do not tell is taken apart by the model's own densities.
   */
  readonly ownData?: RunData | (() => Promise<RunData | undefined>);
}

/** One of the run's ONNX files, ready to run. */
export async function openArtifact(engine: Engine, run: Run, name: ArtifactName): Promise<CompiledFunction> {
  const opened = await openIfThere(engine, run, name);
  if (opened) return opened;
  throw new InputError(`${run.path}/${name}: is missing; finish the run with: reparam train --resume ${run.path}`);
}

function openIfThere(engine: Engine, run: Run, name: ArtifactName): Promise<CompiledFunction | undefined> {
  return openProgram(engine, `${run.path}/${name}`, run.readArtifact(name));
}

function hasDensity({ model: { programs } }: RunConfig): boolean {
  return programs?.includes("density") ?? true;
}

/** How stamps call what is evaluated. */
export function stampingOf({ model }: RunConfig, split: string, dataset: Dataset): Stamping {
  return {
    likelihood: model.likelihood ?? "no density",
    split: SPLITS.some((name) => name === split) ? `${split} split` : split,
    dimensions: sizeOf(dataset.shape) - (dataset.missing ?? 0) / dataset.length,
  };
}

/** The rate is taken apart, and classes are read off codes, by at most so many examples. */
const MOST_CODES = 2000;

/** Scores data by the run's own files; of families whose rate these do not tell apart, by its formulas too, where its own data are given. */
export async function evaluateRun(engine: Engine, run: Run, options: EvaluationOptions): Promise<Evaluation> {
  const { dataset, split, samples, seed, signal } = options;
  const config = runConfig(run);
  const density = hasDensity(config) ? await openArtifact(engine, run, "density.onnx") : undefined;
  const encoder = await openArtifact(engine, run, "encoder.onnx");
  const decoder = await openIfThere(engine, run, "decoder.onnx");
  const prior = await openIfThere(engine, run, "prior.onnx");
  try {
    const chunk = options.chunk === undefined ? undefined : { examples: options.chunk, samples: Math.min(samples, 50) };
    const onProgress = (done: number): void => options.onProgress?.(done, dataset.length);
    const exact = exactOf(config.model);
    const estimate = density && (await estimateLikelihood({ ...options, density, exactOf: exact, chunk, onProgress }));
    const source: PosteriorSource = { encoder, dataset, seed, signal };
    const bounded = estimate?.density === "posterior" ? estimate : undefined; // it has posteriors, and a rate
    const variances = bounded && (await meanVariances(source));
    const active = variances?.map((variance) => variance > ACTIVE_VARIANCE);
    const codes = await spreadPosteriors(source, MOST_CODES);
    const own = async (): Promise<RunData | undefined> =>
      typeof options.ownData === "function" ? options.ownData() : options.ownData;
    const rateSplit =
      bounded &&
      ((codes && (await splitOfRate(codes, bounded.perExample.rate, seed, signal))) ??
        (await splitByFormulas(engine, run, await own(), { dataset, most: MOST_CODES, seed, signal })));
    const judged = codes && dataset.labels && split !== "train";
    const accuracy = judged ? await accuracyOf(source, codes, (await own())?.train) : undefined;
    const distance = decoder && (await distanceOf(source, decoder, config));
    const history = run.readMetrics();
    const compared = comparesDraws(history.at(-1));
    const against = { engine, run, dataset, seed, signal, own, compared };
    const fit = prior && codes && (await aggregateFit({ ...against, prior, codes }));
    const stamping = stampingOf(config, split, dataset);
    const setting = {
      ...stamping,
      latents: config.model.latents,
      active: active?.filter(Boolean).length,
      rmse: distance?.rmse,
    };
    const numbers = [
      ...(estimate ? summarise(estimate, setting) : distance ? summariseDistance(distance, setting) : []),
      ...(rateSplit ? rateNumbers(rateSplit, stamping) : []),
      ...(fit ? aggregateNumbers(fit, stamping) : []),
      ...(accuracy ? accuracyNumbers(accuracy, stamping) : []),
    ];
    const collapse =
      variances && exact === undefined // which is what it should be
        ? diagnoseCollapse({ variances, rates: bounded.rates }, history.flatMap(ratesOf))
        : undefined;
    const unused = collapse?.latents.some(({ state }) => state !== "active") ? collapse.lines : [];
    const trouble = adversarialTrouble(history.flatMap(gameOf));
    const remarks = [
      ...unused,
      ...boundedScale(history.at(-1)),
      ...saidOf(history.at(-1)),
      ...(trouble === undefined ? [] : [trouble]),
    ];
    const reconstructionErrors = distance?.perExample;
    return { estimate, active, numbers, split, rateSplit, accuracy, reconstructionErrors, remarks };
  } finally {
    await density?.release();
    await encoder.release();
    await decoder?.release();
    await prior?.release();
  }
}

/** How far x̂ is from x in the data's own units; undefined for numbers without a distance. */
export async function distanceOf(source: PosteriorSource, decoder: CompiledFunction, { model, data }: RunConfig) {
  if (data.measure === "category") return undefined;
  const chunk = Math.max(1, Math.min(500, Math.floor(2 ** 22 / sizeOf(source.dataset.shape))));
  return reconstructionError({ ...source, decoder, unit: model.unit, chunk });
}

const rateRow = z.object({ epoch: z.number(), rates: z.array(z.number()) });

function ratesOf(row: unknown): readonly EpochRates[] {
  const parsed = rateRow.safeParse(row);
  return parsed.success ? [parsed.data] : [];
}

const gameRow = z.object({
  epoch: z.number(),
  train: z.object({ discriminatorAccuracy: z.number(), generatorLoss: z.number(), codeSpread: z.number() }),
});

/** What an epoch of adversarial training tells of its game. */
function gameOf(row: unknown): readonly AdversarialEpoch[] {
  const { data } = gameRow.safeParse(row);
  if (!data) return [];
  const { discriminatorAccuracy: accuracy, generatorLoss: generator, codeSpread: spread } = data.train;
  return [{ epoch: data.epoch, accuracy, generator, spread }];
}

const remarkRow = z.object({ remarks: z.array(z.string()) });

/** What training said of its result in its last row. */
function saidOf(row: unknown): readonly string[] {
  return remarkRow.safeParse(row).data?.remarks ?? [];
}

const comparedRow = z.object({
  train: z.union([z.object({ discriminatorAccuracy: z.number() }), z.object({ discrepancy: z.number() })]),
});

/** Whether training held draws of all codes against draws of the prior. */
function comparesDraws(row: unknown): boolean {
  return comparedRow.safeParse(row).success;
}

const boundRow = z.object({ train: z.object({ scaleAtBound: z.number() }) });
/** A smaller share of scales at their bound is not told. */
const FEW_AT_BOUND = 0.01;

/** A line where the last epoch found scales of p(x|z) at the least value that they can have. */
function boundedScale(row: unknown): readonly string[] {
  const { data } = boundRow.safeParse(row);
  if (!data || !(data.train.scaleAtBound > FEW_AT_BOUND)) return [];
  const share = formatNumber(100 * data.train.scaleAtBound, 0);
  return [
    `The scale of p(x|z) is at its least value for ${share} % of the numbers: some are copies or constants of others, or the model learns them by heart; the density there is bounded, not learned.`,
  ];
}
