import { normal } from "../distributions/normal.ts";
import { objective } from "../inference/objective.ts";
import type { DataDescription, Model } from "../models/model.ts";
import { scaleNames } from "../models/names.ts";
import { LEAST_SCALE, scalingFor } from "../models/scales.ts";
import { vae } from "../models/vae.ts";
import { namedLeaves } from "../onnx/lower.ts";
import { stream } from "../random/stream.ts";
import type { Engine } from "../runtime/engine.ts";
import { constant, data, exp, gradients, mean, neg, reshape, type Tensor } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { staticShape } from "../tensor/shape.ts";
import { DRAW, drawNoise, drawnNoise } from "./draws.ts";
import { executable, normals, startingValues, type Values } from "./execute.ts";
import { EXACT, type Measurement } from "./row.ts";

const SEED = 22;
const LATENTS = 2;
const EXAMPLES = 200;

/** Data in the plane whose numbers are not of unit size. */
const description: DataDescription = { shape: [2], measure: "real", means: [1.5, -20], deviations: [0.5, 8] };

interface Choice {
  readonly name: string;
  readonly model: Model;
}

/** Every way that η may be chosen, by a decoder g(z) with random weights. */
const choices: readonly Choice[] = [
  { name: "fixed", model: build({ variance: 0.3 }) },
  ...scaleNames.map((scale) => ({ name: scale, model: build({ scale }) })),
];

function build(noise: { readonly variance?: number; readonly scale?: (typeof scaleNames)[number] }): Model {
  const architecture = { kind: "mlp" as const, widths: [8] };
  return vae({ architecture, latents: LATENTS, likelihood: "normal", components: 1, ...noise }, description);
}

/** Values of everything that a program reads but what `feeds` gives: parameters near their start, states positive. */
function settings(outputs: Readonly<Record<string, Tensor>>, feeds: Values): Values {
  const from = stream(SEED, "settings");
  const tensors = Object.values(outputs);
  const start = Object.assign({}, ...tensors.map((tensor) => startingValues(tensor, SEED)));
  const moved = Object.fromEntries(
    Object.entries<NdArray>(start).map(([name, { data: values, shape }]) => [
      name,
      { data: Float64Array.from(values, (value) => 0.6 * value + 0.1 * from.normal()), shape },
    ]),
  );
  const states = namedLeaves(tensors).flatMap(({ leaf, tensor }) =>
    leaf.kind === "state" ? [[leaf.name, filled(staticShape(leaf.name, tensor.shape), 0.4)] as const] : [],
  );
  return { ...Object.fromEntries(states), ...moved, ...feeds };
}

function filled(shape: readonly number[], value: number): NdArray {
  return { data: new Float64Array(shape.reduce((size, dim) => size * dim, 1)).fill(value), shape };
}

/** ∫ p(x|z) dx over the plane at one z: trapezoids over ten deviations of either number, an eighth of one wide. */
async function integral(engine: Engine, { model }: Choice): Promise<number> {
  const [z, x] = [data("z", [1, LATENTS]), data("x", ["points", 2])];
  const likelihood = model.decoder(z);
  const { mean: centre, variance } = likelihood;
  if (!centre || !variance) throw new Error("a Normal likelihood has a mean and a variance");
  const outputs = { centre, variance, density: exp(likelihood.logProb(x)) };
  const latent = normals("z", [1, LATENTS], SEED);
  const program = await executable(engine, outputs, "float64");
  const at = async (points: readonly (readonly number[])[]): Promise<Values> =>
    program.run(
      settings(outputs, { z: latent, x: { data: Float64Array.from(points.flat()), shape: [points.length, 2] } }),
    );
  const { centre: middle, variance: spread } = await at([[0, 0]]);
  const [first, second] = [0, 1].map((axis) => {
    const deviation = Math.sqrt(spread.data[axis]);
    const places = Array.from({ length: 161 }, (_, i) => middle.data[axis] + ((i - 80) / 8) * deviation);
    return { places, width: deviation / 8 };
  });
  const { density } = await at(first.places.flatMap((a) => second.places.map((b) => [a, b])));
  await program.release();
  return first.width * second.width * Array.from(density.data).reduce((total, value) => total + value, 0);
}

/** The smallest deviation, in units of the stated floor, where the parameters or the network ask for e^(−1e5). */
async function floor(engine: Engine): Promise<Measurement> {
  const deviations = description.deviations ?? [];
  const smallest: number[] = [];
  for (const scale of ["network", "low-rank", "full"] as const) {
    const scaling = scalingFor({ data: description, scale, components: 1 }, normal);
    const raw = constant([0, 0], [1, 2]);
    const sets = scaling.starts.map((_, i) => constant(i === 0 ? [-1e6, -1e6] : [0, 0], [1, 2]));
    const likelihood = scaling.build(raw, sets, constant([0], [1, 1]));
    if (!likelihood.variance) throw new Error("a Normal likelihood has a variance");
    const program = await executable(engine, { variance: likelihood.variance }, "float64");
    const { variance } = await program.run({});
    await program.release();
    for (const [i, value] of variance.data.entries()) smallest.push(Math.sqrt(value) / (LEAST_SCALE * deviations[i]));
  }
  const least = Math.min(...smallest);
  return {
    what: `the smallest deviation that a network, low-rank or full Σ(z) can give, in units of the floor of ${LEAST_SCALE} of the data's: the likelihood is bounded`,
    measured: least,
    expected: 1,
    error: Math.max(0, 1 - least),
    tolerance: EXACT.float64,
  };
}

/** η = E_q‖x − g‖²/d averaged over the data is where E_q log p(x|z) has its maximum in η. */
async function optimum(engine: Engine): Promise<readonly Measurement[]> {
  const { model } = choices.find(({ name }) => name === "optimal") ?? choices[0];
  const x = data("x", [DRAW, 2]);
  const posterior = model.encoder(x);
  const { draws, terms } = objective(model, x, drawNoise);
  const [average] = model.averages?.(x, draws) ?? [];
  if (!average) throw new Error("the scale `optimal` averages over the data");
  const [slope] = gradients(mean(terms.reconstruction), [average.state]);
  const located = model.decoder(draws.z).mean ?? neg(x);
  const outputs = { average: mean(average.value), slope: reshape(slope, []), located };
  const rows = normals("x", [EXAMPLES, 2], SEED);
  const scaled = Float64Array.from(
    rows.data,
    (value, i) => description.means[i % 2] + value * (description.deviations?.[i % 2] ?? 1),
  );
  const feeds = settings(outputs, {
    x: { data: scaled, shape: rows.shape },
    epsilon: drawnNoise(posterior, EXAMPLES, SEED),
  });
  const program = await executable(engine, outputs, "float64");
  const first = await program.run(feeds);
  // ‖(x − g)/spread‖²/d by plain numbers, in units of the data's deviations as η is.
  const squares = Array.from(
    first.located.data,
    (value, i) => ((scaled[i] - value) / (description.deviations?.[i % 2] ?? 1)) ** 2,
  );
  const expected = squares.reduce((total, square) => total + square, 0) / squares.length;
  const found = first.average.data[0];
  const readFrom = namedLeaves([model.decoder(data("z", [DRAW, LATENTS])).parameters.scale]);
  const frozen = await program.run({ ...feeds, "decoder/variance": { data: Float64Array.of(found), shape: [] } });
  await program.release();
  // ∂/∂η of −½(d log η + ‖·‖²/η): both of its terms are d/2η at the optimum
  const size = 2 / (2 * found);
  return [
    {
      what: "η as its closed-form optimum, E_q‖x − g‖²/d averaged over the data, in units of their variances",
      measured: found,
      expected,
      error: Math.abs(found / expected - 1),
      tolerance: EXACT.float64,
    },
    {
      what: "leaves that this η is read from once it is frozen: the average kept in training, nothing of the example",
      measured: readFrom.length,
      expected: readFrom.filter(({ leaf }) => leaf.kind === "state").length,
      error: Math.abs(readFrom.length - 1),
      tolerance: 0,
    },
    {
      what: "slope of E_q log p(x|z) in η there, against d/2η, which either of its two terms is (1 more is shown)",
      measured: 1 + frozen.slope.data[0] / size,
      expected: 1,
      error: Math.abs(frozen.slope.data[0] / size),
      tolerance: EXACT.float64,
    },
  ];
}

/** That p(x|z) is a bounded density on the data whichever way its η is chosen, and that the closed-form η is the best. */
export async function observationNoise(engine: Engine): Promise<readonly Measurement[]> {
  const integrals: Measurement[] = [];
  for (const choice of choices) {
    const found = await integral(engine, choice);
    integrals.push({
      what: `∫ p(x|z) dx over the plane, η ${choice.name === "fixed" ? "fixed" : `by --scale ${choice.name}`}`,
      measured: found,
      expected: 1,
      error: Math.abs(found - 1),
      tolerance: EXACT.float64,
    });
  }
  return [...integrals, await floor(engine), ...(await optimum(engine))];
}
