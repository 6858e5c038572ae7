import { bytesOf, fnv1a } from "../checksum.ts";
import { type Conditions, conditionsOf } from "../data/conditions.ts";
import type { Dataset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { CONDITION } from "../models/condition.ts";
import type { LoweredProgram } from "../onnx/lower.ts";
import { noiseSource } from "../random/noise.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { bindShape } from "../tensor/shape.ts";

export interface FeedSource {
  readonly program: LoweredProgram;
  /** Where `x` is read from, for programs that have it. */
  readonly dataset?: Dataset;
  /** What is given of each row; by default the dataset's own. */
  readonly conditions?: Conditions;
  /** Values of the parameters, where the program has them as inputs. */
  readonly parameters?: ReadonlyMap<string, NdArray>;
  /** Numbers that each example has of its own, by the name of their input: [examples, ...]. */
  readonly rows?: ReadonlyMap<string, NdArray>;
  readonly seed: number;
  /** Keys the noise, beside the example and the sample. */
  readonly step: number;
  /**
   * What stands for an example in the key of its noise: its row, or its numbers, so that an example has the same noise wherever it
   * stands. Default: the row.
   */
  readonly keyedBy?: "row" | "content";
}

/** Feeds for some examples and some samples of each. */
export type FeedsOf = (examples: Uint32Array, firstSample?: number, samples?: number) => Record<string, NdArray>;

/**
 * Fills the inputs of an exported program: data and condition by row, noise by its name, example and sample. What there is no source for,
 * such as the latents of a decoder, is the caller's to add.
 * @throws InputError where the dataset's examples are not what the program was trained on.
 */
export function programFeeds(source: FeedSource): FeedsOf {
  const { program, dataset, conditions = dataset?.conditions, parameters, rows, seed, step, keyedBy = "row" } = source;
  if (dataset) checkFits(program, dataset);
  const x = program.inputs.find(({ name }) => name === "x");
  const read = (examples: Uint32Array): Uint8Array | Float32Array => {
    const count = examples.length * sizeOf(dataset?.shape ?? []);
    const data = x?.dtype === "uint8" ? new Uint8Array(count) : new Float32Array(count);
    dataset?.read(examples, data);
    return data;
  };
  const keysOf = (examples: Uint32Array): Uint32Array => {
    if (keyedBy === "row" || !dataset) return examples;
    const bytes = bytesOf(read(examples));
    const size = bytes.length / examples.length;
    return examples.map((_, i) => fnv1a(bytes.subarray(i * size, (i + 1) * size)));
  };
  const known = program.inputs.filter(
    ({ name, leaf }) =>
      leaf.kind === "noise" ||
      parameters?.has(name) ||
      rows?.has(name) ||
      (dataset && name === "x") ||
      ((dataset || conditions) && name === CONDITION),
  );
  const fills = known.map(({ name, leaf, shape: symbolic }) => {
    if (leaf.kind === "noise") {
      const event = symbolic.slice(leaf.sampled ? 2 : 1).map(Number);
      const source = noiseSource({ name, law: leaf.law, event }, seed);
      const samplesOf = (first: number, firstSample: number): { samples: number; firstSample: number } => {
        if (!leaf.sampled) return { samples: 1, firstSample: 0 };
        // A number of samples that the program itself fixes is of the same draws at every run.
        return { samples: first, firstSample: typeof symbolic[0] === "number" ? 0 : firstSample };
      };
      return (examples: Uint32Array, keys: Uint32Array, firstSample: number, samples: number): NdArray => {
        const shape = bindShape(symbolic, { batch: examples.length, samples }).map(Number);
        const data = new Float32Array(sizeOf(shape));
        source.fill(data, { step, examples: keys, ...samplesOf(shape[0], firstSample) });
        return { data: precise(data, program), shape };
      };
    }
    if (name === CONDITION) {
      const width = Number(symbolic[1]);
      const given = conditionsOf({ name: dataset?.name ?? "the latents", conditions }, width);
      return (examples: Uint32Array): NdArray => {
        const data = new Float32Array(examples.length * width);
        given.read(examples, data);
        return { data: precise(data, program), shape: [examples.length, width] };
      };
    }
    const table = rows?.get(name);
    if (table) return (examples: Uint32Array): NdArray => pick(table, examples);
    const fixed = parameters?.get(name);
    return (examples: Uint32Array): NdArray => {
      if (fixed) return fixed;
      const shape = bindShape(symbolic, { batch: examples.length }).map(Number);
      return { data: precise(read(examples), program), shape };
    };
  });
  return (examples, firstSample = 0, samples = 1) => {
    const keys = keysOf(examples);
    return Object.fromEntries(known.map(({ name }, i) => [name, fills[i](examples, keys, firstSample, samples)]));
  };
}

/** The same numbers as the program takes them; bytes stay bytes. */
function precise(numbers: Uint8Array | Float32Array, { precision }: LoweredProgram): NdArray["data"] {
  return precision === "float64" && numbers instanceof Float32Array ? Float64Array.from(numbers) : numbers;
}

/** The given rows of a table. */
function pick({ data, shape }: NdArray, examples: Uint32Array): NdArray {
  const size = sizeOf(shape.slice(1));
  const picked = new Float32Array(examples.length * size);
  for (const [i, row] of examples.entries()) picked.set(data.subarray(row * size, (row + 1) * size), i * size);
  return { data: picked, shape: [examples.length, ...shape.slice(1)] };
}

function checkFits({ inputs }: LoweredProgram, dataset: Dataset): void {
  const x = inputs.find(({ name }) => name === "x");
  if (!x) return;
  const expected = x.shape.slice(1);
  const exact = x.dtype !== "uint8" || dataset.dtype === "uint8" || dataset.measure === "bytes";
  if (expected.join() === dataset.shape.join() && exact) return;
  const numbers = x.dtype === "uint8" ? "bytes" : "numbers";
  throw new InputError(
    `${dataset.name}: [${dataset.shape.join(", ")}] of ${dataset.measure} numbers do not fit this model, which was trained on [${expected.join(", ")}] of ${numbers}`,
  );
}
