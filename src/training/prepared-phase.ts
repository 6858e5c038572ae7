import { conditionsOf } from "../data/conditions.ts";
import type { Dataset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import type { Phase, Schedule } from "../inference/phase.ts";
import { CONDITION } from "../models/condition.ts";
import { type NamedLeaf, namedLeaves } from "../onnx/lower.ts";
import { type CompiledFunction, compile, type Feeds } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { noiseBuffer } from "../runtime/noise-buffer.ts";
import { gradients } from "../tensor/gradients.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { asFloat } from "../tensor/op.ts";
import { staticShape } from "../tensor/shape.ts";
import type { AnyTensor, Tensor } from "../tensor/tensor.ts";
import type { LocalRows } from "./local-rows.ts";
import { GRADIENTS, NEXT_STATE, PARAMETERS, placeOf, type Range, type TrainingMemory } from "./memory.ts";
import { slotNames } from "./optimizer.ts";
import { scheduleAt } from "./schedule.ts";

export interface TrainingOptions {
  readonly engine: Engine;
  readonly phases: readonly Phase[];
  readonly dataset: Dataset;
  readonly seed: number;
  readonly batchSize: number;
  /** Values of the hyper leaves by name. */
  readonly hypers: Readonly<Record<string, Schedule>>;
  /** What is told of an epoch where phases have learning rates of their own; the first phase's by default. */
  readonly learningRate?: Schedule;
  /** Whether each step has examples of its own, or all steps of a turn, of every phase, the same; by default each its own. */
  readonly batchPer?: "step" | "turn";
  /** Values of parameters, by name, from the first batch: a start that suits the data. */
  readonly start?: Readonly<Record<string, Tensor>>;
}

/** A phase compiled, with everything that it reads and writes in its place. */
export interface PreparedPhase {
  readonly phase: Phase;
  readonly outputs: Readonly<Record<string, AnyTensor>>;
  readonly compiled: CompiledFunction;
  /** Fed at every run: the same arrays, whose numbers change. */
  readonly feeds: Feeds;
  /** Where gradients and new state are written. */
  readonly into: Feeds;
  /** Reads the examples, draws the noise and sets the scheduled numbers of a step. */
  readonly fill: (examples: Uint32Array, step: number) => void;
  /** The scheduled numbers as they stand. */
  readonly hypers: readonly { readonly name: string; readonly out: Float32Array }[];
  /** Names of the parameters that the phase moves, and where they lie. */
  readonly moved: ReadonlySet<string>;
  readonly ranges: readonly Range[];
  /** Rows of the batch's examples that it reads, and whether it moves them. */
  readonly locals: readonly { readonly rows: LocalRows; readonly moved: boolean }[];
  /** The loss alone, for a line search. */
  readonly trial?: CompiledFunction;
  /** The regions of its optimizer's slots. */
  readonly slots: readonly { readonly name: string; readonly region: number }[];
}

export const TERM = "term/";
const GRADIENT = "gradient/";
const UPDATE = "update/";

/** Whether a phase may move a parameter, or an example's own rows. */
export function moves({ moves: prefixes }: Phase, leaf: NamedLeaf): boolean {
  return (
    (leaf.kind === "parameter" || leaf.kind === "local") &&
    (prefixes?.some((prefix) => leaf.name.startsWith(prefix)) ?? true)
  );
}

/** Everything that a phase computes but its gradients. */
export function phaseOutputs({ loss, terms, updates = {} }: Phase): readonly AnyTensor[] {
  return [loss, ...Object.values(terms), ...Object.values(updates)];
}

/** Differentiates a phase's loss, compiles it for the batch size, and ties its inputs and outputs to the memory. */
export async function preparePhase(
  phase: Phase,
  options: TrainingOptions,
  memory: TrainingMemory,
  slotRegion: (name: string) => number,
  tables: ReadonlyMap<string, LocalRows>,
): Promise<PreparedPhase> {
  const movable = namedLeaves([phase.loss]).filter(({ leaf }) => moves(phase, leaf));
  const slopes = gradients(
    phase.loss,
    movable.map(({ tensor }) => asFloat(tensor)),
  );
  const outputs: Record<string, AnyTensor> = { loss: phase.loss };
  const into: Record<string, NdArray> = {};
  for (const [name, term] of Object.entries(phase.terms)) outputs[TERM + name] = term;
  for (const [i, { leaf }] of movable.entries()) {
    outputs[GRADIENT + leaf.name] = slopes[i];
    into[GRADIENT + leaf.name] =
      leaf.kind === "local"
        ? placeOf(tables, leaf.name).gradient
        : placeOf(memory.regions[GRADIENTS].arrays, leaf.name);
  }
  for (const [name, value] of Object.entries(phase.updates ?? {})) {
    outputs[UPDATE + name] = value;
    into[UPDATE + name] = placeOf(memory.regions[NEXT_STATE].arrays, name);
  }
  const { engine, batchSize } = options;
  const compiled = await compile(engine, outputs, { name: phase.name, sizes: { batch: batchSize } });
  const trial = phase.lineSearch
    ? await compile(engine, { loss: phase.loss }, { name: `${phase.name}-trial`, sizes: { batch: batchSize } })
    : undefined;
  const moved = new Set(movable.flatMap(({ leaf }) => (leaf.kind === "parameter" ? [leaf.name] : [])));
  const locals = compiled.program.inputs
    .filter(({ leaf }) => leaf.kind === "local")
    .map(({ leaf }) => ({ rows: placeOf(tables, leaf.name), moved: moves(phase, leaf) }));
  const slots = slotNames(phase.optimizer).map((name) => ({ name, region: slotRegion(`${phase.name}/${name}`) }));
  return {
    phase,
    outputs,
    compiled,
    into,
    ...inputsOf(compiled, options, memory, tables),
    locals,
    trial,
    moved,
    ranges: memory.ranges(moved),
    slots,
  };
}

/** Arrays for everything the program is fed, and the function that fills those which change with the step. */
function inputsOf(
  { program }: CompiledFunction,
  { dataset, seed, hypers: schedules }: TrainingOptions,
  memory: TrainingMemory,
  tables: ReadonlyMap<string, LocalRows>,
): Pick<PreparedPhase, "feeds" | "fill" | "hypers"> {
  const feeds: Record<string, NdArray> = {};
  const fills: PreparedPhase["fill"][] = [];
  const hypers: { name: string; out: Float32Array }[] = [];
  for (const { leaf, name, shape: symbolic, dtype } of program.inputs) {
    const shape = staticShape(name, symbolic);
    const size = sizeOf(shape);
    if (leaf.kind === "parameter" || leaf.kind === "state") {
      feeds[name] = placeOf(memory.regions[PARAMETERS].arrays, name);
    } else if (leaf.kind === "local") {
      const rows = placeOf(tables, name);
      fills.push((examples) => rows.gather(examples));
      feeds[name] = rows.batch;
    } else if (leaf.kind === "noise") {
      const event = shape.slice(leaf.sampled ? 2 : 1);
      const { data, fill } = noiseBuffer({ name, law: leaf.law, event }, seed, size / sizeOf(event));
      const samples = leaf.sampled ? shape[0] : 1;
      fills.push((examples, step) => fill({ step, examples, samples, firstSample: 0 }));
      feeds[name] = { data, shape };
    } else if (leaf.kind === "hyper") {
      const schedule = schedules[name];
      if (!schedule) throw new InputError(`the model asks for the number ${name}, which no schedule gives`);
      const out = new Float32Array(1);
      fills.push((_, step) => out.fill(scheduleAt(schedule, step)));
      hypers.push({ name, out });
      feeds[name] = { data: out, shape };
    } else if (name === CONDITION) {
      const conditions = conditionsOf(dataset, size / shape[0]);
      const out = new Float32Array(size);
      fills.push((examples) => conditions.read(examples, out));
      feeds[name] = { data: out, shape };
    } else {
      if (name !== "x")
        throw new InputError(`data ${name}: a training program is fed x, the condition and nothing else`);
      const out = dtype === "uint8" ? new Uint8Array(size) : new Float32Array(size);
      fills.push((examples) => dataset.read(examples, out));
      feeds[name] = { data: out, shape };
    }
  }
  const fill = (examples: Uint32Array, step: number): void => {
    for (const one of fills) one(examples, step);
  };
  return { feeds, fill, hypers };
}
