import type { Dataset } from "../data/dataset.ts";
import { evidenceLowerBound, latentNoise } from "../inference/elbo.ts";
import type { Amortization, DataDescription, Model } from "../models/model.ts";
import { observed } from "../models/programs.ts";
import { type CompiledFunction, compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { data, gradients, mean, sum, type Tensor } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { programFeeds } from "./feeds.ts";
import { EVALUATION_STEP } from "./likelihood.ts";

export interface RefineOptions {
  readonly engine: Engine;
  readonly model: Model & { readonly amortization: Amortization };
  readonly description: DataDescription;
  readonly parameters: ReadonlyMap<string, NdArray>;
  readonly dataset: Dataset;
  /** Where γ starts: at the encoder's answer, or at rows of one's own [examples, numbers]. */
  readonly start: "encoder" | NdArray;
  /** Adam steps in γ. */
  readonly steps: number;
  /** The highest learning rate; it falls to 0 along half a cosine. */
  readonly rate?: number;
  /** Draws of each example that the bound is maximised on; as many fresh ones judge the result. */
  readonly samples: number;
  readonly seed: number;
  /** Examples of one pass. */
  readonly chunk?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (examples: number) => void;
}

/** Per-example bounds in nats before and after, on draws of their own kind. */
export interface Bounds {
  readonly start: Float64Array;
  readonly best: Float64Array;
}

export interface Refined {
  /** Each example's best γ: [examples, numbers]. */
  readonly numbers: NdArray<Float32Array>;
  /** On the draws that γ was fitted to: `best` is never below `start`. */
  readonly fitted: Bounds;
  /** On fresh draws: the same in the mean, without the optimism of fitting. */
  readonly fresh: Bounds;
}

/**
 * Each example's own posterior q(z; γ_i) of the model's family, θ as it is: Adam on the bound in γ_i with fixed draws, the best iterate kept.
 * Its distance from the encoder's answer is the amortization gap. Cremer, Li & Duvenaud 2018, §3.
 */
export async function refinePosteriors(options: RefineOptions): Promise<Refined> {
  const { engine, model, description, parameters, dataset, steps, samples, seed, start, signal, onProgress } = options;
  const { chunk = 200, rate = 0.05 } = options;
  const size = model.amortization.numbers;
  const climb = await compile(engine, climbProgram(model, description), {
    name: "refine",
    values: parameters,
  });
  const encode = await compile(engine, { numbers: networkProgram(model, description) }, { values: parameters });
  const n = dataset.length;
  const numbers = { data: new Float32Array(n * size), shape: [n, size] };
  const bounds = (): Bounds => ({ start: new Float64Array(n), best: new Float64Array(n) });
  const [fitted, fresh] = [bounds(), bounds()];
  try {
    const feedsFor = ({ program }: CompiledFunction) => programFeeds({ program, dataset, seed, step: EVALUATION_STEP });
    const [climbFeeds, encodeFeeds] = [feedsFor(climb), feedsFor(encode)];
    for (let first = 0; first < n; first += chunk) {
      const examples = Uint32Array.from({ length: Math.min(chunk, n - first) }, (_, i) => first + i);
      const before =
        start === "encoder"
          ? Float32Array.from((await encode.run(encodeFeeds(examples))).numbers.data)
          : Float32Array.from(start.data.subarray(first * size, (first + examples.length) * size));
      const at = async (gamma: Float32Array, firstSample: number) => {
        signal?.throwIfAborted();
        const feeds = climbFeeds(examples, firstSample, samples);
        return climb.run({ ...feeds, [GAMMA]: { data: Float32Array.from(gamma), shape: [examples.length, size] } });
      };
      const best = await ascend(before, examples.length, steps, rate, (gamma) => at(gamma, 0));
      numbers.data.set(best.gamma, first * size);
      fitted.start.set(best.start, first);
      fitted.best.set(best.bounds, first);
      fresh.start.set((await at(before, samples)).bound.data, first);
      fresh.best.set((await at(best.gamma, samples)).bound.data, first);
      onProgress?.(first + examples.length);
    }
  } finally {
    await climb.release();
    await encode.release();
  }
  return { numbers, fitted, fresh };
}

const GAMMA = "gamma";

function networkProgram(model: RefineOptions["model"], description: DataDescription): Tensor {
  return model.amortization.network(observed(model, description));
}

/** x, γ [batch, numbers] and noise [samples, batch, …] → the bound of each example and its gradient in γ. */
function climbProgram(model: RefineOptions["model"], description: DataDescription) {
  const x = observed(model, description);
  const gamma = data(GAMMA, ["batch", model.amortization.numbers]);
  const q = model.amortization.posterior(gamma);
  const { elbo } = evidenceLowerBound({ ...model, encoder: () => q }, x, latentNoise("refined", q, "batch", "samples"));
  const bound = mean(elbo, 0); // [batch]
  const [ascent] = gradients(sum(bound), [gamma]);
  return { bound, ascent };
}

interface Climb {
  readonly gamma: Float32Array;
  readonly start: Float64Array;
  readonly bounds: Float64Array;
}

/** Adam (Kingma & Ba 2015, algorithm 1) on rows that know nothing of each other; each keeps the iterate where its bound was highest. */
async function ascend(
  from: Float32Array,
  examples: number,
  steps: number,
  rate: number,
  evaluate: (gamma: Float32Array) => Promise<Readonly<Record<string, NdArray>>>,
): Promise<Climb> {
  const size = from.length / examples;
  const gamma = Float32Array.from(from);
  const best = Float32Array.from(from);
  const [m, v] = [new Float64Array(from.length), new Float64Array(from.length)];
  let bounds = new Float64Array();
  let start = new Float64Array();
  for (let step = 0; step <= steps; step++) {
    const { bound, ascent } = await evaluate(gamma);
    if (step === 0) {
      start = Float64Array.from(bound.data);
      bounds = Float64Array.from(bound.data);
    }
    for (let i = 0; i < examples; i++) {
      if (!(bound.data[i] > bounds[i])) continue;
      bounds[i] = bound.data[i];
      best.set(gamma.subarray(i * size, (i + 1) * size), i * size);
    }
    const length = 0.5 * rate * (1 + Math.cos((Math.PI * step) / Math.max(steps, 1)));
    const [bias1, bias2] = [1 - 0.9 ** (step + 1), 1 - 0.999 ** (step + 1)];
    for (let j = 0; j < gamma.length; j++) {
      const g = ascent.data[j];
      m[j] = 0.9 * m[j] + 0.1 * g;
      v[j] = 0.999 * v[j] + 0.001 * g * g;
      gamma[j] += (length * (m[j] / bias1)) / (Math.sqrt(v[j] / bias2) + 1e-8);
    }
  }
  return { gamma: best, start, bounds };
}
