/** What tells two samples apart, on laws whose distance is known, and beside NumPy, SciPy and mpmath. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { energyDistance, shiftedNormalDistance, shiftedRows } from "../../src/evaluation/energy-distance.ts";
import type { CodeRows } from "../../src/evaluation/latents.ts";
import { estimate } from "../../src/evaluation/likelihood.ts";
import { twoSampleAccuracy } from "../../src/evaluation/two-sample.ts";
import { type Stream, stream } from "../../src/random/stream.ts";
import { float64, type GoldenArray } from "../golden/arrays.ts";

interface Golden {
  readonly x: GoldenArray;
  readonly y: GoldenArray;
  readonly energy: number;
  readonly jackknife: number;
  readonly line: { readonly x: GoldenArray; readonly y: GoldenArray; readonly distance: number };
  readonly shifts: readonly { readonly k: number; readonly shift: number; readonly distance: number }[];
  readonly ring: { readonly radius: number; readonly thickness: number; readonly accuracy: number };
}

const golden: Golden = JSON.parse(readFileSync(new URL("../golden/values/two_sample.json", import.meta.url), "utf8"));

const rowsOf = (array: GoldenArray): CodeRows => ({
  data: float64(array).data,
  shape: [array.shape[0], array.shape[1]],
});

/** Rows drawn one by one. */
function sample(n: number, k: number, seed: number, row: (from: Stream) => readonly number[]): CodeRows {
  const from = stream(seed, "two samples");
  const data = new Float64Array(n * k);
  for (let i = 0; i < n; i++) data.set(row(from), i * k);
  return { data, shape: [n, k] };
}

/** N(0, I_k) */
const gaussian = (n: number, k: number, seed: number): CodeRows =>
  sample(n, k, seed, (from) => Array.from({ length: k }, () => from.normal()));

/** A false alarm of 1e-6. */
const ERRORS = 4.9;

describe("energy distance", () => {
  it("is NumPy's, and its error that of rows left out one by one", () => {
    const { value, error } = energyDistance(rowsOf(golden.x), rowsOf(golden.y));
    expect(value).toBeCloseTo(golden.energy, 13); // sums of 41² distances near 2 in float64
    expect(error).toBeCloseTo(golden.jackknife, 12); // differences of such
  });

  it("is in one dimension the square of SciPy's, but for the bias of the pairs of a row with itself", () => {
    const [x, y] = [rowsOf(golden.line.x), rowsOf(golden.line.y)];
    const { between, within } = energyDistance(x, y);
    const biased = [x, y].map(({ shape: [n] }, i) => (within[i] * (n - 1)) / n);
    expect(2 * between - biased[0] - biased[1]).toBeCloseTo(golden.line.distance ** 2, 13);
  });

  it.each(golden.shifts)("of N(0, I) moved by $shift in $k dimensions is mpmath's", ({ k, shift, distance }) => {
    // 1 is subtracted from a number near 1, and of large ones a sum of hundreds of terms is told
    expect(Math.abs(shiftedNormalDistance(k, shift) - distance)).toBeLessThan(1e-14 * Math.max(1, distance) * k);
  });

  const replicates = (shift: number, count: number): { readonly values: Float64Array; readonly error: number } => {
    const all = Array.from({ length: count }, (_, i) =>
      energyDistance(shiftedRows(gaussian(40, 3, 2 * i), shift), gaussian(30, 3, 2 * i + 1)),
    );
    const squares = all.reduce((total, { error }) => total + error ** 2, 0);
    return { values: Float64Array.from(all, ({ value }) => value), error: Math.sqrt(squares / count) };
  };

  it.each([0, 2])("is without bias, and its error what estimates scatter by: shift %f", (shift) => {
    const count = 800;
    const { values, error } = replicates(shift, count);
    const mean = estimate(values);
    expect(Math.abs(mean.value - shiftedNormalDistance(3, shift))).toBeLessThan(ERRORS * mean.error);
    // that of the planted bias, 5 % of the distance at 2
    expect(ERRORS * mean.error).toBeLessThan(0.05 * shiftedNormalDistance(3, 2));
    // A deviation of 800 draws is known to 2.5 %, and to 4 % of a law of χ² tails; where the laws are equal the jackknife is √2 too large.
    const ratio = error / (mean.error * Math.sqrt(count)) / (shift === 0 ? Math.SQRT2 : 1);
    expect(Math.abs(ratio - 1)).toBeLessThan(ERRORS * (shift === 0 ? 0.04 : 0.025));
  });

  it("finds what follows the prior nearer to it than a prior moved by 0.2, and what does not farther", () => {
    const prior = gaussian(2_000, 2, 1);
    const same = energyDistance(gaussian(2_000, 2, 2), prior);
    const moved = energyDistance(shiftedRows(gaussian(2_000, 2, 3), 0.4), prior);
    const limit = shiftedNormalDistance(2, 0.2);
    expect(same.value).toBeLessThan(limit - ERRORS * same.error);
    expect(moved.value).toBeGreaterThan(limit + ERRORS * moved.error);
  });

  it("looks at so many rows, drawn by the seed, and at all where there are no more", () => {
    const [x, y] = [gaussian(300, 2, 1), gaussian(200, 2, 2)];
    const of = (options: object): number => energyDistance(x, y, options).value;
    expect(of({ seed: 1, most: 100 })).toBe(of({ seed: 1, most: 100 }));
    expect(of({ seed: 1, most: 100 })).not.toBe(of({ seed: 2, most: 100 }));
    expect(of({ seed: 1 })).toBe(of({ seed: 2 }));
    expect(energyDistance(x, y, { most: 100 }).stamp).toContain("100 × 100 rows");
  });
});

describe("a two-sample classifier", async () => {
  const engine = await openEngine({ threads: 1 });

  it("guesses on two samples of one law", async () => {
    const { value, error, trained, scored } = await twoSampleAccuracy(
      engine,
      gaussian(3_000, 8, 1),
      gaussian(2_500, 8, 2),
    );
    expect([trained, scored]).toEqual([1_500, 625]);
    expect(error).toBeCloseTo(Math.sqrt(0.25 / (2 * scored)), 2);
    expect(Math.abs(value - 0.5)).toBeLessThan(ERRORS * error);
  });

  it("comes near to the best there is on N(0.5, I) in 16 dimensions: Φ(‖δ‖/2) = Φ(1)", async () => {
    const [n, best] = [8_000, 0.8413447460685429];
    const { value, error } = await twoSampleAccuracy(
      engine,
      shiftedRows(gaussian(n, 16, 3), 0.5 * Math.sqrt(16)),
      gaussian(n, 16, 4),
    );
    expect(value).toBeLessThan(best + ERRORS * error);
    expect(value).toBeGreaterThan(best - ERRORS * error - 0.01); // fitted to 4,800 rows of each it may lack 1 %
    expect(ERRORS * error + 0.01).toBeLessThan(0.05 * best);
  });

  it("sees a ring of the same mean and covariance as a Gaussian", async () => {
    const { radius, thickness, accuracy } = golden.ring;
    const ring = sample(8_000, 2, 5, (from) => {
      const angle = 2 * Math.PI * from.uniform();
      return [
        radius * Math.cos(angle) + thickness * from.normal(),
        radius * Math.sin(angle) + thickness * from.normal(),
      ];
    });
    const { value, error } = await twoSampleAccuracy(engine, ring, gaussian(8_000, 2, 6));
    expect(value).toBeGreaterThan(0.5 + 2 * ERRORS * error);
    expect(value).toBeGreaterThan(accuracy - ERRORS * error - 0.01);
    expect(value).toBeLessThan(accuracy + ERRORS * error);
  });

  it("gives the same number for the same seed, far from 0 and at any scale", async () => {
    const [x, y] = [gaussian(200, 2, 7), gaussian(200, 2, 8)];
    const far = (rows: CodeRows): CodeRows => ({ ...rows, data: rows.data.map((value) => 1e4 * (value + 100)) });
    const once = await twoSampleAccuracy(engine, far(x), far(y), { seed: 1 });
    expect(await twoSampleAccuracy(engine, far(x), far(y), { seed: 1 })).toEqual(once);
    expect((await twoSampleAccuracy(engine, far(x), far(shiftedRows(x, 8)))).value).toBe(1);
  });
});

it("says in one line why samples cannot be compared", () => {
  const two = gaussian(50, 2, 1);
  expect(() => energyDistance(two, gaussian(50, 3, 1))).toThrow(
    "energy distance: rows of one width are expected, got 2 and 3 numbers; use codes of one encoder's width",
  );
  expect(() => energyDistance(two, gaussian(2, 2, 1))).toThrow(/at least 3 rows of each sample are expected, got 2/);
  const broken = { ...two, data: two.data.map((value, i) => (i === 7 ? Number.NaN : value)) };
  expect(() => energyDistance(two, broken)).toThrow(/finite numbers are expected, got NaN in row 3/);
});
