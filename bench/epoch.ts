import { existsSync } from "node:fs";
import { openDataset } from "../dist/data/open.js";
import { type Dataset, openEngine } from "../dist/index.js";
import { threadCounts } from "./machine.ts";
import type { Figure, Outcome } from "./results.ts";
import { noisePictures, openSubject } from "./subject.ts";
import { quantile } from "./turns.ts";

/** Where Debian's dataset-fashion-mnist puts its images. */
const DEBIAN = "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz";
const BAR_SECONDS = 2.5;
const EPOCHS = 5;

async function sixtyThousand(): Promise<{ dataset: Dataset; name: string; opening?: number }> {
  if (!existsSync(DEBIAN)) return { dataset: noisePictures(60_000), name: "60,000 noise pictures" };
  const start = performance.now();
  const dataset = await openDataset(DEBIAN);
  return { dataset, name: "Fashion-MNIST", opening: (performance.now() - start) / 1000 };
}

/** An epoch of the MLP over 60,000 images, read from memory batch by batch; opening the file is told apart. */
export async function benchEpoch(): Promise<Outcome> {
  const { dataset, name, opening } = await sixtyThousand();
  const trainings = await Promise.all(
    threadCounts().map(async (threads) => ({
      threads,
      training: await openSubject("mlp", await openEngine({ threads }), dataset),
      seconds: [] as number[],
    })),
  );
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const { training, seconds } of trainings) {
      const start = performance.now();
      for (let i = 0; i < training.stepsPerEpoch; i++) await training.runStep();
      seconds.push((performance.now() - start) / 1000);
    }
  }
  const figures = trainings.map(({ threads, training, seconds }): Figure => {
    const spread = `${quantile(seconds, 0).toFixed(2)}–${quantile(seconds, 1).toFixed(2)} in ${EPOCHS} epochs of ${training.stepsPerEpoch} steps`;
    const what = `epoch, ${name}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
    return { what, value: quantile(seconds, 0.5), unit: "s", spread };
  });
  const best = figures.toSorted((a, b) => a.value - b.value)[0];
  for (const { training } of trainings) await training.release();
  return {
    figures: [
      ...figures.map((figure) => (figure === best ? { ...figure, bar: BAR_SECONDS } : figure)),
      ...(opening === undefined ? [] : [{ what: "opening the gzipped file", value: opening, unit: "s" }]),
    ],
  };
}
