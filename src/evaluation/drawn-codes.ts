import type { Dataset } from "../data/dataset.ts";
import { type LatentVariableModel, latentNoise } from "../inference/elbo.ts";
import type { LowerOptions } from "../onnx/lower.ts";
import { type CompiledFunction, compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import type { Tensor } from "../tensor/index.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { programFeeds } from "./feeds.ts";
import type { CodeRows } from "./latents.ts";
import { EVALUATION_STEP } from "./likelihood.ts";

export interface DrawnCodesOptions extends Pick<LowerOptions, "values"> {
  readonly engine: Engine;
  readonly model: LatentVariableModel;
  /** What is modelled, [batch, ...event], made from the input `x`. */
  readonly x: Tensor;
  readonly dataset: Dataset;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Rows of one pass: they bound the memory and change no number. */
const CHUNK = 500;

/** One draw z ~ q(z|x) of each example: together a sample of the aggregated posterior q(z). [n, k] */
export async function drawnCodes(options: DrawnCodesOptions): Promise<CodeRows> {
  const { engine, model, x, values, dataset, seed, signal } = options;
  const posterior = model.encoder(x);
  const z = posterior.sample(latentNoise("codes", posterior, "batch")); // [batch, k]
  const program = await compile(engine, { z }, { values });
  try {
    const feeds = programFeeds({ program: program.program, dataset, seed, step: EVALUATION_STEP });
    return await joined(dataset.length, async (rows) => {
      signal?.throwIfAborted();
      return (await program.run(feeds(rows))).z;
    });
  } finally {
    await program.release();
  }
}

export interface PriorDraws {
  readonly codes: CodeRows;
  /** Whether p(z) is N(0, I): then a draw is the noise that it is made of. */
  readonly standard: boolean;
}

/** Draws z ~ p(z) by `prior.onnx`, [n, k]; of p(z|y) with as many examples that y is given of. */
export async function priorDraws(
  prior: CompiledFunction,
  count: number,
  seed: number,
  dataset?: Dataset,
): Promise<PriorDraws> {
  const feeds = programFeeds({ program: prior.program, dataset, seed, step: EVALUATION_STEP });
  const isNormal = prior.program.inputs.some(({ leaf }) => leaf.kind === "noise" && leaf.law === "normal");
  let standard = isNormal;
  const codes = await joined(count, async (rows) => {
    const given = feeds(rows);
    const { z } = await prior.run(given);
    const [noise] = Object.values(given);
    standard &&= noise?.data.length === z.data.length && z.data.every((value, i) => value === noise.data[i]);
    return z;
  });
  return { codes, standard };
}

async function joined(length: number, run: (rows: Uint32Array) => Promise<NdArray>): Promise<CodeRows> {
  let data = new Float64Array();
  let k = 0;
  for (let start = 0; start < length; start += CHUNK) {
    const rows = Uint32Array.from({ length: Math.min(CHUNK, length - start) }, (_, i) => start + i);
    const part = await run(rows);
    k = sizeOf(part.shape.slice(1));
    if (start === 0) data = new Float64Array(length * k);
    data.set(part.data, start * k);
  }
  return { data, shape: [length, k] };
}
