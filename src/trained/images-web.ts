import { InputError } from "../errors.ts";
import { checkedPixels } from "./pixel-image.ts";
import { type PixelRows, resample } from "./resample.ts";
import type { ImageInput } from "./trained-model.ts";

/**
 * An image as the model sees it: turned upright, in sRGB, scaled to cover its size and cropped to the middle, transparency
 * laid on white: [c, h, w]. The browser decodes; it does not scale, as each would do so otherwise and none as in training.
 */
export async function pixelsOf(
  input: ImageInput,
  shape: readonly [number, number, number],
  name: string,
): Promise<Uint8Array> {
  if (typeof input === "object" && "data" in input) {
    const { data, width, height } = checkedPixels(input, name);
    return resample(
      { width, height, read: (top, rows) => data.subarray(4 * top * width, 4 * (top + rows) * width) },
      shape,
    );
  }
  if (input instanceof ImageBitmap) return resample(rowsOf(input, name), shape);
  const bitmap = await decode(input, name);
  try {
    return resample(rowsOf(bitmap, name), shape);
  } finally {
    bitmap.close();
  }
}

async function decode(input: ImageInput, name: string): Promise<ImageBitmap> {
  const blob = input instanceof Uint8Array ? new Blob([new Uint8Array(input)]) : input;
  if (!(blob instanceof Blob)) {
    throw new InputError(`${name}: expected a Blob, File, ImageBitmap, ImageData or the bytes of an image file`);
  }
  return createImageBitmap(blob, { imageOrientation: "from-image" }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`${name}: cannot be read as an image (${reason}); this browser may not know its format`);
  });
}

/** The pixels of a bitmap by way of a canvas of a few rows. */
function rowsOf(bitmap: ImageBitmap, name: string): PixelRows {
  const { width, height } = bitmap;
  if (width === 0 || height === 0) throw new InputError(`${name}: is an ImageBitmap that was closed; give an open one`);
  let canvas: OffscreenCanvas | undefined;
  return {
    width,
    height,
    read: (top, rows) => {
      canvas ??= new OffscreenCanvas(width, rows);
      const context = canvas.getContext("2d", { willReadFrequently: true });
      if (!context)
        throw new InputError(`${name}: this browser gives no canvas to read ${width}×${height} pixels with`);
      context.clearRect(0, 0, width, rows);
      context.drawImage(bitmap, 0, -top);
      return context.getImageData(0, 0, width, rows).data;
    },
  };
}
