import { InputError } from "../errors.ts";
import type { PixelImage } from "./trained-model.ts";

/**
 * Pixels with as many numbers as their size says.
 * @throws InputError where they have not.
 */
export function checkedPixels(image: PixelImage, name: string): PixelImage {
  const { data, width, height } = image;
  const whole = [width, height].every((side) => Number.isSafeInteger(side) && side >= 1);
  if (whole && data.length === 4 * width * height) return image;
  const expected = whole
    ? `${4 * width * height} RGBA bytes for ${width}×${height}`
    : "a width and a height of 1 or more";
  throw new InputError(`${name}: expected ${expected}, got ${whole ? data.length : `${width}×${height}`}`);
}
