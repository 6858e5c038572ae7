/**
 * The score function where nothing else works: ten binary latents, whose 1,024 states are counted, so that bound and gradients are
 * exact. Row 7 of docs/systems.md.
 */
import { describe, expect, it } from "vitest";
import { hasClosedForm } from "../../src/distributions/kl.ts";
import { type ObjectiveOptions, objective } from "../../src/inference/objective.ts";
import { drawNoise } from "../../src/systems/draws.ts";
import { counted, discreteProgram, knownDiscrete } from "../../src/systems/known-discrete.ts";
import { holds } from "../../src/systems/row.ts";
import { type Averaged, average, unbiased } from "../../src/systems/unbiased.ts";
import { ascents, slopesOf, valuesOfDraws } from "./objective-draws.ts";

const SEED = 70;
const DRAWS = 100_000;
const known = knownDiscrete(SEED, { d: 4, k: 10 });
const { model, posterior, x, copies } = discreteProgram(known);
const all = Object.values(copies);

interface Case {
  readonly options: ObjectiveOptions;
  readonly samples?: number;
  readonly draws?: number;
}

const cases: readonly Case[] = [
  { options: { baseline: "none" }, samples: 8 },
  { options: { baseline: "none", rate: "sampled" }, samples: 8 },
  { options: { baseline: "moving-average" } },
  { options: { baseline: "moving-average", rate: "sampled" } },
  { options: { baseline: "leave-one-out" }, samples: 8 },
  { options: { baseline: "leave-one-out", rate: "sampled" }, samples: 8 },
];

async function gradientsOf(
  { options, samples, draws = DRAWS }: Case,
  moved: readonly (typeof all)[number][],
): Promise<Averaged> {
  const { loss } = objective(model, x, (q) => drawNoise(q, samples), options); // the score function by default
  const draw = { draws, seed: SEED, samples, klWeight: 0.4, baseline: counted(known, 0.4).elbo };
  const components = moved.reduce((total, { values }) => total + values.length, 0);
  return average(await ascents(loss, posterior, all, moved, draw), components);
}

/** ∇ in these parameters of reconstruction − 0.4·rate is right in the mean. */
async function expectUnbiased(one: Case, names: readonly (keyof typeof copies)[]): Promise<void> {
  const { mean, error, draws } = await gradientsOf(
    one,
    names.map((name) => copies[name]),
  );
  const exact = counted(known, 0.4).gradients;
  let from = 0;
  for (const name of names) {
    const to = from + exact[name].length;
    // where the rate is in closed form its part has no error but rounding
    const errors = error.slice(from, to).map((value) => Math.max(value, 1e-9));
    const claim = unbiased(name, { draws, mean: mean.slice(from, to), error: errors }, exact[name]);
    expect(holds(claim), JSON.stringify(claim)).toBe(true);
    from = to;
  }
}

describe.each(cases)("baseline $options.baseline, rate $options.rate", (one) => {
  it("∇_φ is right in the mean of 1e5 draws", () => expectUnbiased(one, ["logits"]));
});

it.each([cases[4], cases[5]])("∇_θ is right in the mean, rate $options.rate", (one) =>
  expectUnbiased({ ...one, draws: 30_000 }, ["weight", "mean", "priorLogits"]),
);

it("what is counted has the slopes that its differences have", () => {
  const exact = counted(known, 0.4).gradients;
  const byDifference = slopesOf((logits) => counted({ ...known, logits }, 0.4).elbo, known.logits);
  const byPrior = slopesOf((priorLogits) => counted({ ...known, priorLogits }, 0.4).elbo, known.priorLogits);
  const byMean = slopesOf((mean) => counted({ ...known, mean }, 0.4).elbo, known.mean);
  for (const [found, expected] of [
    [exact.logits, byDifference],
    [exact.priorLogits, byPrior],
    [exact.mean, byMean],
  ]) {
    for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i])).toBeLessThan(1e-6);
  }
});

it("the bound is the counted one, below the counted log p(x)", async () => {
  expect(hasClosedForm(posterior, model.prior)).toBe(true);
  const { elbo, evidence } = counted(known);
  expect(elbo).toBeLessThan(evidence - 1);
  for (const rate of ["analytic", "sampled"] as const) {
    const { terms } = objective(model, x, drawNoise, { rate });
    const values = await valuesOfDraws({ elbo: terms.elbo }, posterior, all, { draws: DRAWS, seed: SEED });
    const claim = unbiased(rate, average(values.elbo.data, 1), [elbo]);
    expect(holds(claim), JSON.stringify(claim)).toBe(true);
  }
});

it("leave-one-out cuts the variance of 8 draws at least 5 times", async () => {
  const spread = async (baseline: "none" | "leave-one-out"): Promise<number> => {
    const { error } = await gradientsOf({ options: { baseline }, samples: 8, draws: 20_000 }, [copies.logits]);
    return error.reduce((total, value) => total + value * value, 0);
  };
  expect(await spread("none")).toBeGreaterThan(5 * (await spread("leave-one-out")));
});
