// Makes the README's picture from the ONNX files of a run on the embedded images, by the built package:
// npm run build && node scripts/readme-picture.mjs RUN [FILE]
// Above: held-out images and their reconstructions. Below: samples of the prior.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { openArtifact } from "../dist/cli/evaluation-run.js";
import { embeddedFashion } from "../dist/data/fashion.js";
import { encodeGrid } from "../dist/report/grid.js";
import { modelPictures } from "../dist/report/pictures.js";
import { openRun } from "../dist/run/folder.js";
import { openEngine } from "../dist/runtime/engine-node.js";

const SEED = 0;
const GAP = 8; // pixels of the data between the two grids
const SCALE = 2; // screen pixels to a pixel of the data, so that a page need not blur them

const [path, file = fileURLToPath(new URL("../docs/pictures/fashion.png", import.meta.url))] = process.argv.slice(2);
if (path === undefined) throw new Error("usage: node scripts/readme-picture.mjs RUN [FILE]");

const engine = await openEngine();
const run = openRun(path, { write: false });
const programs = {
  encoder: await openArtifact(engine, run, "encoder.onnx"),
  decoder: await openArtifact(engine, run, "decoder.onnx"),
  prior: await openArtifact(engine, run, "prior.onnx"),
};
const { test } = await embeddedFashion();
const [reconstructions, samples] = await modelPictures(programs, test, SEED);
const [above, below] = await Promise.all([encodeGrid(reconstructions.rows), encodeGrid(samples.rows)]);
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
