import { Command } from "commander";
import { addConditionFlags, type ConditionFlags } from "./condition-flags.ts";
import {
  addExampleFlags,
  addOutFlags,
  addRunFlags,
  type ExampleFlags,
  integerFlag,
  numberFlag,
  type OutFlags,
  type RunFlags,
} from "./flags.ts";

interface ScoreFlags extends RunFlags, ExampleFlags, ConditionFlags, OutFlags {
  readonly quantile: string;
  readonly samples?: string;
  readonly seed: string;
}

const example = `
Examples:
  reparam score runs/photos-1 new-photos --out scores.csv    a row a file: log p(x), percentile, typicality
  reparam score runs/table-1 today.csv --quantile 0.001
  reparam score runs/fashion-1 --split test --json`;

/** `reparam score RUN [DATA]` */
export function scoreCommand(): Command {
  const command = new Command("score")
    .description("how likely each example is under the model, beside the validation examples: anomaly scores")
    .argument("<run>", "run folder")
    .argument("[data]", "images, table or array; the run's held-out examples by default")
    .option("--quantile <share>", "examples below this share of the validation scores count as strange", "0.01")
    .option("--samples <number>", "importance samples per example; by default as many as the validation scores have")
    .option("--seed <number>", "seed of the draws", "0");
  addExampleFlags(command);
  addConditionFlags(command);
  addOutFlags(command, "FILE.csv or FILE.json with a row for each example");
  return addRunFlags(command)
    .addHelpText("after", example)
    .action(async (path: string, data: string | undefined, flags: ScoreFlags) => {
      const [{ useRun }, { chooseExamples }, { outputKind, writeRows }, results] = await Promise.all([
        import("./use-run.ts"),
        import("./examples.ts"),
        import("./outputs.ts"),
        import("./score-results.ts"),
      ]);
      const quantile = numberFlag("quantile", flags.quantile, [0, 1]) ?? 0.01;
      const samples = integerFlag("samples", flags.samples);
      const seed = integerFlag("seed", flags.seed, 0) ?? 0;
      const { out } = flags;
      if (out !== undefined) outputKind(flags, ["csv", "json"]);
      await useRun(path, flags, ["score"], async (place) => {
        const { model, watch } = place;
        const { dataset, split } = await chooseExamples(place, data, flags);
        const scores = await model.score(dataset, { samples, seed, ...watch("scoring", "examples") });
        const scored = results.judge(model, dataset, split, scores, quantile);
        if (out !== undefined) writeRows({ ...flags, out }, new Map(Object.entries(scored.columns)));
        if (flags.json) process.stdout.write(`${JSON.stringify(results.asJson(scored))}\n`);
        else results.printScores(scored, out, process.stdout);
      });
    });
}
