import { pixelsOf } from "#images";
import { arrayDataset, type Dataset } from "../data/dataset.ts";
import { isImage, pixelsAs } from "../data/pixels.ts";
import { InputError } from "../errors.ts";
import type { RunFacts } from "../run/facts.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import type { Examples, ImageInput } from "./trained-model.ts";

/** What an app hands over, as examples of the kind that the model was trained on. */
export async function asDataset(examples: Examples, { data }: RunFacts): Promise<Dataset> {
  if (isDataset(examples)) return examples;
  const { measure, missing } = data;
  const numbers = asNumbers(examples, data.shape);
  if (numbers) {
    return arrayDataset(numbers, {
      name: "the examples",
      measure,
      missing: missing === undefined ? undefined : "keep",
    });
  }
  const images: readonly ImageInput[] = isArray(examples)
    ? examples.filter(isImageInput)
    : isImageInput(examples)
      ? [examples]
      : [];
  if (images.length === 0 || (isArray(examples) && images.length < examples.length)) {
    throw new InputError(
      `the examples: expected images, or numbers of shape [n, ${data.shape.join(", ")}] as an array of rows or { data, shape }`,
    );
  }
  return imageDataset(images, data);
}

async function imageDataset(images: readonly ImageInput[], { shape, measure }: RunFacts["data"]): Promise<Dataset> {
  if (!isImage(shape)) {
    throw new InputError(`images: this model was trained on examples of [${shape.join(", ")}], not on images`);
  }
  const sources = images.map((image, i) => (typeof image === "string" ? image : `image ${i}`));
  const all = new Uint8Array(images.length * sizeOf(shape));
  const AT_ONCE = 8; // decoding has threads of its own
  for (let start = 0; start < images.length; start += AT_ONCE) {
    const some = images.slice(start, start + AT_ONCE);
    const pixels = await Promise.all(some.map((image, i) => pixelsOf(image, shape, sources[start + i])));
    for (const [i, one] of pixels.entries()) all.set(one, (start + i) * one.length);
  }
  const array = { data: all, shape: [images.length, ...shape] };
  return pixelsAs(measure, arrayDataset(array, { name: "the images", measure: "bytes", sources }));
}

/** Numbers as [n, …shape]; undefined for what is no numbers. */
function asNumbers(examples: Exclude<Examples, Dataset>, shape: readonly number[]): NdArray | undefined {
  if (isNdArray(examples)) {
    const single = examples.shape.join() === shape.join();
    return single ? { data: examples.data, shape: [1, ...shape] } : checked(examples, shape);
  }
  if (examples instanceof Float32Array) return rowsOf(examples, shape);
  if (!isArray(examples)) return undefined;
  if (examples.every((one) => typeof one === "number")) return rowsOf(Float32Array.from(examples), shape);
  const rows = examples.filter((one): one is readonly number[] => Array.isArray(one));
  if (rows.length === 0 || rows.length < examples.length) return undefined;
  const size = sizeOf(shape);
  const ragged = rows.findIndex((row) => row.length !== size);
  if (ragged >= 0) {
    throw new InputError(`the examples: row ${ragged} has ${rows[ragged].length} numbers, this model's have ${size}`);
  }
  return rowsOf(Float32Array.from(rows.flat()), shape);
}

function rowsOf(data: Float32Array, shape: readonly number[]): NdArray {
  const length = data.length / sizeOf(shape);
  if (Number.isInteger(length) && length > 0) return { data, shape: [length, ...shape] };
  throw new InputError(`the examples: ${data.length} numbers are no whole number of examples of [${shape.join(", ")}]`);
}

function checked(array: NdArray, shape: readonly number[]): NdArray {
  if (array.shape.length === shape.length + 1 && array.shape.slice(1).join() === shape.join()) return array;
  throw new InputError(`the examples: the shape [n, ${shape.join(", ")}] is expected, got [${array.shape.join(", ")}]`);
}

function isArray(value: Examples): value is readonly ImageInput[] | readonly number[] | readonly (readonly number[])[] {
  return Array.isArray(value);
}

function isDataset(value: Examples): value is Dataset {
  return typeof value === "object" && "read" in value && "measure" in value;
}

function isNdArray(value: Examples): value is NdArray {
  return typeof value === "object" && "shape" in value && "data" in value;
}

function isImageInput(value: unknown): value is ImageInput {
  if (typeof value === "string" || value instanceof Uint8Array) return true;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return "arrayBuffer" in value || ("width" in value && "height" in value);
}
