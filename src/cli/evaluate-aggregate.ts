import { type Dataset, subset } from "../data/dataset.ts";
import { isMixture } from "../distributions/mixture.ts";
import { drawnCodes, priorDraws } from "../evaluation/drawn-codes.ts";
import { type EnergyDistance, energyDistance } from "../evaluation/energy-distance.ts";
import type { CodeRows } from "../evaluation/latents.ts";
import { mixtureModes } from "../evaluation/mixture-modes.ts";
import type { Modes } from "../evaluation/modes.ts";
import { type TwoSampleAccuracy, twoSampleAccuracy } from "../evaluation/two-sample.ts";
import { builtInModel } from "../models/names.ts";
import { observed } from "../models/programs.ts";
import { stream } from "../random/stream.ts";
import { runConfig } from "../run/config.ts";
import type { Run } from "../run/folder.ts";
import type { RunData } from "../run/prepare.ts";
import type { CompiledFunction } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import type { SpreadCodes } from "./evaluate-codes.ts";
import { formulasOf } from "./evaluate-formulas.ts";

/** How far all codes together, z ~ q(z|x) of every example, are from the prior. */
export interface AggregateFit {
  readonly distance: EnergyDistance;
  /** Of a model that is trained by comparing draws: how often a classifier tells its codes from draws of the prior. */
  readonly told?: TwoSampleAccuracy;
  /** Of a prior that is a mixture. */
  readonly modes?: Modes;
}

export interface AggregateSource {
  readonly engine: Engine;
  readonly run: Run;
  readonly prior: CompiledFunction;
  readonly codes: SpreadCodes;
  readonly dataset: Dataset;
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** What the run was trained on, for what its files alone cannot be asked. */
  readonly own: () => Promise<RunData | undefined>;
  /** Whether training compared draws, so that a classifier is asked too. */
  readonly compared: boolean;
}

/** The families of q(z|x) and p(z) as they name themselves: those that the run's files can be asked, and those that have modes. */
const NORMAL = "Normal";
const MIXTURE = "Mixture";
/** Numbers times pairs of rows that an energy distance takes at most: some seconds. */
const MOST_WORK = 2e9;
const FEWEST_ROWS = 3;
/** Fewer rows than this fit no classifier that says something. */
const FEWEST_TOLD = 200;

/** Undefined where there are too few codes, or where draws of q(z|x) take the model's formulas and these cannot be had. */
export async function aggregateFit(source: AggregateSource): Promise<AggregateFit | undefined> {
  const { engine, run, prior, codes, seed, own, compared, signal } = source;
  const { model: facts, options } = runConfig(run);
  const [n, k] = codes.means.shape;
  if (n < FEWEST_ROWS) return undefined;
  const dataset = subset(source.dataset, codes.rows);
  const byFiles =
    facts.posterior === undefined ? codes.means : facts.posterior === NORMAL ? normals(codes, seed) : undefined;
  const isMixed = facts.prior === MIXTURE;
  const ownData = (!byFiles || isMixed) && builtInModel(options.model) !== undefined ? await own() : undefined;
  const formulas = ownData && (await formulasOf(engine, run, ownData));
  const used = formulas && { ...formulas, model: formulas.model.deployed ?? formulas.model };
  const drawn =
    byFiles ??
    (used &&
      (await drawnCodes({
        engine,
        model: used.model,
        x: observed(used.model, used.description),
        values: used.parameters,
        dataset,
        seed,
        signal,
      })));
  if (!drawn) return undefined;
  const { codes: draws } = await priorDraws(prior, n, seed, dataset);
  const most = Math.max(FEWEST_ROWS, Math.floor(Math.sqrt(MOST_WORK / (2 * k))));
  const mixture = used && isMixture(used.model.prior) ? used.model.prior : undefined;
  return {
    distance: energyDistance(drawn, draws, { seed, most }),
    told: compared && n >= FEWEST_TOLD ? await twoSampleAccuracy(engine, drawn, draws, { seed }) : undefined,
    modes: mixture && (await mixtureModes(engine, mixture, drawn, draws, used?.parameters)),
  };
}

/** One draw of each N(μ, diag σ²); undefined without scales. */
function normals({ means, scales }: SpreadCodes, seed: number): CodeRows | undefined {
  const from = stream(seed, "codes");
  return scales && { ...means, data: means.data.map((mean, i) => mean + scales.data[i] * from.normal()) };
}
