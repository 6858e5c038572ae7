import { batchOrder } from "../data/batches.ts";
import type { Dataset } from "../data/dataset.ts";
import { InputError, NumericalError } from "../errors.ts";
import type { Phase, Schedule } from "../inference/phase.ts";
import { type NamedLeaf, namedLeaves } from "../onnx/lower.ts";
import { drawInitial } from "../random/initial.ts";
import { type NoiseSource, noiseSource } from "../random/noise.ts";
import { type CompiledFunction, compile, type Feeds } from "../runtime/compile.ts";
import { firstNonFinite } from "../runtime/debug.ts";
import type { Engine } from "../runtime/engine.ts";
import { instantiateKernels } from "../runtime/kernels.ts";
import { gradients } from "../tensor/gradients.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import { asFloat } from "../tensor/op.ts";
import { staticShape } from "../tensor/shape.ts";
import type { AnyTensor } from "../tensor/tensor.ts";
import { allocate, type Range } from "./memory.ts";
import { applyUpdate, clipScale, slotNames } from "./optimizer.ts";
import { scheduleAt } from "./schedule.ts";

export interface TrainingOptions {
  readonly engine: Engine;
  readonly phases: readonly Phase[];
  readonly dataset: Dataset;
  readonly seed: number;
  readonly batchSize: number;
  /** Values of the hyper leaves by name. */
  readonly hypers: Readonly<Record<string, Schedule>>;
}

export interface StepResult {
  /** The step that was made, the first of which is 0, and the phase it belonged to. */
  readonly step: number;
  readonly phase: string;
  readonly loss: number;
  /** The phase's terms, averaged over examples and samples. */
  readonly terms: Readonly<Record<string, number>>;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly hypers: Readonly<Record<string, number>>;
}

/** All that a run needs to go on from: the live parameters, slots and state by name, and how many steps were made. */
export interface Snapshot {
  readonly step: number;
  readonly tensors: ReadonlyMap<string, NdArray>;
}

/** A training program in memory, made step by step. */
export interface Training {
  readonly step: number;
  readonly stepsPerEpoch: number;
  /** The live values: they change with every step. */
  readonly parameters: ReadonlyMap<string, NdArray>;
  runStep(): Promise<StepResult>;
  /** The live values; throws a NumericalError where a parameter is not finite, so that none such is ever saved. */
  snapshot(): Snapshot;
  restore(snapshot: Snapshot, from: string): void;
  release(): Promise<void>;
}

interface PreparedPhase {
  readonly phase: Phase;
  readonly outputs: Readonly<Record<string, AnyTensor>>;
  readonly compiled: CompiledFunction;
  readonly feeds: Record<string, NdArray>;
  readonly into: Feeds;
  readonly noises: readonly { readonly source: NoiseSource; readonly out: Float32Array; readonly samples: number }[];
  readonly hypers: readonly { readonly schedule: Schedule; readonly name: string; readonly out: Float32Array }[];
  readonly x: Uint8Array | Float32Array | undefined;
  readonly ranges: readonly Range[];
  /** Byte offsets of the regions that hold this phase's slots. */
  readonly slots: readonly { readonly name: string; readonly region: number }[];
  readonly moved: ReadonlySet<string>;
}

const GRADIENT = "gradient/";
const UPDATE = "update/";
const PARAMETERS = 0;
const GRADIENTS = 1;
const NEXT_STATE = 1; // state has no gradient: its new value lies where a gradient would

/** Lays out the memory, draws the parameters' starts, and compiles every phase for this batch size. */
export async function createTraining(options: TrainingOptions): Promise<Training> {
  const { engine, phases, dataset, seed, batchSize } = options;
  const order = batchOrder({ length: dataset.length, batchSize, seed });
  const leaves = keptLeaves(phases);
  const slotRegions = phases.flatMap((phase) => slotNames(phase.optimizer).map((slot) => `${phase.name}/${slot}`));
  const memory = allocate(
    leaves.map(({ leaf, tensor }) => ({ name: leaf.name, shape: staticShape(leaf.name, tensor.shape) })),
    2 + slotRegions.length,
  );
  const [parameters, gradientsOf] = memory.regions.map(({ arrays }) => arrays);
  const kernels = instantiateKernels(memory.memory);
  for (const { leaf } of leaves) {
    const value = parameters.get(leaf.name);
    if (value && "initial" in leaf) value.data.set(drawInitial(leaf.initial, leaf.name, value.shape, seed));
  }
  const slotRegion = (name: string): number => 2 + slotRegions.indexOf(name);
  const prepared = await Promise.all(phases.map((phase) => prepare(phase)));
  const turn = phases.reduce((total, phase) => total + (phase.steps ?? 1), 0);
  let step = 0;

  const kept = new Map<string, NdArray>();
  for (const [name, value] of parameters) kept.set(`parameter/${name}`, value);
  for (const { phase, slots, moved } of prepared) {
    for (const { name: slot, region } of slots) {
      const { arrays } = memory.regions[region];
      for (const name of moved) kept.set(`slot/${phase.name}/${slot}/${name}`, found(arrays, name));
    }
  }

  async function prepare(phase: Phase): Promise<PreparedPhase> {
    const within = namedLeaves([phase.loss, ...Object.values(phase.terms)]);
    const moved = within.filter(({ leaf }) => leaf.kind === "parameter" && moves(phase, leaf));
    const slopes = gradients(
      phase.loss,
      moved.map(({ tensor }) => asFloat(tensor)),
    );
    const outputs: Record<string, AnyTensor> = { loss: phase.loss };
    for (const [name, term] of Object.entries(phase.terms)) outputs[`term/${name}`] = term;
    for (const [i, { leaf }] of moved.entries()) outputs[GRADIENT + leaf.name] = slopes[i];
    for (const [name, value] of Object.entries(phase.updates ?? {})) outputs[UPDATE + name] = value;
    const compiled = await compile(engine, outputs, { name: phase.name, sizes: { batch: batchSize } });
    const into: Record<string, NdArray> = {};
    for (const name of Object.keys(outputs)) {
      const home = name.startsWith(GRADIENT) ? name.slice(GRADIENT.length) : name.slice(UPDATE.length);
      const place = name.startsWith(GRADIENT) || name.startsWith(UPDATE) ? gradientsOf.get(home) : undefined;
      if (place) into[name] = place;
    }
    const names = new Set(moved.map(({ leaf }) => leaf.name));
    const feeding = feedsFor(compiled);
    const slots = slotNames(phase.optimizer).map((name) => ({ name, region: slotRegion(`${phase.name}/${name}`) }));
    return { phase, outputs, compiled, into, ...feeding, ranges: memory.ranges(names), slots, moved: names };
  }

  function feedsFor({ program }: CompiledFunction): Pick<PreparedPhase, "feeds" | "noises" | "hypers" | "x"> {
    const feeds: Record<string, NdArray> = {};
    const noises: PreparedPhase["noises"][number][] = [];
    const hypers: PreparedPhase["hypers"][number][] = [];
    let x: PreparedPhase["x"];
    for (const { leaf, name, shape: symbolic, dtype } of program.inputs) {
      const shape = staticShape(name, symbolic);
      const size = sizeOf(shape);
      if (leaf.kind === "parameter" || leaf.kind === "state") {
        feeds[name] = found(parameters, name);
      } else if (leaf.kind === "noise") {
        const out = new Float32Array(size);
        const event = shape.slice(leaf.sampled ? 2 : 1);
        noises.push({
          source: noiseSource({ name, law: leaf.law, event }, seed),
          out,
          samples: leaf.sampled ? shape[0] : 1,
        });
        feeds[name] = { data: out, shape };
      } else if (leaf.kind === "hyper") {
        const schedule = options.hypers[name];
        if (!schedule) throw new InputError(`the model asks for the number ${name}, which no schedule gives`);
        const out = new Float32Array(1);
        hypers.push({ schedule, name, out });
        feeds[name] = { data: out, shape };
      } else {
        if (name !== "x") throw new InputError(`data ${name}: training feeds x only`);
        x = dtype === "uint8" ? new Uint8Array(size) : new Float32Array(size);
        feeds[name] = { data: x, shape };
      }
    }
    return { feeds, noises, hypers, x };
  }

  /** The phase whose turn this step is, and how many updates it has made before. */
  function whose(at: number): { current: PreparedPhase; before: number } {
    let place = at % turn;
    for (const current of prepared) {
      const steps = current.phase.steps ?? 1;
      if (place < steps) return { current, before: Math.floor(at / turn) * steps + place };
      place -= steps;
    }
    throw new Error("a training program has no phase");
  }

  async function runStep(): Promise<StepResult> {
    const { current, before } = whose(step);
    const { phase, compiled, feeds, into, ranges } = current;
    const examples = order.indices(step);
    if (current.x) dataset.read(examples, current.x);
    for (const { source, out, samples } of current.noises)
      source.fill(out, { step, examples, samples, firstSample: 0 });
    for (const { schedule, out } of current.hypers) out[0] = scheduleAt(schedule, step);
    const values = await compiled.run(feeds, into);
    const loss = values.loss.data[0];
    const start = memory.regions[GRADIENTS].start;
    const squares = ranges.map(({ offset, count }) => kernels.sumSquares(start + 4 * offset, count));
    const gradientNorm = Math.sqrt(squares.reduce((total, square) => total + square, 0));
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw new NumericalError(`${await blame(current, Number.isFinite(loss) ? "the gradient" : "the loss")}`);
    }
    const learningRate = scheduleAt(phase.learningRate, step);
    const gradScale = clipScale(gradientNorm, phase.clipNorm);
    for (const { offset, count } of ranges) {
      const at = (region: number): number => memory.regions[region].start + 4 * offset;
      const slots = current.slots.map(({ region }) => at(region));
      const range = { param: at(PARAMETERS), grad: at(GRADIENTS), count };
      applyUpdate(kernels, phase.optimizer, range, { slots, learningRate, gradScale, count: before + 1 });
    }
    for (const name of Object.keys(phase.updates ?? {})) {
      parameters.get(name)?.data.set(found(memory.regions[NEXT_STATE].arrays, name).data);
    }
    const terms = Object.fromEntries(
      Object.keys(phase.terms).map((name) => [name, average(values[`term/${name}`].data)]),
    );
    const hypers = Object.fromEntries(current.hypers.map(({ name, out }) => [name, out[0]]));
    step += 1;
    return { step: step - 1, phase: phase.name, loss, terms, gradientNorm, learningRate, hypers };
  }

  async function blame({ outputs, feeds }: PreparedPhase, what: string): Promise<string> {
    const culprit = await firstNonFinite(engine, outputs, feeds, { sizes: { batch: batchSize } });
    return `step ${step}: ${what} is not finite${culprit ? `; first at ${culprit}` : ""}`;
  }

  return {
    get step() {
      return step;
    },
    stepsPerEpoch: order.stepsPerEpoch,
    parameters,
    runStep,
    snapshot: () => {
      const [{ start }] = memory.regions;
      for (const { offset, count } of memory.ranges(new Set(parameters.keys()))) {
        if (Number.isFinite(kernels.sumSquares(start + 4 * offset, count))) continue;
        throw new NumericalError(`step ${step}: a parameter is not finite; a lower learning rate helps`);
      }
      return { step, tensors: kept };
    },
    restore: (snapshot, from) => {
      copyInto(kept, snapshot.tensors, from);
      step = snapshot.step;
    },
    release: async () => {
      await Promise.all(prepared.map(({ compiled }) => compiled.release()));
    },
  };
}

/** Parameters and state of all phases; those that the same phases move lie together. */
function keptLeaves(phases: readonly Phase[]): readonly { readonly leaf: NamedLeaf; readonly tensor: AnyTensor }[] {
  const roots: AnyTensor[] = phases.flatMap((phase): AnyTensor[] => [phase.loss, ...Object.values(phase.terms)]);
  const leaves = namedLeaves(roots).filter(({ leaf }) => leaf.kind === "parameter" || leaf.kind === "state");
  const mover = (leaf: NamedLeaf): string => phases.map((phase) => (moves(phase, leaf) ? "1" : "0")).join("");
  return leaves.toSorted((a, b) => mover(b.leaf).localeCompare(mover(a.leaf)));
}

function moves({ moves: prefixes }: Phase, leaf: NamedLeaf): boolean {
  return leaf.kind === "parameter" && (prefixes?.some((prefix) => leaf.name.startsWith(prefix)) ?? true);
}

function found<T>(values: ReadonlyMap<string, T>, name: string): T {
  const value = values.get(name);
  if (value === undefined) throw new Error(`training: ${name} has no place in memory`);
  return value;
}

function average(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total / values.length;
}

/** Copies every value of a checkpoint to its place; each must be there and fit. */
function copyInto(places: ReadonlyMap<string, NdArray>, values: ReadonlyMap<string, NdArray>, from: string): void {
  for (const [name, place] of places) {
    const value = values.get(name);
    if (!value) throw new InputError(`${from}: ${name} is missing; it belongs to another model`);
    if (value.shape.join() !== place.shape.join()) {
      throw new InputError(
        `${from}: ${name} has the shape [${value.shape.join(", ")}] and this model needs [${place.shape.join(", ")}]`,
      );
    }
  }
  for (const [name, place] of places) place.data.set(found(values, name).data);
}
