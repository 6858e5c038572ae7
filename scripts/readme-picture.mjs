// Makes the README's picture from the ONNX files of a run on the embedded images, by the built package:
// npm run build && node scripts/readme-picture.mjs RUN [FILE]
// Above: held-out images and their reconstructions. Below: samples of the prior.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { subset } from "../dist/data/dataset.js";
import { embeddedFashion } from "../dist/data/fashion.js";
import { load } from "../dist/index.js";
import { encodeGrid } from "../dist/report/grid.js";
import { toImages } from "../dist/report/image.js";

const SEED = 0;
const GAP = 8; // pixels of the data between the two grids
const SCALE = 2; // screen pixels to a pixel of the data, so that a page need not blur them

const [path, file = fileURLToPath(new URL("../docs/pictures/fashion.png", import.meta.url))] = process.argv.slice(2);
if (path === undefined) throw new Error("usage: node scripts/readme-picture.mjs RUN [FILE]");

const COLUMNS = 10;
const model = await load(path, { needs: ["reconstruct", "sample"] });
const { test } = await embeddedFashion();
const chosen = subset(test, [...Array(COLUMNS).keys()]);
const originals = new Float32Array(COLUMNS * 784);
chosen.read([...Array(COLUMNS).keys()], originals);
const reconstructions = (await model.reconstruct(chosen)).data;
const samples = (await model.sample(4 * COLUMNS, { seed: SEED, from: "mean" })).data;
await model.release();

/** Rows of images. */
const rows = (values) => {
  const images = toImages(values, test.shape, { low: 0, high: 255 });
  return Array.from({ length: images.length / COLUMNS }, (_, row) => images.slice(row * COLUMNS, (row + 1) * COLUMNS));
};
const [above, below] = await Promise.all([
  encodeGrid([...rows(originals), ...rows(reconstructions)]),
  encodeGrid(rows(samples)),
]);
const size = { width: above.width, height: above.height + GAP + below.height };
const stacked = await sharp({ create: { ...size, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
  .composite([
    { input: above.png, left: 0, top: 0 },
    { input: below.png, left: 0, top: above.height + GAP },
  ])
  .png()
  .toBuffer();
const picture = await sharp(stacked)
  .resize({ width: SCALE * size.width, kernel: "nearest" })
  .png({ compressionLevel: 9 })
  .toBuffer();
writeFileSync(file, picture);
console.log(`${file}: ${SCALE * size.width} × ${SCALE * size.height} pixels, ${picture.length} bytes`);
