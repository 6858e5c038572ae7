import { arrayDataset, type Dataset, firstOf } from "../data/dataset.ts";
import { embeddedFashion } from "../data/fashion.ts";
import { isMixture } from "../distributions/mixture.ts";
import { codeAccuracy } from "../evaluation/codes.ts";
import { drawnCodes, priorDraws } from "../evaluation/drawn-codes.ts";
import type { CodeRows } from "../evaluation/latents.ts";
import { mixtureModes } from "../evaluation/mixture-modes.ts";
import type { Modes } from "../evaluation/modes.ts";
import { adversarialAutoencoder } from "../models/adversarial-autoencoder.ts";
import type { DataDescription, Model } from "../models/model.ts";
import { observed, priorProgram } from "../models/programs.ts";
import { type VaeOptions, vae, vaeSchema } from "../models/vae.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { mean, neg } from "../tensor/index.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { fitModel } from "../training/fit.ts";
import { openMaps } from "./fitted-maps.ts";

/** What holds the codes to the prior: nothing, a rate, a game. */
export type Hold = "nothing" | "KL" | "game";

export interface Setting {
  readonly hold: Hold;
  readonly prior: "normal" | "classes";
  readonly latents: number;
  readonly epochs: number;
  readonly seed: number;
}

/** A network fitted to small images, its aggregated posterior and its prior. */
export interface AggregatedCodes {
  /** One draw z ~ q(z|x) of each example, training part first. */
  readonly codes: CodeRows;
  /** Draws of p(z). */
  readonly draws: CodeRows;
  readonly labels: ArrayLike<number>;
  /** Of a prior with one mode a class. */
  readonly modes?: Modes;
  /** The share of held-out images whose class their ten nearest training codes name. */
  readonly neighbours: () => number;
  /** The mean log p(x|z) of the last epoch, in nats. */
  readonly reconstruction: number;
}

const WIDTH = 128;
const EXAMPLES = 5000;
const CLASSES = 10;
const DRAWS = 4000;

/** Fashion-MNIST as it comes with the package, four pixels as one: 5,000 images 14×14 to train on and 1,000 held out. */
export async function smallImages(): Promise<{ readonly train: Dataset; readonly test: Dataset }> {
  const { train, test } = await embeddedFashion();
  return { train: halved(firstOf(train, EXAMPLES)), test: halved(test) };
}

function halved({ name, length, labels, shape: [, height, width], ...images }: Dataset): Dataset {
  const bytes = new Uint8Array(length * height * width);
  images.read(
    Uint32Array.from({ length }, (_, i) => i),
    bytes,
  );
  const half = [length, 1, height / 2, width / 2];
  const data = Uint8Array.from({ length: sizeOf(half) }, (_, at) => {
    const [line, column] = [Math.floor((2 * at) / width), at % (width / 2)]; // lines go on from image to image
    const corner = 2 * line * width + 2 * column;
    return Math.round((bytes[corner] + bytes[corner + 1] + bytes[corner + width] + bytes[corner + width + 1]) / 4);
  });
  return arrayDataset({ data, shape: half }, { name: `${name}, halved`, labels });
}

/** 196-128-k and back, pixels as zeros and ones drawn afresh. */
function build({ hold, prior, latents }: Setting): (about: DataDescription) => Model {
  const likelihood = "bernoulli";
  const options: VaeOptions = {
    ...vaeSchema.parse({ architecture: { kind: "mlp", widths: [WIDTH] }, latents, prior, components: CLASSES }),
    likelihood,
  };
  if (hold === "game") return (about) => adversarialAutoencoder({ vae: options }, about);
  if (hold === "KL") return (about) => vae(options, about);
  return (about) => ({ ...vae(options, about), objective: ({ reconstruction }) => neg(mean(reconstruction)) });
}

/** Trains on one part and looks at the codes of both. */
export async function aggregatedCodes(
  engine: Engine,
  { train, test }: { readonly train: Dataset; readonly test: Dataset },
  setting: Setting,
): Promise<AggregatedCodes> {
  const { epochs, seed } = setting;
  let reconstruction = Number.NaN;
  const fitted = await fitModel(build(setting), train, {
    engine,
    epochs,
    seed,
    onEpoch: ({ train: means }) => {
      reconstruction = means.reconstruction;
    },
  });
  const { model, description, parameters: values } = fitted;
  const x = observed(model, description);
  const parts = [train, test];
  const drawn: CodeRows[] = [];
  for (const dataset of parts) drawn.push(await drawnCodes({ engine, model, x, values, dataset, seed }));
  const codes = joined(drawn);
  const prior = await compile(engine, priorProgram(model), { values });
  const { codes: draws } = await priorDraws(prior, DRAWS, seed);
  await prior.release();
  const maps = await openMaps(engine, fitted);
  const [known, asked] = [await maps.codes(train), await maps.codes(test)];
  await maps.release();
  const labelled = (rows: CodeRows, { labels }: Dataset) => ({ codes: rows, labels: labels ?? [] });
  return {
    codes,
    draws,
    labels: parts.flatMap(({ labels }) => Array.from(labels ?? [])),
    modes: isMixture(model.prior) ? await mixtureModes(engine, model.prior, codes, draws) : undefined,
    neighbours: () => codeAccuracy(labelled(known, train), labelled(asked, test)).nearest.value,
    reconstruction,
  };
}

function joined(parts: readonly CodeRows[]): CodeRows {
  const [{ shape }] = parts;
  const rows = parts.reduce((total, part) => total + part.shape[0], 0);
  return { data: Float64Array.from(parts.flatMap((part) => Array.from(part.data))), shape: [rows, shape[1]] };
}

/** Rows spread evenly over the codes, as points of the plane. */
export function somePoints({ codes: { data: rows, shape }, labels }: AggregatedCodes, count: number) {
  const step = shape[0] / count;
  return Array.from({ length: count }, (_, i) => {
    const at = Math.floor((i + 0.5) * step);
    return { x: rows[at * shape[1]], y: rows[at * shape[1] + 1], label: labels[at] };
  });
}
