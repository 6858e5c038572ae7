import { sizeOf } from "../tensor/ndarray.ts";

/** RGBA bytes of an image, some rows at a time, so that a large one is never held as a whole. */
export interface PixelRows {
  readonly width: number;
  readonly height: number;
  /** [rows, width, 4] from row `top` on; alpha is not multiplied into the colours. */
  read(top: number, rows: number): Uint8ClampedArray | Uint8Array;
}

/** An output number: these weights of the inputs from `first` on. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

const STRIP = 64;

/**
 * An image as sharp, which training reads with, gives it: transparency laid on white, grey as the luminance of linear light,
 * scaled to cover the size by Lanczos (up by Catmull and Rom's cubic) and cropped to its middle: [channels, height, width].
 */
export function resample(source: PixelRows, [channels, height, width]: readonly [number, number, number]): Uint8Array {
  const step = Math.min(source.width / width, source.height / height);
  const columns = tapsOf(source.width, step, width);
  const rows = tapsOf(source.height, step, height);
  const colours = channels === 1 ? 1 : 3;
  const narrow = new Uint8Array(source.height * width * colours); // [source.height, width, colours]
  const strip = new Uint8Array(STRIP * source.width * colours);
  const begin = Math.max(0, rows[0].first);
  const last = rows[height - 1];
  const end = Math.min(source.height, last.first + last.weights.length);
  for (let top = begin; top < end; top += STRIP) {
    const count = Math.min(STRIP, end - top);
    flatten(source.read(top, count), count * source.width, colours, strip);
    for (let row = 0; row < count; row++) {
      const [from, to] = [row * source.width * colours, (top + row) * width * colours];
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < colours; c++) {
          narrow[to + x * colours + c] = weigh(columns[x], strip, from + c, colours, source.width);
        }
      }
    }
  }
  const out = new Uint8Array(sizeOf([colours, height, width]));
  for (let c = 0, i = 0; c < colours; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        out[i] = weigh(rows[y], narrow, x * colours + c, width * colours, source.height); // [h, w, c] → [c, h, w]
      }
    }
  }
  return out;
}

/** The sum of the weighted numbers at start + k·stride, k of `length`, as a byte; beyond the edge is the edge. */
function weigh({ first, weights }: Taps, data: Uint8Array, start: number, stride: number, length: number): number {
  let sum = 0;
  for (let k = 0; k < weights.length; k++) {
    const at = Math.min(length - 1, Math.max(0, first + k));
    sum += weights[k] * data[start + at * stride];
  }
  return Math.min(255, Math.max(0, Math.round(sum)));
}

/**
 * As libvips: both directions have one scale. Where it shrinks, the middle of what covers lies on the middle of the image;
 * where it enlarges, corner lies on corner, so that the picture is half an output pixel to the right and below.
 */
function tapsOf(length: number, step: number, count: number): readonly Taps[] {
  const covering = Math.max(count, Math.round(length / step));
  const skipped = Math.floor((covering - count + 1) / 2);
  const { kernel, reach } = step > 1 ? LANCZOS : CATMULL_ROM;
  const stretch = Math.max(1, step);
  return Array.from({ length: count }, (_, i) => {
    const place = skipped + i;
    const centre = step < 1 ? place * step - 0.5 : length / 2 + (place + 0.5 - covering / 2) * step - 0.5;
    const first = Math.ceil(centre - reach * stretch);
    const last = Math.floor(centre + reach * stretch);
    const raw = Array.from({ length: last - first + 1 }, (_, k) => kernel((first + k - centre) / stretch));
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: raw.map((weight) => weight / total) };
  });
}

interface Interpolation {
  readonly reach: number;
  /** 0 beyond ±reach. */
  readonly kernel: (x: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const LANCZOS: Interpolation = { reach: 3, kernel: (x) => sinc(x) * sinc(x / 3) };
/** Keys 1981, a = −½. */
const CATMULL_ROM: Interpolation = {
  reach: 2,
  kernel: (x) => {
    const d = Math.abs(x);
    return d < 1 ? (1.5 * d - 2.5) * d * d + 1 : ((-0.5 * d + 2.5) * d - 4) * d + 2;
  },
};

/** RGBA → RGB or grey, on white: [pixels, 4] → [pixels, colours] */
function flatten(rgba: Uint8ClampedArray | Uint8Array, pixels: number, colours: number, out: Uint8Array): void {
  for (let i = 0, from = 0; i < pixels; i++, from += 4) {
    const alpha = rgba[from + 3] / 255;
    const onWhite = (c: number): number => Math.round(255 + (rgba[from + c] - 255) * alpha);
    if (colours === 1) out[i] = grey(onWhite(0), onWhite(1), onWhite(2));
    else for (let c = 0; c < 3; c++) out[3 * i + c] = onWhite(c);
  }
}

/** IEC 61966-2-1: a byte of sRGB → linear light. */
const LINEAR = Float64Array.from({ length: 256 }, (_, byte) => {
  const v = byte / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
});
/** Linear light in 65,536 steps → a byte of sRGB; as fine as that, no byte of a grey image changes. */
const BYTE = Uint8Array.from({ length: 65_536 }, (_, i) => {
  const u = i / 65_535;
  return Math.round(255 * (u <= 0.003_130_8 ? 12.92 * u : 1.055 * u ** (1 / 2.4) - 0.055));
});

/** Y = 0.2126 R + 0.7152 G + 0.0722 B of linear light. ITU-R BT.709 */
function grey(red: number, green: number, blue: number): number {
  return BYTE[Math.round(65_535 * (0.2126 * LINEAR[red] + 0.7152 * LINEAR[green] + 0.0722 * LINEAR[blue]))];
}
