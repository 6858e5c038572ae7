import { z } from "zod";
import { fnv1a32 } from "../checksum.ts";
import type { Dataset } from "../data/dataset.ts";
import { isReparameterized } from "../distributions/distribution.ts";
import { InputError } from "../errors.ts";
import { estimateLikelihood } from "../evaluation/likelihood.ts";
import { refinePosteriors } from "../evaluation/refine.ts";
import { LOCAL } from "../inference/ways.ts";
import { densityProgram, observed } from "../models/programs.ts";
import { zeros } from "../nn/initialisers.ts";
import type { Run } from "../run/folder.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { local } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import type { Watched } from "../trained/trained-model.ts";
import type { Formulas } from "./evaluate-formulas.ts";

/** log p(x) − ELBO of each example in two parts, in nats. Cremer, Li & Duvenaud 2018, §3. */
const gapsSchema = z.object({
  /** What the encoder loses against an example's own posterior of its family. */
  amortization: z.array(z.number()),
  /** What the best of the family loses against log p(x). */
  approximation: z.array(z.number()),
  /** How log p(x) was estimated. */
  by: z.string(),
  split: z.string(),
  steps: z.number(),
  samples: z.number(),
});
export type Gaps = z.infer<typeof gapsSchema>;

const STEPS = 200;
const SAMPLES = 32;

/** log p(x) of the first examples, and how it was estimated. */
export interface KnownLikelihood {
  readonly values: Float64Array;
  readonly by: string;
}

/** A model whose posteriors can be fitted to single examples. */
export type Refinable = Parameters<typeof refinePosteriors>[0]["model"];

/** The model as it is used, if posteriors of its family can be found by gradients. @throws InputError where they cannot. */
export function refinable({ model, description }: Formulas): Refinable {
  const used = model.deployed ?? model;
  const { amortization } = used;
  if (model.rule) {
    throw new InputError(
      "--gaps: the posterior of this model is exact, so that it has none; they are of encoders such as that of --model vae",
    );
  }
  if (!amortization) {
    throw new InputError(
      "--gaps: the model must give its encoder in two parts, as amortization { numbers, network, posterior }",
    );
  }
  const posterior = used.encoder(observed(used, description));
  if (!isReparameterized(posterior)) {
    throw new InputError(
      `--gaps: an example's own posterior is found by gradients through its draws, and those of ${posterior.name} have no path; use a posterior that has one`,
    );
  }
  return { ...used, amortization };
}

/** Draws of each example's own posterior that log p(x) is estimated by. */
const IMPORTANCE_SAMPLES = 500;

/** log p(x) by importance sampling from each example's own posterior, which lies nearer to p(z|x) than the encoder's. */
async function byOwnPosteriors(
  engine: Engine,
  model: Refinable,
  { description, parameters }: Formulas,
  dataset: Dataset,
  numbers: NdArray,
  seed: number,
): Promise<KnownLikelihood> {
  const own = local(LOCAL, [model.amortization.numbers], zeros);
  const fitted = { ...model, encoder: () => model.amortization.posterior(own) };
  const density = await compile(engine, densityProgram(fitted, description), { values: parameters });
  try {
    const rows = new Map([[LOCAL, numbers]]);
    const { perExample } = await estimateLikelihood({ density, dataset, rows, samples: IMPORTANCE_SAMPLES, seed });
    const by = `importance sampling with ${IMPORTANCE_SAMPLES} samples of each example's own posterior`;
    return { values: perExample.logLikelihood, by };
  } finally {
    await density.release();
  }
}

/** Both gaps of each example of the dataset; log p(x) by importance sampling where it is not known better. */
export async function measureGaps(
  engine: Engine,
  formulas: Formulas,
  dataset: Dataset,
  known: KnownLikelihood | undefined,
  { split, seed, signal, onProgress }: Watched & { readonly split: string; readonly seed: number },
): Promise<Gaps> {
  const { description, parameters } = formulas;
  const model = refinable(formulas);
  const { fresh, numbers } = await refinePosteriors({
    engine,
    model,
    description,
    parameters,
    dataset,
    start: "encoder",
    steps: STEPS,
    samples: SAMPLES,
    seed,
    signal,
    onProgress: (done) => onProgress?.(done, dataset.length),
  });
  const likelihood = known ?? (await byOwnPosteriors(engine, model, formulas, dataset, numbers, seed));
  return {
    amortization: Array.from(fresh.best, (best, i) => best - fresh.start[i]),
    approximation: Array.from(fresh.best, (best, i) => likelihood.values[i] - best),
    by: likelihood.by,
    split,
    steps: STEPS,
    samples: SAMPLES,
  };
}

const keptSchema = z.object({ gaps: gapsSchema.extend({ model: z.string() }) });

/** Which model numbers are of: that of these files. */
function modelOf(run: Run): string {
  return fnv1a32(run.readArtifact("density.onnx") ?? new Uint8Array());
}

/** Adds gaps to the run's evaluation.json, where that is of the same examples: the report draws them. Whether it did. */
export function keepGaps(run: Run, gaps: Gaps): boolean {
  const kept = readEvaluation(run);
  if (kept?.split !== gaps.split) return false;
  run.writeArtifact("evaluation.json", `${JSON.stringify({ ...kept, gaps: { ...gaps, model: modelOf(run) } })}\n`);
  return true;
}

/** The gaps in evaluation.json, if they are of this model and these examples. */
export function keptGaps(run: Run, split: string): (Gaps & { readonly model: string }) | undefined {
  const { data } = keptSchema.safeParse(readEvaluation(run));
  return data && data.gaps.model === modelOf(run) && data.gaps.split === split ? data.gaps : undefined;
}

function readEvaluation(run: Run): Record<string, unknown> | undefined {
  const bytes = run.readArtifact("evaluation.json");
  if (!bytes) return undefined;
  try {
    return z.record(z.string(), z.unknown()).safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    return undefined; // a report made anew writes it anew
  }
}
