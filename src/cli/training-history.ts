import { newConditions } from "../data/condition-draws.ts";
import { encodeConditions } from "../data/conditions.ts";
import { isImage } from "../data/pixels.ts";
import { programFeeds } from "../evaluation/feeds.ts";
import { decoderProgram, priorProgram } from "../models/programs.ts";
import { byteOf } from "../report/image.ts";
import type { RunFacts } from "../run/facts.ts";
import { decodeSafetensors, encodeSafetensors } from "../run/safetensors.ts";
import { compile } from "../runtime/compile.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import type { PreparedRun } from "./prepare-run.ts";

/** Pictures of what the model imagines as training goes on: the same latents, decoded after epochs 1, 2, 4, … and the last. */
export interface History {
  /** Keeps the pictures of an epoch that is one of those. */
  record(epoch: number, last: boolean): Promise<void>;
  release(): Promise<void>;
}

const FILE = "history.safetensors";
const PICTURES = 10;
/** Draws noise that neither training (steps from 0) nor anything else (−1 to −4) draws. */
const HISTORY_STEP = -5;

/** The history of a run that goes on at an epoch: of what was kept, later epochs will be made again. */
export async function openHistory(
  { run, engine, model, training, options }: PreparedRun,
  { data, model: { unit } }: RunFacts,
): Promise<History> {
  const draw = priorProgram(model);
  if (!isImage(data.shape) || !draw || model.rule) return { record: async () => {}, release: async () => {} };
  const rows = Uint32Array.from({ length: PICTURES }, (_, i) => i);
  const { parameters } = training;
  const prior = await compile(engine, draw, { name: "history-prior" });
  const decoder = await compile(engine, decoderProgram(model), { name: "history" });
  const { condition } = data;
  const conditions = condition && encodeConditions(newConditions(condition, {}, PICTURES, options.seed), condition);
  const [low, high] = data.range;
  const range = { low, high };
  const kept = new Map<string, NdArray>();
  const before = run.readArtifact(FILE);
  const done = Math.floor(training.step / training.stepsPerEpoch);
  for (const [name, value] of before ? decodeSafetensors(before, FILE).tensors : []) {
    if (Number(name) <= done) kept.set(name, value);
  }
  return {
    record: async (epoch, last) => {
      if (!last && !Number.isInteger(Math.log2(epoch))) return;
      const drawn = { program: prior.program, parameters, conditions, seed: options.seed, step: HISTORY_STEP };
      const feeds = programFeeds(drawn);
      const { z } = await prior.run(feeds(rows));
      const fixed = programFeeds({ program: decoder.program, parameters, conditions, seed: 0, step: HISTORY_STEP });
      const { mean } = await decoder.run({ ...fixed(rows), z });
      kept.set(String(epoch), {
        data: Uint8Array.from(mean.data, (value) => byteOf(unit * value, range)),
        shape: mean.shape,
      });
      run.writeArtifact(FILE, encodeSafetensors(kept));
    },
    release: async () => {
      await prior.release();
      await decoder.release();
    },
  };
}
