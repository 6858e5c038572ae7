import type { Image } from "./grid.ts";

/** What is shown as black and as white. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** A number as a byte: the range as 0 to 255; what lies outside is cut. */
export function byteOf(value: number, { low, high }: Range): number {
  const share = (value - low) / (high - low || 1);
  return Math.round(255 * Math.min(Math.max(share, 0), 1));
}

/** Numbers [n, channels, height, width] as images; what lies outside the range is cut. */
export function toImages(values: ArrayLike<number>, shape: readonly number[], range: Range): readonly Image[] {
  const [channels, height, width] = shape;
  const size = channels * height * width;
  return Array.from({ length: values.length / size }, (_, image) => {
    const data = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      const channel = Math.floor(i / (height * width));
      const place = (i % (height * width)) * channels + channel; // [c, h, w] → [h, w, c]
      data[place] = byteOf(values[image * size + i], range);
    }
    return { width, height, channels: channels === 3 ? 3 : 1, data };
  });
}
