import { arrayDataset, type Dataset, numbersOf } from "../../data/dataset.ts";
import { meanOf } from "../../distributions/distribution.ts";
import { kl } from "../../distributions/kl.ts";
import { isNormal, normal, standardNormal } from "../../distributions/normal.ts";
import { describeData } from "../../models/model.ts";
import { vae } from "../../models/vae.ts";
import { stream } from "../../random/stream.ts";
import { colour } from "../../report/svg-file.ts";
import { compile } from "../../runtime/compile.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, data } from "../../tensor/index.ts";
import type { NdArray } from "../../tensor/ndarray.ts";
import { evaluate } from "../../tensor/reference.ts";
import { modelTraining } from "../../training/fit.ts";
import { EXACT, type Measurement, type SystemPicture, type SystemRow } from "../row.ts";

const SEED = 34;
const EXAMPLES = 40;

/** One Normal for each example, k = 1. */
interface Posteriors {
  readonly means: ArrayLike<number>;
  readonly scales: ArrayLike<number>;
}

/** The rate in its two parts, in nats: what z tells of x, and how far the aggregated posterior is from the prior. */
interface Parts {
  readonly rate: number;
  readonly information: number;
  readonly marginal: number;
}

/** Places beyond this many deviations of a posterior hold 1e-18 of it. */
const REACH = 9;

/** q(z) at the places of a grid, for those that it reaches. */
function* placesOf(mean: number, scale: number, low: number, step: number): Generator<readonly [number, number]> {
  const first = Math.ceil((mean - REACH * scale - low) / step);
  const last = Math.floor((mean + REACH * scale - low) / step);
  for (let at = first; at <= last; at++) {
    const t = (low + at * step - mean) / scale;
    yield [at, Math.exp(-0.5 * t * t) / (scale * Math.sqrt(2 * Math.PI))];
  }
}

/**
 * mean KL(q(z|x_i) ‖ p) = I(x; z) + KL(q_agg ‖ p), q_agg = 1/n Σ q(z|x_i). Hoffman & Johnson 2016, eq. 6. The rate is the closed form;
 * both parts are by the trapezoidal rule over z, in steps of a third of the smallest deviation: an error of e^(−2(3π)²).
 */
function partsOf({ means, scales }: Posteriors): Parts {
  const n = means.length;
  const [m, s] = [Array.from(means), Array.from(scales)];
  const step = Math.min(...s) / 3;
  const low = Math.min(...m.map((value, i) => value - REACH * s[i])) - step;
  const high = Math.max(...m.map((value, i) => value + REACH * s[i])) + step;
  const aggregated = new Float64Array(Math.ceil((high - low) / step) + 1);
  for (let i = 0; i < n; i++) for (const [at, q] of placesOf(m[i], s[i], low, step)) aggregated[at] += q / n;
  let [information, marginal] = [0, 0];
  for (let i = 0; i < n; i++) {
    for (const [at, q] of placesOf(m[i], s[i], low, step)) {
      if (q > 0) information += (step / n) * q * Math.log(q / aggregated[at]);
    }
  }
  for (const [at, q] of aggregated.entries()) {
    const z = low + at * step;
    if (q > 0) marginal += step * q * (Math.log(q) + 0.5 * (z * z + Math.log(2 * Math.PI)));
  }
  const posteriors = normal(constant(m, [n, 1]), constant(s, [n, 1]));
  const [{ data: rates }] = evaluate([kl(posteriors, standardNormal(1))], {});
  return { rate: Array.from(rates).reduce((a, b) => a + b, 0) / n, information, marginal };
}

function identity(): Measurement {
  const from = stream(SEED, "posteriors");
  const means = Array.from({ length: EXAMPLES }, () => 1.5 * from.normal());
  const scales = means.map(() => 0.1 + 0.6 * from.uniform());
  const { rate, information, marginal } = partsOf({ means, scales });
  return {
    what: `I(x; z) + KL(q_agg ‖ p) = ${information.toFixed(3)} + ${marginal.toFixed(3)} by quadrature, k = 1, ${EXAMPLES} random posteriors, against their mean rate`,
    measured: information + marginal,
    expected: rate,
    error: Math.abs(information + marginal - rate) / rate,
    tolerance: EXACT.float64,
  };
}

/** Points on three quarters of a circle, thicker in one half, a little off it. */
function circle(count: number, name: string): Dataset {
  const from = stream(SEED, name);
  const points = new Float32Array(2 * count);
  for (let i = 0; i < count; i++) {
    const angle = 1.5 * Math.PI * from.uniform() ** 1.5;
    points.set([Math.cos(angle) + 0.05 * from.normal(), Math.sin(angle) + 0.05 * from.normal()], 2 * i);
  }
  return arrayDataset({ data: points, shape: [count, 2] }, { name, measure: "real" });
}

/** 2E‖x − y‖ − E‖x − x′‖ − E‖y − y′‖ of points in the plane. Székely & Rizzo 2013, eq. 1. */
function energyDistance(a: Float32Array, b: Float32Array): number {
  const between = (x: Float32Array, y: Float32Array): number => {
    let total = 0;
    for (let i = 0; i < x.length; i += 2) {
      for (let j = 0; j < y.length; j += 2) total += Math.hypot(x[i] - y[j], x[i + 1] - y[j + 1]);
    }
    return total / ((x.length / 2) * (y.length / 2));
  };
  return 2 * between(a, b) - between(a, a) - between(b, b);
}

interface Trained extends Parts {
  readonly weight: number;
  /** Energy distance of points sampled from the prior to points made from the posteriors of the training data. */
  readonly toTraining: number;
  /** Energy distance of points sampled from the prior to new data. */
  readonly toData: number;
  readonly points: Float32Array;
}

const ROWS = 500;
/** Samples of each that are drawn. */
const SHOWN = 50;
const STEPS = 1500;

/** One VAE with one latent for each weight of the KL term: p(x|z) = N(g(z), 0.05²I). */
async function trained(engine: Engine, weight: number): Promise<Trained> {
  const dataset = circle(ROWS, "training points");
  const description = describeData(dataset);
  const architecture = { kind: "mlp" as const, widths: [32, 32] };
  const model = vae({ architecture, latents: 1, likelihood: "normal", variance: 0.0025 }, description);
  const training = await modelTraining({
    engine,
    model,
    description,
    dataset,
    seed: SEED,
    batchSize: 100,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate: { kind: "warmupCosine", peak: 5e-3, warmup: 50, total: STEPS },
    klWeight: { kind: "constant", value: weight },
  });
  for (let step = 0; step < STEPS; step++) await training.runStep();
  const q = model.encoder(data("x", ["batch", 2]));
  if (!isNormal(q)) throw new Error("row 34: a Normal posterior is expected");
  const generated = (z: ReturnType<typeof q.sample>) => model.decoder(z).sample(data("noise", ["batch", 2]));
  const program = await compile(
    engine,
    {
      mean: meanOf(q),
      scale: q.parameters.scale,
      fromPosterior: generated(q.sample(data("epsilon", ["batch", 1]))),
      fromPrior: generated(model.prior.sample(data("epsilon", ["batch", 1]))),
    },
    { values: training.parameters },
  );
  const from = stream(SEED, "samples");
  const normals = (width: number): NdArray => {
    const values = new Float32Array(ROWS * width);
    from.fillNormal(values, 0, values.length);
    return { data: values, shape: [ROWS, width] };
  };
  const values = await program.run({
    x: { data: numbersOf(dataset), shape: [ROWS, 2] },
    epsilon: normals(1),
    noise: normals(2),
  });
  await program.release();
  await training.release();
  const points = Float32Array.from(values.fromPrior.data);
  return {
    weight,
    ...partsOf({ means: values.mean.data, scales: values.scale.data }),
    toTraining: energyDistance(points, Float32Array.from(values.fromPosterior.data)),
    toData: energyDistance(points, numbersOf(circle(ROWS, "new points"))),
    points,
  };
}

const WEIGHTS = [0.01, 0.1, 1, 10, 100];

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const [little, one] = [await trained(engine, 0.01), await trained(engine, 1)];
  const rate = one.rate;
  const falls = (what: string, of: (at: Trained) => number): Measurement => ({
    what: `${what}, w = 1, is below that of w = 0.01`,
    measured: of(one),
    expected: of(little),
    error: Math.max(0, of(one) - of(little)),
    tolerance: 0,
  });
  return [
    identity(),
    {
      what: `the same of a trained encoder, ${ROWS} examples: ${one.information.toFixed(3)} + ${one.marginal.toFixed(3)}`,
      measured: one.information + one.marginal,
      expected: rate,
      error: Math.abs(one.information + one.marginal - rate) / rate,
      tolerance: EXACT.float64,
    },
    falls("KL(q_agg ‖ p)", (at) => at.marginal),
    falls("energy distance of samples from the prior to those from the posteriors", (at) => at.toTraining),
    falls("energy distance of samples from the prior to new data", (at) => at.toData),
  ];
}

async function pictures(engine: Engine): Promise<readonly SystemPicture[]> {
  const all: Trained[] = [];
  for (const weight of WEIGHTS) all.push(await trained(engine, weight));
  const names = ["KL(q_agg ‖ p), nats", "I(x; z), nats"];
  const nats = all.flatMap(({ weight, marginal, information }) => [
    { weight, name: names[0], value: marginal },
    { weight, name: names[1], value: information },
  ]);
  const distances = ["to the training data's codes", "to new data"];
  const apart = all.flatMap(({ weight, toTraining, toData }) => [
    { weight, name: distances[0], value: toTraining },
    { weight, name: distances[1], value: toData },
  ]);
  const shown = all.flatMap(({ weight, points }) =>
    Array.from({ length: SHOWN }, (_, i) => ({ w: `w = ${weight}`, x: points[2 * i], y: points[2 * i + 1] })),
  );
  const shades = [colour("training"), colour("validation")];
  const curves = (values: object[], domain: readonly string[], title: string, kind: "linear" | "log") =>
    ({
      width: 215,
      height: 170,
      data: { values },
      mark: { type: "line", point: true, strokeWidth: 1.6 },
      encoding: {
        x: {
          field: "weight",
          type: "quantitative",
          scale: { type: "log" },
          title: "weight w of the KL",
          axis: { grid: false, values: WEIGHTS, format: "~g" },
        },
        y: { field: "value", type: "quantitative", title, scale: { type: kind } },
        color: {
          field: "name",
          type: "nominal",
          scale: { domain: [...domain], range: shades },
          legend: { title: null, orient: "top", columns: 1 },
        },
      },
    }) as const;
  return [
    {
      name: "sampling-against-weight",
      caption: `The smaller the KL of the aggregated posterior, the closer samples are to training: one latent, points on a part of a circle. Little weight leaves codes that the prior does not hit, so samples lie where no data are; much weight takes z's information, and the decoder blurs.`,
      spec: {
        autosize: "pad",
        resolve: { scale: { color: "independent" } },
        vconcat: [
          {
            data: { values: shown },
            facet: {
              column: {
                field: "w",
                type: "nominal",
                title: null,
                sort: all.map(({ weight }) => `w = ${weight}`),
                header: { labelFontSize: 12, labelColor: colour("ink") },
              },
            },
            spacing: 8,
            spec: {
              width: 92,
              height: 92,
              mark: { type: "circle", size: 4, opacity: 0.5, color: colour("training"), clip: true },
              encoding: {
                x: { field: "x", type: "quantitative", axis: null, scale: { domain: [-1.6, 1.6] } },
                y: { field: "y", type: "quantitative", axis: null, scale: { domain: [-1.6, 1.6] } },
              },
            },
          },
          {
            resolve: { scale: { color: "independent" } },
            hconcat: [
              curves(nats, names, "nats", "linear"),
              curves(apart, distances, "energy distance of samples", "log"),
            ],
          },
        ],
      },
    },
  ];
}

/** Row 34: mean rate = I(x; z) + KL(q_agg ‖ p), and what the weight of the KL does to samples. */
export const row34: SystemRow = { row: 34, title: "KL and sampling", measure, pictures };
