import { trainingProgram } from "../../models/programs.ts";
import type { Engine } from "../../runtime/engine.ts";
import { data } from "../../tensor/index.ts";
import { binary, binaryVae, executable, normals, startingValues } from "../execute.ts";
import { EXACT, type Measurement, relativeToLargest, type SystemRow } from "../row.ts";

const EXAMPLES = 16;
const DIMENSIONS = 40;
const LATENTS = 3;
const SEED = 4;

/** log(1 + eˣ) in float64. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** The sum over each example's numbers: [examples, size] → [examples]. */
function perExample(terms: ArrayLike<number>, size: number): Float64Array {
  const totals = new Float64Array(terms.length / size);
  for (let i = 0; i < terms.length; i++) totals[Math.floor(i / size)] += terms[i];
  return totals;
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const x = binary("x", [EXAMPLES, DIMENSIONS], SEED);
  const { model, description } = binaryVae(DIMENSIONS, LATENTS, 20);
  const { terms, loss } = trainingProgram(model, description);
  // The same posterior and decoder taken apart, so that both terms can be added up again from their single numbers.
  const epsilon = normals("epsilon", [EXAMPLES, LATENTS], SEED);
  const posterior = model.encoder(data("x", ["batch", DIMENSIONS], "float"));
  const { logits } = model.decoder(data("z", ["batch", LATENTS], "float")).parameters;
  const feeds = { ...startingValues(loss, SEED), x, epsilon };

  const whole = await executable(engine, { ...terms, ...posterior.parameters }, "float32");
  const { elbo, reconstruction, rate, mean, scale } = await whole.run(feeds);
  await whole.release();
  const z = { data: mean.data.map((m, i) => m + scale.data[i] * epsilon.data[i]), shape: mean.shape };
  const decoder = await executable(engine, { logits }, "float64");
  const { logits: exact } = await decoder.run({ ...feeds, z });
  await decoder.release();

  // log p(x|z) = Σ_j x·ℓ − log(1 + eˡ) and KL(N(μ, σ²) ‖ N(0, 1)) = Σ ½(μ² + σ² − 1) − log σ
  const logLikelihoods = perExample(
    Float64Array.from(exact.data, (logit, i) => x.data[i] * logit - softplus(logit)),
    DIMENSIONS,
  );
  const divergences = perExample(
    Float64Array.from(mean.data, (m, i) => 0.5 * (m * m + scale.data[i] ** 2 - 1) - Math.log(scale.data[i])),
    LATENTS,
  );
  const bits = Float64Array.from(elbo.data, (bound) => -bound / (DIMENSIONS * Math.LN2));
  const exactBits = logLikelihoods.map((value, i) => (divergences[i] - value) / Math.LN2 / DIMENSIONS);
  const difference = Float64Array.from(reconstruction.data, (value, i) => Math.fround(value - rate.data[i]));
  const each = `each of ${EXAMPLES} examples`;
  const compare = (what: string, got: ArrayLike<number>, want: ArrayLike<number>): Measurement => ({
    what: `${what}, ${each}; the first is shown`,
    measured: got[0],
    expected: want[0],
    error: relativeToLargest(got, want),
    tolerance: EXACT.float32,
  });
  return [
    {
      what: `ELBO = reconstruction − rate in nats, to the bit, ${each}; the first is shown`,
      measured: elbo.data[0],
      expected: difference[0],
      error: Math.max(...difference.map((value, i) => Math.abs(value - elbo.data[i]))),
      tolerance: 0,
    },
    compare(
      `reconstruction = the sum over all ${DIMENSIONS} dimensions of log p, in nats`,
      reconstruction.data,
      logLikelihoods,
    ),
    compare(`rate = the sum over all ${LATENTS} latents of the KL, in nats`, rate.data, divergences),
    compare("bits per dimension = −ELBO/(d ln 2)", bits, exactBits),
  ];
}

/** Row 4: the two named terms of the bound, per example, in nats and bits per dimension. */
export const row04: SystemRow = { row: 4, title: "Reconstruction and rate", measure };
