import { expect, it } from "vitest";
import { normal, mixture, product, categorical, independent, logisticMixture, relaxedBernoulli, straightThroughCategorical } from "../../src/distributions/index.ts";
import { data, constant } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";

it("smoke", () => {
  const m = mixture(data("l", ["batch", 3]), normal(data("m", ["batch", 3, 2]), 1));
  const x = data("x", ["samples", "batch", 2]);
  expect(m.logProb(x).shape).toEqual(["samples", "batch"]);
  const eps = data("e", ["samples", "batch", 7]);
  expect(m.noise.event).toEqual([7]);
  expect(m.sample(eps).shape).toEqual(["samples", "batch", 2]);
  const s = m.strata(eps);
  expect([s.sample.shape, s.logProb.shape, s.logWeight.shape]).toEqual([[3, "samples", "batch", 2], [3, "samples", "batch"], [3, "samples", "batch"]]);
  const p = product({ a: normal(data("m", ["batch", 2]), 1), b: categorical(data("q", ["batch", 2, 3])), m });
  expect(p.shape).toEqual(["batch", 6]);
  expect(p.noise).toEqual({ law: "normal", event: [11] });
  expect(p.sample(data("pe", ["batch", 11])).shape).toEqual(["batch", 6]);
  expect(p.logProb(data("px", ["samples", "batch", 6])).shape).toEqual(["samples", "batch"]);
  const lm = logisticMixture(data("ll", ["batch", 4, 4, 5]), data("lm", ["batch", 4, 4, 5]), data("ls", ["batch", 4, 4, 5]), 2);
  expect(lm.shape).toEqual(["batch", 4, 4]);
  expect(lm.noise.event).toEqual([4, 4, 6]);
  expect(lm.sample(data("x", ["batch", 4, 4, 6])).shape).toEqual(["batch", 4, 4]);
  expect(lm.logProb(data("x", ["batch", 4, 4])).shape).toEqual(["batch"]);
});
