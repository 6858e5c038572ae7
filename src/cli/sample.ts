import { availableMemory } from "node:process";
import { Command } from "commander";
import { addConditionFlags, type ConditionFlags, statedOf } from "./condition-flags.ts";
import { addOutFlags, addRunFlags, integerFlag, type OutFlags, type RunFlags } from "./flags.ts";

interface SampleFlags extends RunFlags, ConditionFlags, OutFlags {
  readonly count: string;
  readonly seed: string;
  readonly draw?: boolean;
  readonly mean?: boolean;
}

const example = `
Examples:
  reparam sample runs/fashion-1                              a grid of 64 in samples.png
  reparam sample runs/photos-1 --count 16 --draw --out draws.png
  reparam sample runs/photos-1 --count 500 --out faces       a folder of images
  reparam sample runs/fashion-2 --class Sneaker              of a run with --condition label
  reparam sample runs/table-1 --count 1000 --out synthetic.csv --seed 7`;

/** `reparam sample RUN` */
export function sampleCommand(): Command {
  const command = new Command("sample")
    .description("new examples: z drawn from the prior, x from p(x|z) or its mean")
    .argument("<run>", "run folder")
    .option("--count <number>", "how many", "64")
    .option("--seed <number>", "seed of the draws; equal seeds give equal samples", "0")
    .option("--draw", "draw x from p(x|z), noise and all; the default for tables")
    .option("--mean", "show the mean of p(x|z); the default for images");
  addConditionFlags(command);
  addOutFlags(
    command,
    "FILE.png (a grid), a folder of images, FILE.npy, FILE.csv or FILE.json; samples.png or .csv by default",
  );
  return addRunFlags(command)
    .addHelpText("after", example)
    .action(async (path: string, flags: SampleFlags) => {
      const [{ useRun }, { showExamples, targetOf }, { InputError }, { counted, formatBytes }, { sizeOf }, conditions] =
        await Promise.all([
          import("./use-run.ts"),
          import("./show-examples.ts"),
          import("../errors.ts"),
          import("./terminal.ts"),
          import("../tensor/ndarray.ts"),
          import("./given-samples.ts"),
        ]);
      const count = integerFlag("count", flags.count) ?? 64;
      const seed = integerFlag("seed", flags.seed, 0) ?? 0;
      if (flags.draw && flags.mean) throw new InputError("--draw and --mean exclude each other; give one of them");
      await useRun(path, flags, ["sample"], async ({ model, watch }) => {
        const target = targetOf(flags, model.facts, "samples");
        const bytes = 8 * count * sizeOf(model.facts.data.shape); // float32 in the model's units and in the data's
        if (bytes > availableMemory()) {
          throw new InputError(
            `--count ${count}: takes ${formatBytes(bytes)} of memory and ${formatBytes(availableMemory())} are free; take fewer, and more with another --seed`,
          );
        }
        const image = model.facts.data.shape.length === 3;
        const from = flags.draw || (!flags.mean && !image) ? "draw" : "mean";
        const given = conditions.givenSamples(model.facts, statedOf(flags), count, seed);
        const values = await model.sample(count, { seed, from, ...given.options, ...watch("sampling", "examples") });
        const drawn = from === "draw" ? `${counted(count, "draw")} from p(x|z)` : `${counted(count, "mean")} of p(x|z)`;
        const what = `${drawn}, ${given.words}z from the prior, seed ${seed}`;
        await showExamples(target, { values, before: given.columns, columns: given.perRow }, model.facts, { what });
      });
    });
}
