import { InputError } from "../errors.ts";
import type { Dataset, Measure } from "./dataset.ts";

/** Whether examples of this shape can be shown: [channels, height, width] with 1 or 3 channels. */
export function isImage(shape: readonly number[]): shape is readonly [1 | 3, number, number] {
  return shape.length === 3 && (shape[0] === 1 || shape[0] === 3);
}

/**
 * Images of bytes as a model of another measure knows them: 0…255 become 0…1, and for a binary one 0 or 1, whichever is nearer.
 * @throws InputError for a model of real numbers, whose units nobody knows.
 */
export function pixelsAs(measure: Measure, images: Dataset): Dataset {
  if (measure === images.measure || (measure === "bytes" && images.dtype === "uint8")) return images;
  if (measure !== "unit" && measure !== "binary") {
    throw new InputError(
      `${images.name}: images are numbers from 0 to 255, and this model was trained on ${measure} ones of its own units; give arrays`,
    );
  }
  const convert = measure === "unit" ? (byte: number) => byte / 255 : (byte: number) => Math.round(byte / 255);
  return {
    ...images,
    dtype: "float32",
    measure,
    read(indices, out) {
      images.read(indices, out);
      const count = indices.length * images.shape.reduce((a, b) => a * b, 1);
      for (let i = 0; i < count; i++) out[i] = convert(out[i]);
    },
  };
}
