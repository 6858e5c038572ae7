/// <reference types="vite/client" />
/** The model, in a thread of its own: its runs would stop the page. */
import mjs from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { type Ability, type Engine, load, openEngine, type TrainedModel } from "reparam";
import { loadedHere } from "./files.ts";
import type { Answer, Answers, LoadedFile, Looked, ModelFacts, Question, Questions } from "./messages.ts";

type Source = Questions["open"]["source"];

/** An open model: what it draws with at once, and what it looks at an image with when there is one. */
interface Opened {
  readonly source: Source;
  readonly sampler: TrainedModel<"sample" | "decode">;
  readonly encoder: () => Promise<TrainedModel<"encode"> | string>;
  readonly scorer: () => Promise<TrainedModel<"score"> | string>;
  release(): Promise<void>;
}

let engine: Promise<Engine> | undefined;
let opened: Opened | undefined;

async function open({ source }: Questions["open"]): Promise<ModelFacts> {
  engine ??= openEngine({ wasmPaths: { wasm, mjs } });
  const runtime = await engine;
  const sampler = await load(source, { needs: ["sample", "decode"], runtime });
  const held = [sampler.release];
  /** Loaded when it is asked for; else the reason why it cannot be. */
  const later = <A extends Ability>(need: A): (() => Promise<TrainedModel<A> | string>) => {
    let model: Promise<TrainedModel<A> | string> | undefined;
    return () => {
      model ??= load(source, { needs: [need], runtime }).then((found) => {
        held.push(found.release);
        return found;
      }, messageOf);
      return model;
    };
  };
  const before = opened;
  opened = {
    source,
    sampler,
    encoder: later("encode"),
    scorer: later("score"),
    release: async () => {
      for (const release of held) await release();
    },
  };
  await before?.release();
  const { data, model } = sampler.facts;
  const { shape, range, columns, examples } = data;
  const { latents, likelihood = "none", parameters } = model;
  return { name: sampler.name, shape, range, columns, examples, latents, likelihood, parameters };
}

async function look({ image }: Questions["look"]): Promise<Looked> {
  const { sampler, encoder, scorer } = current();
  const [encoding, scoring] = [await encoder(), await scorer()];
  const missing = [encoding, scoring].filter((one) => typeof one === "string");
  const looked: { -readonly [K in keyof Looked]: Looked[K] } = { missing };
  if (typeof encoding !== "string") {
    const codes = await encoding.encode(image);
    const mean = codes.mean ?? Object.values(codes)[0];
    looked.z = Array.from(mean.data);
    looked.reconstruction = await sampler.decode(mean);
  }
  if (typeof scoring !== "string") {
    const { logLikelihood, percentile, typicality } = await scoring.score(image);
    looked.score = { logLikelihood: logLikelihood[0], percentile: percentile[0], typicality: typicality[0] };
  }
  return looked;
}

/** What this thread has loaded; the page adds what itself has. */
function loaded(): readonly LoadedFile[] {
  const files = typeof opened?.source === "object" ? opened.source : [];
  return [...loadedHere(), ...files.map(({ name, size }) => ({ name, bytes: size }))];
}

function current(): Opened {
  if (opened) return opened;
  throw new Error("there is no model yet: drop its files on the page");
}

function answerTo(question: Question): Promise<Answers[keyof Answers]> | readonly LoadedFile[] {
  switch (question.kind) {
    case "open":
      return open(question);
    case "sample":
      return current().sampler.sample(question.count, question);
    case "decode":
      return current().sampler.decode([question.z]);
    case "look":
      return look(question);
    case "loaded":
      return loaded();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

self.onmessage = async ({ data }: MessageEvent<Question>): Promise<void> => {
  let answer: Answer;
  try {
    answer = { id: data.id, answer: await answerTo(data) };
  } catch (error) {
    answer = { id: data.id, error: messageOf(error) };
  }
  self.postMessage(answer);
};
