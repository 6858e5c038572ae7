import { type Distribution, eventShape } from "../distributions/distribution.ts";
import { InputError } from "../errors.ts";
import { type LatentVariableModel, latentNoise } from "../inference/elbo.ts";
import type { LowerOptions } from "../onnx/lower.ts";
import { type CompiledFunction, compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { add, data, gradients, sum, type Tensor } from "../tensor/index.ts";

/** What annealing starts from: p(z), or q(z|x), from which it has less far to go. */
export type AnnealingStart = "prior" | "posterior";

/** The two programs that annealing runs, compiled. */
export interface Annealing {
  readonly from: AnnealingStart;
  /** Noise `start` [samples, batch, ...] (and x) → z of the start. */
  readonly draw: CompiledFunction;
  /** x and z [samples, batch, k] → the log-densities of start and target, [samples, batch], and their gradients in z. */
  readonly densities: CompiledFunction;
  release(): Promise<void>;
}

export interface AnnealingOptions extends Pick<LowerOptions, "precision" | "values"> {
  readonly model: LatentVariableModel;
  /** What is modelled, [batch, ...event], made from the input `x`. */
  readonly x: Tensor;
  readonly from?: AnnealingStart;
}

/** Compiles what annealing needs of a model; parameters are inputs where `values` does not have them. */
export async function openAnnealing(
  engine: Engine,
  { model, x, from = "prior", ...lowering }: AnnealingOptions,
): Promise<Annealing> {
  const { prior } = model;
  const start = from === "prior" ? prior : model.encoder(x);
  for (const { name, support } of new Set<Distribution>([prior, start])) {
    if (support === "real") continue;
    throw new InputError(
      `annealed importance sampling: latents that are real numbers are expected, got ${name} on ${support} ones; use importance sampling`,
    );
  }
  const z = data("z", ["samples", "batch", ...eventShape(prior)]);
  const logStart = start.logProb(z); //                                     log p₀(z)    [samples, batch]
  const logTarget = add(prior.logProb(z), model.decoder(z).logProb(x)); //  log p(x, z)  [samples, batch]
  const [startGradient] = gradients(sum(logStart), [z]); // each z is in one term of the sum
  const [targetGradient] = gradients(sum(logTarget), [z]);
  const draw = await compile(engine, { z: start.sample(latentNoise("start", start, "batch", "samples")) }, lowering);
  const densities = await compile(engine, { logStart, logTarget, startGradient, targetGradient }, lowering);
  const release = async (): Promise<void> => {
    await draw.release();
    await densities.release();
  };
  return { from, draw, densities, release };
}
