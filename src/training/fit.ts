import type { Dataset } from "../data/dataset.ts";
import { missingRemedy } from "../data/reading.ts";
import { InputError } from "../errors.ts";
import { KL_WEIGHT } from "../inference/elbo.ts";
import { CAPACITY, type ObjectiveOptions } from "../inference/objective.ts";
import type { OptimizerOptions, Phase, Schedule } from "../inference/phase.ts";
import { phasesOf, type WayOptions } from "../inference/ways.ts";
import { type AnyModel, type DataDescription, describeData, type ModelPhase } from "../models/model.ts";
import { gaugeOf, startProgram, stepsInTurn, trainingProgram } from "../models/programs.ts";
import { namedLeaves } from "../onnx/lower.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { type LoopOptions, type Outcome, train } from "./loop.ts";
import type { TrainingOptions } from "./prepared-phase.ts";
import { ruleTraining } from "./rule-training.ts";
import { scaledSchedule } from "./schedule.ts";
import { createTraining, type Training } from "./training.ts";

export interface ModelTrainingOptions
  extends Omit<TrainingOptions, "phases" | "hypers" | "learningRate" | "batchPer" | "start">,
    Pick<Phase, "optimizer" | "learningRate" | "clipNorm"> {
  readonly model: AnyModel;
  readonly description: DataDescription;
  /** The weight of the rate in the loss, where the model has no objective of its own. */
  readonly klWeight: Schedule;
  /** Posterior samples per example in a step. */
  readonly samples: number;
  readonly objective?: ObjectiveOptions;
  /** Who is moved when; by default everything together. The model must be the one that the way asks for, see `inferredBy`. */
  readonly way?: WayOptions;
  /** The capacity C of the rate in nats, where the objective holds it at one. */
  readonly capacity?: Schedule;
}

const JOINT: WayOptions = { inference: "joint", innerSteps: 1, outerSteps: 1, lineSearch: false };

/**
 * The training program of one model: its update rule where it has one, else its phases, which are its own or those of the way of
 * inference; without a way, a single phase that moves all parameters.
 */
export async function modelTraining(options: ModelTrainingOptions): Promise<Training> {
  const { model, description, samples, optimizer, learningRate, clipNorm, klWeight } = options;
  const { name, missing } = options.dataset;
  if (missing && !model.missing) {
    throw new InputError(`${name}: ${missing} numbers are missing, and this model needs all of them; ${missingRemedy}`);
  }
  if (model.rule) return ruleTraining(model.rule, options);
  const program = trainingProgram(model, description, { samples, objective: options.objective });
  const base = { ...program, optimizer, learningRate, clipNorm };
  const names = namedLeaves([program.loss]).flatMap(({ leaf }) =>
    leaf.kind === "parameter" || leaf.kind === "local" ? [leaf.name] : [],
  );
  const { phases, batchPer } = program.phases
    ? { phases: turnsOf(program.phases, base), batchPer: "turn" as const }
    : phasesOf(base, names, options.way ?? JOINT);
  const { capacity = { kind: "constant", value: 0 } } = options;
  const hypers = { [KL_WEIGHT]: klWeight, [CAPACITY]: capacity };
  return createTraining({ ...options, phases, batchPer, hypers, start: startProgram(model, description) });
}

/** A phase for each player of a game, one step each in a turn; what all of them share is told and updated by the first. */
function turnsOf(
  players: readonly ModelPhase[],
  { terms, updates, ...base }: Omit<Phase, "name" | "loss" | "moves">,
): readonly Phase[] {
  return players.map(({ terms: own = {}, share = 1, momentum, ...player }, i) => {
    const optimizer = momentum === undefined ? base.optimizer : withMomentum(base.optimizer, momentum);
    const phase = { ...base, ...player, optimizer, learningRate: scaledSchedule(base.learningRate, share) };
    return i === 0 ? { ...phase, terms: { ...terms, ...own }, updates } : { ...phase, terms: own, updates: {} };
  });
}

function withMomentum(optimizer: OptimizerOptions, momentum: number): OptimizerOptions {
  return optimizer.kind === "sgd" ? { ...optimizer, momentum } : { ...optimizer, beta1: momentum };
}

/** How to train; what is left out is as in `reparam train`. */
export interface FitOptions
  extends Pick<TrainingOptions, "engine">,
    Partial<Pick<ModelTrainingOptions, "seed" | "batchSize" | "samples" | "klWeight" | "objective">>,
    Partial<Pick<Phase, "optimizer" | "learningRate" | "clipNorm">>,
    Pick<LoopOptions, "signal" | "onStep" | "onEpoch"> {
  /** Passes over the examples. */
  readonly epochs: number;
}

/** A model and its trained parameters by name: what its programs are compiled with. */
export interface Fitted<M extends AnyModel = AnyModel> {
  readonly model: M;
  readonly description: DataDescription;
  readonly parameters: ReadonlyMap<string, NdArray>;
  readonly outcome: Outcome;
}

/** Builds a model for these examples and trains it on them; nothing is written. */
export async function fitModel<M extends AnyModel>(
  build: (data: DataDescription) => M,
  dataset: Dataset,
  options: FitOptions,
): Promise<Fitted<M>> {
  const { epochs, batchSize = 64, signal, onStep, onEpoch } = options;
  const description = describeData(dataset);
  const model = build(description);
  const steps = epochs * Math.floor(dataset.length / batchSize) * stepsInTurn(model, description);
  const training = await modelTraining({
    seed: 0,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate: { kind: "warmupCosine", peak: 1e-3, warmup: 100, total: steps },
    klWeight: { kind: "constant", value: 1 },
    ...options,
    batchSize,
    model,
    description,
    dataset,
  });
  try {
    const gauge = gaugeOf(model, options.objective);
    const outcome = await train(training, { steps: model.rule?.steps ?? steps, gauge, signal, onStep, onEpoch });
    return { model, description, parameters: training.parameters, outcome };
  } finally {
    await training.release();
  }
}
