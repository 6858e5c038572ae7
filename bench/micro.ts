import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Engine, openEngine, scheduleAt } from "../dist/index.js";
import { instantiateKernels } from "../dist/runtime/kernels.js";
import { type NoiseBuffer, noiseBuffer } from "../dist/runtime/noise-buffer.js";
import { allocate } from "../dist/training/memory.js";
import { applyUpdate } from "../dist/training/optimizer.js";
import { preparePhase } from "../dist/training/prepared-phase.js";
import type { Figure, Outcome } from "./results.ts";
import { BATCH, LATENTS, noisePictures, openSubject, type Subject, subjectOptions } from "./subject.ts";
import { quantile } from "./turns.ts";

const ROUNDS = 40;
const REPEATS = 5;
const WARM_UP = 20;

/** Where a step's time goes on one thread: its pieces each made alone, taking turns, and the engine's operators. */
export async function benchMicro(subject: Subject): Promise<Outcome> {
  const engine = await openEngine();
  const figures = await pieces(subject, engine);
  return { figures: [...figures, ...(await operators(subject, engine))] };
}

async function pieces(subject: Subject, engine: Engine): Promise<readonly Figure[]> {
  const dataset = noisePictures(10_000);
  const options = subjectOptions(subject, engine, dataset);
  const training = await openSubject(subject, engine, dataset);
  const memory = allocate(
    Array.from(training.parameters, ([name, { shape }]) => ({ name, shape })),
    4,
  );
  const [parameters, gradients, m, v] = memory.regions;
  for (const [name, { data }] of training.parameters) parameters.arrays.get(name)?.data.set(data);
  const [phase] = options.phases;
  const { compiled, feeds, into } = await preparePhase(phase, options, memory, () => 2, new Map());
  const kernels = instantiateKernels(memory.memory);
  const [{ count }] = memory.ranges(new Set(training.parameters.keys()));
  const examples = Uint32Array.from({ length: BATCH }, (_, i) => 77 * i);
  const uniform = noiseBuffer({ name: "u", law: "uniform", event: [784] }, 0, BATCH);
  const normal = noiseBuffer({ name: "n", law: "normal", event: [LATENTS] }, 0, BATCH);
  const pixels = new Uint8Array(784 * BATCH);
  const range = { param: parameters.start, grad: gradients.start, count };
  const update = { slots: [m.start, v.start], learningRate: 1e-3, gradScale: 1, count: 1 };
  const draw = (buffer: NoiseBuffer, step: number): void => buffer.fill({ step, examples, samples: 1, firstSample: 0 });

  const all: Readonly<Record<string, (step: number) => unknown>> = {
    "whole step": () => training.runStep(),
    "engine run": () => compiled.run(feeds, into),
    "Adam kernel": () => applyUpdate(kernels, phase.optimizer, range, update),
    "gradient norm": () => kernels.sumSquares(gradients.start, count),
    "uniform noise [128, 784]": (step) => draw(uniform, step),
    [`normal noise [128, ${LATENTS}]`]: (step) => draw(normal, step),
    "batch read [128, 784]": () => dataset.read(examples, pixels),
    schedule: (step) => scheduleAt(phase.learningRate, step),
  };
  const names = Object.keys(all);
  const times = names.map((): number[] => []);
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const [i, name] of names.entries()) {
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        const start = performance.now();
        await all[name](round);
        if (round >= WARM_UP) times[i].push(performance.now() - start);
      }
    }
  }
  await Promise.all([training.release(), compiled.release()]);
  return names.map((name, i) => {
    const spread = `min ${quantile(times[i], 0).toFixed(3)}, 90 % ${quantile(times[i], 0.9).toFixed(3)}`;
    return { what: `${subject}: ${name}`, value: quantile(times[i], 0.5), unit: "ms", spread };
  });
}

/** What ONNX Runtime's profile says of a node that ran. */
interface NodeEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args: { readonly op_name?: string };
}

/** The engine's time by kind of operator, from its own profile; profiling itself costs it some percent. */
async function operators(subject: Subject, engine: Engine): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "reparam-profile-"));
  try {
    const sessionOptions = {
      ...engine.sessionOptions,
      enableProfiling: true,
      profileFilePrefix: join(folder, "profile"),
    };
    const training = await openSubject(subject, { ...engine, sessionOptions }, noisePictures(10_000));
    for (let i = 0; i < WARM_UP + ROUNDS; i++) await training.runStep();
    await training.release();
    const [file] = readdirSync(folder);
    const events: readonly NodeEvent[] = JSON.parse(readFileSync(join(folder, file), "utf8"));
    const nodes = new Map<string, { readonly kind: string; readonly microseconds: number[] }>();
    for (const { cat, name, dur, args } of events) {
      if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
      const node = nodes.get(name) ?? { kind: args.op_name ?? "?", microseconds: [] };
      node.microseconds.push(dur);
      nodes.set(name, node);
    }
    const kinds = new Map<string, { readonly count: number; readonly ms: number }>();
    for (const { kind, microseconds } of nodes.values()) {
      const { count, ms } = kinds.get(kind) ?? { count: 0, ms: 0 };
      kinds.set(kind, { count: count + 1, ms: ms + quantile(microseconds.slice(WARM_UP), 0.5) / 1000 });
    }
    return [...kinds]
      .toSorted(([, a], [, b]) => b.ms - a.ms)
      .map(([kind, { count, ms }]) => ({ what: `${subject}: engine, ${count} × ${kind}`, value: ms, unit: "ms" }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
