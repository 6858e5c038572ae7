import { bernoulli } from "../../distributions/bernoulli.ts";
import { categorical } from "../../distributions/categorical.ts";
import { kl } from "../../distributions/kl.ts";
import { mixture } from "../../distributions/mixture.ts";
import { stream } from "../../random/stream.ts";
import type { Engine } from "../../runtime/engine.ts";
import { constant, data, mean, reshape, type Tensor } from "../../tensor/index.ts";
import { parameter } from "../../tensor/leaves.ts";
import type { NdArray } from "../../tensor/ndarray.ts";
import type { Precision } from "../../tensor/tensor.ts";
import { executable, flat, parameterGradients, startingValues, type Values } from "../execute.ts";
import { EXACT, type Measurement, norm, relativeToLargest, type SystemRow } from "../row.ts";

const SEED = 32;
const BITS = 4;
const COMPONENTS = 3;
const ROWS = 500;
const STEPS = 200;
const LEARNING_RATE = 0.5;

/** All that a row of the data can be: 16 rows of four zeros and ones. */
const states = Array.from({ length: 2 ** BITS }, (_, state) =>
  Array.from({ length: BITS }, (_, bit) => (state >> bit) & 1),
);

/** The sample S, by the numbers of its states, from a law that the model has not; every state is in it. */
const sample: readonly number[] = (() => {
  const from = stream(SEED, "finite sample");
  const reached: number[] = [];
  for (const state of states.keys()) {
    const share = Math.exp(1.2 * from.normal());
    reached.push(...Array<number>(Math.max(1, Math.round((ROWS * share) / 30))).fill(state));
  }
  return reached;
})();

/** p̂_S */
const shares = states.map((_, state) => sample.filter((one) => one === state).length / sample.length);

/** p_θ(x) = Σ_z π_z Π_i Bernoulli(x_i; θ_zi), z summed over: log p of every state, [16], and of every row of S. */
const model = mixture(
  parameter("prior", [COMPONENTS], { law: "normal", scale: 1 }),
  bernoulli(parameter("decoder", [COMPONENTS, BITS], { law: "normal", scale: 1 })),
);
const logStates = model.logProb(constant(states.flat(), [states.length, BITS]));
const logRows = model.logProb(data("x", ["rows", BITS]));

/** KL(p̂_S ‖ p) as the divergence of two tables. */
const divergence: Tensor = reshape(
  kl(categorical(constant(shares.map(Math.log), [states.length]), 0), categorical(logStates, 0)),
  [],
);
const meanLogProb = mean(logRows);

/** −Σ p̂ log p̂ */
const entropy = -shares.reduce((total, share) => total + share * Math.log(share), 0);

const rows: NdArray = {
  data: Float64Array.from(sample.flatMap((state) => states[state])),
  shape: [sample.length, BITS],
};
const start = startingValues(meanLogProb, SEED);

/** KL = −H(p̂_S) − mean log p, and so the same slopes, at a random θ. */
async function identity(engine: Engine, precision: Precision): Promise<readonly Measurement[]> {
  const values = await executable(engine, { divergence, meanLogProb, logStates }, precision);
  const { divergence: found, meanLogProb: fit, logStates: logs } = await values.run({ ...start, x: rows });
  await values.release();
  const slopesOf = async (of: Tensor): Promise<Float64Array> => {
    const program = await executable(engine, parameterGradients(of), precision);
    const slopes = flat(await program.run({ ...start, x: rows }), "gradient/");
    await program.release();
    return slopes;
  };
  const [falling, rising] = [await slopesOf(divergence), (await slopesOf(meanLogProb)).map((slope) => -slope)];
  const expected = -entropy - fit.data[0];
  const mass = Array.from(logs.data, Math.exp).reduce((total, share) => total + share, 0);
  return [
    {
      what: `Σ p(x) over all ${states.length} states, z summed over, ${precision}`,
      measured: mass,
      expected: 1,
      error: Math.abs(mass - 1),
      tolerance: EXACT[precision],
    },
    {
      what: `KL(p̂_S ‖ p) in nats against −H(p̂_S) − mean log p(x), ${sample.length} rows, ${precision}`,
      measured: found.data[0],
      expected,
      error: Math.abs(found.data[0] - expected) / Math.max(entropy, -fit.data[0]),
      tolerance: EXACT[precision],
    },
    {
      what: `length of ∇_θ KL(p̂_S ‖ p) against −∇_θ mean log p(x), ${precision}`,
      measured: norm(falling),
      expected: norm(rising),
      error: relativeToLargest(falling, rising),
      tolerance: EXACT[precision],
    },
  ];
}

/** Steps that raise the likelihood bring the model nearer to the sample, nat for nat. */
async function climb(engine: Engine): Promise<Measurement> {
  const program = await executable(engine, { divergence, meanLogProb, ...parameterGradients(meanLogProb) }, "float64");
  let values: Values = start;
  const path: { readonly divergence: number; readonly fit: number }[] = [];
  for (let step = 0; step <= STEPS; step++) {
    const found = await program.run({ ...values, x: rows });
    path.push({ divergence: found.divergence.data[0], fit: found.meanLogProb.data[0] });
    const at = values;
    values = Object.fromEntries(
      Object.keys(at).map((name) => {
        const slopes = found[`gradient/${name}`].data;
        const data = Float64Array.from(at[name].data, (value, i) => value + LEARNING_RATE * slopes[i]);
        return [name, { data, shape: at[name].shape }];
      }),
    );
  }
  await program.release();
  const [first, last] = [path[0], path[STEPS]];
  const sums = path.map((one) => one.divergence + one.fit);
  return {
    what: `fall of KL(p̂_S ‖ p) over ${STEPS} steps of maximum likelihood (to ${last.divergence.toFixed(3)}), against the rise of mean log p(x); KL + mean log p = −H at each`,
    measured: first.divergence - last.divergence,
    expected: last.fit - first.fit,
    error: Math.max(...sums.map((sum) => Math.abs(sum + entropy))) / -first.fit,
    tolerance: EXACT.float64,
  };
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  return [...(await identity(engine, "float64")), ...(await identity(engine, "float32")), await climb(engine)];
}

/** Row 32: maximum likelihood is min_p KL(p̂_S ‖ p). */
export const row32: SystemRow = { row: 32, title: "Maximum likelihood = KL to the data", measure };
