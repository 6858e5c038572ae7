import { describe, expect, test } from "vitest";
import { arrayDataset, type Dataset, featureMeans, guessMeasure, split, subset } from "../../src/data/dataset.ts";
import { InputError } from "../../src/errors.ts";

/** Example i is [10 i, 10 i + 1], its label i. */
function tens(length: number): Dataset {
  const data = Uint8Array.from({ length: 2 * length }, (_, i) => 10 * (i >> 1) + (i & 1));
  const labels = Uint8Array.from({ length }, (_, i) => i);
  return arrayDataset({ data, shape: [length, 2] }, { name: "tens", labels });
}

function rows(dataset: Dataset, indices: readonly number[]): number[] {
  const out = new Float32Array(indices.length * dataset.shape.reduce((a, b) => a * b, 1));
  dataset.read(indices, out);
  return [...out];
}

describe("arrayDataset", () => {
  test("reads rows in the order asked for, also bytes as floats", () => {
    const dataset = tens(5);
    expect(dataset).toMatchObject({ length: 5, shape: [2], dtype: "uint8", measure: "bytes" });
    expect(rows(dataset, [4, 0, 4])).toEqual([40, 41, 0, 1, 40, 41]);
    const bytes = new Uint8Array(4);
    dataset.read([1, 2], bytes);
    expect([...bytes]).toEqual([10, 11, 20, 21]);
  });

  test("float32 data is not read into bytes", () => {
    const dataset = arrayDataset({ data: new Float32Array([0.5]), shape: [1, 1] }, { name: "a" });
    expect(() => dataset.read([0], new Uint8Array(1))).toThrow(InputError);
  });

  test.each([-1, 5, 0.5, Number.NaN])("row %s of five is an error", (row) => {
    expect(() => tens(5).read([row], new Uint8Array(2))).toThrow(`tens: expected a row from 0 to 4, got ${row}`);
  });

  test("the measure is guessed from the numbers", () => {
    expect(guessMeasure(Uint8Array.of(0, 1))).toBe("binary");
    expect(guessMeasure(Uint8Array.of(0, 2))).toBe("bytes");
    expect(guessMeasure(Float32Array.of(0, 1, 1))).toBe("binary");
    expect(guessMeasure(Float32Array.of(0, 1, 0.25))).toBe("unit");
    expect(guessMeasure(Float32Array.of(0, 1.001))).toBe("real");
    expect(guessMeasure(Float32Array.of(-0.1, 1))).toBe("real");
  });

  test("a stated measure is held against every number", () => {
    const array = { data: Float32Array.of(0, 3, 2, 1.5), shape: [2, 2] };
    expect(arrayDataset(array, { name: "a", measure: "real" }).measure).toBe("real");
    expect(() => arrayDataset(array, { name: "a", measure: "count" })).toThrow(
      'a: row 1, column 1 (from 0): expected a number of the measure "count", got 1.5',
    );
  });

  test.each([
    ["bytes", [0, 255], [256, -1, 0.5]],
    ["unit", [0, 0.3, 1], [-0.1, 1.1]],
    ["binary", [0, 1], [0.5, 2]],
    ["real", [-1e30, 0.5], []],
    ["count", [0, 1000], [-1, 0.5]],
    ["category", [0, 1000], [-1, 0.5]],
  ] as const)("%s holds %s and not %s", (measure, inside, outside) => {
    const build = (value: number) =>
      arrayDataset({ data: Float32Array.of(value), shape: [1, 1] }, { name: "a", measure });
    for (const value of inside) expect(build(value).measure).toBe(measure);
    for (const value of outside) expect(() => build(value)).toThrow(InputError);
  });

  test("float64 is rounded, int32 must be exact in float32", () => {
    const rounded = arrayDataset({ data: Float64Array.of(0.1), shape: [1, 1] }, { name: "a" });
    expect(rows(rounded, [0])).toEqual([Math.fround(0.1)]);
    const integers = (value: number) => arrayDataset({ data: Int32Array.of(0, value), shape: [2, 1] }, { name: "a" });
    expect(rows(integers(-(2 ** 24)), [1])).toEqual([-(2 ** 24)]);
    expect(() => integers(2 ** 24 + 1)).toThrow(/^a: row 1, column 0 .*16777217$/);
  });

  test.each([
    ["NaN", Float32Array.of(0, 0, 0, 0, 0, Number.NaN)],
    ["-Infinity", Float32Array.of(0, 0, 0, 0, 0, Number.NEGATIVE_INFINITY)],
    ["Infinity", Float64Array.of(0, 0, 0, 0, 0, 1e39)],
  ])("%s is refused with its place", (text, data) => {
    const build = () => arrayDataset({ data, shape: [2, 3] }, { name: "a" });
    expect(build).toThrow(InputError);
    expect(build).toThrow(`a: row 1, column 2 (from 0): expected a finite float32 number, got ${text}`);
  });

  test.each([[[0, 4]], [[4, 0]], [[4]], [[]]])("shape [%s] is no dataset", (shape) => {
    const data = new Uint8Array(shape.reduce((a, b) => a * b, 1));
    expect(() => arrayDataset({ data, shape }, { name: "a" })).toThrow(InputError);
  });

  test("numbers and labels must fit the shape", () => {
    const data = new Uint8Array(4);
    expect(() => arrayDataset({ data, shape: [3, 2] }, { name: "a" })).toThrow(
      "expected 6 numbers for shape [3,2], got 4",
    );
    expect(() => arrayDataset({ data, shape: [2, 2] }, { name: "a", labels: new Uint8Array(3) })).toThrow(InputError);
  });

  test("the checksum is FNV-1a of dtype, shape and numbers", () => {
    const checksum = (data: Uint8Array | Float32Array, shape: number[]) =>
      arrayDataset({ data, shape }, { name: "a" }).checksum;
    // FNV-1a of "uint8[1,1]a", computed apart with the offset basis and prime of the FNV page (isthe.com/chongo/tech/comp/fnv).
    expect(checksum(Uint8Array.of(97), [1, 1])).toBe("fnv1a32:42c3eb4e");
    const four = Uint8Array.of(1, 2, 3, 4);
    const others = [
      checksum(four, [1, 4]),
      checksum(four, [2, 2]),
      checksum(Uint8Array.of(1, 2, 4, 3), [1, 4]),
      checksum(new Float32Array(four.buffer), [1, 1]),
    ];
    expect(new Set(others).size).toBe(4);
  });
});

describe("subset", () => {
  test("reads through, labels and rows alike", () => {
    const part = subset(tens(5), [3, 1, 1]);
    expect(part.length).toBe(3);
    expect([...(part.labels ?? [])]).toEqual([3, 1, 1]);
    expect(rows(part, [2, 0])).toEqual([10, 11, 30, 31]);
    expect(rows(subset(part, [0]), [0])).toEqual([30, 31]);
    expect(() => part.read([3], new Uint8Array(2))).toThrow(InputError);
  });

  test("keeps negative labels and has none where there are none", () => {
    const { labels, ...bare } = tens(2);
    expect(labels).toHaveLength(2);
    expect(subset(bare, [1]).labels).toBeUndefined();
    expect(subset({ ...bare, labels: Int32Array.of(-7, 300) }, [1, 0]).labels).toEqual(Int32Array.of(300, -7));
  });

  test("the checksum tells the rows apart", () => {
    expect(subset(tens(5), [0, 1]).checksum).not.toBe(subset(tens(5), [1, 0]).checksum);
    expect(subset(tens(5), [0, 1]).checksum).toBe(subset(tens(5), [0, 1]).checksum);
  });

  test.each([[[]], [[5]], [[-1]], [[0.5]]])("rows [%s] of five are an error", (indices) => {
    expect(() => subset(tens(5), indices)).toThrow(InputError);
  });
});

describe("split", () => {
  test("two disjoint parts of the stated sizes, in order, that are the whole", () => {
    const { train, validation } = split(tens(20), { seed: 1, fraction: 0.25 });
    expect([train.length, validation.length]).toEqual([15, 5]);
    for (const part of [train, validation]) expect(part.labels).toEqual(part.labels?.toSorted());
    const all = [...(train.labels ?? []), ...(validation.labels ?? [])];
    expect(all.sort((a, b) => a - b)).toEqual([...Array(20).keys()]);
  });

  test("each class gives its share, to within one example", () => {
    const labels = Uint8Array.from({ length: 100 }, (_, i) => (i < 80 ? 0 : i < 95 ? 1 : 2));
    const data = Uint8Array.from({ length: 100 }, (_, i) => i);
    const whole = arrayDataset({ data, shape: [100, 1] }, { name: "classes", labels });
    for (const seed of [1, 2, 3]) {
      const held = split(whole, { seed, fraction: 0.2 }).validation.labels ?? [];
      const counts = [0, 1, 2].map((label) => [...held].filter((one) => one === label).length);
      expect(held.length).toBe(20);
      for (const [label, share] of [16, 3, 1].entries()) expect(Math.abs(counts[label] - share)).toBeLessThanOrEqual(1);
    }
  });

  test("the seed decides which", () => {
    const held = (seed: number) => split(tens(20), { seed, fraction: 0.5 }).validation.labels;
    expect(held(1)).toEqual(held(1));
    expect(held(1)).not.toEqual(held(2));
  });

  test.each([0, 1, 0.01, -0.5, 1.5, Number.NaN])("a fraction of %s is an error", (fraction) => {
    expect(() => split(tens(20), { seed: 1, fraction })).toThrow(InputError);
  });
});

describe("featureMeans", () => {
  test("raw units, per feature", () => {
    expect([...featureMeans(tens(5))]).toEqual([20, 21]);
  });

  test("sums in float64 over more than one block", () => {
    // 600,000 rows of two features are more than one block of 2^20 numbers. All sums are exact in float64 (below 2^53 halves);
    // float32 would round the first one from 2^24 halves on.
    const length = 600_000;
    const data = new Float32Array(2 * length).map((_, i) => (i % 2 === 0 ? 1000.5 : i >= length ? 1 : 0));
    expect([...featureMeans(arrayDataset({ data, shape: [length, 2] }, { name: "a" }))]).toEqual([1000.5, 0.5]);
  });
});
