/** Scaling in JavaScript, for browsers, against sharp, by which training images are scaled. */
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../src/data/decode-image.ts";
import { resample } from "../../src/trained/resample.ts";

/** A smooth colour picture with an edge and noise, RGBA. */
function picture(width: number, height: number, opaque: boolean): Uint8Array {
  const rgba = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [(i % width) / width, Math.floor(i / width) / height];
    const noise = 12 * Math.sin(i * i * 0.61);
    const edge = Math.hypot(x - 0.4, y - 0.6) < 0.25 ? 70 : 0;
    const alpha = opaque || x + y > 1 ? 255 : 255 * x;
    rgba.set(
      [60 + 120 * x + edge + noise, 200 - 130 * y - edge + noise, 90 + 60 * Math.sin(9 * x * y) + noise, alpha],
      4 * i,
    );
  }
  return rgba;
}

const SIZE = [28, 32] as const; // height, width

function scaled(rgba: Uint8Array, width: number, height: number, channels: number): Uint8Array {
  const read = (top: number, rows: number): Uint8Array => rgba.subarray(4 * top * width, 4 * (top + rows) * width);
  return resample({ width, height, read }, [channels, ...SIZE]);
}

describe("an image that is scaled to cover and cropped", () => {
  // Mean levels of 256. As it is: bytes are copied, grey is rounded in another table. Up and down to a quarter: sharp's
  // weights are of 6 bits or so. Further down: sharp averages boxes first, which is another filter than one Lanczos.
  it.each<[string, number, number, boolean, number]>([
    ["as it is", 32, 28, true, 0.3],
    ["as it is, cropped at the sides", 57, 28, true, 0.3],
    ["as it is, cropped above and below", 32, 41, true, 0.3],
    ["as it is, in part transparent", 32, 28, false, 1],
    ["a little smaller", 33, 29, true, 0.5],
    ["smaller", 99, 70, true, 0.5],
    ["smaller, tall", 90, 411, true, 0.5],
    ["much smaller", 500, 330, true, 1.2],
    ["much smaller, in part transparent", 300, 200, false, 1.5],
    ["larger", 20, 13, true, 0.5],
    ["much larger, tall", 3, 7, true, 0.5],
  ])("%s: from %i×%i", async (_name, width, height, opaque, tolerance) => {
    const rgba = picture(width, height, opaque);
    const png = await sharp(rgba, { raw: { width, height, channels: 4 } })
      .png()
      .toBuffer();
    for (const channels of [1, 3] as const) {
      const expected = await decodeImage(png, { height: SIZE[0], width: SIZE[1], channels }, "picture");
      const got = scaled(rgba, width, height, channels);
      expect(got).toHaveLength(expected.length);
      const difference = got.reduce((sum, value, i) => sum + Math.abs(value - expected[i]), 0) / got.length;
      expect(difference, `${channels}`).toBeLessThan(tolerance);
    }
  });

  it("of one colour stays of it, and of another grey by linear light", () => {
    const flat = (colour: readonly number[]): Uint8Array => Uint8Array.from({ length: 400 }, (_, i) => colour[i % 4]);
    const greyOf = (...colour: readonly number[]): ReadonlySet<number> => new Set(scaled(flat(colour), 10, 10, 1));
    for (const value of [0, 1, 77, 128, 254, 255]) expect(greyOf(value, value, value, 255)).toEqual(new Set([value]));
    // 255·f(Y), f the transfer function of sRGB: of Y = 0.2126, 0.7152 and 0.0722.
    expect(greyOf(255, 0, 0, 255)).toEqual(new Set([127]));
    expect(greyOf(0, 255, 0, 255)).toEqual(new Set([220]));
    expect(greyOf(0, 0, 255, 255)).toEqual(new Set([76]));
    expect(greyOf(9, 9, 9, 0)).toEqual(new Set([255]));
    expect(new Set(scaled(flat([10, 20, 30, 255]), 10, 10, 3))).toEqual(new Set([10, 20, 30]));
  });
});
