import type { Dataset } from "../data/dataset.ts";
import { programFeeds } from "../evaluation/feeds.ts";
import type { CompiledFunction } from "../runtime/compile.ts";
import type { Image } from "./grid.ts";
import type { Picture } from "./report.ts";

export interface Programs {
  readonly encoder: CompiledFunction;
  readonly decoder: CompiledFunction;
  readonly prior: CompiledFunction;
}

const COLUMNS = 10;
const SAMPLE_ROWS = 4;
/** Pictures draw noise that neither training (steps from 0) nor evaluation (−1) draws. */
const PICTURE_STEP = -2;

/** Whether examples can be shown: [channels, height, width] with 1 or 3 channels. */
export function isImage(shape: readonly number[]): boolean {
  return shape.length === 3 && (shape[0] === 1 || shape[0] === 3);
}

/** Reconstructions beside the originals, and samples of the prior, by the exported programs alone. */
export async function modelPictures(programs: Programs, dataset: Dataset, seed: number): Promise<readonly Picture[]> {
  if (!isImage(dataset.shape)) return [];
  const indices = Uint32Array.from({ length: Math.min(COLUMNS, dataset.length) }, (_, i) => i);
  const inputs = programFeeds({ program: programs.encoder.program, dataset, seed, step: PICTURE_STEP })(indices);
  const posterior = await programs.encoder.run(inputs);
  const code = posterior.mean ?? Object.values(posterior)[0];
  const { mean, logits } = await programs.decoder.run({ z: code });
  const samples = Uint32Array.from({ length: COLUMNS * SAMPLE_ROWS }, (_, i) => i);
  const { z } = await programs.prior.run(
    programFeeds({ program: programs.prior.program, seed, step: PICTURE_STEP })(samples),
  );
  const drawn = await programs.decoder.run({ z });
  const data = inputs.x.data;
  const own = rangeOf(dataset, data);
  // A Bernoulli's mean is a probability whatever the data's units were.
  const modelled = logits ? { low: 0, high: 1 } : own;
  const generated = paint(drawn.mean.data, dataset.shape, modelled);
  return [
    {
      title: "Reconstructions",
      caption: "Held-out images (above) and the mean of p(x|z) at the posterior's mean (below).",
      alt: `${indices.length} held-out images in the first row, their reconstructions in the second`,
      rows: [paint(data, dataset.shape, own), paint(mean.data, dataset.shape, modelled)],
      rowLabels: ["data", "model"],
    },
    {
      title: "Samples of the prior",
      caption:
        "Means of p(x|z) for z drawn from the prior: what the model imagines. Means are smoother than data, as noise is averaged away.",
      alt: `${generated.length} images decoded from random latents`,
      rows: Array.from({ length: SAMPLE_ROWS }, (_, row) => generated.slice(row * COLUMNS, (row + 1) * COLUMNS)),
    },
  ];
}

interface Range {
  readonly low: number;
  readonly high: number;
}

/** What is shown as black and as white. */
function rangeOf({ measure, dtype }: Dataset, values: ArrayLike<number>): Range {
  if (measure !== "real") return { low: 0, high: dtype === "uint8" ? 255 : 1 };
  let [low, high] = [values[0], values[0]];
  for (let i = 1; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return { low, high };
}

/** Numbers [n, channels, height, width] as images. */
function paint(values: ArrayLike<number>, shape: readonly number[], { low, high }: Range): readonly Image[] {
  const [channels, height, width] = shape;
  const size = channels * height * width;
  return Array.from({ length: values.length / size }, (_, image) => {
    const data = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      const channel = Math.floor(i / (height * width));
      const place = (i % (height * width)) * channels + channel; // [c, h, w] → [h, w, c]
      const share = (values[image * size + i] - low) / (high - low || 1);
      data[place] = Math.round(255 * Math.min(Math.max(share, 0), 1));
    }
    return { width, height, channels: channels === 3 ? 3 : 1, data };
  });
}
