import type { Dataset } from "../data/dataset.ts";
import type { NodeProto, ValueProto } from "../onnx/proto.ts";
import { encodeModel } from "../onnx/proto.ts";
import { type CompiledFunction, load } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import type { NdArray } from "../tensor/ndarray.ts";

/** Sums over rows of bytes, whole numbers and exact. */
export interface ByteSums {
  /** Σx [d] */
  readonly totals: Float64Array;
  /** Σxxᵀ [d, d], on and below the diagonal. */
  readonly products: Float64Array;
}

/** Rows at once: 4096·255² is below 2³¹, so the sums of their products are exact in int32. */
const ROWS = 4096;

/** Columns are taken in at most so many blocks of about this width; blocks above the diagonal are not made. */
const BLOCKS = 8;
const WIDTH = 200;

/** Of a dataset of bytes, by the engine's integer product: twice as fast as float32, and exact. A column of ones gives the totals. */
export async function byteSums(engine: Engine, dataset: Dataset, d: number): Promise<ByteSums> {
  const columns = d + 1;
  const count = Math.min(BLOCKS, Math.ceil(columns / WIDTH));
  const starts = Array.from({ length: count + 1 }, (_, i) => Math.floor((i * columns) / count));
  const program = await openProducts(engine, starts);
  const [products, totals] = [new Float64Array(d * d), new Float64Array(d)];
  try {
    for (let first = 0; first < dataset.length; first += ROWS) {
      const rows = Math.min(ROWS, dataset.length - first);
      const bytes = new Uint8Array(rows * d);
      dataset.read(
        Uint32Array.from({ length: rows }, (_, i) => first + i),
        bytes,
      );
      const values = await program.run(blocksOf(bytes, rows, starts));
      for (let i = 0; i < count; i++) {
        for (let j = 0; j <= i; j++) add(values[`product ${i} ${j}`], starts[i], starts[j]);
      }
    }
  } finally {
    await program.release();
  }
  return { totals, products };

  function add({ data: terms, shape: [height, width] }: NdArray, row: number, column: number): void {
    for (let i = 0, at = 0; i < height; i++) {
      const [sums, from] = row + i < d ? [products, (row + i) * d + column] : [totals, column];
      const kept = Math.min(width, d - column); // the ones by themselves are no total
      for (let j = 0; j < kept; j++) sums[from + j] += terms[at + j];
      at += width;
    }
  }
}

/** The columns of rows of bytes, and the one of ones, block by block: [rows, width]. */
function blocksOf(bytes: Uint8Array, rows: number, starts: readonly number[]): Readonly<Record<string, NdArray>> {
  const d = bytes.length / rows;
  const blocks: Record<string, NdArray> = {};
  for (let i = 0; i + 1 < starts.length; i++) {
    const [start, end] = [starts[i], starts[i + 1]];
    const width = end - start;
    const data = new Uint8Array(rows * width).fill(end > d ? 1 : 0);
    for (let row = 0; row < rows; row++) {
      data.set(bytes.subarray(row * d + start, row * d + Math.min(end, d)), row * width);
    }
    blocks[`x ${i}`] = { data, shape: [rows, width] };
  }
  return blocks;
}

/** `product i j` = X_iᵀX_j for blocks j ≤ i; by hand, as the tensor language has no integer product. */
function openProducts(engine: Engine, starts: readonly number[]): Promise<CompiledFunction> {
  const widths = starts.slice(1).map((end, i) => end - starts[i]);
  const inputs = widths.map((width, i): ValueProto => ({ name: `x ${i}`, element: "uint8", shape: ["rows", width] }));
  const nodes: NodeProto[] = [];
  const outputs: (ValueProto & { readonly shape: readonly number[] })[] = [];
  for (const [i, height] of widths.entries()) {
    const turned = `turned ${i}`;
    nodes.push({ type: "Transpose", name: turned, inputs: [`x ${i}`], output: turned, attributes: { perm: [1, 0] } });
    for (const [j, width] of widths.slice(0, i + 1).entries()) {
      const output = `product ${i} ${j}`;
      nodes.push({ type: "MatMulInteger", name: output, inputs: [turned, `x ${j}`], output, attributes: {} });
      outputs.push({ name: output, element: "int32", shape: [height, width] });
    }
  }
  const bytes = encodeModel({ name: "byte products", nodes, initializers: [], inputs, outputs, metadata: {} });
  return load(engine, {
    bytes,
    precision: "float32",
    inputs: inputs.map(({ name, shape }) => ({ name, shape, dtype: "uint8", leaf: { kind: "data", name } })),
    outputs: outputs.map(({ name, shape }) => ({ name, shape, dtype: "int" })),
  });
}
