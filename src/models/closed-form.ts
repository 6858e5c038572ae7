import type { NdArray } from "../tensor/ndarray.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import type { RuleContext, RuleStep, UpdateRule } from "./model.ts";

/** What a closed form found. */
export interface Solution extends Omit<RuleStep, "converged"> {
  /** The parameters by name, float64. */
  readonly parameters: Readonly<Record<string, NdArray>>;
  readonly remarks?: readonly string[];
}

/** A rule that is done in one step: parameters of these shapes, found all at once. */
export function closedForm(
  shapes: Readonly<Record<string, readonly number[]>>,
  solve: (on: RuleContext) => Promise<Solution>,
): UpdateRule {
  return {
    steps: 1,
    open: async (context) => {
      const state = new Map(
        Object.entries(shapes).map(
          ([name, shape]) => [name, { data: new Float64Array(sizeOf(shape)), shape }] as const,
        ),
      );
      let told: readonly string[] = [];
      let solved: Promise<Solution> | undefined;
      const solution = (): Promise<Solution> => {
        solved ??= solve(context);
        return solved;
      };
      return {
        state,
        rehearse: async () => void (await solution()),
        step: async () => {
          const { parameters, remarks = [], ...step } = await solution();
          for (const [name, { data }] of state) data.set(parameters[name].data);
          told = remarks;
          return { ...step, converged: true };
        },
        parameters: () => state,
        remarks: () => told,
      };
    },
  };
}
