/** Normals with correlated components against SciPy's and PyTorch's: scripts/multivariate.py. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import type { Distribution } from "../../src/distributions/distribution.ts";
import { kl } from "../../src/distributions/kl.ts";
import { lowRankNormal } from "../../src/distributions/low-rank-normal.ts";
import { multivariateNormal, multivariateNormalPrecision } from "../../src/distributions/multivariate-normal.ts";
import { normal } from "../../src/distributions/normal.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { cholesky, constant, diagonalOf, gradients, mul, sum, type Tensor } from "../../src/tensor/index.ts";
import type { Precision } from "../../src/tensor/tensor.ts";
import { float64, type GoldenArray, relativeDistance } from "./arrays.ts";
import golden from "./values/multivariate.json" with { type: "json" };

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const tensor = (values: GoldenArray): Tensor => {
  const { data, shape } = float64(values);
  return constant(data, shape);
};

async function values(output: Tensor, precision: Precision): Promise<readonly number[]> {
  const compiled = await compile(engine, { output }, { precision });
  const { output: value } = await compiled.run({});
  await compiled.release();
  return Array.from(value.data);
}

/*
 * Rounding is magnified by κ(Σ), `largestCondition` ≈ 2,000 here: 1e-16·κ, with room for sums, in float64; in float32 the
 * triangles are whitened with, so 6e-8·√κ times some ten terms.
 */
const bars = [
  { precision: "float64", bar: 1e-11 },
  { precision: "float32", bar: 3e-5 },
] as const;

async function holds(output: Tensor, expected: GoldenArray): Promise<void> {
  for (const { precision, bar } of bars) {
    const got = await values(output, precision);
    expect(relativeDistance(got, float64(expected).data), precision).toBeLessThan(bar);
  }
}

describe("log-densities are SciPy's", () => {
  it.each(golden.densities.map((each) => ({ k: each.mean.shape[0], ...each })))("$k dimensions", async (each) => {
    const x = tensor(each.x);
    const forms: readonly Distribution[] = [
      multivariateNormal(tensor(each.mean), tensor(each.scaleTril)),
      multivariateNormalPrecision(tensor(each.mean), tensor(each.precisionTril)),
    ];
    for (const form of forms) await holds(form.logProb(x), each.logProb);
  });

  it.each(golden.lowRank.map((each) => ({ d: each.factor.shape[0], r: each.factor.shape[1], ...each })))(
    "rank $r in $d dimensions",
    async ({ mean, factor, diagonal, x, logProb }) => {
      await holds(lowRankNormal(tensor(mean), tensor(factor), tensor(diagonal)).logProb(tensor(x)), logProb);
    },
  );
});

it.each(golden.divergences.map((each) => ({ k: each.qMean.shape[0], ...each })))(
  "KL of $q and $p in $k dimensions is PyTorch's",
  async ({ q, p, qMean, qTril, pMean, pTril, kl: expected }) => {
    const make = (kind: string, mean: GoldenArray, tril: GoldenArray): Distribution =>
      kind === "full" ? multivariateNormal(tensor(mean), tensor(tril)) : normal(tensor(mean), diagonalOf(tensor(tril)));
    await holds(kl(make(q, qMean, qTril), make(p, pMean, pTril)), expected);
  },
);

it.each(golden.factorisation.map((each) => ({ k: each.a.shape[0], ...each })))(
  "the Cholesky factor of $k × $k and its gradient are PyTorch's",
  async ({ a, c, factor, gradient }) => {
    const of = tensor(a);
    const l = cholesky(of);
    await holds(l, factor);
    await holds(gradients(sum(mul(l, tensor(c))), [of])[0], gradient);
  },
);
