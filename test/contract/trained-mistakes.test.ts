/** What a trained model refuses, and in which words: files that lack something, and examples that do not fit. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ability, InputError, load, type TrainedModel } from "reparam";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import type { Engine } from "../../src/runtime/engine.ts";
import { greyImages, type ModelFiles, tableRows, tinyModels } from "./trained-models.ts";

type Kind = "grey" | "table";

const images = greyImages();
let engine: Engine;
let files: Readonly<Record<Kind, ModelFiles>>;
let models: Readonly<Record<Kind, TrainedModel>>;
const folder = mkdtempSync(join(tmpdir(), "reparam-trained-"));

beforeAll(async () => {
  engine = await openEngine();
  files = await tinyModels(engine);
  models = {
    grey: await load(files.grey, { runtime: engine }),
    table: await load(files.table, { runtime: engine }),
  };
});
afterAll(async () => {
  await models.grey.release();
  await models.table.release();
  rmSync(folder, { recursive: true });
});

describe("needs", () => {
  it.each<[Ability, string, string]>([
    ["encode", "encoder", '"decode", "sample", "score"'],
    ["reconstruct", "encoder", '"decode", "sample", "score"'],
    ["sample", "prior", '"encode", "decode", "reconstruct", "score"'],
    ["sample", "likelihood", '"encode", "decode", "reconstruct", "score"'],
    ["decode", "decoder", '"encode", "score"'],
    ["score", "density", '"encode", "decode", "sample", "reconstruct"'],
  ])("%s of a model without %s.onnx is refused with what it can do", async (need, missing, able) => {
    const { [`${missing}.onnx`]: _, ...rest } = files.grey;
    const opening = load(rest, { needs: [need], runtime: engine });
    await expect(opening).rejects.toThrow(
      `the files given: cannot ${need}, as it has no ${missing}.onnx; it can do { needs: [${able}] }`,
    );
    await expect(opening).rejects.toBeInstanceOf(InputError);
  });

  it("read only the files that they stand on", async () => {
    const read: string[] = [];
    const watched = Object.entries(files.grey).map(([name, bytes]) => ({
      name,
      arrayBuffer: async () => {
        read.push(name);
        return new Uint8Array(bytes).buffer;
      },
    }));
    const model = await load(watched, { needs: ["sample"], runtime: engine });
    await model.sample(3);
    expect([...new Set(read)].sort()).toEqual(["config.json", "decoder.onnx", "likelihood.onnx", "prior.onnx"]);
    await model.release();
  });

  it("are refused for files that are no model's", async () => {
    const { "config.json": config, ...rest } = files.grey;
    const opening = (given: ModelFiles): Promise<unknown> => load(given, { runtime: engine });
    await expect(opening(rest)).rejects.toThrow(new InputError("the files given: is no run: it has no config.json"));
    await expect(opening({ ...rest, "config.json": config.subarray(1) })).rejects.toThrow(
      /^the files given\/config\.json: is not JSON/,
    );
    await expect(opening({ ...rest, "config.json": new TextEncoder().encode("{}") })).rejects.toThrow(
      /^the files given\/config\.json: data: /,
    );
    const damaged = Uint8Array.from(files.grey["decoder.onnx"]);
    damaged[200] ^= 1;
    await expect(opening({ ...files.grey, "decoder.onnx": damaged })).rejects.toThrow(
      /^the files given\/decoder\.onnx: is damaged/,
    );
    await expect(load(join(folder, "nowhere"), { runtime: engine })).rejects.toThrow(/nowhere: is no run/);
  });
});

describe("what does not fit is refused in one line", () => {
  const of = (kind: Kind, call: (model: TrainedModel) => Promise<unknown>) => [kind, call] as const;
  const nan = Float32Array.from({ length: 24 }, (_, i) => (i === 8 ? Number.NaN : 1));

  it.each<[string, readonly [Kind, (model: TrainedModel) => Promise<unknown>], RegExp]>([
    [
      "a shape",
      of("grey", (m) => m.encode({ data: new Uint8Array(36), shape: [1, 6, 6] })),
      /^the examples: the shape \[n, 1, 4, 6\] is expected, got \[1, 6, 6\]$/,
    ],
    [
      "fewer numbers than the shape says",
      of("grey", (m) => m.encode({ data: new Uint8Array(23), shape: [1, 1, 4, 6] })),
      /^the examples: expected 24 numbers for shape \[1,1,4,6\], got 23$/,
    ],
    [
      "a part of an example",
      of("grey", (m) => m.encode(new Float32Array(25))),
      /^the examples: 25 numbers are no whole number of examples of \[1, 4, 6\]$/,
    ],
    ["no examples", of("grey", (m) => m.encode([])), /^the examples: 0 numbers are no whole number of examples/],
    [
      "ragged rows",
      of("table", (m) =>
        m.encode([
          [1, 2, 3],
          [1, 2],
        ]),
      ),
      /^the examples: row 1 has 2 numbers, this model's have 3$/,
    ],
    [
      "NaN",
      of("table", (m) => m.score([[1, Number.NaN, 3]])),
      /^the examples: row 0, column 1 \(from 0\): expected a finite float32 number, got NaN$/,
    ],
    [
      "NaN in an image",
      of("grey", (m) => m.score(nan)),
      /^the examples: row 0, column 8 \(from 0\): expected a finite float32 number, got NaN$/,
    ],
    [
      "a number that is no byte",
      of("grey", (m) => m.score(new Float32Array(24).fill(0.5))),
      /^the examples: row 0, column 0 \(from 0\): expected a number of the measure "bytes", got 0\.5$/,
    ],
    [
      "an image for a table",
      of("table", (m) => m.encode(new Uint8Array(9))),
      /^images: this model was trained on examples of \[3\], not on images$/,
    ],
    [
      "bytes that are no image",
      of("grey", (m) => m.encode([new Uint8Array(9)])),
      /^image 0: cannot be read as an image \([^\n]+\); repair it/,
    ],
    ["a path of nothing", of("grey", (m) => m.encode("nowhere.png")), /^nowhere\.png: [^\n]*no such file/i],
    [
      "too few pixels",
      of("grey", (m) => m.encode({ data: new Uint8Array(95), width: 6, height: 4 })),
      /^image 0: expected 96 RGBA bytes for 6×4, got 95$/,
    ],
    [
      "another dataset",
      of("grey", (m) => m.encode(tableRows())),
      /^table: \[3\] of real numbers do not fit this model/,
    ],
    [
      "latents of another number",
      of("grey", (m) => m.decode([[1, 2, 3]])),
      /^latents: the shape \[n, 2\] is expected, got \[1, 3\]$/,
    ],
    ["ragged latents", of("grey", (m) => m.decode([[1, 2], [3]])), /^latents: row 1 has 1 numbers, the first 2$/],
    ["no latents", of("grey", (m) => m.decode([])), /^latents: the shape \[n, 2\] is expected, got \[0, 0\]$/],
    [
      "latents of another length than their shape",
      of("grey", (m) => m.decode({ data: new Float32Array(3), shape: [2, 2] })),
      /^latents: expected 4 numbers for the shape \[2, 2\], got 3$/,
    ],
    [
      "latents that are not finite",
      of("grey", (m) =>
        m.decode([
          [0, 1],
          [Number.NaN, 1],
        ]),
      ),
      /^latents: row 1, column 0 \(from 0\): expected a finite number, got NaN$/,
    ],
    [
      "half a sample",
      of("grey", (m) => m.sample(2.5)),
      /^the number of samples: a positive integer is expected, got 2\.5$/,
    ],
    ["no sample", of("grey", (m) => m.sample(0)), /^the number of samples: a positive integer is expected, got 0$/],
    [
      "a seed that is no integer",
      of("grey", (m) => m.sample(1, { seed: 0.5 })),
      /^random numbers: the seed must be a whole number[^\n]+0\.5/,
    ],
    [
      "no importance samples",
      of("grey", (m) => m.score(images, { samples: 0 })),
      /^the number of importance samples: a positive integer is expected, got 0$/,
    ],
  ])("%s", async (_name, [kind, call], message) => {
    const attempt = call(models[kind]);
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toBeInstanceOf(InputError);
  });

  it("scores without validation scores", async () => {
    const { "scores.json": _, ...rest } = files.grey;
    const opening = load(rest, { needs: ["score"], runtime: engine });
    await expect(opening.then((model) => model.score(images))).rejects.toThrow(/scores\.json.*reparam report/);
  });
});
