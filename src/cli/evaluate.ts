import { Command } from "commander";
import type { EvaluateFlags } from "./evaluate-action.ts";

const example = `
Examples:
  reparam evaluate runs/fashion-1
  reparam evaluate runs/fashion-1 --samples 1000 --limit 100
  reparam evaluate runs/fashion-1 --data t10k-images-idx3-ubyte.gz --json`;

/** `reparam evaluate RUN` */
export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("ELBO, its terms and the importance-sampled log-likelihood of a trained run, with standard errors")
    .argument("<run>", "run folder")
    .option("--data <path>", "file or folder of examples to score, instead of those that the run held out")
    .option("--split <name>", "which of the run's own examples: test, validation or train")
    .option("--samples <number>", "importance samples per example; by default as many as training ended with")
    .option("--limit <number>", "score the first so many examples only")
    .option("--chunk <number>", "examples in one pass; changes memory and time, not the numbers")
    .option("--seed <number>", "seed of the draws; the run's own by default")
    .option("--threads <number>", "threads of the engine; the run's own by default")
    .option("--engine <name>", "native or wasm")
    .option("--json", "print the numbers as JSON")
    .addHelpText("after", example)
    .action(async (path: string, flags: EvaluateFlags) => {
      const { evaluateFromFlags } = await import("./evaluate-action.ts");
      await evaluateFromFlags(path, flags);
    });
}
