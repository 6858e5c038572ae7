import { type Dataset, firstOf } from "../data/dataset.ts";
import { estimateLikelihood, toldOfEach } from "../evaluation/likelihood.ts";
import { gatherReport } from "../report/gather.ts";
import { renderReport } from "../report/report.ts";
import { runConfig } from "../run/config.ts";
import type { Run } from "../run/folder.ts";
import type { RunData } from "../run/prepare.ts";
import type { Engine } from "../runtime/engine.ts";
import { load } from "../trained/load.ts";
import { referenceOf } from "../trained/scores.ts";
import type { Watched } from "../trained/trained-model.ts";
import { type Gaps, keptGaps } from "./evaluate-gaps.ts";
import { type Evaluation, openArtifact } from "./evaluation-run.ts";

/** What a run leaves beside its parameters. */
export interface Results {
  readonly engine: Engine;
  readonly run: Run;
  readonly evaluation: Evaluation;
  /** What was evaluated. */
  readonly dataset: Dataset;
  readonly data: RunData;
  /** What a piece of the work is called, and what it counts → whom it tells how far it has come. */
  readonly watch: (label: string, unit: string) => Watched;
}

/** Importance samples of a validation score, and how many examples are scored: quantiles need no more. */
const SCORE_SAMPLES = 16;
const SCORE_EXAMPLES = 2000;

/** Writes evaluation.json, scores.json and report.html, from the run's files and its data. */
export async function writeResults(results: Results): Promise<void> {
  const { engine, run, evaluation, data, watch } = results;
  const { estimate, numbers, split, remarks, rateSplit, accuracy } = evaluation;
  const { perExample: _, ...summary } = estimate ?? { perExample: {} };
  const told = estimate ? toldOfEach(estimate) : { reconstructionError: evaluation.reconstructionErrors };
  const gaps = keptGaps(run, split);
  const perExampleArrays = Object.fromEntries(
    Object.entries(told).map(([name, values]) => [name, [...(values ?? [])]]),
  );
  run.writeArtifact(
    "evaluation.json",
    `${JSON.stringify({ split, numbers, remarks, rateSplit, accuracy, ...summary, perExample: perExampleArrays, gaps })}\n`,
  );
  if (estimate) {
    run.writeArtifact(
      "scores.json",
      await validationScores(engine, run, data.validation, watch("scoring", "examples")),
    );
  }
  await writeReport(results, gaps);
}

async function validationScores(
  engine: Engine,
  run: Run,
  validation: Dataset,
  { signal, onProgress }: Watched,
): Promise<string> {
  const length = Math.min(validation.length, SCORE_EXAMPLES);
  const density = await openArtifact(engine, run, "density.onnx");
  try {
    const estimate = await estimateLikelihood({
      density,
      dataset: firstOf(validation, SCORE_EXAMPLES),
      samples: SCORE_SAMPLES,
      seed: 0,
      keyedBy: "content", // as `score` draws: an example's score does not depend on its place
      signal,
      onProgress: (done) => onProgress?.(done, length),
    });
    return `${JSON.stringify(referenceOf(estimate))}\n`;
  } finally {
    await density.release();
  }
}

async function writeReport(
  { engine, run, evaluation, dataset, watch }: Results,
  gaps: Gaps | undefined,
): Promise<void> {
  const model = await load(run.path, { runtime: engine });
  try {
    const input = await gatherReport({
      model,
      config: runConfig(run),
      metrics: run.readMetrics(),
      history: run.readArtifact("history.safetensors"),
      evaluation,
      gaps,
      dataset,
      ...watch("drawing the report", "figures"),
    });
    run.writeArtifact("report.html", await renderReport(input));
  } finally {
    await model.release();
  }
}
