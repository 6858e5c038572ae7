import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedFashion } from "../dist/data/fashion.js";
import { arrayDataset, type Dataset, openEngine } from "../dist/index.js";
import { fitPca } from "../dist/models/pca.js";
import { scikitRemedy } from "./peers.ts";
import { race } from "./race.ts";
import type { Outcome } from "./results.ts";
import type { Contestant } from "./turns.ts";

/** What is measured: 50 components of 60,000 images of 784 bytes; `peers/pca.py` does the same. */
const ROWS = 60_000;
const PIXELS = 784;
const COMPONENTS = 50;
/** What a fit may take of scikit-learn's time, each at the thread count it is best with, and in milliseconds. */
const BARS = { ratio: 1, milliseconds: 10_000 };

/** Principal components from bytes in memory against scikit-learn's from the same numbers as float64, taking turns. */
export async function benchPca(rounds: number): Promise<Outcome> {
  const images = await manyImages();
  const folder = mkdtempSync(join(tmpdir(), "reparam-pca-"));
  const file = join(folder, "images.bin");
  writeFileSync(file, images);
  const dataset = arrayDataset({ data: images, shape: [ROWS, PIXELS] }, { name: "images", measure: "bytes" });
  const options = { file, columns: PIXELS, components: COMPONENTS };
  const peer = { name: "scikit-learn", product: "scikit-learn", script: "pca.py", options, bars: { best: BARS.ratio } };
  try {
    const { timings: _, ...outcome } = await race({
      ours: (threads) => ours(threads, dataset),
      peers: [peer],
      turns: { rounds, steps: 1, lead: 0 },
      unit: "ms/fit",
      most: BARS.milliseconds,
      remedy: scikitRemedy,
    });
    return outcome;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The embedded images over and over: the covariance of photographs, whose eigenvalues fall as they do. */
async function manyImages(): Promise<Uint8Array> {
  const { train } = await embeddedFashion();
  const once = new Uint8Array(train.length * PIXELS);
  train.read(
    Array.from({ length: train.length }, (_, i) => i),
    once,
  );
  return Uint8Array.from({ length: ROWS * PIXELS }, (_, i) => once[i % once.length]);
}

async function ours(threads: number, dataset: Dataset): Promise<Contestant> {
  const engine = await openEngine({ threads });
  const timedFit = async (): Promise<number> => {
    const start = performance.now();
    await fitPca(engine, dataset, { latents: COMPONENTS });
    return performance.now() - start;
  };
  await timedFit();
  return {
    name: "reparam",
    threads,
    take: async (steps) => {
      const milliseconds: number[] = [];
      for (let i = 0; i < steps; i++) milliseconds.push(await timedFit());
      return milliseconds;
    },
    close: async () => undefined,
  };
}
