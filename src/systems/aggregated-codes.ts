import { labelCondition } from "../data/conditions.ts";
import { arrayDataset, type Dataset, numbersOf } from "../data/dataset.ts";
import { isMixture } from "../distributions/mixture.ts";
import { codeAccuracy } from "../evaluation/codes.ts";
import { drawnCodes, priorDraws } from "../evaluation/drawn-codes.ts";
import type { CodeRows } from "../evaluation/latents.ts";
import { mixtureModes } from "../evaluation/mixture-modes.ts";
import type { Modes } from "../evaluation/modes.ts";
import { adversarialAutoencoder } from "../models/adversarial-autoencoder.ts";
import { conditionInput } from "../models/condition.ts";
import type { DataDescription, Model } from "../models/model.ts";
import { classPrior } from "../models/priors.ts";
import { observed, priorProgram } from "../models/programs.ts";
import { type VaeOptions, vae, vaeSchema } from "../models/vae.ts";
import { wassersteinAutoencoder } from "../models/wasserstein-autoencoder.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { mean, neg } from "../tensor/index.ts";
import { fitModel } from "../training/fit.ts";
import { splitDigits } from "./digits.ts";
import { openMaps } from "./fitted-maps.ts";

/** What holds the codes to the prior: nothing, a rate, a game, the maximum mean discrepancy. */
export type Hold = "nothing" | "KL" | "game" | "discrepancy";

export interface Setting {
  readonly hold: Hold;
  readonly prior: "normal" | "classes";
  /** Whether the label of a training example chooses its component: p(z|y) instead of p(z). The encoder never sees it. */
  readonly labels?: boolean;
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
  /** The share of held-out images whose class their ten nearest training codes name; codes here are the means of q(z|x). */
  readonly neighbours: () => number;
  /** The mean log p(x|z) of the training images over the last epoch, one draw of z, in nats. */
  readonly reconstruction: number;
}

const WIDTH = 128;
const CLASSES = 10;
const DRAWS = 4000;
/** The largest byte. */
const TOP = 255;

/** The digits as images of bytes: 1,400 to train on and 397 held out, parted by the seed. */
export async function byteDigits(seed: number): Promise<{ readonly train: Dataset; readonly test: Dataset }> {
  const { train, test } = await splitDigits(seed);
  return { train: asBytes(train), test: asBytes(test) };
}

function asBytes(digits: Dataset): Dataset {
  const data = Uint8Array.from(numbersOf(digits), (value) => Math.round(TOP * value));
  return arrayDataset({ data, shape: [digits.length, ...digits.shape] }, { name: digits.name, labels: digits.labels });
}

/** 64-128-k and back, pixels by the discretised logistic. */
function optionsOf({ prior, latents }: Pick<Setting, "prior" | "latents">): VaeOptions {
  const architecture = { kind: "mlp", widths: [WIDTH] } as const;
  return { ...vaeSchema.parse({ architecture, latents, prior, components: CLASSES }), likelihood: "logistic" };
}

function build({ hold, ...setting }: Setting): (about: DataDescription) => Model {
  const options = optionsOf(setting);
  if (hold === "game") return (about) => adversarialAutoencoder({ vae: options }, about);
  if (hold === "discrepancy") return (about) => wassersteinAutoencoder({ vae: options }, about);
  if (hold === "KL") return (about) => heldByRate(options, about);
  return (about) => ({ ...vae(options, about), objective: ({ reconstruction }) => neg(mean(reconstruction)) });
}

/** A VAE whose rate is KL(q(z|x) ‖ p(z|y)), where there are labels to choose the component. */
function heldByRate(options: VaeOptions, { condition, ...about }: DataDescription): Model {
  const model = vae(options, about);
  return condition ? { ...model, prior: classPrior(conditionInput(condition), model.latents) } : model;
}

/** Trains on one part and looks at the codes of both. */
export async function aggregatedCodes(
  engine: Engine,
  { train, test }: { readonly train: Dataset; readonly test: Dataset },
  setting: Setting,
): Promise<AggregatedCodes> {
  const { epochs, seed, labels } = setting;
  let reconstruction = Number.NaN;
  const fitted = await fitModel(build(setting), labels ? { ...train, conditions: labelCondition(train) } : train, {
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
  const { condition: _, ...unconditional } = description;
  const aggregate = vae(optionsOf(setting), unconditional).prior; // p(z) = Σ p(y) p(z|y)
  const prior = await compile(engine, priorProgram({ ...model, prior: aggregate }), { values });
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
    modes: isMixture(aggregate) ? await mixtureModes(engine, aggregate, codes, draws) : undefined,
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
