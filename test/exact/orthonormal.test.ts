/** Orthonormal rows by the engine: the same span in turn, for rows of any lengths and as near to parallel as there are. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { addScaled, inner } from "../../src/linalg/block.ts";
import { openOrthonormal } from "../../src/linalg/orthonormal.ts";
import { stream } from "../../src/random/stream.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native" });
});

const N = 300;
const random = stream(1, "orthonormal");
const drawn = (): Float64Array => Float64Array.from({ length: N }, () => random.normal());

const blockOf = (rows: readonly Float64Array[]): NdArray => ({
  data: Float64Array.from(rows.flatMap((row) => Array.from(row))),
  shape: [rows.length, N],
});
const rowsOf = ({ data, shape: [width, n] }: NdArray): readonly Float64Array[] =>
  Array.from({ length: width }, (_, i) => Float64Array.from(data.subarray(i * n, (i + 1) * n)));

/** Rows that are the first one but for a part of this size. */
function leaning(size: number): readonly Float64Array[] {
  const first = drawn();
  return [first, ...Array.from({ length: 5 }, () => drawn().map((value, i) => first[i] + size * value))];
}

const blocks: Readonly<Record<string, readonly Float64Array[]>> = {
  drawn: Array.from({ length: 6 }, drawn),
  "of lengths from 1e-100 to 1e100": Array.from({ length: 6 }, (_, i) =>
    drawn().map((value) => value * 10 ** (40 * i - 100)),
  ),
  "parallel but for a hundredth": leaning(1e-2),
  "parallel but for 1e-6, which one pass would leave crooked": leaning(1e-6),
  "parallel but for 1e-9, too near for Cholesky": leaning(1e-9),
  "beyond where squares are numbers": Array.from({ length: 6 }, () => drawn().map((value) => value * 1e200)),
};

describe("orthonormal rows", () => {
  it.each(Object.entries(blocks))("of rows %s", async (_, rows) => {
    const basis = await openOrthonormal(engine, [rows.length, N], drawn);
    const found = rowsOf(await basis.of(blockOf(rows)));
    await basis.release();
    for (const [i, u] of found.entries()) {
      // products of 300 terms of 1/300: some roundings of 1e-16
      for (const [j, v] of found.entries()) expect(Math.abs(inner(u, v) - (i === j ? 1 : 0))).toBeLessThan(2e-15);
    }
    for (const [i, row] of rows.entries()) {
      const size = Math.max(...row.map(Math.abs));
      const left = row.map((value) => value / size);
      for (const u of found.slice(0, i + 1)) addScaled(left, -inner(u, left), u);
      // what those up to it do not span of a row, whose largest number is 1
      expect(Math.sqrt(inner(left, left))).toBeLessThan(1e-13);
    }
  });

  it("stand in for zeros and for rows that add nothing", async () => {
    const [a, b] = [drawn(), drawn()];
    const basis = await openOrthonormal(engine, [4, N], drawn);
    const found = rowsOf(await basis.of(blockOf([a, a.map((value) => 2 * value), new Float64Array(N), b])));
    for (const [i, u] of found.entries()) {
      for (const [j, v] of found.entries()) expect(Math.abs(inner(u, v) - (i === j ? 1 : 0))).toBeLessThan(2e-15);
    }
    const first = rowsOf(await basis.drawn());
    expect(Math.abs(inner(first[0], first[1]))).toBeLessThan(2e-15);
    await basis.release();
  });
});
