import { expect, it } from "vitest";
import { beta } from "../../src/distributions/beta.ts";
import { continuousBernoulli } from "../../src/distributions/continuous-bernoulli.ts";
import { gamma } from "../../src/distributions/gamma.ts";
import { logNormal } from "../../src/distributions/log-normal.ts";
import { constant } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";

const half = constant([0.5], [1]);

it.each([
  { name: "Gamma", made: gamma(half, half), inside: [0.1, 3], outside: [-3, -1e-6] },
  { name: "LogNormal", made: logNormal(half, half), inside: [0.1, 3], outside: [-3, -1e-6] },
  { name: "Beta", made: beta(half, half), inside: [0.1, 0.9], outside: [-1, 1.5] },
  { name: "ContinuousBernoulli", made: continuousBernoulli(half), inside: [0, 1, 0.3], outside: [-0.1, 2] },
])("$name has no density outside of its support", ({ made, inside, outside }) => {
  const at = (values: readonly number[]): readonly number[] => {
    const [{ data }] = evaluate([made.logProb(constant(values, [values.length, 1]))], {});
    return Array.from(data);
  };
  expect(at(inside).every(Number.isFinite)).toBe(true);
  expect(at(outside)).toEqual(outside.map(() => Number.NEGATIVE_INFINITY));
});
