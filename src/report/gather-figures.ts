import { usualCondition } from "../data/condition-draws.ts";
import type { Stated } from "../data/conditions.ts";
import { type Dataset, numbersOf, subset } from "../data/dataset.ts";
import { isImage } from "../data/pixels.ts";
import { latentMap } from "../evaluation/latent-map.ts";
import type { RunFacts } from "../run/facts.ts";
import { decodeSafetensors } from "../run/safetensors.ts";
import type { TrainedModel } from "../trained/trained-model.ts";
import { latentCentre, latentSpan, stepsOver, traversal } from "../trained/traversal.ts";
import type { Image } from "./grid.ts";
import { toImages } from "./image.ts";
import type {
  DecodedGrid,
  History,
  LatentMap,
  PriorSamples,
  Reconstruction,
  Reconstructions,
  Traversals,
} from "./report-input.ts";

const TYPICAL = 10;
const EXTREMES = 5;
const SAMPLES = 30;
const TRAVERSED = 8;
const STEPS = 9;
const GRID = 15;

/** Numbers in the data's own units as images. */
export function imagesOf(values: ArrayLike<number>, { data: { shape, range } }: RunFacts): readonly Image[] {
  return toImages(values, shape, { low: range[0], high: range[1] });
}

/** The pictures that training kept. */
export function gatherHistory(bytes: Uint8Array, { data: { shape } }: RunFacts): History {
  const epochs = Array.from(decodeSafetensors(bytes, "history.safetensors").tensors, ([name, { data }]) => ({
    epoch: Number(name),
    images: toImages(data, shape, { low: 0, high: 255 }),
  }));
  return { epochs: epochs.sort((a, b) => a.epoch - b.epoch) };
}

/** How well each example is reconstructed. */
export interface ReconstructionFit {
  /** A larger log p(x|z) is better, a smaller squared error. */
  readonly by: Reconstructions["by"];
  readonly values: Float64Array;
}

/** The first examples, and those that are reconstructed best and worst. */
export async function gatherReconstructions(
  model: TrainedModel,
  dataset: Dataset,
  { by, values }: ReconstructionFit,
  split: string,
): Promise<Reconstructions> {
  const sign = by === "squared error" ? -1 : 1;
  const order = Array.from(values.keys()).sort((a, b) => sign * (values[b] - values[a]));
  const some = async (rows: readonly number[]): Promise<readonly Reconstruction[]> => {
    const chosen = subset(dataset, rows);
    const originals = imagesOf(numbersOf(chosen), model.facts);
    const reconstructions = imagesOf((await model.reconstruct(chosen)).data, model.facts);
    return rows.map((row, i) => ({
      original: originals[i],
      reconstruction: reconstructions[i],
      value: values[row],
    }));
  };
  const extremes = Math.min(EXTREMES, Math.ceil(dataset.length / 2));
  return {
    split,
    by,
    examples: dataset.length,
    typical: await some(Array.from({ length: Math.min(TYPICAL, dataset.length) }, (_, i) => i)),
    best: await some(order.slice(0, extremes)),
    worst: await some(order.slice(-extremes).reverse()),
  };
}

/** Draws and means of the same latents. */
export async function gatherSamples(model: TrainedModel): Promise<PriorSamples> {
  const of = async (from: "draw" | "mean"): Promise<readonly Image[]> =>
    imagesOf((await model.sample(SAMPLES, { from, seed: 0 })).data, model.facts);
  return { drawn: await of("draw"), means: await of("mean") };
}

/** The codes in the plane, with their labels; of a model of two latents what lies where, too. */
export async function gatherMap(
  model: TrainedModel,
  dataset: Dataset,
  split: string,
  signal?: AbortSignal,
): Promise<LatentMap | undefined> {
  const codes = await model.encode(dataset, { signal });
  const { points, axes, axisNames } = latentMap(codes.mean);
  const { labels, labelNames } = dataset;
  return {
    split,
    points: points.map((point, i) => ({ ...point, label: labels?.[i] })),
    labelNames,
    axes,
    axisNames,
    decodedGrid: model.facts.model.latents === 2 && isImage(dataset.shape) ? await decodedGrid(model) : undefined,
  };
}

/** Means of p(x|z) over the square of the latents, the largest second latent on top. */
async function decodedGrid(model: TrainedModel): Promise<DecodedGrid> {
  const span = latentSpan(model.facts);
  const at = stepsOver(span, GRID);
  const z = Array.from({ length: GRID * GRID }, (_, i) => [at[i % GRID], at[GRID - 1 - Math.floor(i / GRID)]]);
  const images = imagesOf((await model.decode(z, usuallyGiven(model.facts))).data, model.facts);
  const rows = Array.from({ length: GRID }, (_, row) => images.slice(row * GRID, (row + 1) * GRID));
  return { rows, ...span };
}

/** One condition for all pictures of a figure, of a model that takes one. */
function usuallyGiven({ data: { condition } }: RunFacts): Stated {
  return condition ? { condition: usualCondition(condition) } : {};
}

/** The most used latents moved one by one. */
export async function gatherTraversals(model: TrainedModel, byUse: readonly number[]): Promise<Traversals> {
  const chosen = byUse.slice(0, TRAVERSED);
  const span = latentSpan(model.facts);
  const path = traversal(latentCentre(model.facts), chosen, { steps: STEPS, ...span });
  const z = path.map((point) => point.z);
  const images = imagesOf((await model.decode(z, usuallyGiven(model.facts))).data, model.facts);
  return {
    latents: chosen.map((latent, i) => ({ latent, images: images.slice(i * STEPS, (i + 1) * STEPS) })),
    ...span,
  };
}
