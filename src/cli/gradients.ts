import { Command } from "commander";
import { addOutFlags, addRunFlags, type OutFlags, type RunFlags } from "./flags.ts";

/** What `reparam gradients` can be told. */
export interface GradientFlags extends RunFlags, OutFlags {
  readonly samples?: string;
  readonly draws?: string;
  readonly examples?: string;
  readonly seed?: string;
}

const example = `
Examples:
  reparam gradients runs/fashion-1                                    the table
  reparam gradients runs/fashion-1 --samples 50 --out gradients.svg   and the picture`;

/** `reparam gradients RUN` */
export function gradientsCommand(): Command {
  const command = new Command("gradients")
    .description(
      "how noisy each estimator of the encoder's gradient is on the trained model: variance and signal-to-noise ratio",
    )
    .argument("<run>", "run folder")
    .option("--samples <number>", "posterior samples per example in one estimate; 8 by default")
    .option("--draws <number>", "estimates of each kind; 200 by default")
    .option("--examples <number>", "training examples in the batch; by default as many as training had in a step")
    .option("--seed <number>", "seed of batch and draws; the run's own by default");
  addOutFlags(command, "FILE.svg or FILE.png (the picture), FILE.json (all numbers, by parameter too)");
  return addRunFlags(command)
    .addHelpText("after", example)
    .action(async (path: string, flags: GradientFlags) => {
      const { gradientsFromFlags } = await import("./gradients-action.ts");
      await gradientsFromFlags(path, flags);
    });
}
