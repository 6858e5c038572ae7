import { InputError } from "../errors.ts";
import type { Phase, Schedule } from "./phase.ts";

/**
 * Who is moved, and when. `joint`: θ and φ together, by one gradient. `encoder`: φ alone, θ as it is. `decoder`: θ alone. `em`: some steps in
 * φ, then some in θ, in turns (variational EM; Neal & Hinton 1998). `per-example`: no encoder; every x_i has numbers γ_i of its own, some steps in which
 * stand before each step in θ (Hoffman et al. 2013). `semi-amortized`: an encoder whose answer is improved by steps in γ_i (Kim et al. 2018).
 */
export const inferenceNames = ["joint", "encoder", "decoder", "em", "per-example", "semi-amortized"] as const;
export type InferenceName = (typeof inferenceNames)[number];

export interface WayOptions {
  readonly inference: InferenceName;
  /** Steps in φ, or in γ_i, in a turn. */
  readonly innerSteps: number;
  /** Steps in θ in a turn. */
  readonly outerSteps: number;
  /** The learning rate in φ, or in γ_i, where it is another than θ's. */
  readonly innerRate?: Schedule;
  /** Of the steps in what all examples share; numbers of an example's own take their steps whole. */
  readonly lineSearch: boolean;
}

/** Steps that one batch is used for: a turn of both sides, else one. */
export function stepsPerBatch({ inference, innerSteps, outerSteps }: WayOptions): number {
  return inference === "em" || inference === "per-example" ? innerSteps + outerSteps : 1;
}

/** The name of the numbers that examples have of their own. */
export const LOCAL = "posterior/numbers";

/** The phases of a way of inference, and whether a turn has one batch. `parameters` are the names of all that the loss depends on. */
export function phasesOf(
  base: Omit<Phase, "name" | "moves" | "steps" | "lineSearch">,
  parameters: readonly string[],
  way: WayOptions,
): { readonly phases: readonly Phase[]; readonly batchPer: "step" | "turn" } {
  const { inference, innerSteps, outerSteps, innerRate = base.learningRate, lineSearch } = way;
  const isInner = (name: string): boolean => name.startsWith("encoder/") || name === LOCAL;
  const [inner, outer] = [parameters.filter(isInner), parameters.filter((name) => !isInner(name))];
  const search = lineSearch ? { lineSearch } : {};
  const one = (name: string, moved?: readonly string[]): Phase => ({ ...base, ...search, name, moves: moved });
  const { updates = {} } = base;
  const kept = (keep: (name: string) => boolean): Phase["updates"] =>
    Object.fromEntries(Object.entries(updates).filter(([name]) => keep(name)));
  // What is frozen keeps its statistics too: a running variance is θ's, a baseline φ's.
  const innerUpdates = kept((name) => !/^(decoder|prior)\//.test(name));
  const outerUpdates = kept((name) => !name.startsWith("baseline/"));
  const learning = (phase: Phase): Phase => ({ ...phase, learningRate: innerRate });
  if (inference !== "joint" && inference !== "semi-amortized" && (inner.length === 0 || outer.length === 0)) {
    throw new InputError(
      `--inference ${inference}: the encoder's parameters are known by names that begin with "encoder/", and this model has ${inner.length} such and ${outer.length} others; name them so, or use --inference joint`,
    );
  }
  switch (inference) {
    case "joint":
    case "semi-amortized":
      return { phases: [one("train")], batchPer: "step" };
    case "encoder":
      return { phases: [{ ...one("encoder", inner), updates: innerUpdates }], batchPer: "step" };
    case "decoder":
      return { phases: [{ ...one("decoder", outer), updates: outerUpdates }], batchPer: "step" };
    case "em":
    case "per-example": {
      const first = learning({
        ...one(inference === "em" ? "expectation" : "posteriors", inner),
        ...(inference === "per-example" ? { lineSearch: false } : {}),
        steps: innerSteps,
        updates: innerUpdates,
      });
      const second = { ...one("maximisation", outer), steps: outerSteps, updates: outerUpdates };
      return { phases: [first, second], batchPer: "turn" };
    }
  }
}
