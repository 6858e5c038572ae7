import { ShapeError } from "../errors.ts";

/** An 8-bit picture, rows from the top, channels interleaved: `data` has height · width · channels bytes. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** A grid of pictures as one PNG file, `width` × `height` pixels with the gaps. */
export interface Grid {
  readonly width: number;
  readonly height: number;
  readonly png: Uint8Array;
}

/**
 * Rows of images as one PNG with transparent gaps between them, so that any page colour shows through.
 * Rows may be of different lengths. Throws a ShapeError where there is no image or the images differ in size or channels.
 */
export async function encodeGrid(rows: readonly (readonly Image[])[]): Promise<Grid> {
  const first = rows.flat().at(0);
  if (first === undefined) throw new ShapeError("encodeGrid: expected at least one image, got none");
  const { width, height, channels } = first;
  const gap = Math.max(1, Math.round(Math.min(width, height) / 14)); // 2 pixels at 28 × 28
  const columns = Math.max(...rows.map((row) => row.length));
  const gridWidth = columns * (width + gap) - gap;
  const gridHeight = rows.length * (height + gap) - gap;
  const pixels = new Uint8Array(gridHeight * gridWidth * (channels + 1)); // [gridHeight, gridWidth, channels + alpha], 0: transparent

  for (const [r, row] of rows.entries()) {
    for (const [c, image] of row.entries()) {
      checkLike(image, first, r, c);
      for (let y = 0; y < height; y++) {
        let to = ((r * (height + gap) + y) * gridWidth + c * (width + gap)) * (channels + 1);
        let from = y * width * channels;
        for (let x = 0; x < width; x++) {
          for (let channel = 0; channel < channels; channel++) pixels[to++] = image.data[from++];
          pixels[to++] = 255;
        }
      }
    }
  }

  const { default: sharp } = await import("sharp"); // loaded late: a native library that only a report needs
  const raw = { width: gridWidth, height: gridHeight, channels: channels === 1 ? 2 : 4 } as const;
  const png = await sharp(pixels, { raw }).png({ compressionLevel: 9 }).toBuffer();
  return { width: gridWidth, height: gridHeight, png };
}

function checkLike(image: Image, first: Image, row: number, column: number): void {
  const size = ({ width, height, channels }: Image): string => `${width}×${height}×${channels}`;
  const at = `encodeGrid: image ${column} of row ${row}`;
  if (size(image) !== size(first)) {
    throw new ShapeError(`${at} is ${size(image)}, the first is ${size(first)}; a grid needs images of one size`);
  }
  if (image.data.length !== image.width * image.height * image.channels) {
    throw new ShapeError(
      `${at}: expected ${image.width * image.height * image.channels} bytes for ${size(image)}, got ${image.data.length}`,
    );
  }
}

/** One picture as a PNG file. */
export async function encodeImage({ width, height, channels, data }: Image): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  return sharp(data, { raw: { width, height, channels } }).png({ compressionLevel: 9 }).toBuffer();
}
