import { InputError } from "../errors.ts";
import type { ImageInput } from "./trained-model.ts";

/** [channels, height, width] */
type ImageShape = readonly [number, number, number];

/** The weights of red, green and blue in grey: those of sRGB's luminance. */
const GREY = [0.2126, 0.7152, 0.0722] as const;

/** An image as the model sees it, scaled to cover its size and cropped to the middle, transparency laid on white: [c, h, w]. */
export async function pixelsOf(
  input: ImageInput,
  [channels, height, width]: ImageShape,
  name: string,
): Promise<Uint8Array> {
  const bitmap = await bitmapOf(input, name);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new InputError(`${name}: this browser gives no canvas to read pixels with`);
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  const scale = Math.max(width / bitmap.width, height / bitmap.height);
  const [w, h] = [scale * bitmap.width, scale * bitmap.height];
  context.drawImage(bitmap, (width - w) / 2, (height - h) / 2, w, h);
  if (bitmap !== input) bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = height * width;
  const out = new Uint8Array(channels * pixels);
  for (let i = 0; i < pixels; i++) {
    if (channels === 1) {
      out[i] = Math.round(GREY[0] * data[4 * i] + GREY[1] * data[4 * i + 1] + GREY[2] * data[4 * i + 2]);
    } else {
      for (let c = 0; c < channels; c++) out[c * pixels + i] = data[4 * i + c]; // [h, w, 4] → [c, h, w]
    }
  }
  return out;
}

async function bitmapOf(input: ImageInput, name: string): Promise<ImageBitmap> {
  if (input instanceof ImageBitmap) return input;
  try {
    if (input instanceof Uint8Array) return await createImageBitmap(new Blob([new Uint8Array(input)]));
    if (input instanceof Blob || input instanceof ImageData) return await createImageBitmap(input);
    if (typeof input === "object" && "data" in input) {
      const pixels = new ImageData(new Uint8ClampedArray(input.data), input.width, input.height);
      return await createImageBitmap(pixels);
    }
  } catch (cause) {
    throw new InputError(
      `${name}: is no image that this browser reads (${cause instanceof Error ? cause.message : cause})`,
    );
  }
  throw new InputError(`${name}: expected a Blob, File, ImageBitmap, ImageData or the bytes of an image file`);
}
