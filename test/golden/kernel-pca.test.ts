/** Kernel PCA of digits and wine against scikit-learn, in float64 and as the program that is exported: scripts/kernel_pca.py. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { numbersOf } from "../../src/data/dataset.ts";
import {
  decodeKernelPca,
  encodeKernelPca,
  fitKernelPca,
  type KernelPca,
  type KernelPcaMaps,
} from "../../src/models/kernel-pca.ts";
import { cosine, type Kernel, polynomial, rbf } from "../../src/models/kernels.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { openDigits } from "../../src/systems/linear-vae.ts";
import { data, type Tensor } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { found } from "./arrays.ts";
import golden from "./values/kernel_pca.json" with { type: "json" };
import wine from "./values/probabilistic_pca.json" with { type: "json" };

const HELD_OUT = 20;

type Case = (typeof golden.cases)[number];
const kernels: Readonly<Record<string, (known: Case) => Kernel>> = {
  rbf: ({ gamma }) => rbf(gamma),
  poly: polynomial,
  cosine: () => cosine,
};

let engine: Engine;
const sets = new Map<string, NdArray<Float64Array>>();
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
  const digits = await openDigits();
  sets.set("digits", { data: Float64Array.from(numbersOf(digits)), shape: [digits.length, 64] });
  const rows = golden.order.flatMap((row) => wine.rows[row].map((value, j) => Math.fround(value) / golden.units[j]));
  sets.set("wine", { data: Float64Array.from(rows), shape: [wine.rows.length, 13] });
});

function rowsOf(
  { data: numbers, shape: [, d] }: NdArray<Float64Array>,
  start: number,
  end: number,
): NdArray<Float64Array> {
  return { data: numbers.slice(start * d, end * d), shape: [end - start, d] };
}

/** The largest distance, in units of what is expected at its largest. */
function apart(values: ArrayLike<number>, expected: readonly number[]): number {
  const size = Math.max(...expected.map(Math.abs));
  expect(values.length).toBe(expected.length);
  return Math.max(...expected.map((value, i) => Math.abs(values[i] - value))) / size;
}

interface Mapped {
  readonly codes: ArrayLike<number>;
  readonly preimages: ArrayLike<number>;
}

/** The codes of these rows and the pre-images of those codes, by the two programs. */
async function mapped(
  kernel: Kernel,
  { maps }: KernelPca,
  x: NdArray,
  precision: "float32" | "float64",
): Promise<Mapped> {
  const leaf = (name: keyof KernelPcaMaps<Tensor>): Tensor => data(name, maps[name].shape);
  const tensors = {
    examples: leaf("examples"),
    centre: leaf("centre"),
    projection: leaf("projection"),
    codes: leaf("codes"),
    dual: leaf("dual"),
  };
  const z = encodeKernelPca(kernel, tensors, data("x", ["batch", x.shape[1]]));
  const outputs = { z, back: decodeKernelPca(kernel, tensors, z) };
  const program = await compile(engine, outputs, { precision, values: new Map(Object.entries(maps)) });
  const given = precision === "float32" ? { data: Float32Array.from(x.data), shape: x.shape } : x;
  const values = await program.run({ x: given });
  await program.release();
  return { codes: values.z.data, preimages: values.back.data };
}

describe.each(golden.cases)("$kernel kernel, $k of $rows $name", (known) => {
  let fit: KernelPca;
  let kernel: Kernel;
  let heldOut: NdArray<Float64Array>;
  beforeAll(async () => {
    kernel = kernels[known.kernel](known);
    const all = found(sets, known.name);
    const { k: latents, ridge, rows } = known;
    fit = await fitKernelPca(engine, rowsOf(all, 0, rows), { kernel, latents, ridge });
    heldOut = rowsOf(all, rows, rows + HELD_OUT);
  });

  it("has scikit-learn's eigenvalues, codes of held-out rows and pre-images", async () => {
    expect(fit.dropped).toBe(0);
    // 1e-9: eigenvectors to 1e-12 over a relative gap of 0.07, and golden values of 13 digits
    expect(apart(fit.eigenvalues, known.eigenvalues)).toBeLessThan(1e-12);
    const { codes, preimages } = await mapped(kernel, fit, heldOut, "float64");
    expect(apart(codes, known.codes.flat())).toBeLessThan(1e-9);
    expect(apart(Array.from(preimages).slice(0, known.preimages.flat().length), known.preimages.flat())).toBeLessThan(
      1e-9,
    );
  });

  it("keeps them in float32", async () => {
    const { codes, preimages } = await mapped(kernel, fit, heldOut, "float32");
    // some hundred terms of alternating sign, each to 6e-8
    expect(apart(codes, known.codes.flat())).toBeLessThan(1e-5);
    expect(apart(Array.from(preimages).slice(0, known.preimages.flat().length), known.preimages.flat())).toBeLessThan(
      1e-5,
    );
  });
});
