/** What an app may rely on in a trained model: repeatable, in the data's own units, however it is given and in whatever pieces. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Examples, load, scoreThreshold, type TrainedModel } from "reparam";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { arrayDataset, numbersOf, subset } from "../../src/data/dataset.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { COLUMNS, greyImages, type ModelFiles, REFERENCE, tableRows, tinyModels } from "./trained-models.ts";

// Matrices of another number of rows are multiplied in another order, in float32: some units of 2⁻²⁴ of numbers whose parts
// may be some ten times as large as they are.
const CLOSE = 1e-5;

type Kind = "grey" | "binarised" | "table";
const kinds: readonly Kind[] = ["grey", "binarised", "table"];
const datasets = { grey: greyImages(), binarised: greyImages(), table: tableRows() };

let engine: Engine;
let files: Readonly<Record<Kind, ModelFiles>>;
let models: Readonly<Record<Kind, TrainedModel>>;
const folder = mkdtempSync(join(tmpdir(), "reparam-trained-"));

beforeAll(async () => {
  engine = await openEngine();
  files = await tinyModels(engine);
  const [grey, binarised, table] = await Promise.all(kinds.map((kind) => load(files[kind], { runtime: engine })));
  models = { grey, binarised, table };
});
afterAll(async () => {
  for (const kind of kinds) await models[kind].release();
  rmSync(folder, { recursive: true });
});

function expectClose(a: ArrayLike<number>, b: ArrayLike<number>): void {
  expect(a.length).toBe(b.length);
  const largest = Array.from(b).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (let i = 0; i < b.length; i++) {
    if (!(Math.abs(a[i] - b[i]) <= CLOSE * largest)) expect.fail(`number ${i}: ${a[i]} and ${b[i]}`);
  }
}

describe.each(kinds)("a model of %s data", (kind) => {
  const { shape } = datasets[kind];
  const size = shape.reduce((product, side) => product * side, 1);

  it("scores and encodes an example alike wherever it stands", async () => {
    const model = models[kind];
    const dataset = datasets[kind];
    const twice = subset(dataset, [5, 9, 5, 40, 5]);
    const [{ logLikelihood }, { mean }] = [await model.score(twice), await model.encode(twice)];
    for (const place of [2, 4]) expect(Math.abs(logLikelihood[place] / logLikelihood[0] - 1)).toBeLessThan(CLOSE);
    const k = mean.shape[1];
    for (const place of [2, 4]) {
      expectClose(mean.data.subarray(place * k, (place + 1) * k), mean.data.subarray(0, k));
    }
    const alone = await model.score(subset(dataset, [5]));
    expect(Math.abs(alone.logLikelihood[0] / logLikelihood[0] - 1)).toBeLessThan(CLOSE);
  });

  it.each(["mean", "draw"] as const)("gives the same samples for a seed, the first of more too: %s", async (from) => {
    const model = models[kind];
    const whole = await model.sample(130, { seed: 5, from }); // two passes
    expect(whole.shape).toEqual([130, ...shape]);
    expect(whole.data).toHaveLength(130 * size);
    expect(await model.sample(130, { seed: 5, from })).toEqual(whole);
    for (const count of [1, 7, 127, 128, 129]) {
      expectClose((await model.sample(count, { seed: 5, from })).data, whole.data.subarray(0, count * size));
    }
    const other = await model.sample(130, { seed: 6, from });
    expect(other.data).not.toEqual(whole.data);
    expect(new Set(Array.from({ length: 130 }, (_, i) => whole.data[i * size])).size).toBeGreaterThan(1);
  });

  it("reconstructs as it decodes what it encodes", async () => {
    const { mean } = await models[kind].encode(datasets[kind]);
    expect(mean.shape).toEqual([64, 2]);
    expect(await models[kind].reconstruct(datasets[kind])).toEqual(await models[kind].decode(mean));
  });

  it("decodes rows of numbers as it decodes an array", async () => {
    const rows = await models[kind].decode([
      [0.5, -1],
      [2, 0],
    ]);
    expect(rows).toEqual(await models[kind].decode({ data: Float64Array.of(0.5, -1, 2, 0), shape: [2, 2] }));
    expect(rows.shape).toEqual([2, ...shape]);
  });

  it.each([1, 127, 128, 129, 200])("gives the same for %i examples as for each of them", async (count) => {
    const model = models[kind];
    const rows = Uint32Array.from({ length: count }, (_, i) => i % 64);
    const many = await model.encode(subset(datasets[kind], rows));
    const known = await model.encode(datasets[kind]);
    expect(many.mean.shape).toEqual([count, 2]);
    for (const name of ["mean", "scale"]) {
      const expected = Float32Array.from({ length: 2 * count }, (_, i) => known[name].data[2 * rows[i >> 1] + (i & 1)]);
      expectClose(many[name].data, expected);
    }
    const { logLikelihood, elbo } = await model.score(subset(datasets[kind], rows));
    const start = await model.score(subset(datasets[kind], rows.subarray(0, 5)));
    expectClose(start.logLikelihood, logLikelihood.subarray(0, 5));
    expect(elbo).toHaveLength(count);
  });

  it("tells how far it has come, and stops when it is told to", async () => {
    const all = subset(
      datasets[kind],
      Array.from({ length: 300 }, (_, i) => i % 64),
    );
    for (const ability of ["encode", "reconstruct", "score"] as const) {
      const told: (readonly number[])[] = [];
      await models[kind][ability](all, { onProgress: (done, total) => told.push([done, total]) });
      expect(told.length, ability).toBeGreaterThan(1);
      expect(told.at(-1), ability).toEqual([300, 300]);
      expect(told.map(([done]) => done)).toEqual(told.map(([done]) => done).sort((a, b) => a - b));
      const signal = AbortSignal.abort(new Error("told to stop"));
      await expect(models[kind][ability](all, { signal }), ability).rejects.toThrow("told to stop");
    }
    await expect(models[kind].sample(5, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });

  it("scores as a direct comparison with the validation scores says", async () => {
    const { logLikelihood, percentile, typicality, elbo, reconstruction, rate, samples } = await models[kind].score(
      datasets[kind],
    );
    expect(samples).toBe(7); // as scores.json was made
    const middle = REFERENCE.reduce((sum, value) => sum + value, 0) / REFERENCE.length;
    for (const [i, value] of logLikelihood.entries()) {
      expect(percentile[i]).toBe(REFERENCE.filter((known) => known < value).length / REFERENCE.length);
      const asFar = REFERENCE.filter((known) => Math.abs(known - middle) >= Math.abs(value - middle)).length;
      expect(typicality[i]).toBeCloseTo(asFar / REFERENCE.length, 12);
      expect(elbo[i]).toBe(reconstruction[i] - rate[i]);
    }
    expect(await models[kind].score(datasets[kind], { seed: 0, samples: 7 })).toEqual(
      await models[kind].score(datasets[kind]),
    );
    expect((await models[kind].score(datasets[kind], { seed: 1 })).logLikelihood).not.toEqual(logLikelihood);
    expect((await models[kind].score(datasets[kind], { samples: 3 })).samples).toBe(3);
  });
});

describe("scores among known ones", () => {
  /** A model whose validation scores are its own scores of the first images, so that all places occur. */
  it("have the percentile and the typicality that counting gives", async () => {
    const { logLikelihood } = await models.grey.score(datasets.grey);
    const known = Array.from(logLikelihood.slice(0, 40).sort());
    const scores = new TextEncoder().encode(JSON.stringify({ samples: 7, logLikelihood: known }));
    const model = await load({ ...files.grey, "scores.json": scores }, { needs: ["score"], runtime: engine });
    const again = await model.score(datasets.grey);
    const middle = known.reduce((sum, value) => sum + value, 0) / 40;
    for (const [i, value] of again.logLikelihood.entries()) {
      expect(again.percentile[i]).toBe(known.filter((one) => one < value).length / 40);
      const asFar = known.filter((one) => Math.abs(one - middle) >= Math.abs(value - middle)).length;
      expect(again.typicality[i]).toBeCloseTo(asFar / 40, 12);
    }
    expect(new Set(again.percentile).size).toBeGreaterThan(20);
    expect(new Set(again.typicality).size).toBeGreaterThan(20);
    await model.release();
  });

  it("lie below the threshold of a quantile as often as it says", () => {
    const logLikelihood = Array.from({ length: 101 }, (_, i) => i * i);
    const reference = { samples: 1, logLikelihood };
    expect(scoreThreshold(reference, 0)).toBe(0);
    expect(scoreThreshold(reference, 1)).toBe(10_000);
    expect(scoreThreshold(reference, 0.05)).toBe(25);
    expect(scoreThreshold(reference, 0.055)).toBeCloseTo((25 + 36) / 2, 9); // between two, by their line
    expect(scoreThreshold({ samples: 1, logLikelihood: [-3] }, 0.01)).toBe(-3);
  });
});

describe("units", () => {
  it("of binarised bytes are bytes", async () => {
    const { data } = await models.binarised.sample(64, { from: "draw" });
    expect(new Set(data)).toEqual(new Set([0, 255]));
    const mean = await models.binarised.sample(64, { from: "mean" });
    expect(Math.min(...mean.data)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...mean.data)).toBeGreaterThan(1);
    expect(Math.max(...mean.data)).toBeLessThanOrEqual(255);
  });

  it("of grey levels are whole numbers from 0 to 255 when drawn", async () => {
    const { data } = await models.grey.sample(200, { from: "draw" });
    expect(data.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)).toBe(true);
    expect(new Set(data).size).toBeGreaterThan(50);
  });

  it("of a table's columns are the columns' own", async () => {
    const real = numbersOf(datasets.table);
    const drawn = (await models.table.sample(500)).data; // a draw by default, as these are no images
    for (const column of COLUMNS.keys()) {
      const [a, b] = [real, drawn].map((data) => columnOf(data, column));
      // Hardly trained, the model knows little more than each column's mean and deviation.
      expect(Math.abs(a.mean - b.mean) / a.deviation, COLUMNS[column]).toBeLessThan(1);
      expect(b.deviation / a.deviation, COLUMNS[column]).toBeGreaterThan(0.5);
      expect(b.deviation / a.deviation, COLUMNS[column]).toBeLessThan(3);
    }
    expect(models.table.facts.data.columns).toEqual(COLUMNS);
  });

  function columnOf(data: Float32Array, column: number): { mean: number; deviation: number } {
    const values = Array.from(data).filter((_, i) => i % COLUMNS.length === column);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
  }
});

describe("images", () => {
  const pixels = Uint8Array.from({ length: 24 }, (_, i) => (i * 37) % 256); // [4, 6]
  const rgba = Uint8ClampedArray.from({ length: 96 }, (_, i) => (i % 4 === 3 ? 255 : pixels[i >> 2]));
  let png: Buffer;
  beforeAll(async () => {
    png = await sharp(pixels, { raw: { width: 6, height: 4, channels: 1 } })
      .png()
      .toBuffer();
    writeFileSync(join(folder, "image.png"), png);
  });

  it("are the same as a path, a file's bytes, a Blob, pixels, numbers and a dataset", async () => {
    const array = { data: pixels, shape: [1, 4, 6] };
    const given: Readonly<Record<string, Examples>> = {
      path: join(folder, "image.png"),
      bytes: new Uint8Array(png),
      buffer: png,
      blob: new Blob([new Uint8Array(png)]),
      pixels: { data: rgba, width: 6, height: 4 },
      list: [new Uint8Array(png)],
      numbers: Array.from(pixels),
      rows: [Array.from(pixels)],
      floats: Float32Array.from(pixels),
      one: array,
      several: { data: pixels, shape: [1, 1, 4, 6] },
      dataset: arrayDataset({ data: pixels, shape: [1, 1, 4, 6] }, { name: "one", measure: "bytes" }),
    };
    for (const kind of ["grey", "binarised"] as const) {
      const expected = await models[kind].encode(given.dataset);
      const scores = await models[kind].score(given.dataset);
      for (const [name, image] of Object.entries(given)) {
        expect(await models[kind].encode(image), name).toEqual(expected);
        expect(await models[kind].score(image), name).toEqual(scores);
      }
    }
  });

  it("keep their order, of mixed kinds and more than are decoded at a time", async () => {
    const mixed = Array.from({ length: 30 }, (_, i) => {
      const data = rgba.map((value, j) => (j % 4 === 3 ? 255 : (value + 7 * i) % 256));
      return i === 13 ? new Uint8Array(png) : { data, width: 6, height: 4 };
    });
    const together = (await models.grey.encode(mixed)).mean.data;
    for (const [i, image] of mixed.entries()) {
      expectClose((await models.grey.encode(image)).mean.data, together.subarray(2 * i, 2 * i + 2));
    }
  });
});
