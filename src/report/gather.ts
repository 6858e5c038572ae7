import { z } from "zod";
import type { Dataset } from "../data/dataset.ts";
import type { LikelihoodEstimate } from "../evaluation/likelihood.ts";
import type { StampedNumber } from "../evaluation/summary.ts";
import type { RunConfig } from "../run/config.ts";
import type { TrainedModel } from "../trained/trained-model.ts";
import type { CurvePoint } from "./curves.ts";
import type { ReportInput } from "./report.ts";

/** What a report is made of. */
export interface ReportSources {
  readonly model: TrainedModel;
  readonly config: RunConfig;
  /** Rows of metrics.jsonl. */
  readonly metrics: readonly Readonly<Record<string, unknown>>[];
  /** history.safetensors, where the run has it. */
  readonly history?: Uint8Array;
  readonly evaluation: {
    readonly estimate: LikelihoodEstimate;
    readonly active?: readonly boolean[];
    readonly numbers: readonly StampedNumber[];
    readonly split: string;
  };
  /** What was evaluated, and what was trained on. */
  readonly dataset: Dataset;
  readonly train: Dataset;
  readonly signal?: AbortSignal;
}

/** Runs the model for everything that the report shows. */
export async function gatherReport({ model, config, metrics, evaluation }: ReportSources): Promise<ReportInput> {
  const { estimate, active, numbers } = evaluation;
  return {
    title: model.name.split(/[\\/]/).filter(Boolean).at(-1) ?? model.name,
    sentence: sentence(config, Number(metrics.at(-1)?.step ?? 0)),
    numbers,
    curve: curvePoints(metrics),
    pictures: [],
    latents: active && estimate.rates?.map((rate, j) => ({ rate, active: active[j] })),
    config: { ...config.options, ...config.data, ...config.model, ...config.environment },
    notes: [
      "Every bound is reported at weight 1, whatever weight the loss gave the rate. ± is one standard error between examples: compare models on the same examples, pairwise.",
    ],
  };
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
