/** Which of several candidates is chosen by log p(x) of held-out examples: numbers that are given, so that the answer is known. */
import { describe, expect, it } from "vitest";
import { NumericalError } from "../../src/errors.ts";
import { type Candidate, chooseByHeldOut, rankByHeldOut } from "../../src/evaluation/model-choice.ts";

/** What makes each of four examples hard for every candidate: much more than candidates differ. */
const hard = [-10, -40, -5, -90];
const candidate = (name: string, ...above: readonly number[]): Candidate => ({
  name,
  score: async () => hard.map((value, i) => value + above[i]),
});
const impossible = (name: string, error: Error): Candidate => ({ name, score: () => Promise.reject(error) });
const best = candidate("three", 0, 0, 0, 0);

describe("the chosen one", () => {
  // Both have the mean −1: [−3, −1, −1, 1] with the standard error √(8/3/4) = 0.82, [−4, −1, −1, 2] with √(18/3/4) = 1.22.
  it.each<[string, readonly Candidate[], string]>([
    [
      "is the best, where the smaller ones are more than an error behind",
      [candidate("one", -3, -1, -1, 1), best],
      "three",
    ],
    ["is a smaller one within an error", [candidate("one", -4, -1, -1, 2), best], "one"],
    ["is the smallest of those", [candidate("one", -4, -1, -1, 2), candidate("two", -0.1, 0, 0, 0), best], "one"],
    ["is no larger one, however near", [best, candidate("four", 0, 0, 0, -1e-9)], "three"],
    ["is the smaller of two that are the same", [candidate("two", 0, 0, 0, 0), best], "two"],
    ["is the only one", [best], "three"],
  ])("%s", async (_, candidates, name) => {
    const { chosen, standings, failed } = await chooseByHeldOut(candidates, "four examples");
    expect(chosen.name).toBe(name);
    expect(standings).toHaveLength(candidates.length);
    expect(failed).toEqual([]);
  });

  it("is fitted after the larger ones", async () => {
    const order: string[] = [];
    const asked = (name: string): Candidate => ({
      name,
      score: () => {
        order.push(name);
        return best.score();
      },
    });
    await chooseByHeldOut([asked("one"), asked("two"), asked("three")], "four examples");
    expect(order).toEqual(["three", "two", "one"]);
  });
});

it("ranks by the mean, and tells how far behind the best each is, example by example", async () => {
  const score = async ({ name, score }: Candidate) => ({ name, examples: "four examples", values: await score() });
  const standings = rankByHeldOut([await score(candidate("one", -3, -1, -1, 1)), await score(best)]);
  expect(standings.map(({ name }) => name)).toEqual(["three", "one"]);
  expect(standings[0].logLikelihood.value).toBe(-36.25);
  expect(standings[0].behind).toBeUndefined();
  expect(standings[1].behind?.difference.value).toBe(-1);
  expect(standings[1].behind?.difference.error).toBeCloseTo(Math.sqrt(8 / 3 / 4), 14);
});

describe("what cannot be fitted", () => {
  const singular = new NumericalError("a covariance is singular");

  it("is left out, and told", async () => {
    const choice = await chooseByHeldOut([best, impossible("many", singular)], "four examples");
    expect(choice.chosen).toBe(best);
    expect(choice.failed).toEqual(["many: a covariance is singular"]);
  });

  it("is an error where it is all of them, and so is any other error", async () => {
    const all = chooseByHeldOut([impossible("one", singular), impossible("many", singular)], "four examples");
    await expect(all).rejects.toThrow(new NumericalError("one: a covariance is singular"));
    const broken = chooseByHeldOut([best, impossible("many", new TypeError("broken"))], "four examples");
    await expect(broken).rejects.toThrow("broken");
    await expect(chooseByHeldOut([], "none")).rejects.toThrow("at least one candidate is expected");
  });
});
