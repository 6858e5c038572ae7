import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { firstNonFinite } from "../../src/runtime/debug.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { gradients } from "../../src/tensor/gradients.ts";
import { data, div, exp, log, mul, neg, scope, sqrt, sub, sum, type Tensor } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const x = data("x", [4], "float");
const fed = (...values: readonly number[]): Readonly<Record<string, NdArray>> => ({
  x: { data: Float32Array.from(values), shape: [values.length] },
});
const find = (y: Tensor, ...values: readonly number[]): Promise<string | undefined> =>
  firstNonFinite(engine, { y }, fed(...values), {});

/** The number of the only line of this file that holds the text. */
function lineOf(text: string): number {
  const lines = readFileSync(new URL(import.meta.url), "utf8").split("\n");
  const found = lines.flatMap((line, i) => (line.includes(text) && !line.includes("lineOf(") ? [i + 1] : []));
  expect(found).toHaveLength(1);
  return found[0];
}

describe("firstNonFinite", () => {
  it("names op, scope and source line, and its inputs' ranges", async () => {
    const y = scope("decoder", () => {
      return scope("scale", () => sum(neg(log(mul(x, 2))))); // the culprit
    });
    const said = await find(y, 1, -3, 2, 0.5);
    const line = lineOf("// the culprit");
    expect(said).toBe(`log (decoder/scale, contract/debug.test.ts:${line}) of mul [4] in [-6.000, 4.000]`);
  });

  it("says it of the first node, not of those that its value went into", async () => {
    const ratio = div(x, sub(x, x)); // divides by nothing
    const said = await find(sum(exp(ratio)), 1, 2, 3, 4);
    expect(said).toBe(
      `div (contract/debug.test.ts:${lineOf("// divides by nothing")}) of data x [4] in [1.000, 4.000] and sub [4] in [0.000, 0.000]`,
    );
  });

  it("finds what is in a gradient alone", async () => {
    const loss = sum(sqrt(x));
    const [slope] = gradients(loss, [x]);
    expect(await find(loss, 0, 1, 4, 9)).toBeUndefined();
    expect(await find(slope, 0, 1, 4, 9)).toMatch(/^div \(.*\) of .*mul \[4\] in \[0\.000, 6\.000\]$/);
  });

  it("names a leaf that was fed so", async () => {
    expect(await find(exp(x), 1, Number.NaN, 3, 4)).toBe("data x itself");
    expect(await find(exp(x), 1, Number.NEGATIVE_INFINITY, 3, 4)).toBe("data x itself");
  });

  it("says nothing where all is finite", async () => {
    expect(await find(sum(exp(x)), 1, 2, 3, 4)).toBeUndefined();
  });

  it("tells an overflow as it tells a NaN", async () => {
    expect(await find(exp(x), 1, 2, 3, 100)).toMatch(
      /^exp \(contract\/debug\.test\.ts:\d+\) of data x \[4\] in \[1\.000, 100\.0\]$/,
    );
  });
});
