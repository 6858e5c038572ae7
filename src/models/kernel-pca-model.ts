import { type Dataset, subset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { zeros } from "../nn/initialisers.ts";
import { add, constant, div, mul, sub, type Tensor } from "../tensor/index.ts";
import { parameter } from "../tensor/leaves.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { closedForm } from "./closed-form.ts";
import type { Family } from "./family.ts";
import { decodeKernelPca, encodeKernelPca, fitKernelPca, type KernelPcaMaps } from "./kernel-pca.ts";
import { cosine, type Kernel, polynomial, rbf } from "./kernels.ts";
import type { DataDescription, PointModel } from "./model.ts";
import type { KernelName } from "./names.ts";
import { reconstructing, shaped } from "./reconstructing.ts";

export interface KernelPcaModelOptions {
  readonly latents: number;
  readonly kernel?: KernelName;
  readonly gamma?: number;
  readonly degree?: number;
  readonly coefficient?: number;
  readonly ridge?: number;
  /** Numbers in units of their own deviation. */
  readonly standardize?: boolean;
  /** How many training examples it is made of, and keeps. */
  readonly examples?: number;
}

/** Examples that are kept unless told otherwise: time grows with their third power, the files with their number. */
const EXAMPLES = 2000;
/** Of the regression: measured on images, where scikit-learn's 1 leaves the pre-images blurred. */
const RIDGE = 0.01;

/** Kernel PCA as a model, with its training examples inside; pre-images by kernel ridge regression. Bakır, Weston & Schölkopf 2004. */
export function kernelPca(options: KernelPcaModelOptions, data: DataDescription): PointModel {
  const { latents: k, ridge = RIDGE } = options;
  const d = sizeOf(data.shape);
  const n = Math.min(options.examples ?? EXAMPLES, data.examples ?? EXAMPLES);
  if (!(Number.isInteger(k) && k >= 1 && k <= n)) {
    throw new InputError(`--latents: of ${n} examples kernel PCA takes 1 to ${n} components, got ${k}`);
  }
  const kernel = kernelOf(options);
  const shapes = {
    "encoder/examples": [n, d],
    "encoder/centre": [n],
    "encoder/projection": [n, k],
    "decoder/codes": [n, k],
    "decoder/dual": [n, d],
  } as const;
  const leaf = (name: keyof typeof shapes): Tensor => parameter(name, shapes[name], zeros);
  const maps: KernelPcaMaps<Tensor> = {
    examples: leaf("encoder/examples"),
    centre: leaf("encoder/centre"),
    projection: leaf("encoder/projection"),
    codes: leaf("decoder/codes"),
    dual: leaf("decoder/dual"),
  };
  const { centre, spread } = unitsOf(options, data);
  const [mean, unit] = [constant(centre, [d]), constant(spread, [d])];
  return {
    latents: k,
    ...reconstructing(
      shaped(
        {
          encode: (x) => encodeKernelPca(kernel, maps, div(sub(x, mean), unit)),
          decode: (z) => add(mul(decodeKernelPca(kernel, maps, z), unit), mean),
        },
        data,
      ),
      data,
    ),
    rule: closedForm(shapes, async ({ engine, dataset }) => {
      const rows = evenly(dataset, n);
      const numbers = Float64Array.from(rows, (value, i) => (value - centre[i % d]) / spread[i % d]);
      const found = await fitKernelPca(engine, { data: numbers, shape: [n, d] }, { kernel, latents: k, ridge });
      const { examples, centre: means, projection, codes, dual } = found.maps;
      const explained = found.eigenvalues.reduce((total, value) => total + value, 0) / found.total;
      return {
        parameters: {
          "encoder/examples": examples,
          "encoder/centre": means,
          "encoder/projection": widened(projection, k),
          "decoder/codes": widened(codes, k),
          "decoder/dual": dual,
        },
        loss: found.total * (1 - explained),
        terms: { explainedShare: explained },
        remarks: [
          ...(n < dataset.length
            ? [
                `Kernel PCA is made of ${n} of ${dataset.length} training examples, spread evenly; --examples takes more, up to 10,000.`,
              ]
            : []),
          ...(found.dropped > 0
            ? [`${found.dropped} of ${k} components have the eigenvalue 0: their codes are 0; take fewer latents.`]
            : []),
        ],
      };
    }),
  };
}

function kernelOf({ kernel = "rbf", gamma = 1, degree = 3, coefficient = 1 }: KernelPcaModelOptions): Kernel {
  const kernels: Readonly<Record<KernelName, () => Kernel>> = {
    rbf: () => rbf(gamma),
    polynomial: () => polynomial({ gamma, degree, coefficient }),
    cosine: () => cosine,
  };
  return kernels[kernel]();
}

/**
 * What is taken off each number, its mean, so that nothing hangs on where the data lie; and what it is divided by. Without a γ of the
 * user's own the numbers' variances sum to 1, so that γ = 1 suits them, 1/d of standardised ones, and suits the codes too, which the
 * pre-images are found from by the same kernel.
 */
function unitsOf(
  { standardize = false, gamma }: KernelPcaModelOptions,
  { means, deviations }: DataDescription,
): { readonly centre: readonly number[]; readonly spread: readonly number[] } {
  const own = Array.from(means, (mean, i) => (deviations ? deviations[i] : Math.sqrt(mean * (1 - mean))));
  const units = own.map((deviation) => (standardize && deviation) || 1);
  const total = own.reduce((sum, deviation, i) => sum + (deviation / units[i]) ** 2, 0);
  const common = gamma === undefined && total > 0 ? Math.sqrt(total) : 1;
  return {
    centre: Array.from(means, Math.fround), // to the last bit what the programs take off
    spread: units.map((unit) => unit * common),
  };
}

/** The numbers of n examples spread evenly over the data, which may lie sorted. */
function evenly(dataset: Dataset, n: number): Float32Array {
  const rows = Array.from({ length: n }, (_, i) => Math.floor(((i + 0.5) * dataset.length) / n));
  const chosen = subset(dataset, rows);
  const numbers = new Float32Array(n * sizeOf(dataset.shape));
  chosen.read(
    Uint32Array.from(rows, (_, i) => i),
    numbers,
  );
  return numbers;
}

/** A matrix [n, c] with columns of 0 up to k. */
function widened({ data, shape: [n, c] }: NdArray, k: number): NdArray<Float64Array> {
  const wide = new Float64Array(n * k);
  for (let i = 0; i < n; i++) for (let j = 0; j < c; j++) wide[i * k + j] = data[i * c + j];
  return { data: wide, shape: [n, k] };
}

export const kernelPcaFamily: Family = {
  title: "Kernel PCA",
  objective: "largest variance in the space of a kernel, in closed form",
  encoder: "kernel with the training examples, x ↦ one z",
  decoder: "kernel ridge regression, z ↦ one x̂",
  build: ({ vae, latents, ...options }, data) =>
    kernelPca({ ...options, latents: latents ?? Math.min(vae.latents, data.examples ?? vae.latents) }, data),
};
