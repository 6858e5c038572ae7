import type { Dataset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { exactWords } from "../evaluation/likelihood.ts";
import { DEQUANTISED } from "../models/names.ts";
import { formatNumber } from "../report/numbers.ts";
import { exactOf, type RunFacts } from "../run/facts.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { NO_REFERENCE, scoreThreshold } from "../trained/scores.ts";
import type { Scores, TrainedModel } from "../trained/trained-model.ts";
import { labelColumn } from "./codes.ts";
import { objectsOf } from "./outputs.ts";
import { counted, painter } from "./terminal.ts";

/** Scores with the verdict on each example. */
export interface Scored {
  readonly split: string;
  readonly quantile: number;
  readonly samples: number;
  /** How log p(x) is known. */
  readonly by: string;
  /** Nats: log p(x) below it is strange. */
  readonly threshold: number;
  readonly validationExamples: number;
  readonly strange: readonly boolean[];
  /** A column for each kind of score, a row for each example. */
  readonly columns: Readonly<Record<string, ArrayLike<string | number>>>;
}

/** Judges each example by the quantile of the validation scores. */
export function judge(
  { reference, facts }: TrainedModel<"score">,
  dataset: Dataset,
  split: string,
  scores: Scores,
  quantile: number,
): Scored {
  if (!reference) throw new InputError(NO_REFERENCE);
  const threshold = scoreThreshold(reference, quantile);
  const strange = Array.from(scores.logLikelihood, (value) => value < threshold);
  const dimensions = sizeOf(facts.data.shape);
  return {
    split,
    quantile,
    threshold,
    samples: scores.samples,
    by: scoredBy(facts, scores.samples),
    validationExamples: reference.logLikelihood.length,
    strange,
    columns: {
      source: dataset.sources ?? Array.from({ length: dataset.length }, (_, i) => i),
      ...labelColumn(dataset),
      logLikelihood: scores.logLikelihood,
      bitsPerDimension: scores.logLikelihood.map((value) => -value / (dimensions * Math.LN2)),
      elbo: scores.elbo,
      reconstruction: scores.reconstruction,
      rate: scores.rate,
      percentile: scores.percentile,
      typicality: scores.typicality,
      strange: strange.map(Number),
    },
  };
}

function scoredBy({ model }: RunFacts, samples: number): string {
  const exact = exactOf(model);
  if (exact !== undefined) return exactWords[exact];
  if (model.posterior !== undefined) return counted(samples, "importance sample");
  return model.observation === DEQUANTISED ? `${counted(samples, "draw")} of x + u` : "exact";
}

export function asJson({ columns, strange, ...summary }: Scored): unknown {
  return {
    ...summary,
    examples: strange.length,
    strange: strange.filter(Boolean).length,
    scores: objectsOf(new Map(Object.entries(columns))),
  };
}

const SHOWN = 10;
const CAUTION =
  "A high score does not make an example normal: simple images can score higher than the data themselves (Nalisnick et al. 2019). The typicality is low on both sides.";

/** The threshold, how many lie below it, and the strangest. */
export function printScores(scored: Scored, out: string | undefined, stream: NodeJS.WriteStream): void {
  const paint = painter(stream);
  const { columns, strange, threshold, quantile } = scored;
  const count = strange.filter(Boolean).length;
  const percent = (share: number): string => `${formatNumber(100 * share, 1)} %`;
  const examples = strange.length.toLocaleString("en-US");
  const lines = [
    `${counted(strange.length, "example")} of ${scored.split}: log p(x) in nats${scored.by.startsWith("exact") ? "," : " by"} ${scored.by}`,
    `threshold ${paint("bold", formatNumber(threshold, 1))}: ${percent(quantile)} of ${scored.validationExamples.toLocaleString("en-US")} validation examples lie below`,
    ...(quantile * scored.validationExamples < 1
      ? [`the threshold is rough: so few validation examples say little of a share of ${percent(quantile)}`]
      : []),
    `strange   ${paint("bold", String(count))} of ${examples} (${percent(count / strange.length)})`,
    "",
    paint("dim", `${"log p(x)".padStart(12)}  ${"percentile".padStart(10)}  ${"typicality".padStart(10)}  source`),
  ];
  const order = Array.from(strange.keys()).sort(
    (a, b) => Number(columns.logLikelihood[a]) - Number(columns.logLikelihood[b]),
  );
  for (const row of order.slice(0, SHOWN)) {
    const score = formatNumber(Number(columns.logLikelihood[row]), 1).padStart(12);
    const percentile = percent(Number(columns.percentile[row])).padStart(10);
    const typicality = percent(Number(columns.typicality[row])).padStart(10);
    lines.push(`${score}  ${percentile}  ${typicality}  ${columns.source[row]}`);
  }
  if (order.length > SHOWN) {
    const rest = (order.length - SHOWN).toLocaleString("en-US");
    lines.push(paint("dim", `… and ${rest} more${out === undefined ? "; --out scores.csv writes all" : ""}`));
  }
  lines.push("", CAUTION);
  if (out !== undefined) lines.push("", out);
  stream.write(`${lines.join("\n")}\n`);
}
