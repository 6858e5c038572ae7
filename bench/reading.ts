import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { openArrayFile } from "../dist/data/array-file.js";
import { encodeNpy } from "../dist/data/npy.js";
import { openDataset } from "../dist/data/open.js";
import { arrayDataset, type Dataset, openEngine } from "../dist/index.js";
import { permutation, stream } from "../dist/random/stream.js";
import { threadCounts } from "./machine.ts";
import type { Figure, Outcome } from "./results.ts";
import { noisePictures, openSubject, BATCH as STEP_BATCH, type Subject, timeSteps } from "./subject.ts";
import { quantile } from "./turns.ts";

const BATCH = 64;
const IMAGES = 10_000;
const PHOTOS = 500;
const PHOTO_SIDES = [480, 360] as const;
const SIDE = 64;
const CHANNELS = 3;
const EPOCHS = 5;
const STEPS = 15;
const WARM_UP = 3;
/** What reading may take of a step's time, so that training never waits for it. */
const BAR_SHARE = 0.1;

/** Images a second, over batches or steps. */
interface Rate {
  readonly what: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

function rate(what: string, images: number, seconds: readonly number[]): Rate {
  const at = (q: number): number => images / quantile(seconds, q);
  return { what, median: at(0.5), low: at(0.9), high: at(0.1) };
}

/** Batches of 64 in a random order, as training reads them: as floats. */
function readingRate(what: string, dataset: Dataset): Rate {
  const out = new Float32Array(BATCH * dataset.shape.reduce((a, b) => a * b));
  const random = stream(0, "bench/reading");
  const seconds: number[] = [];
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const order = permutation(dataset.length, random);
    for (let start = 0; start + BATCH <= order.length; start += BATCH) {
      const before = performance.now();
      dataset.read(order.subarray(start, start + BATCH), out);
      seconds.push((performance.now() - before) / 1000);
    }
  }
  return rate(what, BATCH, seconds);
}

/** Steps of a training on these images, which read their own batches. */
async function stepRate(what: string, subject: Subject, dataset: Dataset): Promise<Rate> {
  const rates: Rate[] = [];
  for (const threads of threadCounts()) {
    const training = await openSubject(subject, await openEngine({ threads }), dataset);
    await timeSteps(training, WARM_UP);
    const milliseconds = await timeSteps(training, STEPS);
    await training.release();
    const seconds = milliseconds.map((ms) => ms / 1000);
    rates.push(rate(`${what}, ${threads} ${threads === 1 ? "thread" : "threads"}`, STEP_BATCH, seconds));
  }
  return rates.toSorted((a, b) => b.median - a.median)[0];
}

function noise(shape: readonly number[]): Uint8Array {
  const random = stream(0, "bench/reading/pixels");
  return Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.below(256));
}

/** A folder of JPEGs: enlarged noise, so that there is something to decode at every scale. */
async function writePhotos(folder: string): Promise<void> {
  mkdirSync(folder);
  const random = stream(0, "bench/reading/photos");
  const [width, height] = PHOTO_SIDES;
  for (let i = 0; i < PHOTOS; i++) {
    const pixels = Uint8Array.from({ length: 24 * 18 * CHANNELS }, () => random.below(256));
    const small = sharp(pixels, { raw: { width: 24, height: 18, channels: CHANNELS } });
    await small
      .resize(width, height)
      .jpeg({ quality: 90 })
      .toFile(join(folder, `${i}.jpg`));
  }
}

/** Images a second that are read, from wherever they lie, beside those that a training step takes. */
export async function benchReading(): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "reparam-reading-"));
  try {
    const shape = [IMAGES, CHANNELS, SIDE, SIDE];
    const data = noise(shape);
    const colour = arrayDataset({ data, shape }, { name: "noise" });
    const npy = async (name: string, contents: Uint8Array): Promise<Dataset> => {
      const path = join(folder, name);
      writeFileSync(path, contents);
      return openArrayFile(path, { limit: 0 });
    };
    const first = await npy("first.npy", encodeNpy({ data, shape }));
    const last = await npy("last.npy", encodeNpy({ data, shape: [IMAGES, SIDE, SIDE, CHANNELS] }));
    const floats = await npy("floats.npy", encodeNpy({ data: Float32Array.from(data), shape }));
    const grey = noisePictures(IMAGES);

    await writePhotos(join(folder, "photos"));
    const start = performance.now();
    const photos = await openDataset(join(folder, "photos"), { size: [SIDE, SIDE] });
    const opening = (performance.now() - start) / 1000;

    const greyMemory = readingRate("28×28 grey, memory", grey);
    const worst = readingRate("64×64 RGB, .npy on disk by index, channels last", last);
    const readings = [
      greyMemory,
      readingRate("64×64 RGB, memory", colour),
      readingRate("64×64 RGB, .npy on disk by index", first),
      worst,
      readingRate("64×64 RGB, .npy of float32 on disk by index", floats),
      readingRate("64×64 RGB, a folder of JPEGs once it is open", photos),
    ];
    const mlp = await stepRate("training step, 28×28 grey, MLP", "mlp", grey);
    const conv = await stepRate("training step, 64×64 RGB, convolutions", "conv", colour);
    const figures = [
      ...[...readings, mlp, conv].map(
        ({ what, median, low, high }): Figure => ({
          what,
          value: median,
          unit: "images/s",
          spread: `10–90 % ${Math.round(low).toLocaleString("en-US")}–${Math.round(high).toLocaleString("en-US")}`,
        }),
      ),
      {
        what: `opening a folder of ${PHOTOS} JPEGs of ${PHOTO_SIDES.join("×")}, once`,
        value: PHOTOS / opening,
        unit: "images/s",
      },
      share("28×28 grey, memory", greyMemory, mlp),
      share("64×64 RGB, .npy on disk, channels last", worst, conv),
    ];
    const notes = [
      "The files on disk were just written, so the system has them in memory; a disk's own speed comes on top.",
    ];
    return { figures, notes };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function share(what: string, reading: Rate, step: Rate): Figure {
  return { what: `reading's share of a step, ${what}`, value: step.median / reading.median, unit: "×", bar: BAR_SHARE };
}
