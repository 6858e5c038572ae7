import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import {
  data,
  digamma,
  digammaDifference,
  erf,
  erfc,
  erfinv,
  expm1,
  gradients,
  inverseMills,
  lbeta,
  lgamma,
  lgammaDifference,
  log1mexp,
  log1p,
  logI0,
  logNormalCdf,
  normalCdf,
  normalQuantile,
  polygamma,
  polygammaDifference,
  sum,
  type Tensor,
} from "../../src/tensor/index.ts";

/*
 * What special functions do at the ends of their domains and far out in float32; their accuracy is in
 * test/golden/special.test.ts, their gradients in test/contract/ops.test.ts.
 */
const [infinity, nan] = [Number.POSITIVE_INFINITY, Number.NaN];

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

async function run(outputs: Readonly<Record<string, Tensor>>, feeds: Readonly<Record<string, readonly number[]>>) {
  const compiled = await compile(engine, outputs);
  const fed = Object.entries(feeds).map(([name, x]) => [name, { data: Float32Array.from(x), shape: [x.length] }]);
  const values = await compiled.run(Object.fromEntries(fed));
  await compiled.release();
  return Object.fromEntries(Object.entries(values).map(([name, { data: y }]) => [name, Array.from(y, Number)]));
}

describe("the ends of a domain", () => {
  const ends: readonly (readonly [string, (x: Tensor) => Tensor, readonly number[], readonly number[]])[] = [
    ["log1p", log1p, [-2, -1, 0, infinity, nan], [nan, -infinity, 0, infinity, nan]],
    ["expm1", expm1, [-infinity, 0, infinity, nan], [-1, 0, infinity, nan]],
    ["log1mexp", log1mexp, [-1, 0, infinity, nan], [nan, -infinity, 0, nan]],
    ["lgamma", lgamma, [-1, 0, 1, 2, infinity, nan], [nan, infinity, 0, 0, infinity, nan]],
    ["digamma", digamma, [-1, 0, infinity, nan], [nan, -infinity, infinity, nan]],
    ["trigamma", (x) => polygamma(1, x), [0, infinity, nan], [infinity, 0, nan]],
    ["erf", erf, [-infinity, 0, infinity, nan], [-1, 0, 1, nan]],
    ["erfc", erfc, [-infinity, 0, infinity, nan], [2, 1, 0, nan]],
    ["normalCdf", normalCdf, [-infinity, 0, infinity, nan], [0, 0.5, 1, nan]],
    ["logNormalCdf", logNormalCdf, [-infinity, infinity, nan], [-infinity, 0, nan]],
    ["inverseMills", inverseMills, [-infinity, infinity, nan], [infinity, 0, nan]],
    ["normalQuantile", normalQuantile, [-0.1, 0, 0.5, 1, 1.1, nan], [nan, -infinity, 0, infinity, nan, nan]],
    ["erfinv", erfinv, [-1.1, -1, 0, 1, 1.1, nan], [nan, -infinity, 0, infinity, nan, nan]],
    ["logI0", logI0, [0, nan], [0, nan]],
  ];
  it.each(ends)("of %s", async (_name, apply, x, y) => {
    const values = await run({ y: apply(data("x", [x.length])) }, { x });
    expect(values.y.map((value) => value + 0)).toEqual(y); // −0 is 0
  });
});

describe("far out", () => {
  const functions = { lgammaDifference, digammaDifference, lbeta };
  it.each(Object.entries(functions))("%s and its gradients are numbers", async (_name, apply) => {
    const x = [1e-30, 1e-8, 1, 1e4, 1e30, 1e30, 1e-3, 5];
    const n = [255, 1e-6, 1e6, 1e-6, 255, 1e6, 1e-30, 1e-30];
    const leaves = [data("x", [x.length]), data("n", [n.length])];
    const y = apply(leaves[0], leaves[1]);
    const [dx, dn] = gradients(sum(y), leaves);
    for (const value of Object.values(await run({ y, dx, dn }, { x, n })).flat()) expect(value).not.toBeNaN();
  });

  it("the left tail of log Φ has a slope of −x and a curvature of −1", async () => {
    const x = data("x", [3]);
    const [slope] = gradients(sum(logNormalCdf(x)), [x]);
    const [curvature] = gradients(sum(slope), [x]);
    const values = await run({ slope, curvature }, { x: [-1e2, -1e4, -1e6] });
    // φ/Φ = a + 1/a − …, its derivative −1 + 1/a² − …, a = −x; four roundings
    for (const [i, a] of [1e2, 1e4, 1e6].entries()) {
      expect(Math.abs(values.slope[i] / (a + 1 / a) - 1)).toBeLessThan(2 / a ** 4 + 4 * 2 ** -24);
      expect(Math.abs(values.curvature[i] + 1 - 1 / a ** 2)).toBeLessThan(6 / a ** 4 + 4 * 2 ** -24);
    }
  });
});

describe("what is known beforehand", () => {
  it("Φ⁻¹ of Φ(x) is x itself", () => {
    const x = data("x", [2]);
    expect(normalQuantile(normalCdf(x))).toBe(x);
  });

  it("an order that is none is refused", () => {
    expect(() => polygamma(0, 1)).toThrow("polygamma: the order must be a whole number from 1, got 0");
    expect(() => polygammaDifference(-2, 1, 1)).toThrow(
      "polygammaDifference: the order must be a whole number from −1",
    );
  });
});
