import { readFileSync } from "node:fs";
import { z } from "zod";
import { arrayDataset, type Dataset, firstOf, numbersOf } from "../../data/dataset.ts";
import { dot } from "../../linalg/matrix.ts";
import { decodeKernelPca, encodeKernelPca, fitKernelPca, type KernelPcaMaps } from "../../models/kernel-pca.ts";
import { cosine, type Kernel, polynomial, rbf } from "../../models/kernels.ts";
import { decodePca, encodePca, fitPca, type PcaMaps, pcaError, pcaMaps } from "../../models/pca.ts";
import { compile } from "../../runtime/compile.ts";
import type { Engine } from "../../runtime/engine.ts";
import { data, type Tensor } from "../../tensor/index.ts";
import type { NdArray } from "../../tensor/ndarray.ts";
import { openDigits } from "../linear-vae.ts";
import { type Measurement, relativeToLargest, type SystemRow } from "../row.ts";

/** scikit-learn's: test/golden/scripts/pca.py and kernel_pca.py, whose words these are. */
const numbers = z.array(z.number());
const pcaSchema = z.object({
  cases: z.array(
    z.object({
      name: z.enum(["digits", "wine"]),
      k: z.number(),
      rows: z.number(),
      standardize: z.boolean(),
      uncentred: z.boolean(),
      explainedVariance: numbers,
      components: z.array(numbers),
      reconstructions: z.array(numbers),
      error: z.number(),
    }),
  ),
});
const kernelSchema = z.object({
  units: numbers,
  order: numbers,
  cases: z.array(
    z.object({
      name: z.enum(["digits", "wine"]),
      rows: z.number(),
      k: z.number(),
      ridge: z.number(),
      kernel: z.enum(["rbf", "poly", "cosine"]),
      gamma: z.number(),
      degree: z.number(),
      coefficient: z.number(),
      eigenvalues: numbers,
      codes: z.array(numbers),
      preimages: z.array(numbers),
    }),
  ),
});
const rowsSchema = z.object({ rows: z.array(numbers) });

function golden<T>(schema: z.ZodType<T>, name: string): T {
  const file = new URL(`../../../test/golden/values/${name}.json`, import.meta.url);
  return schema.parse(JSON.parse(readFileSync(file, "utf8")));
}

/** A program in float64, run once. */
async function run(
  engine: Engine,
  outputs: Readonly<Record<string, Tensor>>,
  values: object,
  x: NdArray,
): Promise<Readonly<Record<string, NdArray>>> {
  const program = await compile(engine, outputs, { precision: "float64", values: new Map(Object.entries(values)) });
  const found = await program.run({ x });
  await program.release();
  return found;
}

/** Directions as the row asks: vectors where the gap to both neighbours is more than this part of the eigenvalue, else the space. */
const GAP = 1e-4;

type PcaCase = z.infer<typeof pcaSchema>["cases"][number];
type KernelCase = z.infer<typeof kernelSchema>["cases"][number];

/** How far one case is from scikit-learn, each relative to the largest of its numbers; and a number of each to show. */
type Apart<Name extends string> = Readonly<
  Record<Name, { readonly error: number; readonly first: readonly [number, number] }>
>;

function apart(ours: ArrayLike<number>, theirs: readonly number[]): Apart<"it">["it"] {
  return { error: relativeToLargest(ours, theirs), first: [ours[0], theirs[0]] };
}

async function pcaApart(
  engine: Engine,
  whole: Dataset,
  known: PcaCase,
): Promise<Apart<"eigenvalues" | "directions" | "reconstructions">> {
  const { k, rows: n, standardize, uncentred, explainedVariance: theirs } = known;
  const dataset = firstOf(whole, n);
  const found = await fitPca(engine, dataset, { latents: k, standardize, uncentred });
  const divisor = uncentred ? 1 : n - 1; // scikit-learn's: of uncentred rows the squared singular values
  const clear = theirs.map((value, j) =>
    [theirs[j - 1] - value, value - theirs[j + 1]].every((gap) => !(gap < GAP * value)),
  );
  const directions = known.components.map((direction, j) =>
    clear[j]
      ? relativeToLargest(found.components[j], direction)
      : Math.abs(1 - Math.hypot(...found.components.map((ours) => dot(ours, direction)))),
  );
  const maps = pcaMaps(found);
  const leaf = (name: keyof PcaMaps<Tensor>): Tensor => data(name, maps[name].shape);
  const tensors = { mean: leaf("mean"), inward: leaf("inward"), outward: leaf("outward") };
  const shown = firstOf(dataset, known.reconstructions.length);
  const x = { data: Float64Array.from(numbersOf(shown)), shape: [shown.length, maps.mean.data.length] };
  const back = decodePca(tensors, encodePca(tensors, data("x", ["batch", x.shape[1]])));
  const values = await run(engine, { back }, maps, x);
  return {
    eigenvalues: apart(
      found.eigenvalues.map((value) => (value * n) / divisor),
      theirs,
    ),
    directions: { error: Math.max(...directions), first: [found.components[0][0], known.components[0][0]] },
    reconstructions: apart(values.back.data, known.reconstructions.flat()),
  };
}

const kernels: Readonly<Record<KernelCase["kernel"], (known: KernelCase) => Kernel>> = {
  rbf: ({ gamma }) => rbf(gamma),
  poly: polynomial,
  cosine: () => cosine,
};

/** Rows beyond those that are fitted, of which scikit-learn's codes are known. */
async function kernelApart(
  engine: Engine,
  { data: values, shape: [, d] }: NdArray<Float64Array>,
  known: KernelCase,
): Promise<Apart<"eigenvalues" | "codes" | "preimages">> {
  const { rows, k: latents, ridge } = known;
  const part = (from: number, to: number) => ({ data: values.slice(from * d, to * d), shape: [to - from, d] });
  const kernel = kernels[known.kernel](known);
  const { maps, eigenvalues } = await fitKernelPca(engine, part(0, rows), { kernel, latents, ridge });
  const leaf = (name: keyof KernelPcaMaps<Tensor>): Tensor => data(name, maps[name].shape);
  const tensors = {
    examples: leaf("examples"),
    centre: leaf("centre"),
    projection: leaf("projection"),
    codes: leaf("codes"),
    dual: leaf("dual"),
  };
  const z = encodeKernelPca(kernel, tensors, data("x", ["batch", d]));
  const outputs = { z, back: decodeKernelPca(kernel, tensors, z) };
  const found = await run(engine, outputs, maps, part(rows, rows + known.codes.length));
  const preimages = known.preimages.flat();
  return {
    eigenvalues: apart(eigenvalues, known.eigenvalues),
    codes: apart(found.z.data, known.codes.flat()),
    preimages: apart(Array.from(found.back.data).slice(0, preimages.length), preimages),
  };
}

function claims<Name extends string>(
  cases: readonly Apart<Name>[],
  named: readonly (readonly [Name, string])[],
): readonly Measurement[] {
  return named.map(([name, what]) => {
    const all = cases.map((one) => one[name]);
    const [measured, expected] = (all.find(({ first }) => Math.abs(first[0]) > 0.01) ?? all[0]).first;
    const error = Math.max(...all.map((one) => one.error));
    return {
      what,
      measured,
      expected,
      error,
      tolerance: 1e-6,
      because: "relative to the largest number, as the row asks",
    };
  });
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const digits = await openDigits();
  const { rows } = golden(rowsSchema, "probabilistic_pca");
  const table = { data: Float32Array.from(rows.flat()), shape: [rows.length, rows[0].length] };
  const sets = { digits, wine: arrayDataset(table, { name: "wine", measure: "real" }) };
  const { cases } = golden(pcaSchema, "pca");
  const linear = [];
  for (const known of cases) linear.push(await pcaApart(engine, sets[known.name], known));

  const { cases: kernelCases, order, units } = golden(kernelSchema, "kernel_pca");
  const wine = order.flatMap((row) => rows[row].map((value, j) => Math.fround(value) / units[j]));
  const numbersBy = {
    digits: { data: Float64Array.from(numbersOf(digits)), shape: [digits.length, 64] },
    wine: { data: Float64Array.from(wine), shape: [rows.length, units.length] },
  };
  const curved = [];
  for (const known of kernelCases) curved.push(await kernelApart(engine, numbersBy[known.name], known));

  const error = pcaError(await fitPca(engine, digits, { latents: 10 }));
  const [{ error: theirs }] = cases;
  const of = `of ${cases.length} cases on digits and wine: centred and not, standardised and not, fewer rows than numbers`;
  const kernelsOf = `kernel PCA with the kernels rbf, polynomial and cosine, ${curved.length} cases on digits and wine`;
  return [
    ...claims(linear, [
      ["eigenvalues", `PCA in float64, the eigenvalues ${of}, against scikit-learn; the first is shown`],
      [
        "directions",
        `PCA's vectors, up to sign, of the same (where a gap is below 1e-4, that the vector lies in our space)`,
      ],
      ["reconstructions", "PCA's reconstructions of the first three rows of the same"],
    ]),
    {
      what: "mean ‖x − x̂‖² of the 1,797 digits, k = 10, as Σ_{j>k} λ_j",
      measured: error,
      expected: theirs,
      error: Math.abs(error / theirs - 1),
      tolerance: 1e-6,
      because: "relative, as the row asks",
    },
    ...claims(curved, [
      ["eigenvalues", `${kernelsOf}: eigenvalues against scikit-learn`],
      ["codes", `codes by them of ${kernelCases[0].codes.length} rows that were held out`],
      [
        "preimages",
        "pre-images of those codes, by kernel ridge regression from codes to examples (Bakır, Weston & Schölkopf 2004)",
      ],
    ]),
  ];
}

/** Row 16: the best linear encoder and decoder, and the same in the space of a kernel. */
export const row16: SystemRow = { row: 16, title: "PCA and kernel PCA", measure };
