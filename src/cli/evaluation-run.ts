import { z } from "zod";
import type { Dataset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { activeLatents } from "../evaluation/latents.ts";
import { estimateLikelihood, type LikelihoodEstimate } from "../evaluation/likelihood.ts";
import { type StampedNumber, summarise } from "../evaluation/summary.ts";
import { readProgram } from "../onnx/read.ts";
import type { CurvePoint } from "../report/curves.ts";
import { isImage, modelPictures } from "../report/pictures.ts";
import { renderReport } from "../report/report.ts";
import { type RunConfig, runConfig } from "../run/config.ts";
import type { ArtifactName, Run } from "../run/folder.ts";
import { type CompiledFunction, load } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { sizeOf } from "../tensor/ndarray.ts";

/** The parts of a run's own data. */
export const SPLITS = ["test", "validation", "train"] as const;

export interface Evaluation {
  readonly estimate: LikelihoodEstimate;
  /** Which latents are active, for posteriors that have a mean. */
  readonly active?: readonly boolean[];
  readonly numbers: readonly StampedNumber[];
  readonly split: string;
}

export interface EvaluationOptions {
  readonly dataset: Dataset;
  readonly split: string;
  readonly samples: number;
  readonly seed: number;
  readonly chunk?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (examples: number) => void;
}

/** One of the run's ONNX files, ready to run. */
export async function openArtifact(engine: Engine, run: Run, name: ArtifactName): Promise<CompiledFunction> {
  const file = `${run.path}/${name}`;
  const bytes = run.readArtifact(name);
  if (!bytes) {
    throw new InputError(`${file}: is missing; finish the run with: reparam train --resume ${run.path}`);
  }
  return load(engine, readProgram(bytes, file), file);
}

/** Scores data by the run's own files: no model source is needed. */
export async function evaluateRun(engine: Engine, run: Run, options: EvaluationOptions): Promise<Evaluation> {
  const { dataset, split, samples, seed } = options;
  const { model } = runConfig(run);
  const density = await openArtifact(engine, run, "density.onnx");
  const encoder = await openArtifact(engine, run, "encoder.onnx");
  try {
    const chunk = options.chunk === undefined ? undefined : { examples: options.chunk, samples: Math.min(samples, 50) };
    const estimate = await estimateLikelihood({ ...options, density, chunk });
    const active = await activeLatents(encoder, dataset, seed);
    const numbers = summarise(estimate, {
      likelihood: model.likelihood,
      split: SPLITS.some((name) => name === split) ? `${split} split` : split,
      dimensions: sizeOf(dataset.shape),
      latents: model.latents,
      active: active?.filter(Boolean).length,
    });
    return { estimate, active, numbers, split };
  } finally {
    await density.release();
    await encoder.release();
  }
}

/** Writes evaluation.json and report.html from the run's files. */
export async function writeResults(engine: Engine, run: Run, evaluation: Evaluation, dataset: Dataset): Promise<void> {
  const { estimate, numbers, split } = evaluation;
  const { perExample, ...summary } = estimate;
  const perExampleArrays = Object.fromEntries(Object.entries(perExample).map(([name, values]) => [name, [...values]]));
  run.writeArtifact(
    "evaluation.json",
    `${JSON.stringify({ split, numbers, ...summary, perExample: perExampleArrays })}\n`,
  );
  run.writeArtifact("report.html", await report(engine, run, evaluation, dataset));
}

async function report(
  engine: Engine,
  run: Run,
  { estimate, active, numbers }: Evaluation,
  dataset: Dataset,
): Promise<string> {
  const config = runConfig(run);
  const rows = run.readMetrics();
  const programs = {
    encoder: await openArtifact(engine, run, "encoder.onnx"),
    decoder: await openArtifact(engine, run, "decoder.onnx"),
    prior: await openArtifact(engine, run, "prior.onnx"),
  };
  try {
    return await renderReport({
      title: run.path.split(/[\\/]/).filter(Boolean).at(-1) ?? run.path,
      sentence: sentence(config, rows.at(-1)?.step ?? 0),
      numbers,
      curve: curvePoints(rows),
      pictures: isImage(dataset.shape) ? await modelPictures(programs, dataset, config.options.seed) : [],
      latents: active && estimate.rates?.map((rate, j) => ({ rate, active: active[j] })),
      config: { ...config.options, ...config.data, ...config.model, ...config.environment },
      notes: [
        "Every bound is reported at weight 1, whatever weight the loss gave the rate. ± is one standard error between examples: compare models on the same examples, pairwise.",
      ],
    });
  } finally {
    for (const program of Object.values(programs)) await program.release();
  }
}

function sentence({ options, data, model }: RunConfig, steps: number): string {
  const what = options.model === undefined ? "A variational autoencoder" : `The model of ${options.model}`;
  const source = options.data ?? "the first 10,000 training images of Fashion-MNIST";
  return `${what} with ${model.latents} latents and ${model.parameters.toLocaleString("en-US")} parameters, trained for ${steps.toLocaleString("en-US")} steps on ${source} (${data.examples.toLocaleString("en-US")} examples, split for training and validation); likelihood: ${model.likelihood}.`;
}

const bound = z.object({ elbo: z.number(), reconstruction: z.number(), rate: z.number() });
const rowSchema = z.object({
  step: z.number(),
  epoch: z.number(),
  train: bound,
  validation: bound.optional(),
  learningRate: z.number(),
  klWeight: z.number(),
});

/** The rows of metrics.jsonl that a curve can be drawn from. */
function curvePoints(rows: readonly unknown[]): readonly CurvePoint[] {
  return rows.flatMap((row) => {
    const parsed = rowSchema.safeParse(row);
    return parsed.success ? [parsed.data] : [];
  });
}
