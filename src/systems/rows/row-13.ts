import { batchOrder } from "../../data/batches.ts";
import { arrayDataset } from "../../data/dataset.ts";
import type { Phase } from "../../inference/phase.ts";
import { LATENT_NOISE, trainingProgram } from "../../models/programs.ts";
import { noiseSource } from "../../random/noise.ts";
import type { Engine } from "../../runtime/engine.ts";
import { mul, sum } from "../../tensor/index.ts";
import type { Precision } from "../../tensor/tensor.ts";
import { createTraining } from "../../training/training.ts";
import {
  binary,
  binaryVae,
  executable,
  flat,
  normals,
  parameterGradients,
  rows,
  startingValues,
  type Values,
} from "../execute.ts";
import { EXACT, type Measurement, norm, relativeToLargest, type SystemRow } from "../row.ts";

const EXAMPLES = 24;
const BATCH = 6;
const DIMENSIONS = 12;
const LATENTS = 3;
const SEED = 13;
const LEARNING_RATE = 0.05;

const x = binary("x", [EXAMPLES, DIMENSIONS], SEED);

/** The two sides that are optimised jointly, by the beginning of their parameters' names. */
const sides = [
  { side: "θ (decoder)", prefix: "decoder/" },
  { side: "φ (encoder)", prefix: "encoder/" },
] as const;
type Side = (typeof sides)[number];

function program() {
  const { model, description } = binaryVae(DIMENSIONS, LATENTS, 10);
  return trainingProgram(model, description);
}

/** With fixed noise, at one point: the mean of (n/B)·batch gradients over an epoch against the gradient of Σ ELBO(x_i). */
async function epochAgainstWhole(engine: Engine, precision: Precision): Promise<readonly Measurement[]> {
  const { terms } = program();
  const bound = sum(terms.elbo);
  const noise = normals(LATENT_NOISE, [EXAMPLES, LATENTS], SEED);
  const start = startingValues(bound, SEED);
  const order = batchOrder({ length: EXAMPLES, batchSize: BATCH, seed: SEED });
  const ascent = await executable(engine, parameterGradients(bound), precision);
  const at = (examples: ArrayLike<number>): Promise<Values> =>
    ascent.run({ ...start, x: rows(x, examples), [LATENT_NOISE]: rows(noise, examples) });
  const whole = await at(Uint32Array.from({ length: EXAMPLES }, (_, i) => i));
  const batches: Values[] = [];
  for (let step = 0; step < order.stepsPerEpoch; step++) batches.push(await at(order.indices(step)));
  await ascent.release();
  return sides.map((side) => {
    const exact = flat(whole, `gradient/${side.prefix}`);
    const parts = batches.map((batch) =>
      flat(batch, `gradient/${side.prefix}`).map((value) => (value * EXAMPLES) / BATCH),
    );
    const mean = exact.map((_, i) => parts.reduce((total, part) => total + part[i], 0) / parts.length);
    const largest = Math.max(...[exact, ...parts].flatMap((part) => Array.from(part, Math.abs)));
    return {
      what: `norm of ∇ Σ ELBO in ${side.side}: mean of (n/B)·batch gradients against all ${EXAMPLES} examples, ${precision}`,
      measured: norm(mean),
      expected: norm(exact),
      error: Math.max(...mean.map((value, i) => Math.abs(value - exact[i]))) / largest,
      tolerance: EXACT[precision],
    };
  });
}

interface Move {
  readonly side: Side;
  /** What one training step added to the parameters. */
  readonly moved: Float64Array;
  /** −learning rate · gradient at the old (θ, φ). */
  readonly fromOld: Float64Array;
  /** The same where the other side had moved before. */
  readonly fromNew: Float64Array;
}

/** One step of the one loop by plain gradient descent, and what it should be. */
export async function jointStep(engine: Engine): Promise<readonly Move[]> {
  const { terms, loss } = program();
  const phase: Phase = {
    name: "joint",
    loss,
    terms: { ...terms },
    optimizer: { kind: "sgd" },
    learningRate: { kind: "constant", value: LEARNING_RATE },
  };
  const dataset = arrayDataset(x, { name: "memory" });
  const hypers = { klWeight: { kind: "constant", value: 1 } } as const;
  const training = await createTraining({ engine, phases: [phase], dataset, seed: SEED, batchSize: BATCH, hypers });
  const before = Object.fromEntries(
    Array.from(training.parameters, ([name, { data, shape }]) => [name, { data: Float32Array.from(data), shape }]),
  );
  await training.runStep();
  const after = Object.fromEntries(training.parameters);

  const examples = batchOrder({ length: EXAMPLES, batchSize: BATCH, seed: SEED }).indices(0);
  const noise = new Float32Array(BATCH * LATENTS);
  const drawn = noiseSource({ name: LATENT_NOISE, law: "normal", event: [LATENTS] }, SEED);
  drawn.fill(noise, { step: 0, examples, samples: 1, firstSample: 0 });
  const fixed = {
    x: rows(x, examples),
    [LATENT_NOISE]: { data: noise, shape: [BATCH, LATENTS] },
    klWeight: { data: Float32Array.of(1), shape: [] },
  };
  const descent = await executable(engine, parameterGradients(mul(loss, -LEARNING_RATE)), "float32");
  const moves: Move[] = [];
  for (const side of sides) {
    const mixed = Object.fromEntries(
      Object.keys(before).map((name) => [name, name.startsWith(side.prefix) ? before[name] : after[name]]),
    );
    const old = flat(before, side.prefix);
    moves.push({
      side,
      moved: flat(after, side.prefix).map((value, i) => value - old[i]),
      fromOld: flat(await descent.run({ ...before, ...fixed }), `gradient/${side.prefix}`),
      fromNew: flat(await descent.run({ ...mixed, ...fixed }), `gradient/${side.prefix}`),
    });
  }
  await descent.release();
  await training.release();
  return moves;
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const double = await epochAgainstWhole(engine, "float64");
  const single = await epochAgainstWhole(engine, "float32");
  const moves = await jointStep(engine);
  const joint = moves.map(
    ({ side, moved, fromOld }): Measurement => ({
      what: `length of a step in ${side.side}, against −rate·gradient at the old (θ, φ)`,
      measured: norm(moved),
      expected: norm(fromOld),
      error: relativeToLargest(moved, fromOld),
      tolerance: EXACT.float32,
    }),
  );
  return [...double, ...single, ...joint];
}

/** Row 13: minibatch gradient ascent of Σ ELBO(x_i) in (θ, φ) together. */
export const row13: SystemRow = { row: 13, title: "Joint stochastic optimisation", measure };
