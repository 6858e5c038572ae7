import { usualCondition } from "../data/condition-draws.ts";
import type { Stated } from "../data/conditions.ts";
import { type Dataset, numbersOf, subset } from "../data/dataset.ts";
import { isImage } from "../data/pixels.ts";
import { latentMap } from "../evaluation/latent-map.ts";
import { estimate } from "../evaluation/likelihood.ts";
import type { RunFacts } from "../run/facts.ts";
import { decodeSafetensors } from "../run/safetensors.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import type { TrainedModel } from "../trained/trained-model.ts";
import { latentCentre, latentSpan, type Span, stepsOver, traversal } from "../trained/traversal.ts";
import type { Image } from "./grid.ts";
import { toImages } from "./image.ts";
import type {
  DecodedGrid,
  History,
  LatentMap,
  Picture,
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

/** What each component of a mixture is: the decoded z of each. */
export async function gatherComponents(model: TrainedModel): Promise<Picture> {
  const { latents } = model.facts.model;
  const z = Array.from({ length: latents }, (_, i) => Array.from({ length: latents }, (_, j) => Number(i === j)));
  const images = imagesOf((await model.decode(z)).data, model.facts);
  return {
    title: "Components",
    caption: "The mean of each component.",
    alt: `The means of ${latents} components as images`,
    rows: [images],
  };
}

/** The codes in the plane, with their labels; of a model of two latents what lies where, too. */
export async function gatherMap(
  model: TrainedModel,
  dataset: Dataset,
  split: string,
  signal?: AbortSignal,
): Promise<LatentMap | undefined> {
  const { mean: codes } = await model.encode(dataset, { signal });
  const { points, axes, axisNames } = latentMap(codes);
  const { labels, labelNames } = dataset;
  return {
    split,
    points: points.map((point, i) => ({ ...point, label: labels?.[i] })),
    labelNames,
    axes,
    axisNames,
    decodedGrid:
      isPlane(model.facts) && isImage(dataset.shape) ? await decodedGrid(model, frameOf(model, codes)) : undefined,
  };
}

function isPlane({ model: { latents, space } }: RunFacts): boolean {
  return latents === 2 && space !== "oneHot";
}

/** Where the latents of a model lie: around its prior's mean, in units of 1, or where it has none around its codes, in their deviations. */
interface Frame {
  readonly around: Traversals["around"];
  readonly centre: readonly number[];
  readonly unit: readonly number[];
  readonly span: Span;
}

function frameOf({ facts }: TrainedModel, { data, shape: [n, k] }: NdArray): Frame {
  const ones = Array.from({ length: k }, () => 1);
  const span = latentSpan(facts);
  if (facts.model.prior !== undefined) return { around: "prior", centre: latentCentre(facts), unit: ones, span };
  const column = (j: number): readonly number[] => Array.from({ length: n }, (_, i) => data[i * k + j]);
  const columns = ones.map((_, j) => estimate(Float64Array.from(column(j))));
  return {
    around: "codes",
    centre: columns.map(({ value }) => value),
    unit: columns.map(({ error }) => error * Math.sqrt(n) || 1), // s from s/√n
    span,
  };
}

/** Means of p(x|z) over the square of the latents, the largest second latent on top. */
async function decodedGrid(model: TrainedModel, { centre, unit, span: { from, to } }: Frame): Promise<DecodedGrid> {
  const ends = (end: number): readonly number[] => centre.map((at, j) => (unit[j] === 1 ? end : at + end * unit[j]));
  const span = { from: Math.min(...ends(from)), to: Math.max(...ends(to)) };
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
export async function gatherTraversals(
  model: TrainedModel,
  dataset: Dataset,
  rates: readonly number[] | undefined,
): Promise<Traversals> {
  const { mean: codes } = await model.encode(dataset);
  const { around, centre, unit, span } = frameOf(model, codes);
  const use = rates ?? unit; // where nothing else tells, what varies most
  const chosen = Array.from(centre.keys())
    .sort((a, b) => use[b] - use[a])
    .slice(0, TRAVERSED);
  const path = traversal(around === "prior" ? centre : centre.map(() => 0), chosen, { steps: STEPS, ...span });
  const z = path.map((point) => (around === "prior" ? point.z : point.z.map((at, j) => centre[j] + at * unit[j])));
  const images = imagesOf((await model.decode(z, usuallyGiven(model.facts))).data, model.facts);
  return {
    around,
    latents: chosen.map((latent, i) => ({ latent, images: images.slice(i * STEPS, (i + 1) * STEPS) })),
    ...span,
  };
}
