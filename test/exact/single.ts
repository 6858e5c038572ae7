import { openEngine } from "#engine";
import { type Stream, stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Tensor } from "../../src/tensor/index.ts";
import { type NdArray, sizeOf } from "../../src/tensor/ndarray.ts";
import type { NoiseLaw } from "../../src/tensor/tensor.ts";

export type Feeds = Readonly<Record<string, NdArray>>;

/** The outputs in float32 by ONNX Runtime. */
export async function single(outputs: readonly Tensor[], feeds: Feeds): Promise<readonly NdArray[]> {
  const engine = await openEngine({ engine: "native" });
  const named = Object.fromEntries(outputs.map((output, i) => [`output${i}`, output]));
  const compiled = await compile(engine, named);
  const rounded = Object.entries(feeds).map(([name, { data, shape }]): [string, NdArray] => [
    name,
    { data: Float32Array.from(data), shape },
  ]);
  const values = await compiled.run(Object.fromEntries(rounded));
  await compiled.release();
  return outputs.map((_, i) => values[`output${i}`]);
}

/** Float64 numbers and their shape. */
export function array(data: Iterable<number>, shape?: readonly number[]): NdArray<Float64Array> {
  const values = Float64Array.from(data);
  return { data: values, shape: shape ?? [values.length] };
}

/** Standard noise of a law and shape, from the stream of this name. */
export function drawn(name: string, law: NoiseLaw, shape: readonly number[]): NdArray<Float64Array> {
  const from: Stream = stream(11, name);
  const next = law === "normal" ? () => from.normal() : () => from.uniform();
  return { data: Float64Array.from({ length: sizeOf(shape) }, next), shape };
}

/** The mean of numbers and its standard error. */
export function meanAndError(values: ArrayLike<number>): { readonly mean: number; readonly error: number } {
  const { length } = values;
  let total = 0;
  for (let i = 0; i < length; i++) total += values[i];
  const mean = total / length;
  let squares = 0;
  for (let i = 0; i < length; i++) squares += (values[i] - mean) ** 2;
  return { mean, error: Math.sqrt(squares / (length - 1) / length) };
}
