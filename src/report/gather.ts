import { z } from "zod";
import { valuesByName } from "../data/conditions.ts";
import { columnNames, type Dataset, firstOf, numbersOf } from "../data/dataset.ts";
import { isImage } from "../data/pixels.ts";
import type { RateSplit } from "../evaluation/aggregate.ts";
import type { LikelihoodEstimate } from "../evaluation/likelihood.ts";
import type { StampedNumber } from "../evaluation/summary.ts";
import { families } from "../models/families.ts";
import { AS_THEY_ARE, builtInModel } from "../models/names.ts";
import type { RunConfig } from "../run/config.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { abilitiesIn } from "../trained/able.ts";
import type { TrainedModel } from "../trained/trained-model.ts";
import type { CurvePoint } from "./curves.ts";
import {
  gatherComponents,
  gatherHistory,
  gatherMap,
  gatherReconstructions,
  gatherSamples,
  gatherTraversals,
  type ReconstructionFit,
} from "./gather-figures.ts";
import { gatherScores } from "./gather-scores.ts";

import { modelCard } from "./model-card.ts";
import type { GapFigure, InferenceFigures, ReportInput, TableFigure } from "./report-input.ts";
import { trustOf } from "./trust.ts";

/** What a report is made of. */
export interface ReportSources {
  readonly model: TrainedModel;
  readonly config: RunConfig;
  /** Rows of metrics.jsonl. */
  readonly metrics: readonly Readonly<Record<string, unknown>>[];
  /** history.safetensors, where the run has it. */
  readonly history?: Uint8Array;
  readonly evaluation: {
    /** Of a model that has a density. */
    readonly estimate?: LikelihoodEstimate;
    /** The root mean square of x − x̂ of each example. */
    readonly reconstructionErrors?: Float64Array;
    readonly active?: readonly boolean[];
    readonly numbers: readonly StampedNumber[];
    readonly split: string;
    readonly rateSplit?: RateSplit;
    readonly remarks?: readonly string[];
  };
  /** Gaps of the bound, where they were measured. */
  readonly gaps?: GapFigure;
  /** What was evaluated. */
  readonly dataset: Dataset;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** No figure shows or scores more examples than this. */
const MOST = 2000;

/** Runs the model for everything that the report shows. */
export async function gatherReport(sources: ReportSources): Promise<ReportInput> {
  const { model, config, metrics, history, evaluation, signal } = sources;
  const { estimate, active, numbers } = evaluation;
  const split = `${evaluation.split} split`;
  const dataset = firstOf(sources.dataset, MOST);
  const image = isImage(dataset.shape);
  const latents = active && estimate?.rates?.map((rate, j) => ({ rate, active: active[j] }));
  const can = new Set(abilitiesIn(model.facts));
  const fit = fitOf(evaluation, sizeOf(dataset.shape));
  const chosen = model.facts.model.space === "oneHot"; // latents that choose a component do not move
  const moves = !chosen && (estimate === undefined || estimate.density === "posterior");
  const step = Number(metrics.at(-1)?.step ?? 0);
  const FIGURES = 6;
  let drawn = 0;
  /** One figure's work; the next waits for it, as the engine runs one program at a time. */
  const figure = async <T>(work: () => Promise<T | undefined>): Promise<T | undefined> => {
    signal?.throwIfAborted();
    const made = await work();
    sources.onProgress?.(++drawn, FIGURES);
    return made;
  };
  return {
    title: model.name.split(/[\\/]/).filter(Boolean).at(-1) ?? model.name,
    sentence: sentence(config, step),
    numbers,
    trust: estimate && estimate.exactOf === undefined ? trustOf(estimate) : undefined,
    curve: curvePoints(metrics),
    history: image && history ? gatherHistory(history, model.facts) : undefined,
    reconstructions: await figure(async () =>
      image && fit ? gatherReconstructions(model, sources.dataset, fit, split) : undefined,
    ),
    samples: await figure(async () => (image && can.has("sample") ? gatherSamples(model) : undefined)),
    latentMap: await figure(() => gatherMap(model, dataset, split, signal)),
    latents,
    inference: inferenceOf(sources, split),
    traversals: await figure(async () =>
      image && moves ? gatherTraversals(model, dataset, estimate?.rates) : undefined,
    ),
    scores: await figure(async () =>
      can.has("score") && estimate ? gatherScores(model, dataset, split, estimate, signal) : undefined,
    ),
    table: await figure(async () => (can.has("sample") ? gatherTable(model, dataset, split) : undefined)),
    pictures: image && chosen ? [await gatherComponents(model)] : [],
    likelihood: config.model.likelihood,
    notes: [
      `${estimate?.density === "posterior" ? "Every bound is reported at weight 1, whatever weight the loss gave the rate. " : ""}± is one standard error between examples: compare models on the same examples, pairwise.`,
    ],
    card: modelCard(config, evaluation.split),
    config: { ...config.options, ...config.data, ...config.model, ...config.environment },
  };
}

/** How well each example is reconstructed; undefined where every one is exactly, as by a flow. */
function fitOf(
  { estimate, reconstructionErrors }: ReportSources["evaluation"],
  size: number,
): ReconstructionFit | undefined {
  if (estimate?.density === "posterior") return { by: "log p(x|z)", values: estimate.perExample.reconstruction };
  if (estimate || !reconstructionErrors) return undefined;
  return { by: "squared error", values: reconstructionErrors.map((error) => size * error ** 2) };
}

/** What is known of the posteriors beyond the rate of each latent. */
function inferenceOf(
  { evaluation: { rateSplit, remarks = [] }, gaps }: ReportSources,
  split: string,
): InferenceFigures {
  return {
    rateSplit: rateSplit && { ...rateSplit, split },
    gaps: gaps && { ...gaps, split: `${gaps.split} split` },
    words: remarks,
  };
}

/** Held-out rows beside as many draws. */
export async function gatherTable(
  model: TrainedModel<"sample">,
  dataset: Dataset,
  split: string,
): Promise<TableFigure | undefined> {
  if (dataset.shape.length !== 1) return undefined;
  const [size] = dataset.shape;
  const data = numbersOf(dataset);
  const condition = model.facts.data.condition && valuesByName(dataset.given); // the same for both
  const samples = await model.sample(dataset.length, { from: "draw", seed: 0, condition });
  const rows = (values: Float32Array): readonly (readonly number[])[] =>
    Array.from({ length: dataset.length }, (_, i) => Array.from(values.subarray(i * size, (i + 1) * size)));
  return { split, columns: columnNames(dataset.columns, size), data: rows(data), samples: rows(samples.data) };
}

/** The report's first sentence: what was trained, for how long, on what. */
export function sentence({ options, data, model }: RunConfig, steps: number): string {
  const name = builtInModel(options.model);
  const what = name === undefined ? `The model of ${options.model}` : families[name].title;
  const source = options.data ?? "the first 10,000 training images of Fashion-MNIST";
  return `${what} with ${model.latents} latents and ${model.parameters.toLocaleString("en-US")} parameters, trained for ${steps.toLocaleString("en-US")} steps on ${source} (${data.examples.toLocaleString("en-US")} examples, split for training and validation)${model.likelihood === undefined ? "" : `, with ${likelihoodInWords(model.likelihood, model.observation)}`}.`;
}

const distributions: Readonly<Record<string, string>> = {
  Bernoulli: "a Bernoulli likelihood",
  DiscretizedLogistic: "a discretised logistic likelihood on 8-bit values",
  Normal: "a Normal likelihood",
};

/** The likelihood's exact name, "Bernoulli, stochastic binarisation", in words; a name that is not known as it is. */
function likelihoodInWords(name: string, observation = AS_THEY_ARE): string {
  const words = distributions[name.replace(`, ${observation}`, "")];
  if (words === undefined) return `the likelihood ${name}`;
  return observation === AS_THEY_ARE ? words : `${words}, ${observation}`;
}

const terms = z.record(z.string(), z.number());
const rowSchema = z.object({
  step: z.number(),
  epoch: z.number(),
  train: terms,
  validation: terms.optional(),
  learningRate: z.number().optional(),
  klWeight: z.number().optional(),
});

/** The rows of metrics.jsonl that a curve can be drawn from. */
function curvePoints(rows: readonly unknown[]): readonly CurvePoint[] {
  return rows.flatMap((row) => {
    const parsed = rowSchema.safeParse(row);
    return parsed.success ? [parsed.data] : [];
  });
}
