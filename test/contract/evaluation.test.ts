import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { annealedNumbers } from "../../src/cli/evaluate-stamps.ts";
import { arrayDataset } from "../../src/data/dataset.ts";
import { normal, standardNormal } from "../../src/distributions/normal.ts";
import type { AnnealedEstimate } from "../../src/evaluation/annealed.ts";
import { codeAccuracy } from "../../src/evaluation/codes.ts";
import { diagnoseCollapse } from "../../src/evaluation/collapse.ts";
import { ACTIVE_VARIANCE, forEachPosterior, meanVariances } from "../../src/evaluation/latents.ts";
import { estimateLikelihood, type LikelihoodEstimate } from "../../src/evaluation/likelihood.ts";
import { comparePaired } from "../../src/evaluation/paired.ts";
import { reconstructionError } from "../../src/evaluation/reconstruction.ts";
import { type Setting, type StampedNumber, summarise } from "../../src/evaluation/summary.ts";
import { describeData, type Model } from "../../src/models/model.ts";
import { decoderProgram, densityProgram, encoderProgram } from "../../src/models/programs.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { constant, matmul, mul, slice } from "../../src/tensor/index.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

/* q(z|x) = N((x₀, 0.05·x₁), diag(0.5, 0.9)²), x̂ = (z₀, z₀, z₁): a code whose second latent is not active. */
const from = stream(1, "evaluation");
const N = 23;
const numbers = Float32Array.from({ length: N * 3 }, () => from.normal());
const dataset = arrayDataset({ data: numbers, shape: [N, 3] }, { name: "rows", measure: "real" });
const model: Model = {
  latents: 2,
  encoder: (x) => normal(mul(slice(x, -1, 0, 2), constant([1, 0.05], [2])), constant([0.5, 0.9], [2])),
  decoder: (z) => normal(matmul(z, constant([1, 1, 0, 0, 0, 1], [2, 3])), 1),
  prior: standardNormal(2),
};
const column = (j: number): number[] => Array.from({ length: N }, (_, i) => numbers[3 * i + j]);
const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const variance = (values: readonly number[]): number => average(values.map((v) => (v - average(values)) ** 2));

describe("posteriors and reconstructions over a dataset, in chunks", () => {
  it("give codes, active latents and the error in the data's own units", async () => {
    const description = describeData(dataset);
    const encoder = await compile(engine, encoderProgram(model, description));
    const decoder = await compile(engine, decoderProgram(model));
    const source = { encoder, dataset, seed: 1, chunk: 10 };
    const firsts: number[] = [];
    await forEachPosterior(source, ({ mean }) => {
      for (let i = 0; i < mean.data.length; i += 2) firsts.push(mean.data[i]);
    });
    expect(firsts).toEqual(column(0));
    const variances = (await meanVariances(source)) ?? [];
    expect(variances[0]).toBeCloseTo(variance(column(0)), 6); // float32 codes
    expect(variances[1]).toBeCloseTo(0.0025 * variance(column(1)), 6);
    expect(variances.map((one) => one > ACTIVE_VARIANCE)).toEqual([true, false]);
    const errors = await reconstructionError({ ...source, decoder });
    const squares = Array.from({ length: N }, (_, i) => {
      const [a, b, c] = numbers.subarray(3 * i, 3 * i + 3);
      return (b - a) ** 2 + (c - 0.05 * b) ** 2;
    });
    expect(errors?.rmse).toBeCloseTo(Math.sqrt(average(squares) / 3), 5);
    expect(errors?.perExample[22]).toBeCloseTo(Math.sqrt(squares[22] / 3), 5);
    const doubled = await reconstructionError({ ...source, decoder, unit: 2 });
    const [a, b, c] = numbers.subarray(0, 3);
    const expected = Math.sqrt(((a - 2 * a) ** 2 + (b - 2 * a) ** 2 + (c - 0.1 * b) ** 2) / 3);
    expect(doubled?.perExample[0]).toBeCloseTo(expected, 5);
    await encoder.release();
    await decoder.release();
  });
});

describe("the likelihood's estimate", () => {
  const estimateWith = async (samples: number, chunk?: { examples: number; samples: number }) => {
    const density = await compile(engine, densityProgram(model, describeData(dataset)));
    const estimate = await estimateLikelihood({ density, dataset, samples, seed: 2, chunk });
    await density.release();
    return estimate;
  };

  it("tells errors that no chunk changes", async () => {
    const whole = await estimateWith(60);
    const parts = await estimateWith(60, { examples: 7, samples: 11 });
    expect(whole.rateBy).toBe("closed form");
    expect(whole.rates).toHaveLength(2);
    for (const name of ["error", "bias", "effectiveSamples", "paretoShape"] as const) {
      for (let i = 0; i < N; i++) {
        // Float32 densities of products in blocks of other sizes: 1e-6 nats, magnified by the few weights that a tail has.
        expect(parts.perExample[name][i], name).toBeCloseTo(whole.perExample[name][i], 3);
      }
    }
    expect(whole.estimator.error).toBeLessThan(whole.logLikelihood.error);
    expect(whole.estimator.bias).toBeLessThan(0);
  });

  it("has no error of its own with one sample", async () => {
    const { estimator, effectiveSamples } = await estimateWith(1);
    expect([estimator.error, estimator.bias, estimator.untrusted]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect(effectiveSamples).toBe(1);
  });
});

describe("the summary's words", () => {
  const setting: Setting = { likelihood: "Normal", split: "test split", dimensions: 3, latents: 2, active: 1 };
  const room = new Float64Array(2);
  const estimate: LikelihoodEstimate = {
    examples: 2000,
    samples: 500,
    elbo: { value: -91, error: 1 },
    reconstruction: { value: -81, error: 1 },
    rate: { value: 10, error: 0.1 },
    rateBy: "closed form",
    density: "posterior",
    logLikelihood: { value: -90, error: 1 },
    estimator: { error: 0.0123, bias: -0.004, interval: [-90.0201, -89.9719], untrusted: 0.01 },
    effectiveSamples: 150,
    perExample: {
      elbo: room,
      reconstruction: room,
      rate: room,
      logLikelihood: room,
      error: room,
      bias: room,
      effectiveSamples: room,
      paretoShape: room,
    },
  };
  const told = (changes: Partial<LikelihoodEstimate>, more: Partial<Setting> = {}) =>
    new Map(summarise({ ...estimate, ...changes }, { ...setting, ...more }).map((one) => [one.name, one]));

  it("tell the draws' error and the exact number's interval where they can be trusted", () => {
    const numbers = told({}, { rmse: 0.25 });
    expect(Array.from(numbers.keys())).toEqual([
      "negative log-likelihood",
      "ELBO",
      "reconstruction",
      "rate",
      "sampling error",
      "effective samples",
      "reconstruction error",
      "active latents",
    ]);
    expect(numbers.get("negative log-likelihood")?.stamp).toBe(
      "importance sampling, 500 samples of q(z|x), Normal, test split, 2,000 examples",
    );
    expect(numbers.get("negative log-likelihood")?.interval).toEqual([89.9719, 90.0201]);
    expect(numbers.get("sampling error")).toMatchObject({ value: 0.0123, unit: "nats" });
    expect(numbers.get("sampling error")?.stamp).toBe(
      "standard error of −log p(x) by the draws alone, these examples held fixed; bias 0.004, so the exact number lies within 89.972 to 90.020 with 95 %, Normal, test split, 2,000 examples",
    );
    expect(numbers.get("reconstruction error")).toMatchObject({ value: 0.25, unit: "in the data's units" });
  });

  it("are exact where the posterior is, without anything of the draws", () => {
    const numbers = told({ exactOf: "x" });
    expect(Array.from(numbers.keys())).toEqual(["negative log-likelihood", "reconstruction", "rate", "active latents"]);
    expect(numbers.get("negative log-likelihood")).toMatchObject({
      value: 90,
      stamp: "exact, as q(z|x) is p(z|x), Normal, test split, 2,000 examples",
    });
    expect(told({ exactOf: "x + u" }).get("negative log-likelihood")?.stamp).toMatch(
      /^−log p\(x \+ u\) at one draw of u, exact as /,
    );
  });

  it("hold annealing against what the examples were evaluated by", () => {
    const perExample = { ...estimate.perExample, logLikelihood: Float64Array.of(-90, -92, -7) };
    const annealed: AnnealedEstimate = {
      ...estimate,
      examples: 2,
      temperatures: 10,
      chains: 3,
      bound: "lower",
      acceptance: 0.6,
      perExample: { ...estimate.perExample, logLikelihood: Float64Array.of(-90.5, -92.5) },
    };
    const against = (exactOf?: "x"): StampedNumber | undefined =>
      annealedNumbers(annealed, { perExample, exactOf }, setting).at(-1);
    expect(against()).toMatchObject({ name: "annealed − sampled", value: -0.5 });
    expect(against()?.stamp).toMatch(/^log p\(x\) by annealing less that by importance sampling on the same examples;/);
    expect(against("x")).toMatchObject({ name: "annealed − exact", value: -0.5 });
    expect(against("x")?.stamp).toBe(
      "log p(x) by annealing, a lower bound in the mean, less the exact one of the same examples, Normal, test split, 2 examples",
    );
  });

  it("say where the weights are too heavy-tailed", () => {
    const numbers = told({ estimator: { ...estimate.estimator, untrusted: 0.374 } });
    expect(numbers.get("negative log-likelihood")?.interval).toBeUndefined();
    expect(numbers.get("negative log-likelihood")?.stamp).toContain(
      "; log p(x) may be higher: of 37 % of the examples a few draws carry the weight (Pareto k̂ > 0.63); more samples",
    );
    expect(numbers.get("sampling error")?.stamp).toContain("not to be trusted: too few draws carry the weight");
  });

  it("and where there are too few samples to know", () => {
    const few = told({
      samples: 5,
      effectiveSamples: 1.3,
      estimator: { ...estimate.estimator, untrusted: Number.NaN },
    });
    expect(few.get("negative log-likelihood")?.stamp).toContain(
      "5 samples of q(z|x), of which 1.3 count: log p(x) may be higher",
    );
    expect(few.get("sampling error")?.stamp).toContain("not to be trusted: too few samples to tell");
    const one = told({ samples: 1, effectiveSamples: 1 });
    expect(one.has("sampling error")).toBe(false);
    expect(one.get("negative log-likelihood")?.stamp).toContain("importance sampling, 1 sample of q(z|x), Normal");
  });
});

describe("the diagnosis of a collapse", () => {
  const history = [
    { epoch: 1, rates: [2, 0.01, 1] },
    { epoch: 2, rates: [2, 0.01, 0.3] },
    { epoch: 3 },
    { epoch: 4, rates: [2, 0.02, 0.04] },
    { epoch: 5, rates: [2, 0.01, 0.01] },
  ];

  it("names the dead, since when, and what to try", () => {
    const { latents, lines } = diagnoseCollapse({ variances: [0.8, 0.001, 0.002], rates: [2, 0.01, 0.01] }, history);
    expect(latents.map(({ state, since }) => [state, since])).toEqual([
      ["active", undefined],
      ["dead", 1],
      ["dead", 4],
    ]);
    expect(lines).toEqual([
      "1 of 3 latents is active: the posterior mean varies over the data, with a variance above 0.01.",
      "Dead, with a posterior that is the prior: z₁, z₂. Since epoch: z₁ 1, z₂ 4.",
      "Latents that were in use and died were priced out: try the weight of the KL term rising more slowly, free bits, or a smaller decoder.",
    ]);
  });

  it("tells a latent that costs without saying anything, and one that was never needed", () => {
    const { latents, lines } = diagnoseCollapse({ variances: [0.8, 0.001, 0.002], rates: [2, 0.01, 0.7] }, history);
    expect(latents[2].state).toBe("constant");
    expect(lines[1]).toBe(
      "Dead, with a posterior that is the prior: z₁. Since the first epoch that tells, 1: never in use.",
    );
    expect(lines[2]).toContain("Constant, with a rate that says nothing of x: z₂.");
    expect(lines[3]).toContain("They were never needed: fewer latents give the same bound.");
  });

  it("says when everything is dead, with no history at all, and nothing of a model that is whole", () => {
    const all = diagnoseCollapse({ variances: [0, 0] });
    expect(all.latents.map(({ since }) => since)).toEqual([undefined, undefined]);
    expect(all.lines.at(-1)).toContain("Nothing of x is in the code");
    expect(diagnoseCollapse({ variances: [1, 1] }, history).lines).toEqual([
      "2 of 2 latents are active: the posterior mean varies over the data, with a variance above 0.01.",
    ]);
  });
});

describe("paired comparison", () => {
  const run = (name: string, values: readonly number[], examples = "fnv1a32:1") => ({ name, values, examples });

  it("sees what the spread between examples hides", () => {
    const easy = Array.from({ length: 50 }, (_, i) => -90 - i);
    const better = easy.map((value, i) => value + (i % 5 === 0 ? -0.1 : 0.3));
    const { difference, interval, better: share, stamp } = comparePaired(run("a", better), run("b", easy));
    expect(difference.value).toBeCloseTo(0.22, 10);
    expect(interval[0]).toBeGreaterThan(0);
    expect(share).toBe(0.8);
    expect(stamp).toBe("a − b, paired over 50 examples, 95 % by Student's t");
    expect(comparePaired(run("a", easy), run("b", easy)).better).toBe(0.5);
  });

  it("refuses other examples, too few, and numbers that are not finite", () => {
    expect(() => comparePaired(run("a", [1, 2]), run("b", [1, 2], "fnv1a32:2"))).toThrow(
      "the same examples are expected, but a has 2 of fnv1a32:1 and b has 2 of fnv1a32:2",
    );
    expect(() => comparePaired(run("a", [1, 2]), run("b", [1]))).toThrow("the same examples are expected");
    expect(() => comparePaired(run("a", [1]), run("b", [1]))).toThrow("at least 2 examples are expected, got 1");
    expect(() => comparePaired(run("a", [1, Number.NaN]), run("b", [1, 2]))).toThrow(
      "example 1 has NaN in a and 2 in b",
    );
  });
});

describe("the accuracy of codes", () => {
  const labelled = (n: number, seed: number) => {
    const draws = stream(seed, "codes");
    const labels = Array.from({ length: n }, (_, i) => 5 + 2 * (i % 3)); // classes 5, 7 and 9
    const data = Float64Array.from(
      { length: 2 * n },
      (_, i) => 6 * Math.cos(labels[i >> 1] + (i % 2)) + draws.normal(),
    );
    return { codes: { data, shape: [n, 2] as const }, labels };
  };

  it("is high of classes that lie apart, and that of chance where labels mean nothing", () => {
    const [train, heldOut] = [labelled(900, 1), labelled(300, 2)];
    const apart = codeAccuracy(train, heldOut);
    expect(apart).toMatchObject({ chance: 1 / 3, classes: 3, trained: 900, scored: 300 });
    expect(apart.nearest.value).toBeGreaterThan(0.97);
    expect(apart.linear.value).toBeGreaterThan(0.97);
    const draws = stream(3, "labels");
    const shuffled = (of: typeof train) => ({ ...of, labels: of.labels.map(() => 5 + 2 * draws.below(3)) });
    const nothing = codeAccuracy(shuffled(train), shuffled(heldOut));
    // A third of 300, give or take 0.027: 5 of them are a false alarm of 6e-7 each.
    expect(Math.abs(nothing.nearest.value - 1 / 3)).toBeLessThan(5 * 0.027);
    expect(Math.abs(nothing.linear.value - 1 / 3)).toBeLessThan(5 * 0.027);
  });

  it("needs classes, codes of one size and a label for each", () => {
    const [train, heldOut] = [labelled(30, 1), labelled(9, 2)];
    const other = { codes: { data: new Float64Array(27), shape: [9, 3] as const }, labels: heldOut.labels };
    expect(() => codeAccuracy(train, other)).toThrow("2 latents in training and 3 held out");
    expect(() => codeAccuracy({ ...train, labels: [5] }, heldOut)).toThrow("a class for each of 30 training codes");
    expect(() => codeAccuracy({ ...train, labels: train.labels.map(() => 1) }, heldOut)).toThrow(
      "two classes at least",
    );
  });
});
