import { InputError } from "../errors.ts";
import type { OptimizerOptions } from "../inference/phase.ts";
import { drawInitial } from "../random/initial.ts";
import { instantiateKernels, type Kernels } from "../runtime/kernels.ts";
import type { Initial } from "../tensor/initial.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { applyUpdate, slotNames } from "./optimizer.ts";

const ALIGN = 16; // floats: a row begins at a cache line, which the kernels need

/** What is trained of each example by itself: a table of rows, of which a step gathers, moves and puts back its batch's. */
export interface LocalRows {
  /** The rows of the batch, fed to the program: [batch, ...event]. */
  readonly batch: NdArray<Float32Array>;
  /** Where the program writes their gradient. */
  readonly gradient: NdArray<Float32Array>;
  /** Copies the rows of these examples into `batch`. */
  gather(examples: Uint32Array): void;
  /** One update of these rows and their slots by `gradient`, and of no others. */
  update(examples: Uint32Array, learningRate: number, gradScale: number): void;
  /** Everything that a checkpoint holds, by name: the table, its slots, and how often each row was moved. */
  readonly kept: ReadonlyMap<string, NdArray<Float32Array>>;
}

export interface LocalOptions {
  readonly name: string;
  readonly event: readonly number[];
  readonly initial: Initial;
  readonly examples: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly optimizer: OptimizerOptions;
}

/**
 * The table of one local leaf, in a WebAssembly memory of its own: the fused optimizer kernels move a row as they move a layer.
 * @throws InputError where the table takes more than such a memory has.
 */
export function localRows(options: LocalOptions): LocalRows {
  const { name, event, initial, examples, batchSize, seed, optimizer } = options;
  const size = sizeOf(event);
  const width = Math.ceil(size / ALIGN) * ALIGN;
  const slots = slotNames(optimizer);
  const table = examples * width;
  const bytes = 4 * ((1 + slots.length) * table + width);
  if (bytes > 2 ** 32 - 65536) {
    throw new InputError(
      `${name}: ${examples} examples of ${size} numbers with their slots take ${(bytes / 2 ** 30).toFixed(1)} GiB, more than the 4 that one memory can have; use fewer examples or latents`,
    );
  }
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) + 1 });
  const kernels: Kernels = instantiateKernels(memory);
  const region = (index: number): Float32Array => new Float32Array(memory.buffer, 4 * index * table, table);
  const values = region(0);
  const scratch = new Float32Array(memory.buffer, 4 * (1 + slots.length) * table, width);
  const counts = new Float32Array(examples);
  const start = drawInitial(initial, name, [examples, size], seed);
  for (let row = 0; row < examples; row++) values.set(start.subarray(row * size, (row + 1) * size), row * width);
  const batch = { data: new Float32Array(batchSize * size), shape: [batchSize, ...event] };
  const gradient = { data: new Float32Array(batchSize * size), shape: [batchSize, ...event] };
  const shape = [examples, width];
  return {
    batch,
    gradient,
    gather: (rows) => {
      for (const [i, row] of rows.entries()) {
        batch.data.set(values.subarray(row * width, row * width + size), i * size);
      }
    },
    update: (rows, learningRate, gradScale) => {
      for (const [i, row] of rows.entries()) {
        scratch.set(gradient.data.subarray(i * size, (i + 1) * size));
        counts[row] += 1;
        const at = (index: number): number => 4 * (index * table + row * width);
        const range = { param: at(0), grad: scratch.byteOffset, count: width };
        const slotOffsets = slots.map((_, slot) => at(slot + 1));
        applyUpdate(kernels, optimizer, range, { slots: slotOffsets, learningRate, gradScale, count: counts[row] });
      }
    },
    kept: new Map([
      [`local/${name}`, { data: values, shape }],
      [`local/${name}/count`, { data: counts, shape: [examples] }],
      ...slots.map((slot, i) => [`local/${name}/${slot}`, { data: region(i + 1), shape }] as const),
    ]),
  };
}
