import { bytesOf } from "../checksum.ts";
import type { Dataset } from "../data/dataset.ts";
import { encodeModel, type NodeProto, type TensorProto, type ValueProto } from "../onnx/proto.ts";
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

/** Columns are taken in at most so many blocks, of at least this width; blocks above the diagonal are not made. */
const BLOCKS = 8;
const WIDTH = 96;

/** The engine's products are fastest in columns of a multiple of this. */
const LANES = 16;

/** Of a dataset of bytes, by the engine's integer product: twice as fast as float32, and exact. A row of ones gives the totals. */
export async function byteSums(engine: Engine, dataset: Dataset, d: number): Promise<ByteSums> {
  const width = Math.max(WIDTH, LANES * Math.ceil(d / (BLOCKS * LANES)));
  const blocks = Array.from({ length: Math.ceil(d / width) }, (_, i) => ({
    start: i * width,
    width: Math.min(width, d - i * width),
  }));
  const [products, totals] = [new Float64Array(d * d), new Float64Array(d)];
  const parts = lowerParts(blocks);
  const terms = Object.fromEntries(parts.map(({ name, shape }) => [name, sumsOf(shape)]));
  const program = await openProducts(engine, d, blocks, parts);
  try {
    let batch = room(Math.min(ROWS, dataset.length), d);
    for (let first = 0; first < dataset.length; first += ROWS) {
      const rows = Math.min(ROWS, dataset.length - first);
      if (rows < batch.indices.length) batch = room(rows, d);
      for (let i = 0; i < rows; i++) batch.indices[i] = first + i;
      dataset.read(batch.indices, batch.feeds.x.data);
      await program.run(batch.feeds, terms);
      for (const part of parts) add(part, terms[part.name].data);
    }
  } finally {
    await program.release();
  }
  return { totals, products };

  function add({ row, column, shape: [height, width] }: Part, sums: Int32Array): void {
    for (let i = 0, at = 0; i < height; i++) {
      const [into, from] = row + i < d ? [products, (row + i) * d + column] : [totals, column];
      for (let j = 0; j < width; j++) into[from + j] += sums[at++];
    }
  }
}

/** Neighbouring columns. */
interface Columns {
  readonly start: number;
  readonly width: number;
}

/** A block of XᵀX: its first row and column, its size, and the program's name for it. */
interface Part {
  readonly name: string;
  readonly row: number;
  readonly column: number;
  readonly shape: readonly [number, number];
}

/** X_iᵀX_j for blocks j ≤ i; the last ones have one row more, of ones. */
function lowerParts(blocks: readonly Columns[]): readonly Part[] {
  return blocks.flatMap(({ start: row, width: height }, i) =>
    blocks.slice(0, i + 1).map(({ start: column, width }, j): Part => {
      const rows = i === blocks.length - 1 ? height + 1 : height;
      return { name: `product ${i} ${j}`, row, column, shape: [rows, width] };
    }),
  );
}

function sumsOf(shape: readonly [number, number]): NdArray<Int32Array> {
  return { data: new Int32Array(shape[0] * shape[1]), shape };
}

/** Memory for so many rows, and ones beside them. */
function room(
  rows: number,
  d: number,
): { readonly indices: Uint32Array; readonly feeds: { readonly x: NdArray<Uint8Array>; readonly ones: NdArray } } {
  return {
    indices: new Uint32Array(rows),
    feeds: {
      x: { data: new Uint8Array(rows * d), shape: [rows, d] },
      ones: { data: new Uint8Array(rows).fill(1), shape: [1, rows] },
    },
  };
}

/** The products of rows `x` [rows, d], and of `ones` [1, rows] with them; by hand, as the tensor language has no integer product. */
function openProducts(
  engine: Engine,
  d: number,
  blocks: readonly Columns[],
  parts: readonly Part[],
): Promise<CompiledFunction> {
  const inputs: readonly (ValueProto & { readonly element: "uint8" })[] = [
    { name: "x", element: "uint8", shape: ["rows", d] },
    { name: "ones", element: "uint8", shape: [1, "rows"] },
  ];
  const initializers: TensorProto[] = [integer("axis", 1)];
  const nodes: NodeProto[] = [];
  const node = (
    type: string,
    from: readonly string[],
    output: string,
    attributes: NodeProto["attributes"] = {},
  ): void => {
    nodes.push({ type, name: output, inputs: from, output, attributes });
  };
  for (const [i, { start, width }] of blocks.entries()) {
    initializers.push(integer(`start ${i}`, start), integer(`end ${i}`, start + width));
    node("Slice", ["x", `start ${i}`, `end ${i}`, "axis"], `x ${i}`); // [rows, width]
    node("Transpose", [`x ${i}`], `turned ${i}`, { perm: [1, 0] }); // [width, rows]
    const last = i === blocks.length - 1;
    if (last) node("Concat", [`turned ${i}`, "ones"], "turned and ones", { axis: 0 }); // [width + 1, rows]
    for (let j = 0; j <= i; j++) {
      node("MatMulInteger", [last ? "turned and ones" : `turned ${i}`, `x ${j}`], `product ${i} ${j}`);
    }
  }
  const outputs = parts.map(({ name, shape }) => ({ name, element: "int32" as const, shape }));
  return load(engine, {
    bytes: encodeModel({ name: "byte products", nodes, initializers, inputs, outputs, metadata: {} }),
    precision: "float32",
    inputs: inputs.map(({ name, shape }) => ({ name, shape, dtype: "uint8", leaf: { kind: "data", name } })),
    outputs: outputs.map(({ name, shape }) => ({ name, shape, dtype: "int" })),
  });
}

function integer(name: string, value: number): TensorProto {
  return { name, element: "int64", shape: [1], bytes: bytesOf(BigInt64Array.of(BigInt(value))) };
}
