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

const SEED = 7;
const DRAWS = 100_000;
const known = knownDiscrete(SEED, { d: 4, k: 10 });
const { model, posterior, x, copies } = discreteProgram(known);
const all = Object.values(copies);

interface Case {
  readonly options: ObjectiveOptions;
  readonly samples?: number;
}

const cases: readonly Case[] = [
  { options: { baseline: "none" } },
  { options: { baseline: "none", rate: "sampled" } },
  { options: { baseline: "moving-average" } },
  { options: { baseline: "moving-average", rate: "sampled" } },
  { options: { baseline: "leave-one-out" }, samples: 4 },
  { options: { baseline: "leave-one-out", rate: "sampled" }, samples: 4 },
];

async function gradientsOf({ options, samples }: Case, moved: readonly (typeof all)[number][]): Promise<Averaged> {
  const { loss } = objective(model, x, (q) => drawNoise(q, samples), options); // the score function by default
  const draw = { draws: DRAWS, seed: SEED, samples, klWeight: 0.4, baseline: counted(known, 0.4).elbo };
  const components = moved.reduce((total, { values }) => total + values.length, 0);
  return average(await ascents(loss, posterior, all, moved, draw), components);
}

describe.each(cases)("baseline $options.baseline, rate $options.rate", (one) => {
  it.each(["logits", "weight", "mean", "priorLogits"] as const)(
    "∇ in the %s of reconstruction − 0.4·rate is right in the mean of 1e5 draws",
    async (name) => {
      const { mean, error, draws } = await gradientsOf(one, [copies[name]]);
      // where the rate is in closed form its part has no error but rounding
      const claim = unbiased(
        name,
        { draws, mean, error: error.map((value) => Math.max(value, 1e-9)) },
        counted(known, 0.4).gradients[name],
      );
      expect(holds(claim), JSON.stringify(claim)).toBe(true);
    },
  );
});

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

it("leave-one-out cuts the variance of 4 draws at least 5 times", async () => {
  const spread = async (baseline: "none" | "leave-one-out"): Promise<number> => {
    const { error } = await gradientsOf({ options: { baseline }, samples: 4 }, [copies.logits]);
    return error.reduce((total, value) => total + value * value, 0);
  };
  expect(await spread("none")).toBeGreaterThan(5 * (await spread("leave-one-out")));
});
