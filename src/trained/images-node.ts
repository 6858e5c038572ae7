import { decodeImage } from "../data/decode-image.ts";
import { InputError } from "../errors.ts";
import { checkedPixels } from "./pixel-image.ts";
import type { ImageInput } from "./trained-model.ts";

/** An image as the model sees it: read exactly as training images were, [c, h, w] bytes. */
export async function pixelsOf(
  input: ImageInput,
  [channels, height, width]: readonly [number, number, number],
  name: string,
): Promise<Uint8Array> {
  const target = { channels: channels === 1 ? 1 : 3, height, width } as const;
  if (typeof input === "string" || input instanceof Uint8Array) return decodeImage(input, target, name);
  if ("data" in input) {
    const { data, width: w, height: h } = checkedPixels(input, name);
    const { default: sharp } = await import("sharp");
    const png = await sharp(new Uint8Array(data), { raw: { width: w, height: h, channels: 4 } })
      .png()
      .toBuffer();
    return decodeImage(png, target, name);
  }
  if ("arrayBuffer" in input) return decodeImage(new Uint8Array(await input.arrayBuffer()), target, name);
  throw new InputError(`${name}: expected a path, the bytes of an image file, a Blob, or { data, width, height }`);
}
