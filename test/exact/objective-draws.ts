import { openEngine } from "#engine";
import type { Distribution } from "../../src/distributions/distribution.ts";
import { KL_WEIGHT } from "../../src/inference/elbo.ts";
import { CAPACITY } from "../../src/inference/objective.ts";
import { type Copied, drawnNoise, gradientsOfDraws } from "../../src/systems/draws.ts";
import { executable } from "../../src/systems/execute.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";

export interface DrawOptions {
  readonly draws: number;
  readonly seed: number;
  readonly samples?: number;
  readonly klWeight?: number;
  /** State that a moving average would have by then. */
  readonly baseline?: number;
  /** By the reference, where ONNX Runtime has no float64 of an op. */
  readonly reference?: boolean;
}

const number = (value: number): NdArray => ({ data: Float64Array.of(value), shape: [] });

/** Values in float64 for so many draws from q; copies are fed with the same numbers for every draw. */
export async function valuesOfDraws(
  outputs: Readonly<Record<string, Tensor>>,
  q: Distribution,
  copies: readonly Copied[],
  { draws, seed, samples, klWeight = 1, baseline = 0, reference = false }: DrawOptions,
): Promise<Readonly<Record<string, NdArray>>> {
  const repeated = copies.map(({ name, tensor, values }): [string, NdArray] => [
    name,
    {
      data: Float64Array.from({ length: draws * values.length }, (_, i) => values[i % values.length]),
      shape: [draws, ...tensor.shape.slice(1).map(Number)],
    },
  ]);
  const feeds = {
    ...Object.fromEntries(repeated),
    epsilon: drawnNoise(q, draws, seed, samples),
    [KL_WEIGHT]: number(klWeight),
    [CAPACITY]: number(0),
    "baseline/mean": number(baseline),
    "baseline/count": number(0),
  };
  if (reference) {
    const values = evaluate(Object.values(outputs), feeds);
    return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, values[i]]));
  }
  const program = await executable(await openEngine({ engine: "native" }), outputs, "float64");
  const found = await program.run(feeds);
  await program.release();
  return found;
}

/** −∂loss/∂parameters of every draw by itself, for a loss that is a mean over draws: [draws, numbers]. */
export async function ascents(
  loss: Tensor,
  q: Distribution,
  copies: readonly Copied[],
  moved: readonly Copied[],
  options: DrawOptions,
): Promise<Float64Array> {
  const { slopes } = await valuesOfDraws({ slopes: gradientsOfDraws(loss, moved) }, q, copies, options);
  return Float64Array.from(slopes.data, (value) => -options.draws * value);
}

/** Central differences of a function of many numbers: at h = 1e-4 they are within 1e-7 of the slopes of what is asked of them here. */
export function slopesOf(f: (numbers: readonly number[]) => number, at: readonly number[]): readonly number[] {
  const h = 1e-4;
  return at.map((_, i) => {
    const moved = (step: number): number => f(at.map((value, j) => (i === j ? value + step : value)));
    return (moved(h) - moved(-h)) / (2 * h);
  });
}
