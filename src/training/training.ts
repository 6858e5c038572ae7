import { batchOrder } from "../data/batches.ts";
import { InputError, NumericalError } from "../errors.ts";
import type { Phase } from "../inference/phase.ts";
import { type NamedLeaf, namedLeaves } from "../onnx/lower.ts";
import { drawInitial } from "../random/initial.ts";
import { firstNonFinite } from "../runtime/debug.ts";
import { instantiateKernels } from "../runtime/kernels.ts";
import { constant } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { staticShape } from "../tensor/shape.ts";
import type { AnyTensor } from "../tensor/tensor.ts";
import { lineSearch } from "./line-search.ts";
import { type LocalRows, localRows } from "./local-rows.ts";
import {
  allocate,
  FIRST_SLOT,
  GRADIENTS,
  NEXT_STATE,
  PARAMETERS,
  placeOf,
  type Range,
  type TrainingMemory,
} from "./memory.ts";
import { applyUpdate, clipScale, slotNames } from "./optimizer.ts";
import { moves, type PreparedPhase, phaseOutputs, preparePhase, TERM, type TrainingOptions } from "./prepared-phase.ts";
import { scheduleAt } from "./schedule.ts";

export interface StepResult {
  /** The step that was made, the first of which is 0, and the phase it belonged to. */
  readonly step: number;
  readonly phase: string;
  readonly loss: number;
  /** The phase's terms, averaged over examples and samples. */
  readonly terms: Readonly<Record<string, number>>;
  /** Of a step by a gradient. */
  readonly gradientNorm?: number;
  readonly learningRate?: number;
  readonly hypers: Readonly<Record<string, number>>;
}

/** What schedules give the run as a whole, whichever phase the step was of. */
export interface Scheduled {
  /** Of training by gradients. */
  readonly learningRate?: number;
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
  /** Whether a further step would change nothing, which an update rule can tell. */
  readonly converged?: boolean;
  /** What the user should hear of the fit as it is, a line each; of training by gradients its metrics tell. */
  readonly remarks?: () => readonly string[];
  /** What the step made last had, or the first will have. */
  readonly scheduled: Scheduled;
  /** The live values: they change with every step. */
  readonly parameters: ReadonlyMap<string, NdArray>;
  /** The tables of rows that examples have of their own, by name. */
  readonly locals: ReadonlyMap<string, LocalRows>;
  runStep(): Promise<StepResult>;
  /** Runs the next step's program and drops what comes out: what a step costs, before the first one is made. */
  rehearse(): Promise<void>;
  /** The live values; throws a NumericalError where a parameter is not finite, so that none such is ever saved. */
  snapshot(): Snapshot;
  restore(snapshot: Snapshot, from: string): void;
  release(): Promise<void>;
}

/** The optimizers square gradients, and float32 ends at 3.4e38. */
const LARGEST_GRADIENT = 1e18;

/** Lays out the memory, draws the parameters' starts, and compiles every phase for this batch size. */
export async function createTraining(options: TrainingOptions): Promise<Training> {
  const { engine, phases, dataset, seed, batchSize } = options;
  const order = batchOrder({ length: dataset.length, batchSize, seed });
  const leaves = keptLeaves(phases);
  const slotRegions = phases.flatMap((phase) => slotNames(phase.optimizer).map((slot) => `${phase.name}/${slot}`));
  const memory = allocate(
    leaves.map(({ leaf, tensor }) => ({ name: leaf.name, shape: staticShape(leaf.name, tensor.shape) })),
    FIRST_SLOT + slotRegions.length,
  );
  const { arrays: parameters } = memory.regions[PARAMETERS];
  for (const { leaf } of leaves) {
    const value = parameters.get(leaf.name);
    if (value && "initial" in leaf) value.data.set(drawInitial(leaf.initial, leaf.name, value.shape, seed));
  }
  const slotRegion = (name: string): number => FIRST_SLOT + slotRegions.indexOf(name);
  const tables = localTables(options);
  const prepared = await Promise.all(phases.map((phase) => preparePhase(phase, options, memory, slotRegion, tables)));
  await startFromData(options, memory, order.indices(0), tables);
  const kernels = instantiateKernels(memory.memory);
  const kept = keptValues(memory, prepared, tables);
  const everything = memory.ranges(new Set(parameters.keys()));
  const { learningRate: runRate = phases[0].learningRate } = options;
  const hyperNames = [...new Set(prepared.flatMap(({ hypers }) => hypers.map(({ name }) => name)))];
  const turn = phases.reduce((total, phase) => total + (phase.steps ?? 1), 0);
  const stepsPerBatch = options.batchPer === "turn" ? turn : 1;
  const examplesAt = (at: number): Uint32Array => order.indices(Math.floor(at / stepsPerBatch));
  let step = 0;

  /** The phase whose turn this step is, and how many updates it has made before. */
  function whose(at: number): { current: PreparedPhase; before: number } {
    let place = at % turn;
    for (const current of prepared) {
      const steps = current.phase.steps ?? 1;
      if (place < steps) return { current, before: Math.floor(at / turn) * steps + place };
      place -= steps;
    }
    throw new InputError("a training program needs at least one phase");
  }

  /** The Euclidean norm of what lies in these ranges of a region: not finite exactly when one of the numbers is not. */
  function norm(region: number, ranges: readonly Range[]): number {
    const { start } = memory.regions[region];
    const squares = ranges.map(({ offset, count }) => kernels.sumSquares(start + 4 * offset, count));
    return Math.sqrt(squares.reduce((total, square) => total + square, 0));
  }

  async function runStep(): Promise<StepResult> {
    const { current, before } = whose(step);
    const { phase } = current;
    const examples = examplesAt(step);
    current.fill(examples, step);
    const values = await current.compiled.run(current.feeds, current.into);
    const loss = values.loss.data[0];
    const gradientNorm = Math.hypot(norm(GRADIENTS, current.ranges), ...current.locals.map(localNorm));
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw new NumericalError(await blame(current, Number.isFinite(loss) ? "the gradient" : "the loss"));
    }
    if (gradientNorm > LARGEST_GRADIENT) {
      throw new NumericalError(
        `step ${step}: the gradient has the norm ${gradientNorm.toExponential(1)}, whose square float32 does not hold`,
      );
    }
    const learningRate = scheduleAt(phase.learningRate, step);
    const gradScale = clipScale(gradientNorm, phase.clipNorm);
    const move = (share: number): void => {
      for (const { offset, count } of current.ranges) {
        const at = (region: number): number => memory.regions[region].start + 4 * offset;
        const slots = current.slots.map(({ region }) => at(region));
        const range = { param: at(PARAMETERS), grad: at(GRADIENTS), count };
        const rate = share * learningRate;
        applyUpdate(kernels, phase.optimizer, range, { slots, learningRate: rate, gradScale, count: before + 1 });
      }
    };
    if (current.trial) await search(current, loss, move);
    else move(1);
    for (const { rows, moved } of current.locals) if (moved) rows.update(examples, learningRate, gradScale);
    for (const name of Object.keys(phase.updates ?? {})) {
      placeOf(parameters, name).data.set(placeOf(memory.regions[NEXT_STATE].arrays, name).data);
    }
    const terms = Object.fromEntries(Object.keys(phase.terms).map((name) => [name, average(values[TERM + name].data)]));
    const hypers = Object.fromEntries(current.hypers.map(({ name, out }) => [name, out[0]]));
    step += 1;
    return { step: step - 1, phase: phase.name, loss, terms, gradientNorm, learningRate, hypers };
  }

  /** Moves by the largest of the steps 1, ½, ¼ … that lowers the loss. */
  async function search({ slots, ranges, trial, feeds }: PreparedPhase, loss: number, move: (share: number) => void) {
    if (!trial) return;
    const regions = [PARAMETERS, ...slots.map(({ region }) => region)];
    await lineSearch({ memory, regions, ranges }, loss, move, async () => (await trial.run(feeds)).loss.data[0]);
  }

  async function blame({ outputs, feeds }: PreparedPhase, what: string): Promise<string> {
    const culprit = await firstNonFinite(engine, outputs, feeds, { sizes: { batch: batchSize } });
    return `step ${step}: ${what} is not finite${culprit ? `; first at ${culprit}` : ""}`;
  }

  return {
    get step() {
      return step;
    },
    stepsPerEpoch: order.stepsPerEpoch * stepsPerBatch,
    get scheduled() {
      const at = Math.max(0, step - 1);
      const values = hyperNames.map((name) => [name, Math.fround(scheduleAt(options.hypers[name], at))] as const);
      return { learningRate: scheduleAt(runRate, at), hypers: Object.fromEntries(values) };
    },
    parameters,
    locals: tables,
    runStep,
    rehearse: async () => {
      const { current } = whose(step);
      current.fill(examplesAt(step), step);
      await current.compiled.run(current.feeds, current.into);
    },
    snapshot: () => {
      if (Number.isFinite(norm(PARAMETERS, everything))) return { step, tensors: kept };
      throw new NumericalError(`step ${step}: a parameter is not finite; a lower learning rate helps`);
    },
    restore: (snapshot, from) => {
      copyInto(kept, snapshot.tensors, from);
      step = snapshot.step;
    },
    release: async () => {
      await Promise.all(prepared.flatMap(({ compiled, trial }) => [compiled.release(), trial?.release()]));
    },
  };
}

/** Gives parameters the start that a batch suggests: a program whose updates are parameters, run once. */
async function startFromData(
  options: TrainingOptions,
  memory: TrainingMemory,
  examples: Uint32Array,
  tables: ReadonlyMap<string, LocalRows>,
): Promise<void> {
  const { start = {} } = options;
  const names = Object.keys(start);
  if (names.length === 0) return;
  const { compiled, fill, feeds, into } = await preparePhase(
    startPhase(start),
    options,
    memory,
    () => FIRST_SLOT,
    tables,
  );
  try {
    fill(examples, 0);
    await compiled.run(feeds, into);
    for (const name of names) {
      placeOf(memory.regions[PARAMETERS].arrays, name).data.set(placeOf(memory.regions[NEXT_STATE].arrays, name).data);
    }
  } finally {
    await compiled.release();
  }
}

/** Nothing is descended: what is computed is the updates alone. */
function startPhase(updates: NonNullable<TrainingOptions["start"]>): Phase {
  return {
    name: "start",
    loss: constant(0),
    terms: {},
    updates,
    optimizer: { kind: "sgd" },
    learningRate: { kind: "constant", value: 0 },
  };
}

/** Every value that a checkpoint holds, by the name it has there. */
function keptValues(
  memory: TrainingMemory,
  prepared: readonly PreparedPhase[],
  tables: ReadonlyMap<string, LocalRows>,
): ReadonlyMap<string, NdArray> {
  const kept = new Map<string, NdArray>([...tables.values()].flatMap((rows) => [...rows.kept]));
  for (const [name, value] of memory.regions[PARAMETERS].arrays) kept.set(`parameter/${name}`, value);
  for (const { phase, slots, moved } of prepared) {
    for (const { name: slot, region } of slots) {
      const { arrays } = memory.regions[region];
      for (const name of moved) kept.set(`slot/${phase.name}/${slot}/${name}`, placeOf(arrays, name));
    }
  }
  return kept;
}

/** A table for every local leaf, with the slots of the phase that moves it. */
function localTables({ phases, dataset, batchSize, seed }: TrainingOptions): ReadonlyMap<string, LocalRows> {
  const tables = new Map<string, LocalRows>();
  for (const { leaf, tensor } of namedLeaves(phases.flatMap(phaseOutputs))) {
    if (leaf.kind !== "local") continue;
    const { name, initial } = leaf;
    const event = staticShape(name, tensor.shape.slice(1));
    const { optimizer = { kind: "sgd" } } = phases.find((phase) => moves(phase, leaf)) ?? {};
    tables.set(name, localRows({ name, event, initial, examples: dataset.length, batchSize, seed, optimizer }));
  }
  return tables;
}

function localNorm({ rows, moved }: PreparedPhase["locals"][number]): number {
  return moved ? Math.sqrt(rows.gradient.data.reduce((total, value) => total + value * value, 0)) : 0;
}

/** Parameters and state of all phases; those that the same phases move lie together. */
function keptLeaves(phases: readonly Phase[]): readonly { readonly leaf: NamedLeaf; readonly tensor: AnyTensor }[] {
  const leaves = namedLeaves(phases.flatMap(phaseOutputs)).filter(
    ({ leaf }) => leaf.kind === "parameter" || leaf.kind === "state",
  );
  const mover = (leaf: NamedLeaf): string => phases.map((phase) => (moves(phase, leaf) ? "1" : "0")).join("");
  return leaves.toSorted((a, b) => mover(b.leaf).localeCompare(mover(a.leaf)));
}

function average(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total / values.length;
}

/** Copies every value of a checkpoint to its place; each must be there and fit. */
export function copyInto(
  places: ReadonlyMap<string, NdArray>,
  values: ReadonlyMap<string, NdArray>,
  from: string,
): void {
  for (const [name, place] of places) {
    const value = values.get(name);
    if (!value) throw new InputError(`${from}: ${name} is missing; it belongs to another model`);
    if (value.shape.join() !== place.shape.join()) {
      throw new InputError(
        `${from}: ${name} has the shape [${value.shape.join(", ")}] and this model needs [${place.shape.join(", ")}]`,
      );
    }
  }
  for (const [name, place] of places) place.data.set(placeOf(values, name).data);
}
