import { Command } from "commander";
import { addOutFlags, addRunFlags, type OutFlags, type RunFlags } from "./flags.ts";
import { trainCommand } from "./train.ts";

/** What `reparam compare` can be told, beside options of training. */
export interface CompareFlags extends RunFlags, OutFlags {
  readonly models?: string;
  readonly runs?: string;
  readonly samples?: string;
  readonly limit?: string;
}

/** Flags of `reparam train` that mean another thing here. */
const own = ["out", "resume", "force", "config", "json", "model", "samples", "threads", "engine"];

const example = `
Examples:
  reparam compare runs/fashion-1 runs/fashion-2 --out comparison.html
  reparam compare runs/vae runs/flow runs/pca --limit 200 --json
  reparam compare --models vae,pca,autoencoder --latents 2 --out page.html    trained here, on the embedded images
  reparam compare --models vae,flow table.csv --epochs 50                     an option goes to the models that have it`;

/** `reparam compare RUN RUN …` */
export function compareCommand(): Command {
  const command = new Command("compare")
    .description("several models on the same held-out examples, side by side: runs, or models that are trained here")
    .argument("[run...]", "run folders; beside --models the file or folder of training examples")
    .option("--models <names>", "train these models alike first, such as vae,flow,pca, and compare them")
    .option("--runs <folder>", "where runs of --models go, and are found again; runs/compare-DATA by default")
    .option(
      "--samples <number>",
      "importance samples per example; by default as many as the first run's training ended with",
    )
    .option("--limit <number>", "the first so many examples only");
  addOutFlags(command, "FILE.html: table, latent maps, reconstructions and samples on one page");
  addRunFlags(command);
  for (const option of trainCommand().options) {
    if (!own.includes(option.attributeName())) command.addOption(option);
  }
  return command
    .addHelpText("after", example)
    .action(async (paths: readonly string[], flags: CompareFlags & Readonly<Record<string, unknown>>) => {
      const { compareFromFlags } = await import("./compare-action.ts");
      const { models, runs, samples, limit, out, force, json, threads, engine, ...given } = flags;
      await compareFromFlags(paths, { models, runs, samples, limit, out, force, json, threads, engine }, given);
    });
}
