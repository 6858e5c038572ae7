import { newConditions } from "../data/condition-draws.ts";
import {
  type Conditions,
  columnsFor,
  conditioned,
  encodeConditions,
  type GivenColumn,
  type Stated,
  statedValues,
} from "../data/conditions.ts";
import type { Dataset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { programFeeds } from "../evaluation/feeds.ts";
import { estimateLikelihood } from "../evaluation/likelihood.ts";
import { CONDITION } from "../models/condition.ts";
import type { ProgramName, RunFacts } from "../run/facts.ts";
import type { CompiledFunction, Feeds } from "../runtime/compile.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { checkAble } from "./able.ts";
import { asDataset } from "./examples.ts";
import type { Programs } from "./programs.ts";
import { compareScores, NO_REFERENCE } from "./scores.ts";
import type { Ability, Codes, Examples, ReferenceScores, TrainedModel, Watched } from "./trained-model.ts";

/** Draws of an app are keyed by steps that no training (from 0) and no evaluation (−1) has. */
const SAMPLE_STEP = -3;
const ENCODE_STEP = -4;
/** Rows of one pass: they bound the memory and change no number. */
const CHUNK = 128;
/** Importance samples where the run does not say how many its validation scores have. */
const SAMPLES = 50;

/** What the programs of a run can do, in the units of its data. */
export function abilitiesOf(
  programs: Programs,
  facts: RunFacts,
  reference: ReferenceScores | undefined,
): Pick<TrainedModel, Ability> {
  const { shape, condition: fields } = facts.data;
  const { latents, unit } = facts.model;

  async function program(name: ProgramName): Promise<CompiledFunction> {
    const found = await programs.get(name);
    if (found) return found;
    throw new InputError(`this model has no ${name}.onnx, so it cannot do that`);
  }

  async function encode(dataset: Dataset, watched: Watched): Promise<Codes> {
    const encoder = await program("encoder");
    const feeds = programFeeds({ program: encoder.program, dataset, seed: 0, step: ENCODE_STEP, keyedBy: "content" });
    const { mean, ...others } = await inChunks(dataset.length, watched, (rows) => encoder.run(feeds(rows)));
    if (mean) return { mean, ...others };
    throw new InputError("the posterior of this model has no mean, so it cannot encode");
  }

  /** Examples with what is given of them, which is stated or their own, where one of these programs takes it. */
  async function givenExamples(examples: Examples, stated: Stated, ...used: readonly ProgramName[]): Promise<Dataset> {
    const dataset = await asDataset(examples, facts);
    return (await takeCondition(used)) ? conditioned(dataset, fields, stated) : dataset;
  }

  async function takeCondition(used: readonly ProgramName[]): Promise<boolean> {
    const programs = await Promise.all(used.map(program));
    return programs.some(({ program: { inputs } }) => inputs.some(({ name }) => name === CONDITION));
  }

  /** What is given to decode so many latents; undefined where the decoder takes nothing. */
  function encoded(columns: readonly GivenColumn[] | undefined): Conditions | undefined {
    return columns && encodeConditions(columns, fields ?? []);
  }

  /** The likelihood's parameters and mean for z [n, k], or with the seed a draw `x` too; all in units of what is modelled. */
  async function observe(
    z: NdArray,
    conditions: Conditions | undefined,
    watched: Watched,
    seed?: number,
  ): Promise<Readonly<Record<string, NdArray>>> {
    const decoder = await program("decoder");
    const given = programFeeds({ program: decoder.program, conditions, seed: 0, step: SAMPLE_STEP });
    const draws = seed !== undefined && (facts.model.programs?.includes("likelihood") ?? true); // else x is what z decodes to
    const likelihood = draws ? await program("likelihood") : undefined;
    const noise = likelihood && programFeeds({ program: likelihood.program, seed: seed ?? 0, step: SAMPLE_STEP });
    const wanted = likelihood ? "x" : "mean";
    return inChunks(z.shape[0], watched, async (rows) => {
      const start = rows[0] * latents;
      const part = Float32Array.from(z.data.subarray(start, start + rows.length * latents));
      const decoded = await decoder.run({ ...given(rows), z: { data: part, shape: [rows.length, latents] } });
      const values: Feeds = likelihood && noise ? await likelihood.run({ ...decoded, ...noise(rows) }) : decoded;
      return { [wanted]: values[wanted] };
    });
  }

  async function decode(
    z: NdArray,
    conditions: Conditions | undefined,
    watched: Watched,
    seed?: number,
  ): Promise<NdArray<Float32Array>> {
    const [values] = Object.values(await observe(z, conditions, watched, seed));
    return { data: Float32Array.from(values.data, (value) => unit * value), shape: [z.shape[0], ...shape] };
  }

  return {
    encode: async (examples, options = {}) => encode(await givenExamples(examples, options, "encoder"), options),
    decode: async (given, options = {}) => {
      const z = asLatents(given, latents);
      const values = statedValues(fields, options);
      const taken = (await takeCondition(["decoder"])) ? fields : undefined;
      const stated = taken && columnsFor(taken, values, { name: "the latents", length: z.shape[0], own: [] });
      return decode(z, encoded(stated), options);
    },
    sample: async (count, { seed = 0, from = shape.length === 3 ? "mean" : "draw", ...options } = {}) => {
      checkAble("sample", facts, "this model");
      checkCount("the number of samples", count);
      const values = statedValues(fields, options);
      const given = fields && newConditions(fields, values, count, seed);
      const prior = await program("prior");
      const conditions = encoded(given);
      const feeds = programFeeds({ program: prior.program, conditions, seed, step: SAMPLE_STEP });
      const { z } = await inChunks(count, {}, (rows) => prior.run(feeds(rows)));
      return decode(z, conditions, options, from === "draw" ? seed : undefined);
    },
    reconstruct: async (examples, options = {}) => {
      const { signal, onProgress } = options;
      const dataset = await givenExamples(examples, options, "encoder", "decoder");
      const encoding = (done: number, total: number): void => onProgress?.(Math.floor(done / 2), total);
      const decoding = (done: number, total: number): void => onProgress?.(Math.floor((total + done) / 2), total);
      const codes = await encode(dataset, { signal, onProgress: encoding });
      return decode(codes.mean, dataset.conditions, { signal, onProgress: decoding });
    },
    score: async (examples, options = {}) => {
      const { samples = reference?.samples ?? SAMPLES, seed = 0, signal, onProgress } = options;
      checkAble("score", facts, "this model");
      if (!reference) {
        throw new InputError(NO_REFERENCE);
      }
      checkCount("the number of importance samples", samples);
      const dataset = await givenExamples(examples, options, "density");
      const estimate = await estimateLikelihood({
        density: await program("density"),
        dataset,
        samples,
        seed,
        keyedBy: "content",
        signal,
        onProgress: (done) => onProgress?.(done, dataset.length),
      });
      return compareScores(estimate, reference);
    },
  };
}

/** Runs over rows 0 … n−1 a chunk at a time and joins what comes out, row after row. */
async function inChunks(
  length: number,
  { signal, onProgress }: Watched,
  run: (rows: Uint32Array) => Promise<Readonly<Record<string, NdArray>>>,
): Promise<Readonly<Record<string, NdArray<Float32Array>>>> {
  const joined: Record<string, NdArray<Float32Array>> = {};
  for (let start = 0; start < length; start += CHUNK) {
    signal?.throwIfAborted();
    const rows = Uint32Array.from({ length: Math.min(CHUNK, length - start) }, (_, i) => start + i);
    for (const [name, { data, shape }] of Object.entries(await run(rows))) {
      if (shape[0] !== rows.length) continue; // one number for all, such as a shared scale
      const event = shape.slice(1);
      joined[name] ??= { data: new Float32Array(length * sizeOf(event)), shape: [length, ...event] };
      joined[name].data.set(data, start * sizeOf(event));
    }
    onProgress?.(start + rows.length, length);
  }
  return joined;
}

function checkCount(name: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 1) return;
  throw new InputError(`${name}: a positive integer is expected, got ${count}`);
}

function asLatents(given: NdArray | readonly (readonly number[])[], latents: number): NdArray {
  const z = "shape" in given ? given : fromRows(given);
  const [rows] = z.shape;
  const fits = z.shape.length === 2 && z.shape[1] === latents && rows > 0;
  if (!fits) throw new InputError(`latents: the shape [n, ${latents}] is expected, got [${z.shape.join(", ")}]`);
  if (z.data.length !== rows * latents) {
    const shape = `[${z.shape.join(", ")}]`;
    throw new InputError(`latents: expected ${rows * latents} numbers for the shape ${shape}, got ${z.data.length}`);
  }
  const stray = z.data.findIndex((value) => !Number.isFinite(value));
  if (stray < 0) return z;
  const place = `row ${Math.floor(stray / latents)}, column ${stray % latents} (from 0)`;
  throw new InputError(`latents: ${place}: expected a finite number, got ${z.data[stray]}`);
}

function fromRows(rows: readonly (readonly number[])[]): NdArray {
  const width = rows[0]?.length ?? 0;
  const ragged = rows.findIndex((row) => row.length !== width);
  if (ragged >= 0)
    throw new InputError(`latents: row ${ragged} has ${rows[ragged].length} numbers, the first ${width}`);
  return { data: Float32Array.from(rows.flat()), shape: [rows.length, width] };
}
