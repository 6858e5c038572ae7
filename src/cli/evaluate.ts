import { Command } from "commander";
import { addExampleFlags, addOutFlags, addRunFlags, type ExampleFlags, type OutFlags, type RunFlags } from "./flags.ts";

/** What `reparam evaluate` can be told. */
export interface EvaluateFlags extends RunFlags, ExampleFlags, OutFlags {
  readonly data?: string;
  readonly samples?: string;
  readonly chunk?: string;
  readonly seed?: string;
  /** True where no number of steps is given. */
  readonly ais?: string | true;
  readonly naive?: string;
  readonly gaps?: boolean;
  readonly picture?: string;
  readonly against?: string;
}

const example = `
Examples:
  reparam evaluate runs/fashion-1
  reparam evaluate runs/fashion-1 --samples 1000 --limit 100
  reparam evaluate runs/fashion-1 t10k-images-idx3-ubyte.gz --json
  reparam evaluate runs/fashion-1 --ais --limit 50               annealing beside importance sampling
  reparam evaluate runs/fashion-1 --gaps --picture gaps.svg      what encoder and family lose, per example
  reparam evaluate runs/fashion-1 --against runs/fashion-2       which is better, on the same examples
  reparam evaluate runs/fashion-1 --out numbers.csv              a row for each example`;

/** `reparam evaluate RUN [DATA]` */
export function evaluateCommand(): Command {
  const command = new Command("evaluate")
    .description(
      "ELBO, its terms, the importance-sampled log-likelihood, what the codes hold: of a trained run, with standard errors",
    )
    .argument("<run>", "run folder")
    .argument("[data]", "file or folder of examples to score, instead of those that the run held out")
    .option("--data <path>", "the same as DATA");
  addExampleFlags(command)
    .option("--samples <number>", "importance samples per example; by default as many as training ended with")
    .option(
      "--ais [steps]",
      "annealed importance sampling too, with so many temperatures (500), on the first 100 examples or --limit",
    )
    .option("--naive <samples>", "draws of the prior too, so many per example, for comparison")
    .option(
      "--gaps",
      "amortization and approximation gap of the first 100 examples, or --limit; kept in evaluation.json, for the report",
    )
    .option("--picture <file>", "FILE.svg or FILE.png: the gaps as a picture")
    .option("--against <run>", "another run, compared on the same examples")
    .option("--chunk <number>", "examples in one pass; changes memory and time, not the numbers")
    .option("--seed <number>", "seed of the draws; the run's own by default");
  addOutFlags(command, "FILE.csv or FILE.json with the numbers of each example");
  return addRunFlags(command)
    .addHelpText("after", example)
    .action(async (path: string, data: string | undefined, flags: EvaluateFlags) => {
      const { evaluateFromFlags } = await import("./evaluate-action.ts");
      await evaluateFromFlags(path, data, flags);
    });
}
