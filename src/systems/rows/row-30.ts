import { normal } from "../../distributions/normal.ts";
import { type ObjectiveOptions, objective } from "../../inference/objective.ts";
import { apply, difference } from "../../linalg/matrix.ts";
import { posteriorGap } from "../../models/linear-gaussian.ts";
import { linearGaussianModel } from "../../models/linear-gaussian-program.ts";
import { histogram } from "../../report/bins.ts";
import { formatNumber } from "../../report/numbers.ts";
import { colour } from "../../report/svg-file.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant } from "../../tensor/index.ts";
import { copied, drawNoise, gradientsOfDraws, valuesOf } from "../draws.ts";
import { asConstants, diagonal, knownPosterior } from "../known-posterior.ts";
import type { Measurement, SystemPicture, SystemRow } from "../row.ts";
import { average, unbiased } from "../unbiased.ts";

const SEED = 301;
const LATENTS = 2;
const DRAWS = 100_000;

const { model, x, exact, wrong } = knownPosterior(SEED, { d: 4, k: LATENTS });
const scale = wrong.lower.map((row, i) => row[i]);
const gap = posteriorGap(model, x, { mean: wrong.mean, covariance: diagonal(scale) }).toFixed(1);

/** ∇_φ ELBO of q = N(m, diag s²): −Λ(m − E[z|x]) and 1/s_j − Λ_jj s_j. */
const slopes: readonly number[] = [
  ...apply(exact.precision, difference(exact.mean, wrong.mean)),
  ...scale.map((s, j) => 1 / s - exact.precision[j][j] * s),
];

/** ∇_φ by one draw (or by several, for a baseline) and its noise: [draws, numbers of φ]. */
async function draws(engine: Engine, options: ObjectiveOptions, count: number, samples?: number) {
  const [mean, spread] = [copied("mean", wrong.mean), copied("scale", scale)];
  const q = normal(mean.tensor, spread.tensor);
  const { loss } = objective(
    linearGaussianModel(asConstants(model), () => q),
    constant(x, [x.length]),
    (posterior) => drawNoise(posterior, samples),
    { rate: "sampled", ...options },
  );
  const gradients = gradientsOfDraws(loss, [mean, spread]);
  const { data } = await valuesOf(engine, gradients, q, { draws: count, seed: SEED, samples, copies: [mean, spread] });
  return Float64Array.from(data, (value) => -count * value); // the loss is −mean ELBO over the draws
}

const right: readonly { readonly name: string; readonly options: ObjectiveOptions; readonly samples?: number }[] = [
  { name: "pathwise, through z = m + s⊙ε", options: { gradient: "pathwise" } },
  { name: "sticking the landing, the path alone", options: { gradient: "sticking-the-landing" } },
  {
    name: "score function with the leave-one-out baseline of 4 samples",
    options: { gradient: "score-function", baseline: "leave-one-out" },
    samples: 4,
  },
];

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const { name, options, samples } of right) {
    const found = average(await draws(engine, options, DRAWS, samples), slopes.length);
    measurements.push(unbiased(`length of ∇_φ ELBO, ${name}, q ${gap} nats off`, found, slopes));
  }
  const dropped = average(await draws(engine, { gradient: "dropped-path" }, DRAWS), slopes.length);
  const missing = { ...dropped, mean: dropped.mean.map((value, i) => value - slopes[i]) };
  measurements.push(
    unbiased(
      "WRONG, ∇_φ of the integrand with z held fixed: E ∇_φ log q = 0, so that its bias is −∇_φ ELBO, of the length",
      missing,
      slopes.map((slope) => -slope),
    ),
  );
  return measurements;
}

async function pictures(engine: Engine): Promise<readonly SystemPicture[]> {
  const shown = [
    { ...right[0], name: "pathwise" },
    { ...right[1], name: "sticking the landing" },
    { ...right[2], name: "score function, leave-one-out of 4" },
    { name: "dropped path: wrong", options: { gradient: "dropped-path" } as const, samples: undefined },
  ];
  const shades = [colour("training"), colour("learning-rate"), colour("kl-weight"), colour("validation")];
  // The number of the mean whose slope is the steepest: there is most to miss.
  const steepest = Math.abs(slopes[0]) > Math.abs(slopes[1]) ? 0 : 1;
  const [at, reach] = [slopes[steepest], 16];
  const bins: object[] = [];
  const means: object[] = [];
  for (const { name, options, samples } of shown) {
    const values = await draws(engine, options, DRAWS, samples);
    const first = Array.from({ length: DRAWS }, (_, i) => values[slopes.length * i + steepest]);
    const counted = histogram(first, { from: at - reach, width: reach / 60, count: 120 });
    const highest = Math.max(...counted.map(({ count }) => count));
    for (const { from, to, count } of counted) bins.push({ name, value: (from + to) / 2, share: count / highest });
    means.push({ name, mean: first.reduce((total, value) => total + value, 0) / first.length, exact: at });
  }
  const names = shown.map(({ name }) => name);
  const value = {
    type: "quantitative",
    title: `∂ELBO/∂m${"₁₂"[steepest]} by one draw`,
    axis: { grid: false },
  } as const;
  const color = { field: "name", type: "nominal", scale: { domain: names, range: shades }, legend: null } as const;
  return [
    {
      name: "gradient-estimators",
      caption: `Four estimators of one gradient as distributions over draws, q ${gap} nats from the posterior. The dashed line is the true gradient ${formatNumber(at, 2)}, the solid ones are the means: three agree with it; the one that differentiates with z held fixed has mean 0, wherever q is.`,
      spec: {
        autosize: "pad",
        data: { values: [...bins, ...means] },
        facet: {
          row: {
            field: "name",
            type: "nominal",
            title: null,
            sort: names,
            header: { labelOrient: "top", labelAnchor: "start", labelFontSize: 12, labelColor: colour("ink") },
          },
        },
        spacing: 8,
        spec: {
          width: 380,
          height: 56,
          layer: [
            {
              mark: { type: "area", opacity: 0.35, interpolate: "step" },
              encoding: {
                x: { ...value, field: "value", scale: { domain: [at - reach, at + reach], nice: false } },
                y: { field: "share", type: "quantitative", title: null, axis: null },
                color,
              },
            },
            {
              mark: { type: "rule", strokeWidth: 2 },
              encoding: { x: { ...value, field: "mean" }, color },
            },
            {
              mark: { type: "rule", strokeDash: [4, 3], color: colour("ink") },
              encoding: { x: { ...value, field: "exact" } },
            },
          ],
        },
      },
    },
  ];
}

/** Row 30: ∇_φ E_q f ≠ E_q ∇_φ f: differentiating the integrand with z held fixed leaves out that q moves. */
export const row30: SystemRow = { row: 30, title: "∇_φ does not commute with E_q", measure, pictures };
