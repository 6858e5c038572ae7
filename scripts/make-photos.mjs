// Makes OUT, a folder of photographs as they lie on people's disks (JPEG, PNG and WebP, 100 to 1200 pixels a side, either
// orientation, some grey, some with an EXIF rotation, some with alpha), and OUT-test, a tenth as many from sources that
// OUT does not use. They are crops of the photographs that these Debian packages ship, at another place and scale each:
//
//   apt-get install --no-install-recommends labelme-examples lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 \
//     mate-backgrounds opencv-doc palapeli-data plasma-workspace-wallpapers
//   npm run build && node scripts/make-photos.mjs OUT [--count 2000] [--seed 0]
//
// Licences, by /usr/share/doc/PACKAGE/copyright, all of Debian's main archive: labelme-examples GPL-3+; lomiri-wallpapers
// CC-BY-4.0, CC-BY-SA-3.0, CC-BY-SA-4.0 or CC0 by picture; mate-backgrounds GPL-2+; opencv-doc Apache-2.0, BSD; palapeli-data
// GPL-2+, GFDL-1.2+, CC0 by picture; plasma-workspace-wallpapers GPL-2+. Nothing of them is kept here.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { permutation, stream } from "../dist/random/stream.js";

/** By package, the part of a path that names one photograph: those of a scene or a stereo pair once. */
const PHOTOGRAPHS = {
  "labelme-examples": [
    ...["bbox_detection/data_annotated/2011_000003", "bbox_detection/data_annotated/2011_000006"],
    ...["bbox_detection/data_annotated/2011_000025", "classification/data_annotated/0001"],
    ...["classification/data_annotated/0002", "tutorial/apc2016_obj3", "video_annotation/data_annotated/00000100"],
  ].map((name) => `examples/${name}.jpg`),
  "lomiri-wallpapers-16.04": [
    ...["Bridge_by", "Dragonfly_by", "Picture_0B_by", "Picture_1A_by", "Wine_by", "aitzgorri_by", "free_by"],
    ...["friends_by", "greentock_by", "life_by", "picosdeeuropa_by", "seeding_by", "sunset_by"],
  ],
  "lomiri-wallpapers-20.04": ["Kleiber_by"],
  "mate-backgrounds": [
    ...["Aqua", "Blinds", "Dune", "FreshFlower", "Garden", "GreenMeadow", "LadyBird", "RainDrops", "Storm"],
    ...["TwoWings", "Wood", "YellowFlower"],
  ].map((name) => `nature/${name}.jpg`),
  "opencv-doc": [
    ...["aero1.jpg", "aloeL.jpg", "apple.jpg", "baboon.jpg", "basketball1.png", "board.jpg", "box.png"],
    ...["box_in_scene.png", "building.jpg", "butterfly.jpg", "chicky_512.png", "ela_original.jpg", "fruits.jpg"],
    ...["graf1.png", "home.jpg", "left.jpg", "left01.jpg", "leuvenA.jpg", "licenseplate_motion.jpg", "messi5.jpg"],
    ...["orange.jpg", "rubberwhale1.png", "smarties.png", "squirrel_cls.jpg", "stuff.jpg", "sudoku.png"],
  ]
    .map((name) => `examples/data/${name}`)
    .concat(
      ["alphamat/input_images/plant.jpg", "dnn_superres/butterfly.png", "reg/home.png"],
      ["000", "001", "002"].map((name) => `hfs/data/${name}.jpg`),
      ["01", "02", "03", "04", "05", "06"].map((name) => `text/scenetext${name}.jpg`),
      ["01", "02", "03", "04", "05"].map((name) => `text/scenetext_segmented_word${name}.jpg`),
    ),
  "palapeli-data": [
    ...["castle-maintenon", "cincinnati-bridge", "citrus-fruits", "european-honey-bee", "panther-chameleon-female"],
  ].map((name) => `collection/${name}.jpg`),
  "plasma-workspace-wallpapers": [
    ...["BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow", "FallenLeaf", "Grey", "Kite"],
    ...["OneStandsOut", "Path", "summer_1am"],
  ].map((name) => `wallpapers/${name}/contents/images/2560x1600.jpg`),
};

const SHORTEST = 100; // pixels
const LONGEST = 1200;
const DECODED = 2400; // a source is shrunk to this many pixels a side before it is cropped, to be decoded only once
const SHAPES = [4 / 3, 4 / 3, 3 / 2, 3 / 2, 16 / 9, 1, 3 / 4, 2 / 3, 9 / 16]; // width / height, as cameras and telephones make
const ROTATIONS = { 3: 180, 6: 270, 8: 90 }; // EXIF orientation → degrees by which the stored pixels are turned from upright
const HELD_OUT = 1 / 10; // of the sources, and as many photos of them

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { count: { type: "string", default: "2000" }, seed: { type: "string", default: "0" } },
});
const [out] = positionals;
const count = Number(values.count);
const seed = Number(values.seed);
if (positionals.length !== 1 || !Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
  stop("usage: node scripts/make-photos.mjs OUT [--count 2000] [--seed 0]");
}

const sources = findSources();
const order = permutation(sources.length, stream(seed, "sources"));
const heldOut = Math.round(HELD_OUT * sources.length);
const shuffled = Array.from(order, (i) => sources[i]);
await makeFolder(out, shuffled.slice(heldOut), count, "photos");
await makeFolder(`${out}-test`, shuffled.slice(0, heldOut), Math.max(1, Math.round(HELD_OUT * count)), "test photos");

function stop(message) {
  console.error(message);
  process.exit(2);
}

/** The files of PHOTOGRAPHS, by the package manager. */
function findSources() {
  return Object.entries(PHOTOGRAPHS).flatMap(([name, photographs]) => {
    const files = filesOf(name);
    return photographs.map((photograph) => {
      const file = files.find((path) => path.includes(`/${photograph}`) && /\.(jpe?g|png)$/.test(path));
      return file ?? stop(`${name}: no file …/${photograph}; this script was written for Debian 12's package`);
    });
  });
}

function filesOf(name) {
  try {
    return execFileSync("dpkg", ["-L", name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n");
  } catch {
    const missing = Object.keys(PHOTOGRAPHS).join(" ");
    return stop(`${name}: not installed; run apt-get install --no-install-recommends ${missing}`);
  }
}

/** Photo i is of source i modulo their number; names are shuffled, so that neighbours are not of one source. */
async function makeFolder(folder, from, photos, name) {
  mkdirSync(folder, { recursive: true });
  if (readdirSync(folder).length > 0) stop(`${folder}: not empty; remove it or name another folder`);
  const names = permutation(photos, stream(seed, `${name}: names`));
  const sizes = [];
  for (const [s, path] of from.entries()) {
    const source = await decode(path);
    for (let i = s; i < photos; i += from.length) {
      const draw = stream(seed, name, i);
      const photo = await crop(source, draw);
      const file = join(folder, `photo-${String(names[i] + 1).padStart(4, "0")}`);
      sizes.push(await write(photo, file, draw));
    }
  }
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  console.log(
    `${folder}: ${photos} photos of ${Math.min(photos, from.length)} sources, ${(bytes / 1e6).toFixed(0)} MB`,
  );
}

/** Upright RGB pixels. */
async function decode(path) {
  const { data, info } = await sharp(path)
    .rotate()
    .flatten({ background: "white" })
    .toColourspace("srgb")
    .resize({ width: DECODED, height: DECODED, fit: "inside", withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, raw: { width: info.width, height: info.height, channels: info.channels } };
}

/** A part of the source, mirrored every second time, never enlarged beyond what SHORTEST asks for. */
async function crop({ data, raw }, draw) {
  const shape = SHAPES[draw.below(SHAPES.length)];
  const whole = Math.min(raw.width, raw.height * shape); // the widest crop of this shape
  const width = Math.round(whole * between(draw, 0.35, 1));
  const height = Math.min(raw.height, Math.round(width / shape));
  const left = draw.below(raw.width - width + 1);
  const top = draw.below(raw.height - height + 1);
  const least = SHORTEST / Math.min(width, height);
  const scale = Math.max(least, Math.min(1, between(draw, 160, LONGEST) / Math.max(width, height)));
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const part = sharp(data, { raw }).extract({ left, top, width, height });
  if (draw.uniform() < 0.5) part.flop();
  const made = await part
    .resize({ ...size, fit: "fill" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: made.data, raw: { width: made.info.width, height: made.info.height, channels: made.info.channels } };
}

/** 70 % JPEG, 15 % PNG, 15 % WebP; 6 % grey, a fifth of the PNG with alpha, an eighth of the JPEG turned. Gives bytes. */
async function write({ data, raw }, file, draw) {
  const format = draw.uniform();
  const kind = draw.uniform();
  const quality = 75 + draw.below(21);
  const image = sharp(data, { raw });
  if (draw.uniform() < 0.06) image.toColourspace("b-w");
  if (format < 0.15) {
    if (kind < 0.2) image.ensureAlpha().composite([{ input: roundedCorners(raw), blend: "dest-in" }]);
    return (await image.png().toFile(`${file}.png`)).size;
  }
  if (format < 0.3) return (await image.webp({ quality }).toFile(`${file}.webp`)).size;
  if (kind < 0.125) {
    const orientation = Object.keys(ROTATIONS)[draw.below(3)];
    image.rotate(ROTATIONS[orientation]).withMetadata({ orientation: Number(orientation) });
  }
  return (await image.jpeg({ quality }).toFile(`${file}.jpg`)).size;
}

function roundedCorners({ width, height }) {
  const radius = Math.round(Math.min(width, height) / 6);
  return Buffer.from(
    `<svg width="${width}" height="${height}"><rect width="${width}" height="${height}" rx="${radius}"/></svg>`,
  );
}

/** Log-uniform in [low, high). */
function between(draw, low, high) {
  return low * (high / low) ** draw.uniform();
}
