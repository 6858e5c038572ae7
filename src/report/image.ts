import type { Image } from "./grid.ts";

/** What is shown as black and as white. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Whether examples can be shown: [channels, height, width] with 1 or 3 channels. */
export function isImage(shape: readonly number[]): boolean {
  return shape.length === 3 && (shape[0] === 1 || shape[0] === 3);
}

/** Numbers [n, channels, height, width] as images; what lies outside the range is cut. */
export function toImages(values: ArrayLike<number>, shape: readonly number[], { low, high }: Range): readonly Image[] {
  const [channels, height, width] = shape;
  const size = channels * height * width;
  return Array.from({ length: values.length / size }, (_, image) => {
    const data = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      const channel = Math.floor(i / (height * width));
      const place = (i % (height * width)) * channels + channel; // [c, h, w] → [h, w, c]
      const share = (values[image * size + i] - low) / (high - low || 1);
      data[place] = Math.round(255 * Math.min(Math.max(share, 0), 1));
    }
    return { width, height, channels: channels === 3 ? 3 : 1, data };
  });
}
