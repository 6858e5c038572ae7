import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import { histogram } from "../../src/report/bins.ts";
import { classLooks } from "../../src/report/classes.ts";
import { correlations } from "../../src/report/correlations.ts";
import { sentence } from "../../src/report/gather.ts";
import { encodeGrid } from "../../src/report/grid.ts";
import { largestGap } from "../../src/report/marginals.ts";
import { modelCard } from "../../src/report/model-card.ts";
import { formatNumber, formatWithError } from "../../src/report/numbers.ts";
import type { RunConfig } from "../../src/run/config.ts";
import { parseOptions } from "../../src/run/options.ts";
import { picture } from "./report-page.ts";

describe("what the figures compute", () => {
  it("counts each value once, the last edge included", () => {
    const counts = histogram([0, 0.5, 1, 1.9, 2, 3, Number.NaN, -1], { from: 0, width: 1, count: 2 });
    expect(counts.map(({ count }) => count)).toEqual([2, 3]);
  });

  it("correlates as Pearson does", () => {
    const rows = [
      [1, 2, 5],
      [2, 1, 5],
      [3, 4, 5],
      [4, 3, 5],
    ];
    const [[self, r, constant]] = correlations(rows, 3);
    expect(self).toBeCloseTo(1, 12);
    expect(r).toBeCloseTo(0.6, 12); // Σ(x−x̄)(y−ȳ) = 3, of √(5·5)
    expect(constant).toBeNaN();
  });

  it("finds the largest gap of two distributions, ties included", () => {
    expect(largestGap([1, 2, 3, 4], [3, 4, 5, 6])).toBe(0.5);
    expect(largestGap([1, 1, 1], [1, 1, 1])).toBe(0);
    expect(largestGap([0, 1], [5])).toBe(1);
    expect(largestGap([], [1])).toBeNaN();
  });

  it.each([1, 8, 9, 24])("gives each of %i classes a look of its own", (classes) => {
    const { looks } = classLooks(Array.from({ length: classes }, (_, i) => i));
    expect(new Set(looks.map(({ colour, shape }) => colour + shape)).size).toBe(classes);
    expect(new Set(looks.map(({ shape }) => shape)).size > 1).toBe(classes > 8);
  });

  it("joins the rarest classes beyond 24", () => {
    const labels = Array.from({ length: 30 }, (_, i) => i).flatMap((i) => new Array<number>(i + 1).fill(i));
    const { looks, lookOf } = classLooks(labels);
    expect(looks.map(({ name }) => name).at(-1)).toBe("others");
    expect(looks).toHaveLength(24);
    expect([lookOf(0).name, lookOf(29).name]).toEqual(["others", "29"]);
  });
});

describe("what is said of a run", () => {
  const table: RunConfig = {
    options: parseOptions({ data: "people.csv" }, String),
    data: {
      checksum: "sha256:0",
      examples: 1499,
      shape: [5],
      measure: "real",
      kind: "table",
      range: [0, 1],
      labelNames: ["Bern", "Oslo", "Rome"],
    },
    model: { latents: 3, likelihood: "Normal, data as they are", parameters: 35_724, unit: 1 },
    environment: {},
  };

  it.each([
    ["Normal, data as they are", ", with a Normal likelihood."],
    ["DiscretizedLogistic, data as they are", ", with a discretised logistic likelihood on 8-bit values."],
    ["Bernoulli, stochastic binarisation", ", with a Bernoulli likelihood, stochastic binarisation."],
    ["Mine, halved", ", with the likelihood Mine, halved."],
  ])("puts %s in words", (likelihood, words) => {
    const [, observation] = likelihood.split(", ");
    const said = sentence({ ...table, model: { ...table.model, likelihood, observation } }, 2580);
    expect(said.slice(-words.length)).toBe(words);
  });

  it("names in the card only what the data have", () => {
    const ofTable = modelCard(table, "validation");
    expect(ofTable.data).toContain("3 classes, whose labels training did not use");
    expect(ofTable.intendedUse).toContain("column by column");
    expect(ofTable.intendedUse + ofTable.limits).not.toMatch(/reconstructions|images/);
    const ofImages = modelCard({ ...table, data: { ...table.data, shape: [1, 28, 28] } }, "test");
    expect(ofImages.intendedUse).toContain("the worst reconstructions above");
  });
});

describe("encodeGrid", () => {
  it.each([1, 3] as const)("keeps every pixel of %i channels and leaves the gaps transparent", async (channels) => {
    const rows = [[picture(0, channels), picture(1, channels)], [picture(2, channels)]];
    const { png, width, height } = await encodeGrid(rows);
    const { data, info } = await sharp(png)
      .toColourspace("srgb")
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([width, height]).toEqual([4 + 1 + 4, 3 + 1 + 3]);
    expect([info.width, info.height, info.channels]).toEqual([width, height, 4]);

    const expected = new Uint8Array(width * height * 4);
    for (const [r, row] of rows.entries()) {
      for (const [c, image] of row.entries()) {
        for (let i = 0; i < 12; i++) {
          const at = ((r * 4 + Math.floor(i / 4)) * width + c * 5 + (i % 4)) * 4;
          for (let k = 0; k < 3; k++) expected[at + k] = image.data[channels === 1 ? i : i * 3 + k];
          expected[at + 3] = 255;
        }
      }
    }
    expect(Uint8Array.from(data)).toEqual(expected);
  });

  it("refuses images that do not fit together", async () => {
    await expect(encodeGrid([[]])).rejects.toThrow(ShapeError);
    await expect(encodeGrid([[picture(0), picture(0, 3)]])).rejects.toThrow(
      "encodeGrid: image 1 of row 0 is 4×3×3, the first is 4×3×1",
    );
    const short = { ...picture(0), data: new Uint8Array(11) };
    await expect(encodeGrid([[short]])).rejects.toThrow("expected 12 bytes for 4×3×1, got 11");
  });
});

describe("numbers", () => {
  it.each([
    [-240.812, "−240.8"],
    [12.3021, "12.3"],
    [0.00100049, "0.001"],
    [0.43853, "0.4385"],
    [12, "12"],
    [-241, "−241"],
    [12345.678, "12,346"],
    [0, "0"],
    [0.0000123, "1.2e−5"],
    [Number.NaN, "NaN"],
    [-Infinity, "−∞"],
  ])("%d is printed as %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it.each([
    [238.312, 2.41, "238.3 ± 2.4"],
    [12.3021, 0.0812, "12.302 ± 0.081"],
    [1234.5, 36, "1,235 ± 36"],
    [238.312, undefined, "238.3"],
    [0.00001, 0.031, "0.000 ± 0.031"],
    [238.312, 0, "238.3 ± 0"],
    [Number.NaN, Number.NaN, "NaN"],
  ])("%d with error %d is printed as %s", (value, error, text) => {
    expect(formatWithError(value, error)).toBe(text);
  });
});
