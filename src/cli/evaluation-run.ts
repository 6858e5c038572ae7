import type { Dataset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { activeLatents } from "../evaluation/latents.ts";
import { estimateLikelihood, type LikelihoodEstimate } from "../evaluation/likelihood.ts";
import { type StampedNumber, summarise } from "../evaluation/summary.ts";
import { readProgram } from "../onnx/read.ts";
import { runConfig } from "../run/config.ts";
import type { ArtifactName, Run } from "../run/folder.ts";
import { type CompiledFunction, load } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import type { Watched } from "../trained/trained-model.ts";
import { SPLITS } from "./examples.ts";

export interface Evaluation {
  readonly estimate: LikelihoodEstimate;
  /** Which latents are active, for posteriors that have a mean. */
  readonly active?: readonly boolean[];
  readonly numbers: readonly StampedNumber[];
  readonly split: string;
}

export interface EvaluationOptions extends Watched {
  readonly dataset: Dataset;
  readonly split: string;
  readonly samples: number;
  readonly seed: number;
  readonly chunk?: number;
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
    const onProgress = (done: number): void => options.onProgress?.(done, dataset.length);
    const estimate = await estimateLikelihood({ ...options, density, chunk, onProgress });
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
