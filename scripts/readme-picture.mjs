// Makes the README's picture from the ONNX files of a run on the embedded images, by the built package:
// npm run build && node scripts/readme-picture.mjs RUN [FILE]
// Rows: held-out images, their reconstructions, a gap, samples of the prior.
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
const { png, width, height } = await encodeGrid([...reconstructions.rows, [], ...samples.rows]);
const picture = await sharp(png)
  .resize({ width: SCALE * width, height: SCALE * height, kernel: "nearest" })
  .png({ compressionLevel: 9 })
  .toBuffer();
writeFileSync(file, picture);
console.log(`${file}: ${SCALE * width} × ${SCALE * height} pixels, ${picture.length} bytes`);
