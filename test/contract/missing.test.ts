/** Data with missing numbers, read to keep them: `missing: "keep"`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openArrayFile } from "../../src/data/array-file.ts";
import {
  arrayDataset,
  type Dataset,
  featureDeviations,
  featureMeans,
  numberRange,
  split,
  subset,
} from "../../src/data/dataset.ts";
import { encodeNpy } from "../../src/data/npy.ts";
import { openDataset, openLike } from "../../src/data/open.ts";
import { InputError } from "../../src/errors.ts";
import { folder, lines, open, path, refusal, rowsOf } from "./table-file.ts";

const keep = { missing: "keep" } as const;
const { NaN: gap } = Number;
const remedy = "where numbers are missing: --model probabilistic-pca or factor-analysis, with --missing keep";

function npy(name: string, rows: readonly (readonly number[])[]): string {
  const file = join(folder, name);
  writeFileSync(file, encodeNpy({ data: Float32Array.from(rows.flat()), shape: [rows.length, rows[0].length] }));
  return file;
}

describe("tables", () => {
  it("keep rows with gaps, leave out those without any number, and tell both", async () => {
    const dataset = await open(lines("a,b", "1,2", ",4", "NA,?", "5,-", "6,7"), keep);
    expect(rowsOf(dataset)).toEqual([
      [1, 2],
      [gap, 4],
      [5, gap],
      [6, 7],
    ]);
    expect(dataset).toMatchObject({ missing: 2, measure: "real", sources: ["line 2", "line 3", "line 5", "line 6"] });
    expect(dataset.notices).toEqual([
      "1 row without any number was left out (the first in line 4)",
      "2 of 8 numbers are missing (25 %)",
    ]);
  });

  it("without gaps say that none is missing, and read for models that take none say nothing", async () => {
    expect(await open(lines("a,b", "1,2", "3,4"), keep)).toMatchObject({ missing: 0, notices: [] });
    expect(await open(lines("a,b", "1,2", "3,4"))).not.toHaveProperty("missing");
  });

  it("still leave out what never changes, gaps aside, and what counts the rows", async () => {
    const rows = Array.from({ length: 12 }, (_, i) => `${i},${i === 3 ? "" : 5},${i % 3 === 0 ? "" : i * i}`);
    const dataset = await open(lines("n,constant,square", ...rows), keep);
    expect(dataset.columns).toEqual(["square"]);
    expect(dataset.notices?.slice(0, 2)).toEqual([
      'column "n" counts the rows: left out; --columns takes it',
      'column "constant" is constant (5): left out',
    ]);
    // A column with a gap does not count rows, whatever is around it.
    const gaps = await open(lines("n,x", ...rows.map((_, i) => `${i === 6 ? "" : i},${i * i}`)), keep);
    expect(gaps.columns).toEqual(["n", "x"]);
  });

  it("a column that is asked for and has no value is told", async () => {
    const dataset = await open(lines("a,b", "1,", "2,"), { ...keep, columns: ["a", "b"] });
    expect(dataset).toMatchObject({ columns: ["a", "b"], missing: 2 });
    expect(dataset.notices).toContain('column "b" has no values');
  });

  it("rows without a label or without any number are not taken; if none is left that is an error", async () => {
    const text = lines("a,b,class", "1,,x", ",,x", "2,3,", "4,5,y");
    expect((await open(text, { ...keep, label: "class" })).sources).toEqual(["line 2", "line 5"]);
    expect(await refusal(lines("a,b", ",", "NA,"), { ...keep, columns: ["a", "b"] })).toBe(
      "expected rows with numbers, got none in 2",
    );
  });

  it("new ones are read as the trained ones were", async () => {
    const trained = await open(lines("a,b", "1,2", "3,", "4,5"), keep);
    writeFileSync(path, lines("b,a", ",7", "8,9"));
    const fresh = await openLike(path, trained);
    expect(rowsOf(fresh)).toEqual([
      [7, gap],
      [9, 8],
    ]);
    const strict = await open(lines("a,b", "1,2", "3,4"));
    writeFileSync(path, lines("a,b", "1,", "3,4"));
    expect((await openLike(path, strict)).length).toBe(1);
  });
});

describe(".npy arrays", () => {
  const rows = [
    [0.5, gap],
    [1, 0.25],
    [gap, 0],
  ];

  it("keep NaN and count it; the measure is that of the numbers there", async () => {
    const dataset = await openDataset(npy("gaps.npy", rows), keep);
    expect(rowsOf(dataset)).toEqual(rows);
    expect(dataset).toMatchObject({ missing: 2, measure: "unit", notices: ["2 of 6 numbers are missing (33 %)"] });
    // also where they stay in the file
    expect(await openArrayFile(npy("gaps.npy", rows), { ...keep, limit: 1 })).toMatchObject({ missing: 2 });
  });

  it("by default NaN is refused, and the flag is told; infinities always are", async () => {
    const file = npy("gaps.npy", rows);
    await expect(openDataset(file)).rejects.toThrow(
      new InputError(`${file}: row 0, column 1 (from 0): expected a finite float32 number, got NaN; ${remedy}`),
    );
    const infinite = npy("infinite.npy", [[1, Number.POSITIVE_INFINITY]]);
    await expect(openDataset(infinite, keep)).rejects.toThrow(
      new InputError(`${infinite}: row 0, column 1 (from 0): expected a finite float32 number, got Infinity`),
    );
  });

  it("a stated measure holds of the numbers that are there", async () => {
    expect((await openDataset(npy("gaps.npy", rows), { ...keep, measure: "unit" })).measure).toBe("unit");
    await expect(openDataset(npy("gaps.npy", rows), { ...keep, measure: "count" })).rejects.toThrow(
      'row 0, column 0 (from 0): expected a number of the measure "count", got 0.5',
    );
  });

  it("new ones are read as the trained ones were", async () => {
    const trained = await openDataset(npy("gaps.npy", rows), keep);
    const like = await openLike(npy("new.npy", [[gap, 0.5]]), trained);
    expect(rowsOf(like)).toEqual([[gap, 0.5]]);
    const strict = await openDataset(npy("whole.npy", [[0.5, 1]]), { atLeast: 1 });
    await expect(openLike(npy("new.npy", [[gap, 0.5]]), strict)).rejects.toThrow("got NaN");
  });
});

it("images have none: the option is refused", async () => {
  await expect(openDataset(folder, keep)).rejects.toThrow(
    `--missing: is for a table and an IDX or .npy array, and ${folder} is a folder of images`,
  );
});

describe("of a dataset with gaps", () => {
  const rows = [
    [1, gap, 7],
    [3, 10, 7],
    [gap, 20, 7],
    [5, 30, gap],
  ];
  const dataset: Dataset = arrayDataset(
    { data: Float32Array.from(rows.flat()), shape: [4, 3] },
    { name: "gaps", measure: "real", missing: "keep" },
  );

  it("means, deviations and the range are those of the numbers there", () => {
    const means = featureMeans(dataset);
    expect([...means]).toEqual([3, 20, 7]);
    expect([...featureDeviations(dataset, means)]).toEqual([Math.sqrt(8 / 3), Math.sqrt(200 / 3), 0]);
    expect(numberRange(dataset)).toEqual([1, 30]);
  });

  it("parts count their own gaps", () => {
    expect(dataset.missing).toBe(3);
    expect(subset(dataset, [1]).missing).toBe(0);
    expect(subset(dataset, [0, 0, 3]).missing).toBe(3);
    const { train, validation } = split(dataset, { seed: 1, fraction: 0.5 });
    expect((train.missing ?? 0) + (validation.missing ?? 0)).toBe(3);
  });

  it("NaN is not cut to a byte", () => {
    const bytes = arrayDataset(
      { data: Float32Array.of(1, gap), shape: [2, 1] },
      { name: "b", measure: "bytes", missing: "keep" },
    );
    expect(() => bytes.read([0, 1], new Uint8Array(2))).toThrow("read it into a Float32Array");
  });
});
