import type { Dataset } from "../data/dataset.ts";
import { draw, eventShape } from "../distributions/distribution.ts";
import { type LatentVariableModel, latentNoise } from "../inference/elbo.ts";
import type { LowerOptions } from "../onnx/lower.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { data, type Tensor } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { codeOfDraw, type RateSplit, rateSplitOf, USUAL_DRAWS } from "./aggregate.ts";
import { programFeeds } from "./feeds.ts";
import { EVALUATION_STEP } from "./likelihood.ts";

export interface ModelRateSplitOptions extends Pick<LowerOptions, "values"> {
  readonly engine: Engine;
  readonly model: LatentVariableModel;
  /** What is modelled, [batch, ...event], made from the input `x`. */
  readonly x: Tensor;
  readonly dataset: Dataset;
  /** Values of the parameters that `values` does not write into the programs. */
  readonly parameters?: ReadonlyMap<string, NdArray>;
  /** As in `splitRate`; more than there are examples are rounded up to as many of each. */
  readonly draws?: number;
  readonly seed: number;
  /** Draws and examples of one pass: they bound the memory and change no number. */
  readonly chunk?: { readonly draws: number; readonly examples: number };
  readonly signal?: AbortSignal;
  readonly onProgress?: (draws: number) => void;
}

/**
 * `splitRate` of whatever posterior and prior the model has, by their own densities: each draw is scored under the posterior of
 * every example, which is encoded again rather than kept. Without the split by latents, which needs their own densities.
 */
export async function splitModelRate(options: ModelRateSplitOptions): Promise<RateSplit> {
  const { engine, model, x, values, dataset, parameters, seed, signal, onProgress } = options;
  const { draws = Math.min(USUAL_DRAWS, dataset.length), chunk = { draws: 200, examples: 500 } } = options;
  const posterior = model.encoder(x);
  const { sample, logProb } = draw(posterior, latentNoise("aggregate", posterior, "batch", "samples"));
  const drawing = { z: sample, logPosterior: logProb, logPrior: model.prior.logProb(sample) };
  const z = data("z", ["samples", 1, ...eventShape(posterior)]);
  const drawn = await compile(engine, drawing, { values });
  const scored = await compile(engine, { logPosterior: posterior.logProb(z) }, { values }); // [samples, batch]
  try {
    const source = { dataset, parameters, seed, step: EVALUATION_STEP };
    const feedDraw = programFeeds({ ...source, program: drawn.program });
    const feedScore = programFeeds({ ...source, program: scored.program });
    // Draws of one example differ by the number of their round, so each round has an example once at most.
    const rounds = Math.ceil(draws / dataset.length);
    const perRound = Math.ceil(draws / rounds);
    const term = (): Float64Array => new Float64Array(rounds * perRound);
    const terms = { rate: term(), information: term(), marginal: term() };
    for (let start = 0; start < rounds * perRound; ) {
      const [round, place] = [Math.floor(start / perRound), start % perRound];
      const count = Math.min(chunk.draws, perRound - place);
      const owners = Uint32Array.from({ length: count }, (_, s) => codeOfDraw(place + s, perRound, dataset.length));
      const own = await drawn.run(feedDraw(owners, round, 1)); // [1, count] each
      const codes = { data: own.z.data, shape: [count, 1, ...own.z.shape.slice(2)] };
      const sums = Array.from({ length: count }, () => ({ largest: Number.NEGATIVE_INFINITY, sum: 0 }));
      for (let first = 0; first < dataset.length; first += chunk.examples) {
        signal?.throwIfAborted();
        const length = Math.min(chunk.examples, dataset.length - first);
        const examples = Uint32Array.from({ length }, (_, i) => first + i);
        const { logPosterior } = await scored.run({ ...feedScore(examples), z: codes });
        for (const [s, running] of sums.entries()) addExponentials(running, logPosterior, s * length, length);
      }
      for (const [s, { largest, sum }] of sums.entries()) {
        const logAggregate = largest + Math.log(sum / dataset.length); // log q(z)
        const [posterior, prior] = [own.logPosterior.data[s], own.logPrior.data[s]];
        terms.rate[start + s] = posterior - prior;
        terms.information[start + s] = posterior - logAggregate;
        terms.marginal[start + s] = logAggregate - prior;
      }
      start += count;
      onProgress?.(start);
    }
    return rateSplitOf(terms, dataset.length);
  } finally {
    await drawn.release();
    await scored.release();
  }
}

/** Σ exp(v) of numbers that come in parts, relative to the largest so far. */
function addExponentials(
  running: { largest: number; sum: number },
  { data: values }: NdArray,
  from: number,
  count: number,
): void {
  for (let i = from; i < from + count; i++) {
    if (values[i] > running.largest) {
      running.sum = running.sum * Math.exp(running.largest - values[i]) + 1;
      running.largest = values[i];
    } else if (values[i] > Number.NEGATIVE_INFINITY) running.sum += Math.exp(values[i] - running.largest);
  }
}
