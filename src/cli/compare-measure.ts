import type { Dataset } from "../data/dataset.ts";
import { type PriorDraws, priorDraws } from "../evaluation/drawn-codes.ts";
import { latentPlane } from "../evaluation/latent-map.ts";
import type { CodeRows, PosteriorSource } from "../evaluation/latents.ts";
import {
  comparableLikelihood,
  estimateLikelihood,
  exactWords,
  type LikelihoodEstimate,
} from "../evaluation/likelihood.ts";
import { ascending, quantile } from "../evaluation/quantiles.ts";
import { summarise } from "../evaluation/summary.ts";
import { families } from "../models/families.ts";
import { builtInModel } from "../models/names.ts";
import type { CodeMap, ComparedModel } from "../report/comparison-input.ts";
import { exactOf } from "../run/facts.ts";
import type { MetricsRow } from "../run/metrics.ts";
import type { RunData } from "../run/prepare.ts";
import type { Engine } from "../runtime/engine.ts";
import type { Watched } from "../trained/trained-model.ts";
import type { ComparedRun } from "./compare-runs.ts";
import { aggregateFit } from "./evaluate-aggregate.ts";
import { accuracyOf, type SpreadCodes, spreadPosteriors } from "./evaluate-codes.ts";
import { distanceOf, openArtifact, stampingOf } from "./evaluation-run.ts";
import { counted } from "./terminal.ts";

/** How all are measured. */
export interface Measuring extends Watched {
  readonly engine: Engine;
  readonly split: string;
  readonly samples: number;
  readonly seed: number;
}

/** Codes that are classified and held against the prior, and that a map shows, at most. */
const MOST_CODES = 2000;
const MOST_POINTS = 800;
/** What a run is and how good: all numbers of the comparison, and where its codes lie. */
export async function measureRun(compared: ComparedRun, measuring: Measuring): Promise<ComparedModel> {
  const { name, run, config, data, dataset } = compared;
  const { engine, samples, seed, signal, onProgress } = measuring;
  const { model } = config;
  const programs = new Set<string>(model.programs ?? ["density", "prior", "decoder"]);
  const open = (program: "density" | "decoder" | "prior") =>
    programs.has(program) ? openArtifact(engine, run, `${program}.onnx`) : undefined;
  const encoder = await openArtifact(engine, run, "encoder.onnx");
  const [density, decoder, prior] = [await open("density"), await open("decoder"), await open("prior")];
  try {
    const estimate =
      density &&
      (await estimateLikelihood({
        density,
        dataset,
        exactOf: exactOf(model),
        samples,
        seed,
        signal,
        onProgress: (done) => onProgress?.(done, dataset.length),
      }));
    const source: PosteriorSource = { encoder, dataset, seed, signal };
    const codes = await spreadPosteriors(source, MOST_CODES);
    const error = decoder && (await distanceOf(source, decoder, config));
    const accuracy = codes && (await accuracyOf(source, codes, data.train));
    const [n, k] = codes?.means.shape ?? [0, 0];
    const draws = prior && codes && (await priorDraws(prior, n, seed, dataset));
    const own = async (): Promise<RunData> => data;
    const against = { engine, run, dataset, seed, signal, own, compared: false };
    const fit = prior && codes && (await aggregateFit({ ...against, prior, codes }));
    return {
      ...kindOf(compared),
      name,
      latents: model.latents,
      parameters: model.parameters,
      likelihood: estimate && model.likelihood,
      observation: estimate && model.observation,
      logLikelihoods: estimate && comparableLikelihood(estimate).perExample,
      density: estimate && densityOf(estimate, compared, measuring),
      rmse: error?.rmse,
      rate: estimate?.density === "posterior" ? { ...estimate.rate, by: rateWords(estimate) } : undefined,
      distance: fit?.distance,
      modes: fit?.modes,
      accuracy,
      secondsPerEpoch: secondsPerEpoch(run.readMetrics()),
      lacks: {
        distance: prior && "too few examples, or draws of q(z|x) take the formulas of a module, which is not run",
        accuracy: dataset.labels ? "its codes have no mean, or the training examples one class" : undefined,
      },
      map: codes && k > 1 ? mapOf(codes, dataset, draws) : undefined,
    };
  } finally {
    for (const program of [encoder, density, decoder, prior]) await program?.release();
  }
}

/** What the model is, in words. */
function kindOf({ config }: ComparedRun): Pick<ComparedModel, "title" | "objective" | "encoder" | "decoder"> {
  const name = builtInModel(config.options.model);
  if (name === undefined) return { title: `the model of ${config.options.model}` };
  const { title, objective, encoder, decoder } = families[name];
  return { title: title.replace(/^An? /, ""), objective, encoder, decoder };
}

function densityOf(
  estimate: LikelihoodEstimate,
  { config, dataset }: ComparedRun,
  { split }: Measuring,
): ComparedModel["density"] {
  const draws = counted(estimate.samples, "draw");
  const by: Readonly<Record<LikelihoodEstimate["density"] | NonNullable<LikelihoodEstimate["exactOf"]>, string>> = {
    ...exactWords,
    posterior: `importance sampling, ${draws}`,
    exact: "exact",
    dequantised: `mean of log p(x + u), ${draws} of u`,
  };
  const setting = { ...stampingOf(config, split, dataset), latents: config.model.latents };
  const [exact, dequantised] = summarise(estimate, setting);
  const { stamp } = estimate.density === "dequantised" ? dequantised : exact;
  return { mean: comparableLikelihood(estimate).mean, estimator: by[estimate.exactOf ?? estimate.density], stamp };
}

function rateWords({ rateBy, samples }: LikelihoodEstimate): string {
  return `KL(q(z|x) ‖ p(z)), ${rateBy === "closed form" ? rateBy : `${rateBy}, ${counted(samples, "draw")}`}`;
}

/** The codes' means in their plane, and the prior in it. */
function mapOf({ rows, means }: SpreadCodes, { labels }: Dataset, draws: PriorDraws | undefined): CodeMap {
  const { axes, axisNames, place } = latentPlane(asArray(means));
  const [n, k] = means.shape;
  const step = Math.max(1, n / MOST_POINTS);
  const kept = Array.from({ length: Math.floor(n / step) }, (_, i) => Math.floor((i + 0.5) * step));
  const points = place(asArray(means));
  const [middle] = place({ data: new Float64Array(k), shape: [1, k] });
  return {
    points: kept.map((i) => ({ ...points[i], label: labels?.[rows[i]] })),
    axes,
    axisNames,
    prior:
      draws &&
      (draws.standard
        ? { kind: "standard", middle }
        : { kind: "draws", points: place(asArray(draws.codes)).slice(0, MOST_POINTS) }),
  };
}

function asArray({ data, shape }: CodeRows): { readonly data: Float64Array; readonly shape: readonly number[] } {
  return { data, shape };
}

/** The middle one of the seconds between rows of metrics.jsonl; a run that was resumed counts from its start again. */
function secondsPerEpoch(rows: readonly MetricsRow[]): number | undefined {
  const times = rows.flatMap(({ seconds }) => (typeof seconds === "number" ? [seconds] : []));
  const spans = times.map((time, i) => (i === 0 || time < times[i - 1] ? time : time - times[i - 1]));
  return spans.length === 0 ? undefined : quantile(ascending(spans), 0.5);
}
