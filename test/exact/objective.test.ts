/**
 * Bounds and their gradients on a model that is known: every estimator's mean against the slopes of the closed form (central
 * differences, so nothing of ours is differentiated) or of quadrature. `unbiased` says the false alarm, 1e-6 for a claim; `holds` is
 * false too where a bias of 5 % of the largest component would not be seen.
 */
import { describe, expect, it } from "vitest";
import { mixture } from "../../src/distributions/mixture.ts";
import { normal } from "../../src/distributions/normal.ts";
import { probitNormal } from "../../src/distributions/probit-normal.ts";
import { uniform } from "../../src/distributions/uniform.ts";
import type { LatentVariableModel } from "../../src/inference/elbo.ts";
import { type ObjectiveOptions, objective } from "../../src/inference/objective.ts";
import { expectedLogLikelihood, gaussianDivergence } from "../../src/models/linear-gaussian.ts";
import { copiedDecoder } from "../../src/systems/copied-decoder.ts";
import { copied, drawNoise } from "../../src/systems/draws.ts";
import { diagonal, knownPosterior } from "../../src/systems/known-posterior.ts";
import { holds, relativeToLargest } from "../../src/systems/row.ts";
import { type Averaged, average, unbiased } from "../../src/systems/unbiased.ts";
import { constant, normalQuantile } from "../../src/tensor/index.ts";
import { ascents, slopesOf, valuesOfDraws } from "./objective-draws.ts";

const SEED = 497;
const [D, K] = [3, 2];
const DRAWS = 100_000;

const known = knownPosterior(SEED, { d: D, k: K });
const start = {
  mean: known.wrong.mean,
  scale: known.wrong.lower.map((row, i) => row[i]),
  weight: known.model.weight.flat(),
  location: known.model.mean,
  variance: [known.model.variance],
  priorMean: [0.3, -0.5],
  priorScale: [0.8, 1.3],
};
/** φ is the posterior's mean and deviations; θ is all else, the prior's numbers included. */
const phi = [copied("mean", start.mean), copied("scale", start.scale)];
const theta = [
  copied("weight", start.weight, [D, K]),
  copied("location", start.location),
  copied("variance", start.variance),
  copied("priorMean", start.priorMean),
  copied("priorScale", start.priorScale),
];
const all = [...phi, ...theta];
const x = constant(known.x, [D]);
const q = normal(phi[0].tensor, phi[1].tensor);
const model: LatentVariableModel = {
  encoder: () => q,
  decoder: copiedDecoder({ weight: theta[0].tensor, mean: theta[1].tensor, variance: theta[2].tensor }),
  prior: normal(theta[3].tensor, theta[4].tensor),
};

/** E_q log p(x|z) − w·KL(q ‖ p(z)) of all numbers in the order of `all`, in closed form. */
function weightedBound(numbers: readonly number[], w: number): number {
  const ends = all.map((_, i) => all.slice(0, i + 1).reduce((total, { values }) => total + values.length, 0));
  const [mean, scale, weight, location, [variance], priorMean, priorScale] = ends.map((end, i) =>
    numbers.slice(ends[i - 1] ?? 0, end),
  );
  const rows = location.map((_, i) => weight.slice(i * K, (i + 1) * K));
  const gaussian = { mean, covariance: diagonal(scale) };
  const precision = diagonal(priorScale.map((s) => 1 / s));
  const reconstruction = expectedLogLikelihood({ weight: rows, mean: location, variance }, known.x, gaussian);
  return reconstruction - w * gaussianDivergence(gaussian, { mean: priorMean, precision });
}

const numbers = all.flatMap(({ values }) => values);
const ofPhi = K + K;

interface Case {
  readonly options: ObjectiveOptions;
  readonly samples?: number;
  /** So many that a bias of 5 % would be seen. */
  readonly draws?: number;
}

const estimators: readonly Case[] = [
  { options: { gradient: "pathwise" } },
  { options: { gradient: "pathwise", rate: "sampled" } },
  { options: { gradient: "pathwise", rate: "sampled" }, samples: 3 },
  { options: { gradient: "sticking-the-landing", rate: "sampled" } },
  { options: { gradient: "score-function", baseline: "moving-average" }, draws: 450_000 },
  { options: { gradient: "score-function", baseline: "moving-average", rate: "sampled" }, draws: 450_000 },
  { options: { gradient: "score-function", baseline: "leave-one-out" }, samples: 4 },
  { options: { gradient: "score-function", baseline: "leave-one-out", rate: "sampled" }, samples: 4 },
];

/** Some of the components; an analytic term has no standard error but that of the differences it is compared with. */
function part({ draws, mean, error }: Averaged, from: number, to: number): Averaged {
  return { draws, mean: mean.slice(from, to), error: error.slice(from, to).map((one) => Math.max(one, 1e-6)) };
}

const label = ({ gradient, baseline, rate = "analytic" }: ObjectiveOptions): string =>
  [gradient, baseline, `${rate} rate`].filter((word) => word !== undefined).join(", ");

describe.each(estimators)(
  "$options.gradient $options.baseline, rate $options.rate, $samples samples",
  ({ options, samples, draws = DRAWS }) => {
    // Of w = 0.4 a weight that is forgotten, or taken twice, is a bias.
    it("∇ of reconstruction − 0.4·rate in φ and in θ is right in the mean", async () => {
      const klWeight = 0.4;
      const { loss } = objective(model, x, (posterior) => drawNoise(posterior, samples), options);
      const exact = slopesOf((at) => weightedBound(at, klWeight), numbers);
      const draw = { draws, seed: SEED, samples, klWeight, baseline: weightedBound(numbers, klWeight) };
      const slopes = average(await ascents(loss, q, all, all, draw), numbers.length);
      for (const [from, to] of [
        [0, ofPhi],
        [ofPhi, numbers.length],
      ]) {
        const claim = unbiased(label(options), part(slopes, from, to), exact.slice(from, to));
        expect(claim.error, JSON.stringify(claim)).toBeLessThanOrEqual(claim.tolerance);
        expect(holds(claim), JSON.stringify(claim)).toBe(true);
      }
    });
  },
);

describe("the dropped path", () => {
  it("is wrong: in φ, with a sampled rate, its mean is 0 whatever the slope", async () => {
    const { loss } = objective(model, x, drawNoise, { gradient: "dropped-path", rate: "sampled" });
    const exact = slopesOf((at) => weightedBound(at, 1), numbers).slice(0, ofPhi);
    const found = average(await ascents(loss, q, all, phi, { draws: DRAWS, seed: SEED }), ofPhi);
    const bias = { ...found, mean: found.mean.map((value, i) => value - exact[i]) };
    const claim = unbiased(
      "bias",
      bias,
      exact.map((slope) => -slope),
    );
    expect(holds(claim), JSON.stringify(claim)).toBe(true);
    expect(holds(unbiased("slope", found, exact))).toBe(false);
  });

  it("is right in θ", async () => {
    const { loss } = objective(model, x, drawNoise, { gradient: "dropped-path", rate: "sampled" });
    const exact = slopesOf((at) => weightedBound(at, 1), numbers).slice(ofPhi);
    const found = average(await ascents(loss, q, all, theta, { draws: DRAWS, seed: SEED }), exact.length);
    expect(holds(unbiased("θ", found, exact))).toBe(true);
  });
});

it.each(["analytic", "sampled"] as const)("no baseline is a baseline of 0, %s rate", async (rate) => {
  const [none, zero] = await Promise.all(
    (["none", "moving-average"] as const).map((baseline) => {
      const { loss } = objective(model, x, drawNoise, { gradient: "score-function", baseline, rate });
      return ascents(loss, q, all, all, { draws: 1000, seed: SEED, baseline: 0 });
    }),
  );
  expect(none).toEqual(zero);
});

it("what is reported is the bound at weight 1, whatever is descended", async () => {
  for (const { options, samples } of estimators) {
    const { terms } = objective(model, x, (posterior) => drawNoise(posterior, samples), options);
    const { elbo } = await valuesOfDraws({ elbo: terms.elbo }, q, all, {
      draws: 50_000,
      seed: SEED,
      samples,
      klWeight: 0.4,
    });
    const claim = unbiased(label(options), average(elbo.data, 1), [weightedBound(numbers, 1)]);
    expect(holds(claim), JSON.stringify(claim)).toBe(true);
  }
});

describe("a mixture posterior, a draw of every component", () => {
  const family = { logits: [0.4, -0.3], location: [0.5, -0.4, -0.7, 0.2], scale: [0.5, 0.4, 0.3, 0.6] };
  const copies = [
    copied("logits", family.logits),
    copied("locations", family.location, [2, K]),
    copied("scales", family.scale, [2, K]),
  ];
  const posterior = mixture(copies[0].tensor, normal(copies[1].tensor, copies[2].tensor));
  const mixed: LatentVariableModel = { ...model, encoder: () => posterior };
  const at = copies.flatMap(({ values }) => values);

  /** E_q[log p(x|z) + w(log p(z) − log q(z))] on a grid: the integrand is smooth and vanishes at its edge. */
  function bound([l0, l1, ...rest]: readonly number[], w: number): number {
    const share = [1 / (1 + Math.exp(l1 - l0)), 1 / (1 + Math.exp(l0 - l1))];
    const part = (c: number, z: readonly number[]): number =>
      z.reduce((total, one, j) => {
        const [m, s] = [rest[c * K + j], rest[2 * K + c * K + j]];
        return total - 0.5 * ((one - m) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);
      }, 0);
    const [step, reach] = [0.1, 5];
    let total = 0;
    for (let a = -reach; a <= reach; a += step) {
      for (let b = -reach; b <= reach; b += step) {
        const z = [a, b];
        const density = share[0] * Math.exp(part(0, z)) + share[1] * Math.exp(part(1, z));
        if (density === 0) continue;
        const zero = [
          [0, 0],
          [0, 0],
        ];
        const logLikelihood = expectedLogLikelihood(known.model, known.x, { mean: z, covariance: zero });
        const logPrior = z.reduce((sum, one, j) => {
          const s = start.priorScale[j];
          return sum - 0.5 * ((one - start.priorMean[j]) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);
        }, 0);
        total += step * step * density * (logLikelihood + w * (logPrior - Math.log(density)));
      }
    }
    return total;
  }

  it("∇_φ of reconstruction − 0.4·rate is right in the mean, the weights' part too", async () => {
    const klWeight = 0.4;
    const { loss } = objective(mixed, x, drawNoise, {});
    const exact = slopesOf((numbers) => bound(numbers, klWeight), at);
    const options = { draws: DRAWS, seed: SEED, klWeight };
    const found = average(await ascents(loss, posterior, [...copies, ...theta], copies, options), at.length);
    const claim = unbiased("mixture", found, exact);
    expect(holds(claim), JSON.stringify(claim)).toBe(true);
  });

  it("and so is the bound itself", async () => {
    const { terms } = objective(mixed, x, drawNoise, {});
    const { elbo } = await valuesOfDraws({ elbo: terms.elbo }, posterior, [...copies, ...theta], {
      draws: DRAWS,
      seed: SEED,
    });
    expect(holds(unbiased("mixture", average(elbo.data, 1), [bound(at, 1)]))).toBe(true);
  });
});

describe("z in [0, 1]^k with a uniform prior, Φ⁻¹ before the decoder", () => {
  const posterior = probitNormal(phi[0].tensor, phi[1].tensor);
  const unit: LatentVariableModel = {
    encoder: () => posterior,
    decoder: (z) => model.decoder(normalQuantile(z)),
    prior: uniform(constant([0, 0], [K]), constant([1, 1], [K])),
  };
  /** The same bound by u = Φ⁻¹(z), whose prior is N(0, I). */
  const at = [...numbers.slice(0, -2 * K), 0, 0, 1, 1];

  it.each(["pathwise", "sticking-the-landing"] as const)("%s is right in the mean in φ", async (gradient) => {
    const { loss } = objective(unit, x, drawNoise, { gradient, rate: "sampled" });
    const exact = slopesOf((moved) => weightedBound(moved, 0.4), at).slice(0, ofPhi);
    const options = { draws: DRAWS, seed: SEED, klWeight: 0.4 };
    const claim = unbiased(gradient, average(await ascents(loss, posterior, all, phi, options), ofPhi), exact);
    expect(holds(claim), JSON.stringify(claim)).toBe(true);
  });
});

it("K samples of the ELBO: the mean of K single draws", async () => {
  const one = objective(model, x, (posterior) => drawNoise(posterior), {});
  const many = objective(model, x, (posterior) => drawNoise(posterior, 3), {});
  const options = { draws: 500, seed: SEED };
  const single = await ascents(one.loss, q, all, phi, { ...options, draws: 1500 });
  const together = await ascents(many.loss, q, all, phi, { ...options, samples: 3 });
  // the noise of [3, 500] draws lies as that of [1500]: sample s of draw i is draw 500s + i
  const mean = together.map((_, at) => {
    const [i, j] = [Math.floor(at / ofPhi), at % ofPhi];
    return [0, 1, 2].reduce((total, s) => total + single[(500 * s + i) * ofPhi + j] / 3, 0);
  });
  expect(relativeToLargest(together, mean)).toBeLessThan(1e-12);
});
