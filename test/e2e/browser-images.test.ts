/** Images in a browser against what others read from the same files: Pillow at their own size, sharp at another. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "../../src/data/decode-image.ts";
import golden from "../golden/values/images/images.json" with { type: "json" };
import { bundle } from "./browser/bundle.ts";
import { leftOut, openChromium } from "./browser/chromium.ts";
import type { Given } from "./browser/images/page.ts";
import { originOf, serve } from "./browser/serve.ts";

const images = fileURLToPath(new URL("../golden/values/images/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "reparam-images-"));
let server: Server;
let browser: Browser | undefined;
let page: Page;

/** A smooth colour picture with edges and some noise, as photographs have them; half of it transparent where that is asked for. */
async function picture(width: number, height: number, channels: 3 | 4): Promise<Buffer> {
  const pixels = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [(i % width) / width, Math.floor(i / width) / height];
    const noise = 12 * Math.sin(i * i * 0.61);
    const edge = Math.hypot(x - 0.4, y - 0.6) < 0.25 ? 70 : 0;
    pixels[channels * i] = 60 + 120 * x + edge + noise;
    pixels[channels * i + 1] = 200 - 130 * y - edge + noise;
    pixels[channels * i + 2] = 90 + 60 * Math.sin(9 * x * y) + noise;
    if (channels === 4) pixels[4 * i + 3] = 255 * (x + y > 1 ? 1 : x);
  }
  return sharp(pixels, { raw: { width, height, channels } }).png().toBuffer();
}

const made: Record<string, Uint8Array> = {};

beforeAll(async () => {
  const wide = await picture(500, 330, 3);
  Object.assign(made, {
    "/wide.png": wide,
    "/tall.png": await picture(90, 411, 3),
    "/small.png": await picture(20, 13, 3),
    "/alpha.png": await picture(300, 200, 4),
    "/photo.jpg": await sharp(wide).jpeg({ quality: 90 }).toBuffer(),
    "/photo.webp": await sharp(wide).webp({ quality: 90 }).toBuffer(),
    "/damaged.png": wide.subarray(0, wide.length / 2),
    "/empty.png": new Uint8Array(0),
    "/text.png": new TextEncoder().encode("no image"),
  });
  for (const name of readdirSync(images)) made[`/golden/${name}`] = readFileSync(images + name);
  await bundle("images", folder);
  server = await serve(folder, made);
  browser = await openChromium();
  if (!browser) return;
  page = await browser.newPage();
  await page.goto(originOf(server));
  await page.waitForFunction(() => "read" in window);
});
afterAll(async () => {
  await browser?.close();
  server.close();
  rmSync(folder, { recursive: true });
});

type Shape = readonly [number, number, number];

function read(url: string, as: Given, shape: Shape): Promise<readonly number[] | string> {
  return page.evaluate(([url, as, shape]) => Reflect.get(window, "read")(url, as, shape), [url, as, shape] as const);
}

async function pixels(url: string, as: Given, shape: Shape): Promise<readonly number[]> {
  const got = await read(url, as, shape);
  if (typeof got === "string") throw new Error(got);
  return got;
}

describe("images that Pillow wrote, at their own size", () => {
  /**
   * Levels of 256. Transparency: Chromium's canvas multiplies it in, in bytes. JPEG: two decoders. Inks: Chromium's colour
   * engine takes the profile's table otherwise than LittleCMS does; 16 was seen.
   */
  const toleranceFor = (name: string, alpha: boolean): number => {
    if (name === "inks.jpg") return 20;
    return alpha || name.endsWith(".jpg") ? 2 : 0;
  };
  const readable = Object.entries(golden.files).filter(([name]) => !name.endsWith(".tiff")); // which no Chromium reads

  it.each(readable)("%s has Pillow's pixels", async (name, { pixels: encoded, width, height, grey, alpha }) => {
    if (!browser) return;
    const channels = grey ? 1 : 3;
    const got = await pixels(`/golden/${name}`, "Blob", [channels, height, width]);
    const expected = Buffer.from(encoded, "base64"); // [height, width, channels]
    expect(got).toHaveLength(expected.length);
    const differences = Array.from(expected, (value, i) =>
      Math.abs(got[(i % channels) * width * height + Math.floor(i / channels)] - value),
    );
    expect(Math.max(...differences)).toBeLessThanOrEqual(toleranceFor(name, alpha));
  });
});

describe("images at the model's size", () => {
  /**
   * Mean levels of 256 from what sharp makes of the same file, which is what models are trained on. PNG: where it shrinks by
   * more than 4, sharp averages boxes first, which is another filter. JPEG and WebP: the decoder does the first halvings in
   * sharp. Chromium's own "high" scaling was 2 to 6 levels away on photographs.
   */
  const toleranceFor = (name: string): number => (name.endsWith(".png") ? 1.2 : 2);
  const names = ["wide.png", "tall.png", "small.png", "alpha.png", "photo.jpg", "photo.webp"];

  it.each(names.flatMap((name) => ([1, 3] as const).map((channels) => ({ name, channels }))))(
    "$name with $channels channels is sharp's",
    async ({ name, channels }) => {
      if (!browser) return;
      const target = { channels, height: 28, width: 32 };
      const expected = await decodeImage(made[`/${name}`], target, name);
      const got = await pixels(`/${name}`, "Blob", [channels, 28, 32]);
      expect(got).toHaveLength(expected.length);
      const difference = got.reduce((sum, value, i) => sum + Math.abs(value - expected[i]), 0) / got.length;
      console.log(`${name}, ${channels}: ${difference.toFixed(2)}`);
      expect(difference).toBeLessThan(toleranceFor(name));
    },
  );

  it.each(["bytes", "ImageBitmap", "ImageData"] as const)("given as %s are the same as a Blob", async (as) => {
    if (!browser) return;
    const shape = [3, 28, 32] as const;
    expect(await read("/wide.png", as, shape)).toEqual(await read("/wide.png", "Blob", shape));
  });
});

describe("what is no image", () => {
  it.each<[string, Given, RegExp]>([
    [
      "/empty.png",
      "Blob",
      /^InputError: image 0: cannot be read as an image \([^\n]+\); this browser may not know its format$/,
    ],
    ["/text.png", "bytes", /^InputError: image 0: cannot be read as an image \([^\n]+\)/],
    ["/damaged.png", "Blob", /^InputError: image 0: cannot be read as an image \([^\n]+\)/],
    ["/golden/rgb.tiff", "Blob", /^InputError: image 0: cannot be read as an image \([^\n]+\)/],
    ["/wide.png", "text", /^InputError: image 0: expected a Blob, File, ImageBitmap, ImageData or the bytes/],
  ])("%s as %s is refused in one line", async (url, as, message) => {
    if (!browser) return;
    expect(await read(url, as, [3, 8, 8])).toMatch(message);
  });
});

it("needs Chromium", ({ skip }) => {
  if (!browser) skip(leftOut);
});
