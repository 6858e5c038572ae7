import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { describe, expect, onTestFinished, test } from "vitest";
import { decodeImage, isImageFile } from "../../src/data/decode-image.ts";
import { InputError } from "../../src/errors.ts";

/** Bytes that look random, the same ones each time. */
function noise(length: number): Uint8Array {
  let x = 1;
  return Uint8Array.from({ length }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return x >>> 24;
  });
}

function image(): Sharp {
  return sharp(noise(3600), { raw: { width: 40, height: 30, channels: 3 } });
}

test("isImageFile goes by content, and by the name of what is damaged", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reparam-image-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "picture"), await image().png().toBuffer());
  writeFileSync(join(folder, "cut.png"), "text");
  writeFileSync(join(folder, "a.txt"), "text");
  const told = ["picture", "cut.png", "a.txt"].map((name) => isImageFile(join(folder, name)));
  expect(await Promise.all(told)).toEqual([true, true, false]);
});

describe("any bytes give pixels or an error of one line", () => {
  const shape = { height: 6, width: 5, channels: 3 } as const;

  /** Whether the bytes were an image; fails for any other error than an InputError of one line that begins with the name. */
  async function decodes(bytes: Uint8Array): Promise<boolean> {
    const result = await decodeImage(bytes, shape, "some file").catch((error: unknown) => error);
    if (result instanceof Uint8Array) {
      expect(result).toHaveLength(90);
      return true;
    }
    expect(result).toBeInstanceOf(InputError);
    expect(String(result)).toMatch(/^InputError: some file: [^\n\r]+$/);
    expect(String(result)).not.toContain("\\u000a"); // how InputError writes a line's end
    return false;
  }

  const files = {
    png: image().png().toBuffer(),
    jpeg: image().jpeg().toBuffer(),
    webp: image().webp().toBuffer(),
    gif: image().gif().toBuffer(),
  };

  test("what sharp says in several lines", async () => {
    const bytes = await image().tiff({ compression: "lzw" }).toBuffer();
    expect(await decodes(bytes.fill(255, 200, 500))).toBe(false);
  });

  test("random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await decodes(bytes)).toBe(false);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test.each(Object.entries(files))("a %s cut short is never taken for whole", async (_, whole) => {
    const bytes = await whole;
    await fc.assert(
      // PNG's last chunk, 12 bytes, and GIF's last byte hold nothing but the word that it is the end
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 13 }), async (length) => {
        expect(await decodes(bytes.subarray(0, length))).toBe(false);
      }),
      { seed: 2, numRuns: 40 },
    );
  });

  test.each(Object.entries(files))("a %s with flipped bits", async (_, whole) => {
    const bytes = await whole;
    const places = fc.array(fc.integer({ min: 0, max: bytes.length * 8 - 1 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(places, async (bits) => {
        const damaged = Uint8Array.from(bytes);
        for (const bit of bits) damaged[bit >> 3] ^= 1 << (bit & 7);
        await decodes(damaged);
      }),
      { seed: 3, numRuns: 60 },
    );
  });
});
