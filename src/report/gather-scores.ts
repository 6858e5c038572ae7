import { columnNames, type Dataset, numbersOf, subset } from "../data/dataset.ts";
import { isImage } from "../data/pixels.ts";
import { exactWords, type LikelihoodEstimate } from "../evaluation/likelihood.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { scoreThreshold } from "../trained/scores.ts";
import type { TrainedModel } from "../trained/trained-model.ts";
import { imagesOf } from "./gather-figures.ts";
import type { ScoreFigure, StrangeExamples } from "./report-input.ts";
import { counted } from "./section.ts";

const SHOWN = 10;
const QUANTILE = 0.01;

/** Scores of the examples, as `reparam score` gives them, and the examples at both ends. */
export async function gatherScores(
  model: TrainedModel,
  dataset: Dataset,
  split: string,
  estimate: Pick<LikelihoodEstimate, "density" | "exactOf">,
  signal?: AbortSignal,
): Promise<ScoreFigure | undefined> {
  const { reference } = model;
  const examples = isImage(dataset.shape) || dataset.shape.length === 1;
  if (!reference || !examples) return undefined;
  const { logLikelihood, samples } = await model.score(dataset, { signal });
  const order = Array.from(logLikelihood.keys()).sort((a, b) => logLikelihood[a] - logLikelihood[b]);
  const shown = Math.min(SHOWN, Math.ceil(order.length / 2));
  return {
    split,
    values: Array.from(logLikelihood),
    by: scoredBy(estimate, samples),
    threshold: {
      value: scoreThreshold(reference, QUANTILE),
      quantile: QUANTILE,
      examples: reference.logLikelihood.length,
    },
    strangest: shownExamples(model, dataset, order.slice(0, shown), logLikelihood),
    likeliest: shownExamples(model, dataset, order.slice(-shown).reverse(), logLikelihood),
  };
}

function scoredBy({ density, exactOf }: Pick<LikelihoodEstimate, "density" | "exactOf">, samples: number): string {
  if (density === "exact") return "exact";
  if (exactOf !== undefined) return exactWords[exactOf];
  const draws = counted(samples, "draw");
  return density === "posterior"
    ? `each by importance sampling with ${draws}`
    : `each the log of the mean density over ${draws} of x + u`;
}

function shownExamples(
  { facts }: TrainedModel,
  dataset: Dataset,
  rows: readonly number[],
  scores: Float64Array,
): StrangeExamples {
  const chosen = subset(dataset, rows);
  const numbers = numbersOf(chosen);
  const told = rows.map((row) => ({ score: scores[row], source: dataset.sources?.[row] }));
  if (isImage(dataset.shape)) {
    const images = imagesOf(numbers, facts);
    return { kind: "images", images: told.map((one, i) => ({ ...one, image: images[i] })) };
  }
  const size = sizeOf(dataset.shape);
  return {
    kind: "rows",
    columns: columnNames(dataset.columns, size),
    rows: told.map((one, i) => ({ ...one, values: Array.from(numbers.subarray(i * size, (i + 1) * size)) })),
  };
}
