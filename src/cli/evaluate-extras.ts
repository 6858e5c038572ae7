import { type Dataset, firstOf } from "../data/dataset.ts";
import { type AnnealedEstimate, annealedLogLikelihood } from "../evaluation/annealed.ts";
import { openAnnealing } from "../evaluation/annealed-programs.ts";
import { type NaiveEstimate, naiveLogLikelihood, priorSamplingProgram } from "../evaluation/prior-sampling.ts";
import type { StampedNumber } from "../evaluation/summary.ts";
import { observed } from "../models/programs.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import type { Watched } from "../trained/trained-model.ts";
import type { Formulas } from "./evaluate-formulas.ts";
import { type Gaps, measureGaps } from "./evaluate-gaps.ts";
import { annealedNumbers, gapNumbers, naiveNumbers, type Stamping } from "./evaluate-stamps.ts";
import type { Evaluation } from "./evaluation-run.ts";

/** What of an evaluation takes long, and is done where it is asked for. */
export interface Extras {
  /** Temperatures of annealed importance sampling. */
  readonly annealing?: number;
  /** Draws of the prior for each example. */
  readonly naive?: number;
  readonly gaps: boolean;
  /** At most so many examples are annealed and refined. */
  readonly limit: number;
}

export interface ExtraResults {
  readonly numbers: readonly StampedNumber[];
  readonly annealed?: AnnealedEstimate;
  readonly naive?: NaiveEstimate;
  readonly gaps?: Gaps;
}

/** What the extras are done with. */
export interface ExtraSources {
  readonly engine: Engine;
  readonly formulas: Formulas;
  readonly dataset: Dataset;
  readonly evaluation: Evaluation;
  readonly stamping: Stamping;
  readonly seed: number;
  readonly watch: (label: string, unit: string) => Watched;
}

/** Chains of each example in annealing. */
const CHAINS = 10;

/** Runs what was asked for beyond the quick evaluation, each with progress of its own. */
export async function runExtras(extras: Extras, sources: ExtraSources): Promise<ExtraResults> {
  const { evaluation, dataset, stamping, engine, formulas, seed, watch } = sources;
  const few = firstOf(dataset, extras.limit);
  const annealed = extras.annealing === undefined ? undefined : await anneal(extras.annealing, few, sources);
  const naive = extras.naive === undefined ? undefined : await drawPrior(extras.naive, sources);
  const known = annealed && {
    values: annealed.perExample.logLikelihood,
    by: `annealing with ${annealed.temperatures} temperatures`,
  };
  const { split, estimate } = evaluation;
  const gaps = extras.gaps
    ? await measureGaps(engine, formulas, few, known, { split, seed, ...watch("refining posteriors", "examples") })
    : undefined;
  const numbers = [
    ...(annealed && estimate ? annealedNumbers(annealed, estimate, stamping) : []),
    ...(naive ? naiveNumbers(naive, stamping) : []),
    ...(gaps ? gapNumbers(gaps, stamping) : []),
  ];
  return { numbers, annealed, naive, gaps };
}

async function anneal(
  temperatures: number,
  dataset: Dataset,
  { engine, formulas: { model, description, parameters }, seed, watch }: ExtraSources,
): Promise<AnnealedEstimate> {
  const used = model.deployed ?? model;
  const annealing = await openAnnealing(engine, { model: used, x: observed(used, description), values: parameters });
  const { signal, onProgress } = watch("annealing", "examples");
  try {
    return await annealedLogLikelihood({
      annealing,
      dataset,
      temperatures,
      chains: CHAINS,
      chunk: { examples: Math.min(20, Math.ceil(dataset.length / 10)), chains: CHAINS },
      seed,
      signal,
      onProgress: (done) => onProgress?.(done, dataset.length),
    });
  } finally {
    await annealing.release();
  }
}

async function drawPrior(
  samples: number,
  { engine, formulas: { model, description, parameters }, dataset, seed, watch }: ExtraSources,
): Promise<NaiveEstimate> {
  const used = model.deployed ?? model;
  const density = await compile(engine, priorSamplingProgram(used, observed(used, description)), {
    values: parameters,
  });
  const { signal, onProgress } = watch("drawing from the prior", "examples");
  try {
    return await naiveLogLikelihood({
      density,
      dataset,
      samples,
      seed,
      signal,
      onProgress: (done) => onProgress?.(done, dataset.length),
    });
  } finally {
    await density.release();
  }
}
