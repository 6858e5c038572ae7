import { describe, expect, it } from "vitest";
import { stream } from "../../src/random/stream.ts";
import { holds } from "../../src/systems/row.ts";
import { average, standardErrors, unbiased } from "../../src/systems/unbiased.ts";

/*
 * The claim that every statistical measurement of src/systems makes, on draws whose mean is known: three Normals of the
 * deviations 1, 3 and 10 around 2, −1 and 0.
 */
const EXACT = [2, -1, 0];
const DEVIATIONS = [1, 3, 10];

function draws(count: number, bias: readonly number[] = [0, 0, 0], seed = 1): Float64Array {
  const from = stream(seed, "unbiased");
  return Float64Array.from(
    { length: 3 * count },
    (_, i) => EXACT[i % 3] + bias[i % 3] + DEVIATIONS[i % 3] * from.normal(),
  );
}

// A bias of 5 % of the largest component is 0.1, a hundredth of the largest deviation: 7.7 standard errors of 600,000 draws.
const ENOUGH = 600_000;
const claim = (values: Float64Array) => unbiased("three Normals", average(values, 3), EXACT);

it("averages draws, component by component, with the standard error of the mean", () => {
  const { draws: count, mean, error } = average([1, 10, 2, 20, 3, 60], 2);
  expect(count).toBe(3);
  expect(Array.from(mean)).toEqual([2, 30]);
  // √(Σ(x − mean)²/(n − 1)/n): (1 + 0 + 1)/2/3 and (400 + 100 + 900)/2/3
  expect(error[0]).toBeCloseTo(Math.sqrt(1 / 3), 12);
  expect(error[1]).toBeCloseTo(Math.sqrt(700 / 3), 12);
});

// The two-sided quantiles of N(0, 1) at 1e-6, 1e-7 and 1e-8, from scipy.stats.norm.isf(p / 2) of SciPy 1.17.1; the bound is a little wider.
it.each([
  [1, 4.891638475699],
  [10, 5.326723886384],
  [100, 5.730728868236],
])("a false alarm of 1e-6 over %i components takes %f standard errors", (components, quantile) => {
  expect(standardErrors(components)).toBeGreaterThan(quantile);
  expect(standardErrors(components)).toBeLessThan(quantile + 0.02);
});

it("holds for a right estimator with draws enough", () => {
  for (const seed of [1, 2, 3]) expect(holds(claim(draws(ENOUGH, [0, 0, 0], seed)))).toBe(true);
});

describe("fails for a bias of 5 % of the largest component", () => {
  it.each([0, 1, 2].flatMap((component) => [0.1, -0.1].map((bias) => ({ component, bias }))))(
    "in component $component: $bias",
    ({ component, bias }) => {
      const biased = claim(
        draws(
          ENOUGH,
          [0, 1, 2].map((i) => (i === component ? bias : 0)),
        ),
      );
      expect(biased.error).toBeGreaterThan(biased.tolerance);
    },
  );
});

it("says so where the draws are too few to see one", () => {
  const few = claim(draws(20_000));
  expect(few.error).toBeLessThan(few.tolerance);
  expect(few.planted).toBeLessThan(few.tolerance);
  expect(holds(few)).toBe(false);
});

it("holds draws that do not vary to rounding", () => {
  const constant = average([3, 3, 3, 3], 1);
  expect(holds(unbiased("threes", constant, [3]))).toBe(true);
  expect(holds(unbiased("threes", constant, [3.001]))).toBe(false);
});
