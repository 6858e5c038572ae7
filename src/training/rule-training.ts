import type { Dataset } from "../data/dataset.ts";
import { NumericalError } from "../errors.ts";
import type { RuleFit, UpdateRule } from "../models/model.ts";
import type { Engine } from "../runtime/engine.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { copyInto, type Training } from "./training.ts";

export interface RuleTrainingOptions {
  readonly engine: Engine;
  readonly dataset: Dataset;
  readonly seed: number;
}

const RULE = "rule/";
const PARAMETER = "parameter/";
/** Where a checkpoint says that nothing is left to do. */
const CONVERGED = "converged";

/** Steps wait for nothing but themselves: after so many milliseconds they let a Ctrl-C through, or a page redraw. */
const PAUSE_AFTER_MS = 50;

/**
 * Training by an update rule: a closed form is done after a step, EM when a step gains nothing more. Every step sees all examples; an
 * epoch is as many of them as the rule says. The state is float64 and in every checkpoint, beside the parameters as the exported files
 * have them.
 */
export async function ruleTraining(rule: UpdateRule, options: RuleTrainingOptions): Promise<Training> {
  const fit = await rule.open(options);
  const parameters = new Map(Array.from(fit.parameters(), ([name, value]) => [name, float32(value)]));
  const converged: NdArray<Uint8Array> = { data: new Uint8Array(1), shape: [1] };
  const kept = new Map<string, NdArray>([[CONVERGED, converged]]);
  for (const [name, value] of fit.state) kept.set(RULE + name, value);
  for (const [name, value] of parameters) kept.set(PARAMETER + name, value);
  let step = 0;
  let pausedAt = performance.now();
  const settle = (): void => {
    for (const [name, { data }] of fit.parameters()) parameters.get(name)?.data.set(data);
  };
  return {
    get step() {
      return step;
    },
    get converged() {
      return converged.data[0] === 1;
    },
    stepsPerEpoch: rule.stepsPerEpoch ?? 1,
    scheduled: { hypers: {} },
    parameters,
    locals: new Map(),
    remarks: () => [
      ...(fit.remarks?.() ?? []),
      ...(converged.data[0] === 1 ? [] : [`after ${step} steps there is still something to gain: --steps takes more`]),
    ],
    runStep: async () => {
      if (performance.now() - pausedAt > PAUSE_AFTER_MS) {
        await new Promise((resolve) => setTimeout(resolve));
        pausedAt = performance.now();
      }
      const { loss, terms, converged: done } = await fit.step();
      refuseStrays(step, fit);
      settle();
      converged.data[0] = done ? 1 : 0;
      step += 1;
      return { step: step - 1, phase: "rule", loss, terms, hypers: {} };
    },
    rehearse: async () => fit.rehearse?.(),
    snapshot: () => ({ step, tensors: kept }),
    restore: (snapshot, from) => {
      copyInto(kept, snapshot.tensors, from);
      step = snapshot.step;
    },
    release: async () => fit.release?.(),
  };
}

function float32({ data, shape }: NdArray): NdArray<Float32Array> {
  return { data: Float32Array.from(data), shape };
}

function refuseStrays(step: number, { state }: RuleFit): void {
  for (const [name, { data }] of state) {
    if (data.every(Number.isFinite)) continue;
    throw new NumericalError(`step ${step}: ${name} is not finite`);
  }
}
