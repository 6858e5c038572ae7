/** One image as bytes: of every format that sharp reads, turned upright, brought to a size, in grey or RGB of 8 bits. */
import { extname } from "node:path";
import type { Metadata } from "sharp";
import { InputError } from "../errors.ts";
import { fileSize, firstBytesOf } from "./file-bytes.ts";

/** What an image is brought to. */
export interface PixelShape {
  readonly height: number;
  readonly width: number;
  /** 1: grey; 3: RGB. */
  readonly channels: 1 | 3;
}

/** What an image's header says. */
export interface ImageFacts {
  /** In pixels, once it is turned upright. */
  readonly width: number;
  readonly height: number;
  /** Without colour, by its format. */
  readonly grey: boolean;
  /** With transparency. */
  readonly alpha: boolean;
  /** 16 bits a number, or another count above 8. */
  readonly sixteenBit: boolean;
  /** More than one frame or page. */
  readonly animated: boolean;
  /** "jpeg", "png", … */
  readonly format: string;
}

const extensions: ReadonlySet<string> = new Set(
  "avif bmp gif heic heif jfif jp2 jpe jpeg jpg jxl png svg tif tiff webp".split(" ").map((name) => `.${name}`),
);

/** Whether a file is meant to be an image, by its name: where it cannot be read as one it is damaged, not something else. */
export function hasImageName(path: string): boolean {
  return extensions.has(extname(path).toLowerCase());
}

/** Whether a file is an image by its content, or meant to be one by its name. */
export async function isImageFile(path: string): Promise<boolean> {
  if (hasImageName(path)) return true;
  return inspectImage(path, path).then(
    () => true,
    () => false,
  );
}

/** What `decodeImage` needs of a file's header, without decoding its pixels. Throws as `decodeImage` does. */
export async function inspectImage(input: string | Uint8Array, name: string): Promise<ImageFacts> {
  return told(input, name, async () => {
    const { default: sharp } = await import("sharp"); // loaded late: a native library that only images need
    return factsOf(await sharp(input).metadata(), name);
  });
}

/**
 * An image, given as a file's path or its bytes, as [channels, height, width] in sRGB or grey, 0–255. It is turned as its EXIF
 * orientation says, scaled (up, too) to cover the size and cropped to its middle; transparency is laid on white; of several
 * frames or pages the first is taken. Grey from colours is their luminance.
 *
 * Throws InputError in one line, beginning with `name`, for what cannot be read as an image, damaged ones included.
 */
export async function decodeImage(
  input: string | Uint8Array,
  { height, width, channels }: PixelShape,
  name: string,
): Promise<Uint8Array> {
  return told(input, name, async () => {
    const { default: sharp } = await import("sharp");
    const image = sharp(input, { autoOrient: true });
    const { grey } = factsOf(await image.metadata(), name);
    image.resize(width, height, { fit: "cover" }).flatten({ background: "white" });
    if (channels === 3) image.toColourspace("srgb");
    // sharp's conversion of 16-bit grey to 8-bit grey is one level off; to sRGB, whose channels are then equal, it is exact
    else if (grey) image.toColourspace("srgb").extractChannel(0);
    else image.greyscale().toColourspace("b-w");
    return planes(await image.raw({ depth: "uchar" }).toBuffer(), channels);
  });
}

/** What `decodeImage` changes in images such as these that a user should hear of, a line each. */
export function decodingNotices(facts: readonly ImageFacts[]): readonly string[] {
  const changes = [
    { count: facts.filter(({ alpha }) => alpha).length, change: "with transparency, laid on white" },
    { count: facts.filter(({ sixteenBit }) => sixteenBit).length, change: "with 16 bits a channel, reduced to 8" },
    {
      count: facts.filter(({ animated }) => animated).length,
      change: "with several frames or pages, of which only the first is read",
    },
  ];
  return changes.filter(({ count }) => count > 0).map(({ count, change }) => `${countOfImages(count)} ${change}`);
}

/** "1 image", "2,000 images". */
export function countOfImages(count: number): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? "image" : "images"}`;
}

/** [height · width, channels] → [channels, height · width] */
function planes(pixels: Uint8Array, channels: number): Uint8Array {
  const out = new Uint8Array(pixels.length);
  const area = pixels.length / channels;
  for (let channel = 0, to = 0; channel < channels; channel++) {
    for (let from = channel; to < (channel + 1) * area; from += channels) out[to++] = pixels[from];
  }
  return out;
}

const depths: readonly string[] = ["uchar", "ushort"];

function factsOf(header: Metadata, name: string): ImageFacts {
  const { autoOrient, space, depth, hasAlpha, pages, format } = header;
  // other numbers have no known white: sharp would clip them without a word
  if (!depths.includes(depth)) {
    throw new InputError(`${name}: expected numbers of 8 or 16 bits, got ${depth}; convert it to PNG or remove it`);
  }
  return {
    ...autoOrient,
    grey: space === "b-w" || space === "grey16",
    alpha: hasAlpha,
    sixteenBit: depth === "ushort",
    animated: (pages ?? 1) > 1,
    format,
  };
}

async function told<T>(input: string | Uint8Array, name: string, work: () => Promise<T>): Promise<T> {
  if (typeof input === "string") await fileSize(input); // says what is no file: sharp would wait for a pipe's writer
  try {
    return await work();
  } catch (error) {
    if (error instanceof InputError) throw error;
    if (typeof input === "string") await firstBytesOf(input, 1); // says what the system has against reading it
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(
      `${name}: cannot be read as an image (${reason.split("\n")[0].trim()}); repair it, convert it to PNG or remove it`,
    );
  }
}
