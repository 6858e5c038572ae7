import { fileURLToPath } from "node:url";
import type { Dataset } from "./dataset.ts";
import { openDataset } from "./open.ts";

/** What the ten classes are called by those who made them: Xiao, Rasul & Vollgraf 2017, table 2. */
const CLASSES: readonly string[] = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

/**
 * Fashion-MNIST as it comes with the package, labelled: the first 10,000 training images and the first 1,000 test images,
 * [1, 28, 28] of bytes. `data/README.md` tells where they are from. Never train on `test`.
 */
export async function embeddedFashion(): Promise<{ readonly train: Dataset; readonly test: Dataset }> {
  const [train, test] = await Promise.all([embedded("train"), embedded("test")]);
  return { train, test };
}

async function embedded(part: "train" | "test"): Promise<Dataset> {
  // The same two levels up from src/data and from dist/data.
  const url = new URL(`../../data/fashion-${part}-images-idx3-ubyte.gz`, import.meta.url);
  return { ...(await openDataset(fileURLToPath(url))), name: `fashion/${part}`, labelNames: CLASSES };
}
