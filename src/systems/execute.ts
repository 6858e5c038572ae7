import type { DataDescription, Model } from "../models/model.ts";
import { vae } from "../models/vae.ts";
import { namedLeaves } from "../onnx/lower.ts";
import { drawInitial } from "../random/initial.ts";
import { stream } from "../random/stream.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { gradients } from "../tensor/gradients.ts";
import type { Tensor } from "../tensor/index.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { asFloat } from "../tensor/op.ts";
import { staticShape } from "../tensor/shape.ts";
import type { Precision } from "../tensor/tensor.ts";

export type Values = Readonly<Record<string, NdArray>>;

/** A program compiled for one precision: float feeds of either precision in, values out. */
export interface Executable {
  run(feeds: Values): Promise<Values>;
  release(): Promise<void>;
}

export async function executable(
  engine: Engine,
  outputs: Readonly<Record<string, Tensor>>,
  precision: Precision,
): Promise<Executable> {
  const compiled = await compile(engine, outputs, { precision });
  const convert = ({ data, shape }: NdArray): NdArray => ({
    data: precision === "float64" ? Float64Array.from(data) : Float32Array.from(data),
    shape,
  });
  return {
    run: (feeds) =>
      compiled.run(Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, convert(value)]))),
    release: () => compiled.release(),
  };
}

/** The gradients of a number in all parameters that it depends on: `gradient/` and the parameter's name. */
export function parameterGradients(loss: Tensor): Readonly<Record<string, Tensor>> {
  const parameters = namedLeaves([loss]).filter(({ leaf }) => leaf.kind === "parameter");
  const slopes = gradients(
    loss,
    parameters.map(({ tensor }) => asFloat(tensor)),
  );
  return Object.fromEntries(parameters.map(({ leaf }, i) => [`gradient/${leaf.name}`, slopes[i]]));
}

/** Starting values of all parameters that a number depends on. */
export function startingValues(loss: Tensor, seed: number): Values {
  const parameters = namedLeaves([loss]).flatMap(({ leaf, tensor }) =>
    leaf.kind === "parameter" ? [{ leaf, tensor }] : [],
  );
  return Object.fromEntries(
    parameters.map(({ leaf, tensor }) => {
      const shape = staticShape(leaf.name, tensor.shape);
      return [leaf.name, { data: drawInitial(leaf.initial, leaf.name, shape, seed), shape }];
    }),
  );
}

/** Standard normal numbers. */
export function normals(name: string, shape: readonly number[], seed: number): NdArray<Float32Array> {
  const data = new Float32Array(sizeOf(shape));
  stream(seed, name).fillNormal(data, 0, data.length);
  return { data, shape };
}

/** Zeros and ones, a third of them ones. */
export function binary(name: string, shape: readonly number[], seed: number): NdArray<Float32Array> {
  const from = stream(seed, name);
  return { data: Float32Array.from({ length: sizeOf(shape) }, () => (from.uniform() < 1 / 3 ? 1 : 0)), shape };
}

/** The numbers of all values whose names begin so, in the order of the names. */
export function flat(values: Values, prefix: string): Float64Array {
  const names = Object.keys(values).filter((name) => name.startsWith(prefix));
  return Float64Array.from(names.toSorted().flatMap((name) => Array.from(values[name].data)));
}

/** The given rows of an array. */
export function rows({ data, shape }: NdArray<Float32Array>, indices: ArrayLike<number>): NdArray<Float32Array> {
  const size = sizeOf(shape.slice(1));
  const picked = new Float32Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    picked.set(data.subarray(indices[i] * size, (indices[i] + 1) * size), i * size);
  }
  return { data: picked, shape: [indices.length, ...shape.slice(1)] };
}

/** A small VAE of binary rows, with one hidden layer of `width` on either side, and the data it is described by. */
export function binaryVae(
  dimensions: number,
  latents: number,
  width: number,
): { model: Model; description: DataDescription } {
  const means = new Float32Array(dimensions).fill(1 / 3);
  const description: DataDescription = { shape: [dimensions], measure: "binary", means };
  const architecture = { kind: "mlp" as const, widths: [width] };
  return { description, model: vae({ architecture, latents, likelihood: "bernoulli", binarize: "none" }, description) };
}
