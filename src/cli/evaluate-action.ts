import { evaluateRun } from "./evaluation-run.ts";
import { chooseExamples } from "./examples.ts";
import { type ExampleFlags, integerFlag, type RunFlags } from "./flags.ts";
import { printNumbers } from "./print-numbers.ts";
import { useRun } from "./use-run.ts";

export interface EvaluateFlags extends RunFlags, ExampleFlags {
  readonly data?: string;
  readonly samples?: string;
  readonly chunk?: string;
  readonly seed?: string;
}

export async function evaluateFromFlags(path: string, flags: EvaluateFlags): Promise<void> {
  const given = integerFlag("samples", flags.samples);
  const chunk = integerFlag("chunk", flags.chunk);
  const seeded = integerFlag("seed", flags.seed, 0);
  await useRun(path, flags, [], async (place) => {
    const { run, config, engine, watch } = place;
    const { dataset, split } = await chooseExamples(place, flags.data, flags);
    const samples = given ?? config.options.evaluationSamples;
    const seed = seeded ?? config.options.seed;
    const { numbers } = await evaluateRun(engine, run, {
      dataset,
      split,
      samples,
      seed,
      chunk,
      ...watch("evaluating", "examples"),
    });
    if (flags.json) process.stdout.write(`${JSON.stringify({ run: path, split, numbers })}\n`);
    else printNumbers(numbers, process.stdout);
  });
}
