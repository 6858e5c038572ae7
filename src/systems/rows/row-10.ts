import { batchOrder } from "../../data/batches.ts";
import { arrayDataset } from "../../data/dataset.ts";
import { kl } from "../../distributions/kl.ts";
import { standardNormal } from "../../distributions/normal.ts";
import { refinePosteriors } from "../../evaluation/refine.ts";
import type { Phase, Schedule } from "../../inference/phase.ts";
import { LOCAL, type WayOptions } from "../../inference/ways.ts";
import { product } from "../../linalg/matrix.ts";
import { inferredBy } from "../../models/inference.ts";
import { diagonalGap, drawLinearGaussian, logEvidence, posteriorGap } from "../../models/linear-gaussian.ts";
import { analyticReconstruction, linearGaussianModel } from "../../models/linear-gaussian-program.ts";
import type { Amortization } from "../../models/model.ts";
import { posteriorFamilies } from "../../models/posteriors.ts";
import { vae } from "../../models/vae.ts";
import { zeros } from "../../nn/initialisers.ts";
import { stream } from "../../random/stream.ts";
import { colour } from "../../report/svg-file.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, data, local, matmul, mean, neg, sub, type Tensor } from "../../tensor/index.ts";
import { modelTraining } from "../../training/fit.ts";
import { createTraining, type Training } from "../../training/training.ts";
import { copyOf } from "../frozen.ts";
import { asConstants, diagonal } from "../known-posterior.ts";
import { table, wineRows } from "../linear-vae.ts";
import { gained, ownPosteriors } from "../own-posteriors.ts";
import type { Measurement, SystemPicture, SystemRow } from "../row.ts";

const SEED = 10;
const wine = table("wine", wineRows());
const BATCH = 32;
const way: WayOptions = { inference: "per-example", innerSteps: 5, outerSteps: 1, lineSearch: false };

/** A small VAE of the wine data, by a network or by numbers of each example's own. */
function wineTraining(engine: Engine, chosen: WayOptions, learningRate: Schedule): Promise<Training> {
  const architecture = { kind: "mlp" as const, widths: [16] };
  const model = vae({ architecture, latents: 2, likelihood: "normal" }, wine.description);
  return modelTraining({
    engine,
    model: inferredBy(model, chosen.inference, { steps: 0, rate: 0 }),
    description: wine.description,
    dataset: wine.dataset,
    seed: SEED,
    batchSize: BATCH,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate,
    klWeight: { kind: "constant", value: 1 },
    way: chosen,
  });
}

const steady: Schedule = { kind: "constant", value: 0.01 };

/** Which rows of the tables of γ, slots and counts differ: of each example. */
function movedRows(before: ReturnType<typeof copyOf>, after: ReturnType<typeof copyOf>): ReadonlySet<number> {
  const moved = new Set<number>();
  for (const [name, { data: values, shape }] of before) {
    if (!name.startsWith("local/")) continue;
    const width = values.length / shape[0];
    const now = after.get(name)?.data ?? [];
    for (let i = 0; i < values.length; i++) if (!Object.is(values[i], now[i])) moved.add(Math.floor(i / width));
  }
  return moved;
}

async function rowsAlone(engine: Engine): Promise<readonly Measurement[]> {
  const training = await wineTraining(engine, way, steady);
  const turn = way.innerSteps + way.outerSteps;
  const before = copyOf(training);
  for (let step = 0; step < turn; step++) await training.runStep();
  const moved = movedRows(before, copyOf(training));
  const batch = new Set(batchOrder({ length: wine.dataset.length, batchSize: BATCH, seed: SEED }).indices(0));
  const strangers = Array.from(moved).filter((row) => !batch.has(row)).length;
  const missed = Array.from(batch).filter((row) => !moved.has(row)).length;

  for (let step = 0; step < 3 * turn + 2; step++) await training.runStep(); // stops within a turn
  const kept = copyOf(training);
  const step = training.step;
  for (let more = 0; more < 20; more++) await training.runStep();
  const straight = copyOf(training);
  await training.release();
  const again = await wineTraining(engine, way, steady);
  again.restore({ step, tensors: kept }, "memory");
  for (let more = 0; more < 20; more++) await again.runStep();
  const resumed = copyOf(again);
  await again.release();
  let [numbers, different] = [0, 0];
  for (const [name, { data: values }] of straight) {
    const other = resumed.get(name)?.data ?? [];
    numbers += values.length;
    for (let i = 0; i < values.length; i++) if (!Object.is(values[i], other[i])) different += 1;
  }
  return [
    {
      what: `examples of ${wine.dataset.length} whose γ_i, slots or count moved in a turn of ${way.innerSteps} steps in γ and ${way.outerSteps} in θ, against the batch's`,
      measured: moved.size,
      expected: batch.size,
      error: strangers + missed,
      tolerance: 0,
    },
    {
      what: "numbers the same to the bit after 20 steps more, γ_i with their slots among them: stopped, restored and gone on against never stopped",
      measured: numbers - different,
      expected: numbers,
      error: different,
      tolerance: 0,
    },
  ];
}

const D = 5;
const LATENTS = 3;
const EXAMPLES = 32;
const STEPS = 3000;
const { model: known, x: examples } = drawLinearGaussian(SEED, { d: D, k: LATENTS, n: EXAMPLES });
const dataset = arrayDataset(
  { data: Float32Array.from(examples.flat()), shape: [EXAMPLES, D] },
  { name: "linear-Gaussian" },
);
const family = posteriorFamilies.diagonal;
const familyOptions = { latents: LATENTS, components: 1, scale: 1, degrees: 5, temperature: 1 };

/** An encoder that nobody trained: γ = xA, A random. */
const amortization: Amortization = {
  numbers: family.numbers(familyOptions),
  network: (x) => matmul(x, gain()),
  posterior: family.build(familyOptions),
};

const gainValues: readonly number[] = (() => {
  const from = stream(SEED, "random encoder");
  return Array.from({ length: D * 2 * LATENTS }, () => Math.fround(0.15 * from.normal()));
})();
const gain = (): Tensor => constant(gainValues, [D, 2 * LATENTS]);

/** KL(q_i ‖ p(z|x_i)) of every example, q_i = N(m, diag s²) by its numbers [m, log s]. */
function gapsOf(numbers: ArrayLike<number>): readonly number[] {
  return examples.map((x, i) => {
    const row = Array.from({ length: 2 * LATENTS }, (_, j) => numbers[i * 2 * LATENTS + j]);
    const q = { mean: row.slice(0, LATENTS), covariance: diagonal(row.slice(LATENTS).map(Math.exp)) };
    return posteriorGap(known, x, q);
  });
}

/** γ_i by the tables of rows, the bound in closed form and θ as it is: the family's best. */
async function familyGap(engine: Engine): Promise<readonly number[]> {
  const x = data("x", ["batch", D]);
  const q = amortization.posterior(local(LOCAL, [amortization.numbers], zeros));
  const elbo = sub(analyticReconstruction(asConstants(known), q, x), kl(q, standardNormal(LATENTS)));
  const phase: Phase = {
    name: "posteriors",
    loss: neg(mean(elbo)),
    terms: { elbo },
    optimizer: { kind: "adam" },
    learningRate: { kind: "warmupCosine", peak: 0.05, warmup: 1, total: STEPS },
  };
  const training = await createTraining({ engine, phases: [phase], dataset, seed: SEED, batchSize: 8, hypers: {} });
  for (let step = 0; step < STEPS; step++) await training.runStep();
  const rows = training.locals.get(LOCAL);
  if (!rows) throw new Error("row 10: the examples have no rows");
  const all: number[] = [];
  for (let first = 0; first < EXAMPLES; first += 8) {
    rows.gather(Uint32Array.from({ length: 8 }, (_, i) => first + i));
    all.push(...rows.batch.data);
  }
  await training.release();
  return gapsOf(all);
}

const average = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

async function gaps(engine: Engine): Promise<readonly Measurement[]> {
  const approximation = diagonalGap(known);
  const reached = await familyGap(engine);
  // the encoder's whole gap, and what of it is left when every example has its own γ
  const matrix = Array.from({ length: D }, (_, i) => gainValues.slice(i * 2 * LATENTS, (i + 1) * 2 * LATENTS));
  const encoded = product(examples, matrix);
  const whole = average(gapsOf(encoded.flat()));
  const model = {
    ...linearGaussianModel(asConstants(known), (x) => amortization.posterior(amortization.network(x))),
    latents: LATENTS,
    amortization,
  };
  const samples = 500;
  const refined = await refinePosteriors({
    engine,
    model,
    description: { shape: [D], measure: "real", means: new Float32Array(D) },
    parameters: new Map(),
    dataset,
    start: "encoder",
    steps: 400,
    rate: 0.1,
    samples,
    seed: SEED,
  });
  const evidence = average(examples.map((x) => logEvidence(known, x)));
  const amortizationGap = average(refined.fresh.best) - average(refined.fresh.start);
  const left = evidence - average(refined.fresh.best);
  return [
    {
      what: `gap of γ_i fitted by gradient steps, diagonal q, mean of ${EXAMPLES} examples, against ½[Σ log Λ_ii − log det Λ]; the error is the largest of an example`,
      measured: average(reached),
      expected: approximation,
      error: Math.max(...reached.map((gap) => Math.abs(gap - approximation))),
      tolerance: 1e-4,
      because: "nats; steps that end at a rate of 0, in float32",
    },
    {
      what: "amortization gap of a random encoder, on fresh draws, against its whole gap less the family's",
      measured: amortizationGap,
      expected: whole - approximation,
      error: Math.abs(amortizationGap - (whole - approximation)) / (whole - approximation),
      tolerance: 0.02,
      because: `relative; ${samples} draws of each example`,
    },
    {
      what: "approximation gap, log p(x) less the bound of the refined γ_i on fresh draws, against the family's",
      measured: left,
      expected: approximation,
      error: Math.abs(left - approximation),
      tolerance: 0.05,
      because: `nats; γ_i fitted to ${samples} draws`,
    },
  ];
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  return [...(await rowsAlone(engine)), ...(await gaps(engine)), gained(await ownPosteriors(engine))];
}

const SECONDS = 4;

/** The training bound by seconds of one core: γ_i against a network, with the same decoder. */
async function curve(engine: Engine, chosen: WayOptions) {
  const training = await wineTraining(engine, chosen, { kind: "constant", value: 5e-3 });
  const points: { seconds: number; elbo: number }[] = [];
  const turn = chosen.inference === "joint" ? 1 : chosen.innerSteps + chosen.outerSteps;
  const perPoint = 20;
  let seconds = 0;
  while (seconds < SECONDS) {
    let total = 0;
    for (let at = 0; at < perPoint; at++) {
      const begin = process.cpuUsage();
      let elbo = 0;
      for (let step = 0; step < turn; step++) elbo = (await training.runStep()).terms.elbo;
      seconds += process.cpuUsage(begin).user / 1e6;
      total += elbo / perPoint;
    }
    points.push({ seconds, elbo: total });
  }
  await training.release();
  return points;
}

async function pictures(engine: Engine): Promise<readonly SystemPicture[]> {
  const joint: WayOptions = { inference: "joint", innerSteps: 1, outerSteps: 1, lineSearch: false };
  const names = ["a network for all", "γ_i, 5 steps for one in θ", "γ_i, one step for one in θ"];
  const curves = [await curve(engine, joint), await curve(engine, way), await curve(engine, { ...way, innerSteps: 1 })];
  const values = curves.flatMap((points, i) => points.map((point) => ({ ...point, name: names[i] })));
  return [
    {
      name: "own-posteriors-by-seconds",
      caption:
        "Bound of the training batches by seconds of one core, the same decoder of the wine data: one network for all examples, or numbers γ_i of each example's own with several steps, or one, for each step of the decoder. The network learns from all examples at once, and each γ_i only when its example comes by.",
      spec: {
        autosize: "pad",
        width: 420,
        height: 220,
        data: { values },
        mark: { type: "line", strokeWidth: 1.6, clip: true },
        encoding: {
          x: {
            field: "seconds",
            type: "quantitative",
            title: "seconds of one core",
            scale: { domain: [0, SECONDS] },
            axis: { grid: false },
          },
          y: { field: "elbo", type: "quantitative", title: "ELBO, nats", scale: { domain: [-22, -13] } },
          color: {
            field: "name",
            type: "nominal",
            scale: { domain: names, range: [colour("training"), colour("validation"), colour("kl-weight")] },
            legend: { title: null, orient: "bottom-right", symbolType: "stroke" },
          },
        },
      },
    },
  ];
}

/** Row 10: own γ_i for every x_i, several steps in γ_i for one in θ. */
export const row10: SystemRow = { row: 10, title: "Per-datapoint variational inference", measure, pictures };
