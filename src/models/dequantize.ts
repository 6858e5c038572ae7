import type { Dataset } from "../data/dataset.ts";
import { meanOf } from "../distributions/distribution.ts";
import { InputError } from "../errors.ts";
import { noiseSource } from "../random/noise.ts";
import { add, type Dim, floor, maximum, minimum, noise, sub, type Tensor } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import type { DataDescription, Model } from "./model.ts";
import { AS_THEY_ARE, DEQUANTISED } from "./names.ts";

/** The name of the noise that makes integers real numbers. */
const DEQUANTIZE = "dequantize";

const BYTES = [0, 255] as const;

/** Whether the numbers are integers, on which a density of real numbers is none. */
function isDiscrete({ measure }: Pick<DataDescription, "measure">): boolean {
  return measure !== "real" && measure !== "unit";
}

/** Refuses categories: their numbers have no order, so neither a distance nor a density of real numbers is about them. */
export function refuseCategories({ measure }: Pick<DataDescription, "measure">): void {
  if (measure !== "category") return;
  throw new InputError(
    "--measure category: categories have no order, and this model is of numbers; --model vae has --likelihood categorical",
  );
}

/**
 * What a density on real numbers models of the data: real numbers as they are; integers as y = x + u, u uniform on [0, 1)^d, since
 * log P(x) ≥ E_u log p(x + u). Theis, van den Oord & Bethge 2016, eqs. 2 to 4.
 */
export function realNumbers(data: DataDescription): Pick<Model, "observe" | "observation"> {
  refuseCategories(data);
  if (!isDiscrete(data)) return { observation: AS_THEY_ARE };
  return {
    observe: (raw: Tensor, samples?: Dim) =>
      add(raw, noise(DEQUANTIZE, "uniform", { samples, batch: "batch", event: [...data.shape] })),
    observation: DEQUANTISED,
  };
}

/** The same for a density p(x|z) on real numbers, whose mean and draws come back to what the data are: of x + u the integer x. */
export function realLikelihood(data: DataDescription): Pick<Model, "observe" | "observation" | "shown" | "drawn"> {
  if (!isDiscrete(data)) return realNumbers(data);
  return {
    ...realNumbers(data),
    shown: (likelihood) => sub(meanOf(likelihood), 0.5), // E(x + u) − E u
    drawn: (y) => asData(y, data),
  };
}

/** Real numbers back to what the data are: of x + u the integer x, among those that can be. */
export function asData(y: Tensor, { measure, range: [low, high] = BYTES }: DataDescription): Tensor {
  return isDiscrete({ measure }) ? minimum(maximum(floor(y), low), high) : y;
}

/** Examples as `realNumbers` has them, each with one draw of u: what closed forms and EM are fitted to. */
export function realDataset(dataset: Dataset, seed: number): Dataset {
  if (!isDiscrete(dataset)) return dataset;
  const source = noiseSource({ name: DEQUANTIZE, law: "uniform", event: dataset.shape }, seed);
  const size = sizeOf(dataset.shape);
  return {
    ...dataset,
    dtype: "float32",
    measure: "real",
    read: (indices, out) => {
      const drawn = new Float32Array(indices.length * size);
      source.fill(drawn, { step: 0, examples: Uint32Array.from(indices), samples: 1, firstSample: 0 });
      const numbers = new Float32Array(drawn.length);
      dataset.read(indices, numbers);
      for (let i = 0; i < drawn.length; i++) out[i] = numbers[i] + drawn[i];
    },
  };
}
