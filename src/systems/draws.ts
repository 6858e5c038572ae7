import type { Distribution } from "../distributions/distribution.ts";
import { KL_WEIGHT, latentNoise } from "../inference/elbo.ts";
import { stream } from "../random/stream.ts";
import type { Engine } from "../runtime/engine.ts";
import { concat, data, gradients, reshape, sum, type Tensor } from "../tensor/index.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { staticShape } from "../tensor/shape.ts";
import { executable } from "./execute.ts";

/** The axis along which draws lie; each is an example of its own. */
export const DRAW = "draws";

/** Numbers of which every draw has a copy of its own. */
export interface Copied {
  /** [draws, ...shape] */
  readonly tensor: Tensor;
  readonly name: string;
  readonly values: readonly number[];
}

/** A copy for every draw: the gradient of a sum over draws in the copies holds the gradient of each draw by itself. */
export function copied(name: string, values: readonly number[], shape: readonly number[] = [values.length]): Copied {
  return { tensor: data(name, [DRAW, ...shape]), name, values };
}

function repeated({ tensor, values }: Copied, draws: number): NdArray {
  const rows = new Float64Array(draws * values.length);
  for (let i = 0; i < rows.length; i++) rows[i] = values[i % values.length];
  return { data: rows, shape: [draws, ...staticShape("copies", tensor.shape.slice(1))] };
}

/** ∂term/∂parameter of every draw by itself, all parameters side by side: term [draws] → [draws, numbers]. */
export function gradientsOfDraws(term: Tensor, copies: readonly Copied[]): Tensor {
  const parts = gradients(
    sum(term),
    copies.map(({ tensor }) => tensor),
  ).map((part) => reshape(part, [DRAW, sizeOf(staticShape("draws", part.shape.slice(1)))]));
  return parts.length === 1 ? parts[0] : concat(parts, 1);
}

const NOISE = "epsilon";

/** The leaf for the noise of draws from q: [draws, ...noise], or [samples, draws, ...noise]. */
export function drawNoise(q: Distribution, samples?: number): Tensor {
  return latentNoise(NOISE, q, DRAW, samples);
}

/** What that leaf is fed. */
export function drawnNoise({ noise: { law, event } }: Distribution, draws: number, seed: number, samples = 1): NdArray {
  const values = new Float32Array(samples * draws * sizeOf(event));
  const from = stream(seed, NOISE);
  if (law === "normal") from.fillNormal(values, 0, values.length);
  else from.fillUniform(values, 0, values.length);
  return { data: values, shape: [...(samples === 1 ? [] : [samples]), draws, ...event] };
}

export interface Drawing {
  readonly draws: number;
  readonly seed: number;
  readonly copies?: readonly Copied[];
  readonly samples?: number;
}

/** The values of a tensor in float64, its noise drawn for q. */
export async function valuesOf(
  engine: Engine,
  tensor: Tensor,
  q: Distribution,
  { draws, seed, copies = [], samples }: Drawing,
): Promise<NdArray> {
  const program = await executable(engine, { tensor }, "float64");
  const fed = Object.fromEntries(copies.map((one) => [one.name, repeated(one, draws)]));
  const weight = { data: Float64Array.of(1), shape: [] };
  const { tensor: value } = await program.run({
    ...fed,
    [KL_WEIGHT]: weight,
    [NOISE]: drawnNoise(q, draws, seed, samples),
  });
  await program.release();
  return value;
}
