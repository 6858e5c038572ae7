import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedFashion } from "../dist/data/fashion.js";
import { arrayDataset, type Dataset, openEngine } from "../dist/index.js";
import { fitPca } from "../dist/models/pca.js";
import { threadCounts } from "./machine.ts";
import { openPython } from "./python.ts";
import type { Figure, Outcome } from "./results.ts";
import { type Contestant, fastest, label, ratio, type Timing, takeTurns } from "./turns.ts";

/** What is measured: 50 components of 60,000 images of 784 bytes; `peers/pca.py` does the same. */
const ROWS = 60_000;
const PIXELS = 784;
const COMPONENTS = 50;
/** What a fit may take of scikit-learn's time, each at the thread count it is best with, and in milliseconds. */
const BARS = { ratio: 1, milliseconds: 10_000 };

const remedy =
  "scikit-learn takes no part: put it into a virtual environment (python3 -m venv peers && peers/bin/pip install scikit-learn, or apt install python3-sklearn) and give it as PYTHON=peers/bin/python";

/** Principal components from bytes in memory against scikit-learn's from the same numbers as float64, taking turns. */
export async function benchPca(rounds: number): Promise<Outcome> {
  const images = await manyImages();
  const folder = mkdtempSync(join(tmpdir(), "reparam-pca-"));
  const file = join(folder, "images.bin");
  writeFileSync(file, images);
  const dataset = arrayDataset({ data: images, shape: [ROWS, PIXELS] }, { name: "images", measure: "bytes" });
  const contestants: Contestant[] = [];
  const notes = new Set<string>();
  const peers: Record<string, string> = {};
  try {
    for (const threads of threadCounts()) {
      contestants.push(await ours(threads, dataset));
      const given = { file, columns: PIXELS, components: COMPONENTS, threads };
      const options = Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)]);
      const peer = await openPython("pca.py", { name: "scikit-learn", threads, options });
      if ("absent" in peer) {
        notes.add(`scikit-learn: ${peer.absent}`).add(remedy);
        continue;
      }
      peers["scikit-learn"] = peer.version;
      contestants.push(peer);
    }
    const timings = await takeTurns(contestants, { rounds, steps: 1, lead: 0 });
    return { figures: [...ratios(timings), ...times(timings)], peers, notes: [...notes], details: timings };
  } finally {
    for (const contestant of contestants) await contestant.close();
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

function ratios(timings: readonly Timing[]): readonly Figure[] {
  const figure = (what: string, of: readonly Timing[], bar?: number): readonly Figure[] => {
    const [own, peer] = [fastest(of, "reparam"), fastest(of, "scikit-learn")];
    if (!own || !peer) return [];
    const { median, low, high } = ratio(own, peer);
    const spread = `quartiles ${low.toFixed(2)}–${high.toFixed(2)} of ${own.rounds.length} rounds`;
    return [{ what: `${what}: ${label(own)} / ${label(peer)}`, value: median, unit: "×", spread, bar }];
  };
  const alone = timings.filter(({ threads }) => threads === 1);
  return [...figure("one thread", alone), ...figure("best of each", timings, BARS.ratio)];
}

function times(timings: readonly Timing[]): readonly Figure[] {
  return timings.map((timing) => {
    const { name, median, min, p10, p90 } = timing;
    const spread = `min ${min.toFixed(0)}, 10–90 % ${p10.toFixed(0)}–${p90.toFixed(0)}`;
    const bar = name === "reparam" ? BARS.milliseconds : undefined;
    return { what: label(timing), value: median, unit: "ms/fit", spread, bar };
  });
}
