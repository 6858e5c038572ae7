import type { Reparameterized } from "../../distributions/distribution.ts";
import { kl } from "../../distributions/kl.ts";
import { multivariateNormal, multivariateNormalPrecision } from "../../distributions/multivariate-normal.ts";
import { normal } from "../../distributions/normal.ts";
import { objective } from "../../inference/objective.ts";
import { choleskyFactor } from "../../linalg/positive.ts";
import { diagonalGap, logEvidence } from "../../models/linear-gaussian.ts";
import { analyticReconstruction, linearGaussianModel } from "../../models/linear-gaussian-program.ts";
import { formatNumber } from "../../report/numbers.ts";
import { colour } from "../../report/svg-file.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, data, exp, gradients, lowerTriangle, reshape, sub, type Tensor } from "../../tensor/index.ts";
import type { Precision } from "../../tensor/tensor.ts";
import { drawNoise, valuesOf } from "../draws.ts";
import { type Executable, executable } from "../execute.ts";
import { asConstants, type KnownPosterior, knownPosterior } from "../known-posterior.ts";
import { EXACT, type Measurement, type SystemPicture, type SystemRow } from "../row.ts";
import { average, unbiased } from "../unbiased.ts";

const LATENTS = 2;
const SEEDS = [31, 32, 33, 34, 35];
const SAMPLES = 200_000;
/** The problem whose q is improved step by step. */
const CLIMBED = 33;
const STEPS = 3000;

/** A family of q(z|x) = N(m, S), by the numbers that its deviations come from. */
interface Family {
  readonly name: "diagonal" | "full";
  readonly numbers: number;
  readonly build: (mean: Tensor, raw: Tensor) => Reparameterized;
  /** The family's start for a random q. */
  readonly start: (known: KnownPosterior) => readonly number[];
}

const families: readonly Family[] = [
  {
    name: "diagonal",
    numbers: LATENTS,
    build: (mean, raw) => normal(mean, exp(raw)),
    start: ({ wrong }) => wrong.lower.map((row, i) => Math.log(row[i])),
  },
  {
    name: "full",
    numbers: (LATENTS * (LATENTS + 1)) / 2,
    build: (mean, raw) => multivariateNormal(mean, lowerTriangle(raw, LATENTS)),
    start: ({ wrong }) => [
      ...wrong.lower.map((row, i) => Math.log(row[i])),
      ...wrong.lower.flatMap((row, i) => row.slice(0, i)),
    ],
  },
];

/** p(z|x) as a distribution. */
function posteriorOf({ exact }: KnownPosterior): Reparameterized {
  const factor = constant(choleskyFactor(exact.precision).flat(), [LATENTS, LATENTS]);
  return multivariateNormalPrecision(constant(exact.mean, [LATENTS]), factor);
}

/** The bound with an analytic expectation, what separates it from log p(x), and the slopes to climb it. */
function analyticBound(known: KnownPosterior, { build, numbers }: Family): Readonly<Record<string, Tensor>> {
  const leaves = { mean: data("mean", [LATENTS]), raw: data("raw", [numbers]) };
  const q = build(reshape(leaves.mean, [1, LATENTS]), reshape(leaves.raw, [1, numbers])); // a batch of one
  const parameters = asConstants(known.model);
  const { prior } = linearGaussianModel(parameters, () => q);
  const reconstruction = reshape(analyticReconstruction(parameters, q, constant(known.x, [known.x.length])), []);
  const rate = reshape(kl(q, prior), []);
  const elbo = sub(reconstruction, rate);
  const [byMean, byRaw] = gradients(elbo, [leaves.mean, leaves.raw]);
  return { elbo, reconstruction, rate, gap: reshape(kl(q, posteriorOf(known)), []), byMean, byRaw };
}

interface Point {
  readonly mean: readonly number[];
  readonly raw: readonly number[];
}

interface Bound {
  readonly elbo: number;
  readonly gap: number;
  readonly terms: readonly number[];
  readonly slopes: Point;
}

async function boundAt(program: Executable, { mean, raw }: Point): Promise<Bound> {
  const values = await program.run({
    mean: { data: Float64Array.from(mean), shape: [mean.length] },
    raw: { data: Float64Array.from(raw), shape: [raw.length] },
  });
  const [elbo, gap, reconstruction, rate] = ["elbo", "gap", "reconstruction", "rate"].map(
    (name) => values[name].data[0],
  );
  const slopes = { mean: Array.from(values.byMean.data), raw: Array.from(values.byRaw.data) };
  return { elbo, gap, terms: [elbo, gap, reconstruction, rate], slopes };
}

/** |log p − (ELBO + KL)|, relative to the largest term. */
function identityError({ elbo, gap, terms }: Bound, evidence: number): number {
  return Math.abs(elbo + gap - evidence) / Math.max(Math.abs(evidence), ...terms.map(Math.abs));
}

/** Random models, random q: the identity, and the smallest distance of a bound from log p. */
async function identities(engine: Engine, precision: Precision): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const family of families) {
    const bounds: { readonly bound: Bound; readonly evidence: number }[] = [];
    for (const seed of SEEDS) {
      const known = knownPosterior(seed, { d: 5, k: LATENTS });
      const program = await executable(engine, analyticBound(known, family), precision);
      const bound = await boundAt(program, { mean: known.wrong.mean, raw: family.start(known) });
      bounds.push({ bound, evidence: logEvidence(known.model, known.x) });
      await program.release();
    }
    const [{ bound, evidence }] = bounds;
    measurements.push({
      what: `log p(x) = ELBO + KL(q ‖ p(z|x)), ${family.name} q, ${precision}, ${SEEDS.length} models; of the first KL = ${bound.gap.toFixed(2)}`,
      measured: bound.elbo + bound.gap,
      expected: evidence,
      error: Math.max(...bounds.map((one) => identityError(one.bound, one.evidence))),
      tolerance: EXACT[precision],
    });
    if (precision === "float32") continue;
    const room = Math.min(...bounds.map((one) => one.evidence - one.bound.elbo));
    measurements.push({
      what: `log p(x) − ELBO ≥ 0, ${family.name} q, ${SEEDS.length} models: the smallest, in nats`,
      measured: room,
      expected: Math.min(...bounds.map((one) => one.bound.gap)),
      error: Math.max(0, -room),
      tolerance: 0,
    });
  }
  return measurements;
}

/** Gradient ascent of the bound from a random q. */
async function climb(engine: Engine, known: KnownPosterior, family: Family, steps: number): Promise<readonly Bound[]> {
  // No step overshoots where it is below 1/Λ's largest eigenvalue, which is below Λ's trace.
  const rate = 1 / known.exact.precision.reduce((trace, row, i) => trace + row[i], 0);
  const program = await executable(engine, analyticBound(known, family), "float64");
  const path: Bound[] = [];
  let at: Point = { mean: known.wrong.mean, raw: family.start(known) };
  for (let step = 0; step <= steps; step++) {
    const bound = await boundAt(program, at);
    path.push(bound);
    const move = (values: readonly number[], slopes: readonly number[]): readonly number[] =>
      values.map((value, i) => value + rate * slopes[i]);
    at = { mean: move(at.mean, bound.slopes.mean), raw: move(at.raw, bound.slopes.raw) };
  }
  await program.release();
  return path;
}

/** What the best q of the family leaves of log p(x); the best full one is the posterior. */
function familyGap({ model }: KnownPosterior, { name }: Family): number {
  return name === "full" ? 0 : diagonalGap(model);
}

async function climbs(engine: Engine): Promise<readonly Measurement[]> {
  const known = knownPosterior(CLIMBED, { d: 5, k: LATENTS });
  const evidence = logEvidence(known.model, known.x);
  const measurements: Measurement[] = [];
  for (const family of families) {
    const path = await climb(engine, known, family, STEPS);
    const best = evidence - familyGap(known, family);
    measurements.push(
      {
        what: `log p(x) = ELBO + KL at each of ${STEPS.toLocaleString("en-US")} gradient steps, ${family.name} q; halfway is shown`,
        measured: path[STEPS / 2].elbo + path[STEPS / 2].gap,
        expected: evidence,
        error: Math.max(...path.map((bound) => identityError(bound, evidence))),
        tolerance: EXACT.float64,
      },
      {
        what: `ELBO reached by ${family.name} q, from ${formatNumber(path[0].elbo, 2)}; the family's best is ${familyGap(known, family).toFixed(3)} nats below log p(x)`,
        measured: path[STEPS].elbo,
        expected: best,
        error: Math.abs(path[STEPS].elbo - best) / Math.abs(evidence),
        tolerance: EXACT.float64,
      },
    );
  }
  return measurements;
}

/** Bounds by one draw are bounds in the mean only. */
async function sampled(engine: Engine): Promise<readonly Measurement[]> {
  const known = knownPosterior(SEEDS[0], { d: 5, k: LATENTS });
  const evidence = logEvidence(known.model, known.x);
  const measurements: Measurement[] = [];
  for (const family of families) {
    const raw = family.start(known);
    const at = { mean: known.wrong.mean, raw };
    const program = await executable(engine, analyticBound(known, family), "float64");
    const { elbo: exact } = await boundAt(program, at);
    await program.release();
    const q = family.build(constant(at.mean, [LATENTS]), constant(raw, [raw.length]));
    const model = linearGaussianModel(asConstants(known.model), () => q);
    const { terms } = objective(model, constant(known.x, [known.x.length]), drawNoise, { rate: "sampled" });
    const { data: bounds } = await valuesOf(engine, terms.elbo, q, { draws: SAMPLES, seed: SEEDS[0] });
    const above = Array.from(bounds).filter((bound) => bound > evidence).length / SAMPLES;
    measurements.push(
      unbiased(
        `ELBO by one draw, ${family.name} q; ${(100 * above).toFixed(1)} % of the draws lie above log p(x) = ${formatNumber(evidence, 2)}`,
        average(bounds, 1),
        [exact],
      ),
    );
  }
  return measurements;
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const exact = [...(await identities(engine, "float64")), ...(await identities(engine, "float32"))];
  return [...exact, ...(await climbs(engine)), ...(await sampled(engine))];
}

async function pictures(engine: Engine): Promise<readonly SystemPicture[]> {
  const known = knownPosterior(CLIMBED, { d: 5, k: LATENTS });
  const evidence = logEvidence(known.model, known.x);
  const shown = [0, 1, 2, 4, 8, 16, 32, 64, 128];
  const bars: object[] = [];
  let lowest = evidence;
  for (const family of families) {
    const path = await climb(engine, known, family, shown.at(-1) ?? 0);
    for (const step of shown) {
      const { elbo } = path[step];
      lowest = Math.min(lowest, elbo);
      bars.push({ family: `${family.name} q`, step, part: "ELBO", high: elbo });
      bars.push({ family: `${family.name} q`, step, part: "KL(q ‖ p(z|x))", low: elbo, high: evidence });
    }
  }
  const floor = Math.floor(lowest - 1);
  const values = bars.map((bar) => ({ low: floor, ...bar, evidence }));
  return [
    {
      name: "bound-as-a-bar",
      caption: `The bound as a bar: log p(x) = ${formatNumber(evidence, 2)} nats stays where it is while gradient steps move the bound up and the divergence out. A full covariance closes the gap; a diagonal one keeps ${familyGap(known, families[0]).toFixed(2)} nats.`,
      spec: {
        autosize: "pad",
        data: { values },
        facet: {
          column: {
            field: "family",
            type: "nominal",
            title: null,
            header: { labelFontSize: 12, labelColor: colour("ink") },
          },
        },
        spec: {
          width: 215,
          height: 220,
          layer: [
            {
              mark: { type: "bar", width: { band: 0.8 } },
              encoding: {
                x: {
                  field: "step",
                  type: "ordinal",
                  title: "gradient steps",
                  axis: { grid: false, labelAngle: 0 },
                },
                y: {
                  field: "low",
                  type: "quantitative",
                  title: "nats",
                  scale: { domain: [floor, Math.ceil(evidence)] },
                },
                y2: { field: "high" },
                color: {
                  field: "part",
                  type: "nominal",
                  scale: { domain: ["ELBO", "KL(q ‖ p(z|x))"], range: [colour("training"), colour("class-4")] },
                  legend: { title: null, orient: "top" },
                },
              },
            },
            {
              mark: { type: "rule", color: colour("ink"), strokeDash: [4, 3] },
              encoding: { y: { aggregate: "max", field: "evidence" } },
            },
          ],
        },
      },
    },
  ];
}

/** Row 3: log p(x) = ELBO + KL(q(z|x) ‖ p(z|x)). */
export const row03: SystemRow = { row: 3, title: "Evidence lower bound", measure, pictures };
