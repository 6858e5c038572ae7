import type { Distribution } from "../../distributions/distribution.ts";
import { kl } from "../../distributions/kl.ts";
import { normal, standardNormal } from "../../distributions/normal.ts";
import { probitNormal } from "../../distributions/probit-normal.ts";
import { uniform } from "../../distributions/uniform.ts";
import { InputError } from "../../errors.ts";
import { KL_WEIGHT, type LatentVariableModel } from "../../inference/elbo.ts";
import { objective } from "../../inference/objective.ts";
import { posteriorNames } from "../../models/names.ts";
import { posteriorFamilies } from "../../models/posteriors.ts";
import { latentFamilies } from "../../models/vae.ts";
import { dense, sequential } from "../../nn/layers.ts";
import { stream } from "../../random/stream.ts";
import { colour } from "../../report/svg-file.ts";
import { compile } from "../../runtime/compile.ts";
import type { Engine } from "../../runtime/engine.ts";
import {
  add,
  concat,
  constant,
  data,
  matmul,
  normalCdf,
  normalQuantile,
  square,
  type Tensor,
  tanh,
} from "../../tensor/index.ts";
import type { NdArray } from "../../tensor/ndarray.ts";
import { evaluate } from "../../tensor/reference.ts";
import { DRAW, drawNoise, drawnNoise } from "../draws.ts";
import { flat, normals, parameterGradients, startingValues, type Values } from "../execute.ts";
import { EXACT, type Measurement, norm, relativeToLargest, type SystemPicture, type SystemRow } from "../row.ts";
import { average, unbiased } from "../unbiased.ts";

const SEED = 1;
const EXAMPLES = 200;
const LATENTS = 3;
const DIMENSIONS = 5;
const DRAWS = 200_000;

const zeros = constant(new Float32Array(LATENTS), [LATENTS]);
const ones = constant(new Float32Array(LATENTS).fill(1), [LATENTS]);
const source = { normal: standardNormal(LATENTS), uniform: uniform(zeros, ones) };

const location = data("location", ["batch", LATENTS]);
const scale = data("scale", ["batch", LATENTS]);

/** The same decoder g and the same noise behind both sources: u = μ + σε, or z = Φ(u) with Φ⁻¹ before g. */
function models(): Readonly<Record<"normal" | "uniform", LatentVariableModel>> {
  const g = sequential(dense("decoder/hidden", LATENTS, 8), tanh, dense("decoder/output", 8, DIMENSIONS));
  return {
    normal: { encoder: () => normal(location, scale), decoder: (z) => normal(g(z), 0.7), prior: source.normal },
    uniform: {
      encoder: () => probitNormal(location, scale),
      decoder: (z) => normal(g(normalQuantile(z)), 0.7),
      prior: source.uniform,
    },
  };
}

const epsilon = (posterior: Distribution): Tensor => data("epsilon", ["batch", ...posterior.noise.event]);

function outputsOf(model: LatentVariableModel, rate: "analytic" | "sampled"): Readonly<Record<string, Tensor>> {
  const { terms, loss } = objective(model, data("x", ["batch", DIMENSIONS]), epsilon, { rate });
  const { elbo, reconstruction, rate: divergence } = terms;
  return { elbo, reconstruction, rate: divergence, ...parameterGradients(loss) };
}

/** Examples whose u = μ + σε lies within ±4. */
function feeds(): Values {
  const from = stream(SEED, "posteriors");
  const size = EXAMPLES * LATENTS;
  const [m, s, e] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < size; i++) {
    do {
      [m[i], s[i], e[i]] = [from.normal(), 0.2 + from.uniform(), from.normal()].map(Math.fround);
    } while (Math.abs(m[i] + s[i] * e[i]) > 4);
  }
  const shape = [EXAMPLES, LATENTS];
  return {
    location: { data: m, shape },
    scale: { data: s, shape },
    epsilon: { data: e, shape },
    x: normals("x", [EXAMPLES, DIMENSIONS], SEED),
    [KL_WEIGHT]: { data: Float64Array.of(1), shape: [] },
  };
}

type Run = (outputs: Readonly<Record<string, Tensor>>, feeds: Values) => Promise<Values>;

/** float64 by the reference, as ONNX Runtime has no Φ in it; float32 by the engine. */
function runners(engine: Engine): Readonly<Record<"float64" | "float32", Run>> {
  return {
    float64: async (outputs, fed) => {
      const values = evaluate(Object.values(outputs), fed);
      return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, values[i]]));
    },
    float32: async (outputs, fed) => {
      const program = await compile(engine, outputs);
      const single = Object.entries(fed).map(([name, { data: values, shape }]): [string, NdArray] => [
        name,
        { data: Float32Array.from(values), shape },
      ]);
      const values = await program.run(Object.fromEntries(single));
      await program.release();
      return values;
    },
  };
}

/** One model with two sources: bound, terms and gradients are the same. */
async function sameBound(engine: Engine): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  const { normal: gaussian, uniform: unit } = models();
  const run = runners(engine);
  for (const precision of ["float64", "float32"] as const) {
    for (const rate of ["analytic", "sampled"] as const) {
      const outputs = [outputsOf(gaussian, rate), outputsOf(unit, rate)];
      const fed = { ...feeds(), ...startingValues(objectiveLoss(gaussian), SEED) };
      const [expected, found] = [await run[precision](outputs[0], fed), await run[precision](outputs[1], fed)];
      const label = `${rate} rate, ${precision}, each of ${EXAMPLES} examples`;
      measurements.push(
        {
          what: `ELBO of z = Φ(μ + σ⊙ε) with Φ⁻¹ before the decoder against the Gaussian model's, ${label}; the first is shown`,
          measured: found.elbo.data[0],
          expected: expected.elbo.data[0],
          error: relativeToLargest(found.elbo.data, expected.elbo.data),
          tolerance: EXACT[precision],
        },
        {
          what: `length of its gradient in θ, ${rate} rate, ${precision}`,
          measured: norm(flat(found, "gradient/")),
          expected: norm(flat(expected, "gradient/")),
          error: relativeToLargest(flat(found, "gradient/"), flat(expected, "gradient/")),
          tolerance: EXACT[precision],
        },
      );
    }
    const divergence = { uniform: kl(probitNormal(location, scale), source.uniform) };
    const { uniform: measured } = await run[precision](divergence, feeds());
    const byHand = divergences(feeds());
    measurements.push({
      what: `KL(q ‖ U) = KL(N(μ, σ²) ‖ N(0, I)), ${precision}, each of ${EXAMPLES} examples; the first is shown`,
      measured: measured.data[0],
      expected: byHand[0],
      error: relativeToLargest(measured.data, byHand),
      tolerance: EXACT[precision],
    });
  }
  return measurements;
}

function objectiveLoss(model: LatentVariableModel): Tensor {
  return objective(model, data("x", ["batch", DIMENSIONS]), epsilon, {}).loss;
}

/** Σ_j ½(μ² + σ² − 1) − log σ */
function divergences({ location: m, scale: s }: Values): number[] {
  return Array.from({ length: EXAMPLES }, (_, i) => {
    let total = 0;
    for (let at = i * LATENTS; at < (i + 1) * LATENTS; at++) {
      total += 0.5 * (m.data[at] ** 2 + s.data[at] ** 2 - 1) - Math.log(s.data[at]);
    }
    return total;
  });
}

/** Φ⁻¹(Φ(u)) by the functions themselves, nothing passed through. */
function preimage(): Measurement {
  const u = Float64Array.from({ length: 801 }, (_, i) => i / 100 - 4);
  const [z] = evaluate([normalCdf(data("u", [u.length]))], { u: { data: u, shape: [u.length] } });
  const [back] = evaluate([normalQuantile(data("z", [u.length]))], { z });
  return {
    what: "Φ⁻¹(Φ(u)) by the functions themselves, 801 u from −4 to 4 in the float64 reference; the last is shown",
    measured: back.data[800],
    expected: u[800],
    error: relativeToLargest(back.data, u),
    tolerance: EXACT.float64,
  };
}

/** A posterior in R^k gives mass to places where the uniform prior has none: its KL is infinite. */
function refused(): Measurement {
  const inReal = posteriorNames.filter((name) => posteriorFamilies[name].space === "real");
  const thrown = inReal.filter((posterior) => {
    try {
      latentFamilies({ posterior, prior: "uniform" });
      return false;
    } catch (error) {
      return error instanceof InputError && error.message.includes("the rate is infinite");
    }
  });
  return {
    what: `posteriors in R^k that a uniform prior refuses: ${thrown.join(", ")}`,
    measured: thrown.length,
    expected: inReal.length,
    error: inReal.length - thrown.length,
    tolerance: 0,
  };
}

/** Of draws from both sources and of what the decoder makes of them, x = Wu + μ + √η·ε: means and second moments. */
function samples(): readonly Measurement[] {
  const weight = normals("weight", [DIMENSIONS, LATENTS], SEED);
  const mean = normals("mean", [DIMENSIONS], SEED);
  const eta = 0.5;
  const decoder = (u: Tensor): Distribution => {
    const centre = matmul(u, constant(weight.data, weight.shape), { transposeB: true });
    return normal(add(centre, constant(mean.data, mean.shape)), Math.sqrt(eta));
  };
  const observation = data("observation", [DRAW, DIMENSIONS]);
  const observed = normals("observation", [DRAWS, DIMENSIONS], SEED);
  const both = (of: Tensor): Tensor => concat([of, square(of)], -1);
  // E x² = μ² + η + Σ_j W_ij²
  const second = Array.from(mean.data, (m, i) => {
    const row = weight.data.subarray(i * LATENTS, (i + 1) * LATENTS);
    return row.reduce((total, w) => total + w * w, m * m + eta);
  });
  const each = (value: number): number[] => new Array<number>(LATENTS).fill(value);
  const sources = [
    { name: "N(0, I)", prior: source.normal, toNormal: (z: Tensor) => z, moments: [...each(0), ...each(1)] },
    { name: "uniform", prior: source.uniform, toNormal: normalQuantile, moments: [...each(1 / 2), ...each(1 / 3)] },
  ];
  return sources.flatMap(({ name, prior, toNormal, moments }) => {
    const z = prior.sample(drawNoise(prior));
    const x = decoder(toNormal(z)).sample(observation);
    const fed = { epsilon: drawnNoise(prior, DRAWS, SEED), observation: observed };
    const [latent, generated] = evaluate([both(z), both(x)], fed);
    return [
      unbiased(`length of E z and E z², z ~ ${name}`, average(latent.data, 2 * LATENTS), moments),
      unbiased(`length of E x and E x², x by the decoder from z ~ ${name}`, average(generated.data, 2 * DIMENSIONS), [
        ...mean.data,
        ...second,
      ]),
    ];
  });
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  return [...(await sameBound(engine)), preimage(), refused(), ...samples()];
}

const SHOWN = 100;

/** Draws of two latents from either source and what one g makes of them, g(Φ⁻¹(z)) where z is uniform. */
async function pictures(): Promise<readonly SystemPicture[]> {
  const [hidden, output] = [normals("picture/hidden", [2, 6], SEED), normals("picture/output", [6, 2], SEED)];
  const g = (u: Tensor): Tensor =>
    matmul(tanh(matmul(u, constant(hidden.data, hidden.shape))), constant(output.data, output.shape));
  const u = data("u", [SHOWN, 2]);
  const fed = normals("picture/draws", [SHOWN, 2], SEED);
  const [z, x] = evaluate([normalCdf(u), g(u)], { u: fed });
  const point = ({ data: values }: { readonly data: ArrayLike<number> }, i: number) => ({
    x: values[2 * i],
    y: values[2 * i + 1],
  });
  const side = (i: number): string => (fed.data[2 * i] < 0 ? "left half" : "right half");
  const panels = [
    { name: "z ~ N(0, I)", values: fed },
    { name: "z uniform: Φ of the same draws", values: z },
    { name: "x = g(z) = g(Φ⁻¹(z)) of either", values: x },
  ];
  return [
    {
      name: "two-sources",
      caption:
        "Two sources of one generative model: two normal latents, the same draws taken to the unit square by Φ, and what the decoder makes of either. A curved sheet in the space of x, whichever source is used.",
      spec: {
        autosize: "pad",
        hconcat: panels.map(({ name, values }) => ({
          title: { text: name, fontSize: 12, fontWeight: "normal", color: colour("ink") },
          width: 170,
          height: 170,
          data: { values: Array.from({ length: SHOWN }, (_, i) => ({ ...point(values, i), side: side(i) })) },
          mark: { type: "circle", size: 9, opacity: 0.6 },
          encoding: {
            x: { field: "x", type: "quantitative", title: null, axis: { tickCount: 4 } },
            y: { field: "y", type: "quantitative", title: null, axis: { tickCount: 4 } },
            color: {
              field: "side",
              type: "nominal",
              scale: { domain: ["left half", "right half"], range: [colour("training"), colour("validation")] },
              legend: null,
            },
          },
        })),
      },
    },
  ];
}

/** Row 1: x = g(z), z ~ N(0, I) or uniform on [0, 1]^k. */
export const row01: SystemRow = { row: 1, title: "Generative model", measure, pictures };
