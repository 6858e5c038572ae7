/**
 * The importance-weighted bound and its two gradients on a model with one latent, against quadrature over the draws of K = 2. False
 * alarms as in objective.test.ts.
 */
import { describe, expect, it } from "vitest";
import { normal, standardNormal } from "../../src/distributions/normal.ts";
import { probitNormal } from "../../src/distributions/probit-normal.ts";
import { uniform } from "../../src/distributions/uniform.ts";
import type { LatentVariableModel } from "../../src/inference/elbo.ts";
import { type GradientEstimator, objective } from "../../src/inference/objective.ts";
import { logEvidence } from "../../src/models/linear-gaussian.ts";
import { copiedDecoder } from "../../src/systems/copied-decoder.ts";
import { copied, drawNoise } from "../../src/systems/draws.ts";
import { knownPosterior } from "../../src/systems/known-posterior.ts";
import { holds, relativeToLargest } from "../../src/systems/row.ts";
import { average, unbiased } from "../../src/systems/unbiased.ts";
import { constant, normalQuantile } from "../../src/tensor/index.ts";
import { ascents, slopesOf, valuesOfDraws } from "./objective-draws.ts";

const SEED = 4;
const D = 2;
const DRAWS = 100_000;

const known = knownPosterior(SEED, { d: D, k: 1 });
const phi = [copied("mean", known.wrong.mean), copied("scale", known.wrong.lower[0])];
const theta = [
  copied("weight", known.model.weight.flat(), [D, 1]),
  copied("location", known.model.mean),
  copied("variance", [known.model.variance]),
];
const all = [...phi, ...theta];
const numbers = all.flatMap(({ values }) => values);
const q = normal(phi[0].tensor, phi[1].tensor);
const x = constant(known.x, [D]);
const model: LatentVariableModel = {
  encoder: () => q,
  decoder: copiedDecoder({ weight: theta[0].tensor, mean: theta[1].tensor, variance: theta[2].tensor }),
  prior: standardNormal(1),
};

/** log w at z = m + sε: log p(x|z) + w·(log p(z) − log q(z)). */
function logWeight([mean, scale, a, b, c, d, variance]: readonly number[], epsilon: number, w: number): number {
  const z = mean + scale * epsilon;
  const squares = (known.x[0] - c - a * z) ** 2 + (known.x[1] - d - b * z) ** 2;
  const logLikelihood = -Math.log(2 * Math.PI * variance) - squares / (2 * variance);
  return logLikelihood + w * (-0.5 * z * z + 0.5 * epsilon * epsilon + Math.log(scale));
}

/** E log ½(w₁ + w₂) over two normal draws by the trapezoidal rule; of smooth functions that vanish at the ends it is exact to rounding. */
function boundOfTwo(at: readonly number[], w: number): number {
  const [step, reach] = [0.1, 8];
  const nodes = Array.from({ length: 2 * Math.round(reach / step) + 1 }, (_, i) => i * step - reach);
  const weights = nodes.map((node) => (step * Math.exp(-0.5 * node * node)) / Math.sqrt(2 * Math.PI));
  const logs = nodes.map((node) => logWeight(at, node, w));
  let total = 0;
  for (const [i, first] of logs.entries()) {
    for (const [j, second] of logs.entries()) {
      const high = Math.max(first, second);
      total += weights[i] * weights[j] * (high + Math.log1p(Math.exp(Math.min(first, second) - high)) - Math.LN2);
    }
  }
  return total;
}

const lossOf = (gradient: GradientEstimator, samples: number) =>
  objective(model, x, (posterior) => drawNoise(posterior, samples), { bound: "importance", gradient });

describe.each(["pathwise", "doubly-reparameterized"] as const)("%s", (gradient) => {
  it.each([1, 0.4])(
    "∇ of the bound of K = 2 is right in the mean, in φ and θ, weight of the rate %d",
    async (klWeight) => {
      const exact = slopesOf((at) => boundOfTwo(at, klWeight), numbers);
      const options = { draws: DRAWS, seed: SEED, samples: 2, klWeight };
      const found = average(await ascents(lossOf(gradient, 2).loss, q, all, all, options), numbers.length);
      const claim = unbiased(gradient, found, exact);
      expect(holds(claim), JSON.stringify(claim)).toBe(true);
    },
  );
});

describe("z in [0, 1] with a uniform prior, Φ⁻¹ before the decoder", () => {
  const posterior = probitNormal(phi[0].tensor, phi[1].tensor);
  const unit: LatentVariableModel = {
    encoder: () => posterior,
    decoder: (z) => model.decoder(normalQuantile(z)),
    prior: uniform(constant([0], [1]), constant([1], [1])),
  };

  it.each(["pathwise", "doubly-reparameterized"] as const)("%s: ∇ of the same bound in φ", async (gradient) => {
    const exact = slopesOf((at) => boundOfTwo(at, 0.4), numbers).slice(0, 2);
    const { loss } = objective(unit, x, (q) => drawNoise(q, 2), { bound: "importance", gradient });
    const options = { draws: 30_000, seed: SEED, samples: 2, klWeight: 0.4, reference: true };
    const claim = unbiased(gradient, average(await ascents(loss, posterior, all, phi, options), 2), exact);
    expect(holds(claim), JSON.stringify(claim)).toBe(true);
  });
});

it("in θ the two are the same numbers, draw by draw; in φ they are not", async () => {
  const options = { draws: 1000, seed: SEED, samples: 5, klWeight: 0.7 };
  const of = (gradient: GradientEstimator, moved: typeof phi) =>
    ascents(lossOf(gradient, 5).loss, q, all, moved, options);
  const [path, doubly] = [await of("pathwise", theta), await of("doubly-reparameterized", theta)];
  expect(relativeToLargest(path, doubly)).toBeLessThan(1e-12); // rounding: logsumexp differentiated, and the weights written out
  expect(relativeToLargest(await of("pathwise", phi), await of("doubly-reparameterized", phi))).toBeGreaterThan(0.1);
});

it("near the posterior the doubly reparameterized gradient has the smaller variance", async () => {
  const exact = [copied("mean", known.exact.mean), copied("scale", [Math.sqrt(known.exact.covariance[0][0])])];
  const near = [copied("mean", [known.exact.mean[0] + 0.01]), exact[1]];
  const posterior = normal(near[0].tensor, near[1].tensor);
  const own: LatentVariableModel = { ...model, encoder: () => posterior };
  const spread = async (gradient: GradientEstimator): Promise<number> => {
    const { loss } = objective(own, x, (at) => drawNoise(at, 8), { bound: "importance", gradient });
    const options = { draws: 5000, seed: SEED, samples: 8 };
    return average(await ascents(loss, posterior, [...near, ...theta], near, options), 2).error[0];
  };
  expect(await spread("doubly-reparameterized")).toBeLessThan(0.1 * (await spread("pathwise")));
});

it("the bound rises with K from the ELBO towards log p(x); that of K = 2 is the quadrature's", async () => {
  const draws = 20_000;
  const boundOf = async (samples: number): Promise<ArrayLike<number>> => {
    const { terms } = lossOf("pathwise", samples);
    const bound = terms.importanceBound;
    if (!bound) throw new Error("there is no importance bound");
    const { value, elbo } = await valuesOfDraws({ value: bound, elbo: terms.elbo }, q, all, {
      draws,
      seed: SEED,
      samples,
      klWeight: 0.4, // the terms are those of weight 1
    });
    return samples === 2 ? [...value.data, ...elbo.data.subarray(0, draws)] : value.data;
  };
  const two = await boundOf(2);
  const [second, first] = [Array.from(two).slice(0, draws), Array.from(two).slice(draws)];
  const claim = unbiased("K = 2", average(second, 1), [boundOfTwo(numbers, 1)]);
  expect(holds(claim), JSON.stringify(claim)).toBe(true);
  const bounds = [first, second, await boundOf(8), await boundOf(64)].map((values) => average(values, 1));
  for (const [i, { mean, error }] of bounds.entries()) {
    if (i === 0) continue;
    // independent means: 6 standard errors of their difference are 1e-9
    const apart = 6 * Math.hypot(error[0], bounds[i - 1].error[0]);
    expect(mean[0]).toBeGreaterThan(bounds[i - 1].mean[0] + apart);
  }
  expect(bounds[3].mean[0]).toBeLessThan(logEvidence(known.model, known.x) + 6 * bounds[3].error[0]);
});
