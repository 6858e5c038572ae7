/** One image as a dataset: its tiles. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { InputError } from "../errors.ts";
import { type Dataset, rowsDataset } from "./dataset.ts";
import { decodeImage, decodingNotices, inspectImage } from "./decode-image.ts";
import { readingFault } from "./file-bytes.ts";
import type { ReadingOptions } from "./reading.ts";
import type { Rows } from "./rows.ts";

/** [height, width] of a tile. */
const DEFAULT_SIZE: readonly [number, number] = [16, 16];

/**
 * An image file cut into tiles of `options.size`, by default 16×16, in rows from the top left: [channels, height, width] in
 * bytes. What is left at the right and at the bottom is left out and told. `sources` are places: "x=32 y=64".
 * Throws InputError in one line where it is no sound image or holds fewer than two tiles.
 */
export async function openImageTiles(path: string, options: ReadingOptions): Promise<Dataset> {
  const bytes = await readFile(path).catch((error) => {
    throw readingFault(path, error);
  });
  const facts = await inspectImage(bytes, path);
  const channels = (options.colour ?? (facts.grey ? "grey" : "rgb")) === "grey" ? 1 : 3;
  const { width, height } = facts;
  const [tileHeight, tileWidth] = options.size ?? DEFAULT_SIZE;
  const across = Math.floor(width / tileWidth);
  const down = Math.floor(height / tileHeight);
  const tile = `${tileWidth}×${tileHeight}`;
  const { atLeast = 2 } = options;
  if (across * down < atLeast) {
    const got = `an image of ${width}×${height}, which holds ${across * down === 0 ? "none" : "one"}`;
    throw new InputError(
      `${path}: expected at least ${atLeast} tiles of ${tile}, got ${got}; give a smaller --size, a larger image or a folder of images`,
    );
  }
  const pixels = await decodeImage(bytes, { height, width, channels }, path);
  options.signal?.throwIfAborted();

  const corners = Array.from({ length: across * down }, (_, i) => ({
    x: (i % across) * tileWidth,
    y: Math.floor(i / across) * tileHeight,
  }));
  const right = width - across * tileWidth;
  const bottom = height - down * tileHeight;
  const left = [...(right > 0 ? [`${right} at the right`] : []), ...(bottom > 0 ? [`${bottom} at the bottom`] : [])];
  const count = corners.length.toLocaleString("en-US");
  return rowsDataset(tiles(), [channels, tileHeight, tileWidth], {
    name: path,
    measure: options.measure ?? "bytes",
    checksum: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
    sources: corners.map(({ x, y }) => `x=${x} y=${y}`),
    notices: [
      `${count} tiles of ${tile} from an image of ${width}×${height}${options.size ? "" : "; --size changes it"}`,
      ...(left.length > 0 ? [`pixels that fill no tile are left out: ${left.join(", ")}`] : []),
      ...(channels === 1 && !facts.grey ? ["the image is in colour, read as grey"] : []),
      ...decodingNotices([facts]),
    ],
  });

  /** Views into the one image: [channels, height, width] → [tile, channels, tileHeight, tileWidth]. */
  function tiles(): Rows {
    const size = channels * tileHeight * tileWidth;
    return {
      length: corners.length,
      size,
      dtype: "uint8",
      read(indices, out) {
        let to = 0;
        for (let i = 0; i < indices.length; i++) {
          const { x, y } = corners[indices[i]];
          for (let channel = 0; channel < channels; channel++) {
            for (let row = y; row < y + tileHeight; row++, to += tileWidth) {
              const from = (channel * height + row) * width + x;
              out.set(pixels.subarray(from, from + tileWidth), to);
            }
          }
        }
      },
    };
  }
}
