import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { decodeImage, inspectImage } from "../../src/data/decode-image.ts";
import { InputError } from "../../src/errors.ts";
import golden from "./values/images/images.json" with { type: "json" };

/*
 * Images that Pillow wrote, at their own size, against the pixels that Pillow reads from them. How and with which versions:
 * scripts/images.py.
 */
const folder = fileURLToPath(new URL("values/images/", import.meta.url));

/**
 * The largest difference allowed, in levels of 256. Lossless formats are exact. Transparency: sharp cuts what Pillow rounds.
 * JPEG: two decoders may round the inverse cosine transform apart, though these two agreed to the bit when this was
 * written. Inks: that, and LittleCMS with 8 bits in Pillow, 16 in sharp.
 */
function toleranceFor(name: string, alpha: boolean): number {
  if (name === "inks.jpg") return 2;
  return alpha || name.endsWith(".jpg") ? 1 : 0;
}

describe("images that Pillow wrote", () => {
  test("are all here", () => {
    const files = readdirSync(folder).filter((name) => name !== "images.json");
    expect(files.sort()).toEqual(Object.keys({ ...golden.files, ...golden.refused }).sort());
  });

  test.each(Object.entries(golden.files))("%s has Pillow's pixels", async (name, { pixels, ...facts }) => {
    const file = folder + name;
    expect(await inspectImage(file, name)).toEqual(facts);

    const { width, height, grey, alpha } = facts;
    const channels = grey ? 1 : 3;
    const got = await decodeImage(file, { width, height, channels }, name);
    const expected = Buffer.from(pixels, "base64"); // [height, width, channels]
    expect(got).toHaveLength(expected.length);
    // got: [channels, height, width]
    const differences = Array.from(expected, (value, i) => {
      return Math.abs(got[(i % channels) * width * height + Math.floor(i / channels)] - value);
    });
    expect(Math.max(...differences)).toBeLessThanOrEqual(toleranceFor(name, alpha));
  });

  test.each(Object.entries(golden.refused))("%s is refused: no white is known for %s", async (name, depth) => {
    const error = `${name}: expected numbers of 8 or 16 bits, got ${depth}; convert it to PNG or remove it`;
    const reading = decodeImage(folder + name, { width: 4, height: 4, channels: 1 }, name);
    await expect(reading).rejects.toThrow(new InputError(error));
  });

  test("bytes in memory give what the file gives, and grey as RGB repeats itself", async () => {
    const shape = { width: 8, height: 6, channels: 1 } as const;
    const file = `${folder}sixteen-bit.png`;
    const grey = await decodeImage(file, shape, file);
    expect(await decodeImage(readFileSync(file), shape, file)).toEqual(grey);
    expect(await decodeImage(file, { ...shape, channels: 3 }, file)).toEqual(Uint8Array.of(...grey, ...grey, ...grey));
  });
});
