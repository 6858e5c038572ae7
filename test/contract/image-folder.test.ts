import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../src/data/dataset.ts";
import { openImageFolder } from "../../src/data/image-folder.ts";
import { openImageTiles } from "../../src/data/image-tiles.ts";
import { InputError } from "../../src/errors.ts";
import { sizeOf } from "../../src/tensor/ndarray.ts";

const base = mkdtempSync(join(tmpdir(), "reparam-images-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A new folder of these files, by path within it. */
let folders = 0;
function folderOf(files: Readonly<Record<string, Uint8Array | string>>): string {
  const folder = join(base, `folder-${folders++}`);
  mkdirSync(folder);
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}

/** An image of one colour. */
function plain(width: number, height: number, background: string): Sharp {
  const channels = background.length === 9 ? 4 : 3; // #rrggbbaa
  return sharp({ create: { width, height, channels, background } });
}

const png = (width: number, height: number, colour: string): Promise<Buffer> =>
  plain(width, height, colour).png().toBuffer();
const jpeg = (width: number, height: number, colour: string): Promise<Buffer> =>
  plain(width, height, colour).jpeg().toBuffer();

/** Grey, from bytes by row. */
function greyPng(width: number, bytes: readonly number[]): Promise<Buffer> {
  const raw = { width, height: bytes.length / width, channels: 1 } as const;
  return sharp(Uint8Array.from(bytes), { raw }).toColourspace("b-w").png().toBuffer();
}

function example({ read, shape }: Dataset, row: number): number[] {
  const out = new Uint8Array(sizeOf(shape));
  read([row], out);
  return [...out];
}

/** The message of the error that this ends in: always one line. */
async function refusal(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof InputError)) throw new Error(`expected an InputError, got ${error}`);
  expect(error.message).not.toContain("\n");
  return error.message;
}

describe("openImageFolder", () => {
  test("images of several formats and sizes are brought to 64×64, in the order of their paths, and all is told", async () => {
    const folder = folderOf({
      "z.png": await png(30, 200, "#ff0000"),
      "a/deep/b.webp": await plain(320, 240, "#00ff00").webp({ lossless: true }).toBuffer(),
      "a-b.jpg": await jpeg(400, 300, "#0000ff"),
      "B.tiff": await plain(70, 90, "#ffffff80").tiff({ compression: "lzw" }).toBuffer(),
      "no extension": await greyPng(100, new Array<number>(100 * 100).fill(7)),
    });
    const dataset = await openImageFolder(folder, {});
    const expected = { name: folder, length: 5, shape: [3, 64, 64], dtype: "uint8", measure: "bytes" };
    expect(dataset).toMatchObject(expected);
    expect(dataset.sources).toEqual(["B.tiff", "a-b.jpg", "a/deep/b.webp", "no extension", "z.png"]);
    expect(dataset.labels).toBeUndefined();
    expect(dataset.notices).toEqual([
      "5 images of 30×200 to 400×300, scaled to cover 64×64 and cropped to their middle; --size changes it",
      "1 image smaller than 64×64, enlarged",
      "1 image in grey, read as RGB",
      "1 image with transparency, laid on white",
      "images lie both beside and in sub-folders: no labels",
    ]);
    const colours = Array.from({ length: 5 }, (_, row) => [0, 1, 2].map((c) => example(dataset, row)[c * 4096]));
    expect(colours).toEqual([
      [255, 255, 255],
      [0, 0, 254], // as libjpeg rounds blue
      [0, 255, 0],
      [7, 7, 7],
      [255, 0, 0],
    ]);
  });

  test("small images of one size keep it and every bit, grey where all are", async () => {
    const bytes = [0, 1, 2, 253, 254, 255];
    const folder = folderOf({ "a.png": await greyPng(3, bytes), "b.png": await greyPng(3, bytes.toReversed()) });
    const dataset = await openImageFolder(folder, {});
    expect(dataset).toMatchObject({ length: 2, shape: [1, 2, 3], notices: ["2 images of 3×2"] });
    expect([example(dataset, 0), example(dataset, 1)]).toEqual([bytes, bytes.toReversed()]);
  });

  test("what has 0 and 1 alone is still bytes, unless said otherwise", async () => {
    const folder = folderOf({ "a.png": await greyPng(2, [0, 1]), "b.png": await greyPng(2, [1, 1]) });
    expect((await openImageFolder(folder, {})).measure).toBe("bytes");
    expect((await openImageFolder(folder, { measure: "binary" })).measure).toBe("binary");
  });

  test("the checksum is that of what sha256sum prints", async () => {
    const files = { "a/x.png": await png(4, 4, "#102030"), "b.png": await png(5, 4, "#102030") };
    const lines = Object.entries(files).map(
      ([path, bytes]) => `${createHash("sha256").update(bytes).digest("hex")}  ${path}\n`,
    );
    const expected = `sha256:${createHash("sha256").update(lines.join("")).digest("hex")}`;
    expect((await openImageFolder(folderOf(files), {})).checksum).toBe(expected);
    const moved = folderOf({ "a/y.png": files["a/x.png"], "b.png": files["b.png"] });
    expect((await openImageFolder(moved, {})).checksum).not.toBe(expected);
  });

  test("size is [height, width]; what is cut off are the ends of the longer side", async () => {
    // red, green and blue side by side: the middle third is green
    const three = await sharp(Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255]), {
      raw: { width: 3, height: 1, channels: 3 },
    })
      .resize(90, 30, { kernel: "nearest", fit: "fill" })
      .png()
      .toBuffer();
    const folder = folderOf({ "a.png": three, "b.png": three });
    const square = await openImageFolder(folder, { size: [4, 4] });
    const [dark, green] = [0, 255].map((level) => new Array<number>(8).fill(level));
    const inner = example(square, 0).filter((_, i) => i % 4 === 1 || i % 4 === 2); // away from the seams
    const off = [...dark, ...green, ...dark].map((level, i) => Math.abs(level - inner[i]));
    expect(Math.max(...off)).toBeLessThanOrEqual(2); // the kernel, Lanczos 3, swings on beyond a seam
    const wide = await openImageFolder(folder, { size: [10, 30] });
    expect(wide.shape).toEqual([3, 10, 30]);
    expect(wide.notices).toEqual(["2 images of 90×30, scaled to cover 30×10 and cropped to their middle"]);
  });

  test("colour can be taken away: the luminance is left", async () => {
    const folder = folderOf({ "a.png": await png(4, 4, "#00ff00"), "b.png": await png(4, 4, "#0000ff") });
    const dataset = await openImageFolder(folder, { colour: "grey" });
    expect(dataset.shape).toEqual([1, 4, 4]);
    expect(dataset.notices).toContain("2 images in colour, read as grey");
    // sRGB's luminance 0.7152 and 0.0722, as sRGB levels: 220 and 76 (IEC 61966-2-1), and one for rounding in between
    expect(Math.abs(example(dataset, 0)[0] - 220)).toBeLessThanOrEqual(1);
    expect(Math.abs(example(dataset, 1)[0] - 76)).toBeLessThanOrEqual(1);
  });

  test("the first sub-folders are classes, where every image lies in one of several", async () => {
    const one = await png(4, 4, "#102030");
    const files = { "cat/1.png": one, "ant/deep/2.png": one, "ant-eater/3.png": one, "empty/notes.txt": "no image" };
    const dataset = await openImageFolder(folderOf(files), {});
    expect(dataset.sources).toEqual(["ant-eater/3.png", "ant/deep/2.png", "cat/1.png"]);
    expect(dataset.labelNames).toEqual(["ant", "ant-eater", "cat"]);
    expect(dataset.labels).toEqual(Uint8Array.of(1, 0, 2));
    expect(dataset.notices).toContain("labels: 3 classes, one for each sub-folder (ant, ant-eater, cat)");

    const single = await openImageFolder(folderOf({ "cat/1.png": one, "cat/2.png": one }), {});
    expect(single.labels).toBeUndefined();
    expect(single.notices).toContain("one class only (cat): no labels");
  });

  test("hidden and foreign files are left out and told", async () => {
    const one = await png(4, 4, "#102030");
    const folder = folderOf({
      "1.png": one,
      "2.png": one,
      ".hidden.png": one,
      ".git/3.png": one,
      "__MACOSX/4.png": one,
      "sub/Thumbs.db": "thumbs",
      "notes.txt": "not an image",
      "table.csv": "a,b\n1,2\n",
      empty: "",
    });
    const dataset = await openImageFolder(folder, {});
    expect(dataset.sources).toEqual(["1.png", "2.png"]);
    expect(dataset.notices?.slice(1)).toEqual([
      "3 files that are no images were skipped: empty, notes.txt, table.csv",
      "4 hidden files or folders were skipped: .git, .hidden.png, __MACOSX, sub/Thumbs.db",
    ]);
  });

  test("a damaged image is refused by name, whichever of several is met first", async () => {
    const sound = await sharp(
      Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i) >> 5),
      { raw: { width: 64, height: 64, channels: 3 } },
    )
      .png()
      .toBuffer();
    const files = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${10 + i}.png`, sound]));
    const cut = sound.subarray(0, sound.length / 2);
    const folder = folderOf({ ...files, "13.png": cut, "14.png": cut, "25.png": cut });
    const message = await refusal(openImageFolder(folder, {}));
    expect(message).toMatch(
      /^.*13\.png: cannot be read as an image \(.+\); repair it, convert it to PNG or remove it$/,
    );
    expect(message.startsWith(join(folder, "13.png"))).toBe(true);

    for (const [name, bytes] of Object.entries({ "30.jpg": "", "31.png": "text", "32.bmp": "BM", "33.HEIC": "x" })) {
      expect(await refusal(openImageFolder(folderOf({ ...files, [name]: bytes }), {}))).toContain(
        `/${name}: cannot be`,
      );
    }
  });

  test("links that lead round in circles are left out and told", async () => {
    const one = await png(4, 4, "#102030");
    const folder = folderOf({ "a/1.png": one, "b/2.png": one });
    symlinkSync("..", join(folder, "a/up"));
    symlinkSync(base, join(folder, "b/above"));
    symlinkSync("../a", join(folder, "b/beside"));
    symlinkSync("self", join(folder, "self"));
    const dataset = await openImageFolder(folder, {});
    expect(dataset.sources).toEqual(["a/1.png", "b/2.png"]);
    expect(dataset.notices).toContain(
      "4 links to folders that are read already were skipped: a/up, b/above, b/beside, self",
    );
  });

  test("links to images and folders elsewhere are followed; one that leads nowhere is refused", async () => {
    const elsewhere = folderOf({ "1.png": await png(4, 4, "#102030"), "in/2.png": await png(4, 4, "#102030") });
    const folder = folderOf({});
    symlinkSync(join(elsewhere, "1.png"), join(folder, "one"));
    symlinkSync(join(elsewhere, "in"), join(folder, "two"));
    expect((await openImageFolder(folder, {})).sources).toEqual(["one", "two/2.png"]);
    symlinkSync(join(elsewhere, "3.png"), join(folder, "three.png"));
    expect(await refusal(openImageFolder(folder, {}))).toBe(`${join(folder, "three.png")}: no such file`);
  });

  test.skipIf(process.platform === "win32")("what may not be read is refused", async () => {
    const one = await png(4, 4, "#102030");
    const closedFile = folderOf({ "1.png": one, "2.png": one });
    const closedFolder = folderOf({ "1.png": one, "2.png": one, "sub/3.png": one });
    chmodSync(base, 0o755);
    chmodSync(join(closedFile, "2.png"), 0o000);
    chmodSync(join(closedFolder, "sub"), 0o000);
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65534); // root may read everything
    try {
      const fault = "no permission to read it";
      expect(await refusal(openImageFolder(closedFile, {}))).toBe(`${join(closedFile, "2.png")}: ${fault}`);
      expect(await refusal(openImageFolder(closedFolder, {}))).toBe(`${join(closedFolder, "sub")}: ${fault}`);
    } finally {
      if (root) process.seteuid?.(0);
      chmodSync(join(closedFolder, "sub"), 0o755);
    }
  });

  test("less than two images are refused", async () => {
    const empty = folderOf({ ".hidden": "", "a.txt": "text" });
    expect(await refusal(openImageFolder(empty, {}))).toBe(
      `${empty}: expected at least 2 images, got none; put images there; 1 file that is no image was skipped: a.txt; 1 hidden file or folder was skipped: .hidden`,
    );
    const single = folderOf({ "a.png": await png(4, 4, "#102030") });
    expect(await refusal(openImageFolder(single, {}))).toBe(
      `${single}: expected at least 2 images, got 1 (a.png); put more there, or give the file itself to learn its tiles`,
    );
    const missing = join(base, "missing");
    expect(await refusal(openImageFolder(missing, {}))).toBe(`${missing}: no such file`);
  });

  test("progress ends at the number of images, and a stop is heeded", async () => {
    const one = await png(4, 4, "#102030");
    const folder = folderOf({
      ...Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i}.png`, one])),
      "a.txt": "",
    });
    const told: [number, number][] = [];
    await openImageFolder(folder, { onProgress: (done, total) => told.push([done, total]) });
    expect(told.at(-1)).toEqual([30, 30]);
    expect(told.every(([done], i) => done >= (told[i - 1]?.[0] ?? 0))).toBe(true);

    const controller = new AbortController();
    const reason = new Error("stopped");
    let calls = 0;
    const onProgress = (): void => {
      if (++calls === 40) controller.abort(reason);
    };
    await expect(openImageFolder(folder, { onProgress, signal: controller.signal })).rejects.toBe(reason);
    expect(calls).toBeLessThan(61); // 31 headers and 30 images
  });
});

describe("openImageTiles", () => {
  test("tiles run in rows from the top left; what is over is left out and told", async () => {
    const file = join(base, "tiles.png"); // 5 × 10 pixels of 0, 1, 2, …
    writeFileSync(
      file,
      await greyPng(
        5,
        Array.from({ length: 50 }, (_, i) => i),
      ),
    );
    const dataset = await openImageTiles(file, { size: [3, 2] });
    expect(dataset).toMatchObject({ name: file, length: 6, shape: [1, 3, 2], dtype: "uint8", measure: "bytes" });
    expect(dataset.checksum).toBe(`sha256:${createHash("sha256").update(readFileSync(file)).digest("hex")}`);
    expect(dataset.sources).toEqual(["x=0 y=0", "x=2 y=0", "x=0 y=3", "x=2 y=3", "x=0 y=6", "x=2 y=6"]);
    expect(example(dataset, 1)).toEqual([2, 3, 7, 8, 12, 13]);
    const both = new Float32Array(12);
    dataset.read([3, 0], both);
    expect([...both]).toEqual([17, 18, 22, 23, 27, 28, 0, 1, 5, 6, 10, 11]);
    expect(dataset.notices).toEqual([
      "6 tiles of 2×3 from an image of 5×10",
      "pixels that fill no tile are left out: 1 at the right, 1 at the bottom",
    ]);
  });

  test("16×16 unless said otherwise, in the image's colours", async () => {
    const file = join(base, "colour.png");
    writeFileSync(file, await png(32, 16, "#102030"));
    const dataset = await openImageTiles(file, {});
    expect(dataset).toMatchObject({ length: 2, shape: [3, 16, 16] });
    const channel = (value: number): number[] => new Array<number>(256).fill(value);
    expect(example(dataset, 1)).toEqual([...channel(0x10), ...channel(0x20), ...channel(0x30)]);
    expect(dataset.notices).toEqual(["2 tiles of 16×16 from an image of 32×16; --size changes it"]);
    expect((await openImageTiles(file, { colour: "grey" })).shape).toEqual([1, 16, 16]);
  });

  test("fewer than two tiles, and what is no image, are refused", async () => {
    const file = join(base, "small.png");
    writeFileSync(file, await png(31, 20, "#102030"));
    expect(await refusal(openImageTiles(file, {}))).toBe(
      `${file}: expected at least 2 tiles of 16×16, got an image of 31×20, which holds one; give a smaller --size, a larger image or a folder of images`,
    );
    writeFileSync(file, "text");
    expect(await refusal(openImageTiles(file, {}))).toContain(`${file}: cannot be read as an image`);
    expect(await refusal(openImageTiles(join(base, "none.png"), {}))).toBe(`${join(base, "none.png")}: no such file`);
  });
});
