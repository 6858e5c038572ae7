/** Log-probabilities against SciPy, and PyTorch where SciPy has none: scripts/distributions_discrete.py. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { bernoulli } from "../../src/distributions/bernoulli.ts";
import { categorical } from "../../src/distributions/categorical.ts";
import { logisticMixture } from "../../src/distributions/logistic-mixture.ts";
import { mixture } from "../../src/distributions/mixture.ts";
import { negativeBinomial } from "../../src/distributions/negative-binomial.ts";
import { normal } from "../../src/distributions/normal.ts";
import { oneHotCategorical } from "../../src/distributions/one-hot-categorical.ts";
import { poisson } from "../../src/distributions/poisson.ts";
import { product } from "../../src/distributions/product.ts";
import { relaxedBernoulli } from "../../src/distributions/relaxed-bernoulli.ts";
import { relaxedCategorical } from "../../src/distributions/relaxed-categorical.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { data, type Tensor } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import { float32, float64, found, type GoldenArray } from "./arrays.ts";
import golden from "./values/distributions_discrete.json" with { type: "json" };

interface Golden {
  readonly inputs: Readonly<Record<string, GoldenArray>>;
  readonly logProb: GoldenArray;
}

interface Example {
  readonly name: string;
  readonly golden: Golden;
  readonly logProb: (leaf: (name: string) => Tensor) => Tensor;
  /** Float32 error allowed, in units of 1 + |log p|; 2e-5 covers the rounding of a few terms. */
  readonly single?: number;
}

const logits = float64(golden.categorical.inputs.logits);
const categories = golden.categorical.logProb.shape[0];
/** Every category for every row of logits: as numbers [C, rows, 1], as ones among zeros [C, rows, C]. */
const numbers = {
  shape: [categories, logits.shape[0], 1],
  data: Array.from({ length: categories * logits.shape[0] }, (_, i) => Math.floor(i / logits.shape[0])),
};
const oneHots = {
  shape: [...numbers.shape.slice(0, 2), categories],
  data: numbers.data.flatMap((category) => Array.from({ length: categories }, (_, c) => (c === category ? 1 : 0))),
};
const withPoints = (x: GoldenArray, shape: readonly number[]): Golden => ({
  inputs: { x, logits: { ...golden.categorical.inputs.logits, shape } },
  logProb: golden.categorical.logProb,
});

const examples: readonly Example[] = [
  { name: "Poisson", golden: golden.poisson, logProb: (leaf) => poisson(leaf("rate")).logProb(leaf("x")) },
  {
    name: "NegativeBinomial",
    golden: golden.negativeBinomial,
    logProb: (leaf) => negativeBinomial(leaf("total"), leaf("logits")).logProb(leaf("x")),
  },
  {
    name: "Categorical",
    golden: withPoints(numbers, [logits.shape[0], 1, categories]),
    logProb: (leaf) => categorical(leaf("logits")).logProb(leaf("x")),
  },
  {
    name: "OneHotCategorical",
    golden: withPoints(oneHots, logits.shape),
    logProb: (leaf) => oneHotCategorical(leaf("logits")).logProb(leaf("x")),
  },
  {
    name: "RelaxedBernoulli",
    golden: golden.relaxedBernoulli,
    logProb: (leaf) => relaxedBernoulli(leaf("logits"), leaf("temperature")).logProb(leaf("x")),
  },
  ...golden.relaxedCategorical.map(
    (each, i): Example => ({
      name: `RelaxedCategorical ${i + 1}`,
      golden: each,
      logProb: (leaf) => relaxedCategorical(leaf("logits"), leaf("temperature")).logProb(leaf("x")),
    }),
  ),
  {
    name: "LogisticMixture",
    golden: golden.logisticMixture,
    logProb: (leaf) => logisticMixture(leaf("logits"), leaf("mean"), leaf("scale")).logProb(leaf("x")),
  },
  {
    name: "mixture of Normals",
    golden: golden.mixture,
    logProb: (leaf) => mixture(leaf("logits"), normal(leaf("mean"), leaf("scale"))).logProb(leaf("x")),
  },
  {
    name: "product of a Normal, a Bernoulli and a Poisson",
    golden: golden.product,
    logProb: (leaf) =>
      product({
        real: normal(leaf("mean"), leaf("scale")),
        bits: bernoulli(leaf("logits")),
        count: poisson(leaf("rate")),
      }).logProb(leaf("x")),
  },
];

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

describe.each(examples)("log p of $name", ({ golden: { inputs, logProb: expected }, logProb, single = 2e-5 }) => {
  const entries = Object.entries(inputs);
  const leaves = new Map(entries.map(([name, { shape }]) => [name, data(name, shape)]));
  const output = logProb((name) => found(leaves, name));
  const exact = float64(expected);
  const worst = (got: ArrayLike<number>): number =>
    Math.max(...exact.data.map((value, i) => Math.abs(got[i] - value) / (1 + Math.abs(value))));

  it("is the reference's in float64", () => {
    const feeds = Object.fromEntries(entries.map(([name, array]) => [name, float64(array)]));
    const [got] = evaluate([output], feeds);
    expect(got.shape).toEqual(exact.shape);
    // SciPy's own x log λ − λ − log x! loses digits at counts of 10⁶: 2e-10, by mpmath.
    expect(worst(got.data)).toBeLessThan(1e-9);
  });

  it("is the reference's in float32", async () => {
    const feeds = Object.fromEntries(entries.map(([name, array]): [string, NdArray] => [name, float32(array)]));
    const compiled = await compile(engine, { output });
    const { output: got } = await compiled.run(feeds);
    await compiled.release();
    expect(worst(got.data.map(Number))).toBeLessThan(single);
  });
});
