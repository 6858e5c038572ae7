/** The baseline of `bench/photos.ts` against SciPy's maximum of the same likelihood: scripts/independent_pixels.py. */
import { expect, it } from "vitest";
import { fitIndependentPixels, scoreIndependentPixels } from "../../bench/independent-pixels.ts";
import { arrayDataset, type Dataset } from "../../src/data/dataset.ts";
import golden from "./values/independent_pixels.json" with { type: "json" };

function images(rows: readonly (readonly number[])[]): Dataset {
  const data = Uint8Array.from(rows.flat());
  return arrayDataset({ data, shape: [rows.length, rows[0].length] }, { name: "golden", measure: "bytes" });
}

const train = images(golden.train);

/*
 * The maximum is flat: a search by values alone, in float64, finds its place to about √ε ≈ 1e-8 of the spread (some 20
 * levels), and its value to rounding. 1e-5 and 1e-10 leave SciPy a factor of 50 and more.
 */
it("is SciPy's maximum of the likelihood", () => {
  const { locations, scale, nats } = fitIndependentPixels(train);
  expect(Math.abs(nats - golden.trainNats)).toBeLessThan(1e-10 * nats);
  expect(Math.abs(scale - golden.scale)).toBeLessThan(1e-5);
  for (const [i, location] of locations.entries()) expect(Math.abs(location - golden.locations[i])).toBeLessThan(1e-5);
});

it("scores held-out images as SciPy's distribution function does", () => {
  const nats = scoreIndependentPixels(fitIndependentPixels(train), images(golden.test));
  // The held-out score is not at its own maximum, so it moves with the fit: 1e-5 levels of 20 are 1e-6 of it.
  expect(Math.abs(nats - golden.testNats)).toBeLessThan(1e-6 * nats);
});

it("a pixel that is 0 in all images costs nothing", () => {
  const rows = golden.train.map((row) => [...row, 0]);
  const { nats } = fitIndependentPixels(images(rows));
  expect(nats - golden.trainNats).toBeLessThan(1e-6);
  expect(nats - golden.trainNats).toBeGreaterThan(-1e-9);
});

it("refuses images that are all the same", () => {
  expect(() => fitIndependentPixels(images([golden.train[0], golden.train[0]]))).toThrow(RangeError);
});
