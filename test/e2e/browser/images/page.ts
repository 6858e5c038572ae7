/** Reads images for the test as an app's page does, given in every way that a browser has them. */
import { pixelsOf } from "../../../../src/trained/images-web.ts";
import type { ImageInput } from "../../../../src/trained/trained-model.ts";

export type Given = "Blob" | "bytes" | "ImageBitmap" | "ImageData" | "text";

async function given(url: string, as: Given): Promise<ImageInput> {
  if (as === "text") return url;
  const blob = await fetch(url).then((response) => response.blob());
  if (as === "Blob") return blob;
  if (as === "bytes") return new Uint8Array(await blob.arrayBuffer());
  const bitmap = await createImageBitmap(blob);
  if (as === "ImageBitmap") return bitmap;
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  if (!context) throw new Error("there is no canvas");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

/** The pixels [c, h, w] of the image at an address, or the message of why it cannot be read. */
async function read(
  url: string,
  as: Given,
  shape: readonly [number, number, number],
): Promise<readonly number[] | string> {
  try {
    return Array.from(await pixelsOf(await given(url, as), shape, "image 0"));
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

Object.assign(window, { read });
