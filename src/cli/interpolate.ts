import { Command } from "commander";
import { addConditionFlags, type ConditionFlags } from "./condition-flags.ts";
import { addOutFlags, addRunFlags, integerFlag, type OutFlags, type RunFlags } from "./flags.ts";

interface InterpolateFlags extends RunFlags, ConditionFlags, OutFlags {
  readonly steps: string;
  readonly split?: string;
}

const example = `
Examples:
  reparam interpolate runs/fashion-1 3 17 --steps 10        between two held-out examples
  reparam interpolate runs/photos-1 a.jpg b.jpg --out between.png`;

/** `reparam interpolate RUN A B` */
export function interpolateCommand(): Command {
  const command = new Command("interpolate")
    .description("a straight line in latent space between two examples, decoded")
    .argument("<run>", "run folder")
    .argument("<a>", "an image file, or the number (from 0) of one of the run's own examples")
    .argument("<b>", "the same")
    .option("--steps <number>", "how many, both ends included", "10")
    .option("--split <name>", "which of the run's own examples the numbers are of: test, validation or train");
  addConditionFlags(command);
  addOutFlags(
    command,
    "FILE.png, a folder of images, FILE.npy, FILE.csv or FILE.json; interpolation.png or .csv by default",
  );
  return addRunFlags(command)
    .addHelpText("after", example)
    .action(async (path: string, a: string, b: string, flags: InterpolateFlags) => {
      const [{ useRun }, { encodeOne }, { showExamples, targetOf }, { conditionsBetween }] = await Promise.all([
        import("./use-run.ts"),
        import("./one-example.ts"),
        import("./show-examples.ts"),
        import("../data/condition-draws.ts"),
      ]);
      const steps = integerFlag("steps", flags.steps, 2) ?? 10;
      await useRun(path, flags, ["encode", "decode"], async (place) => {
        const { model, watch } = place;
        const target = targetOf(flags, model.facts, "interpolation");
        const [from, to] = [await encodeOne(model, place, a, flags), await encodeOne(model, place, b, flags)];
        const shares = Array.from({ length: steps }, (_, i) => i / (steps - 1));
        const line = shares.map((share) => from.code.map((value, j) => value + share * (to.code[j] - value)));
        const { condition: fields = [] } = model.facts.data;
        const condition = conditionsBetween(fields, [from.given, to.given], shares);
        const values = await model.decode(line, { condition, ...watch("decoding", "examples") });
        const before = { share: shares };
        const what = `${steps} means of p(x|z) between ${a} and ${b}`;
        await showExamples(target, { values, columns: Math.min(steps, 12), before }, model.facts, { what });
      });
    });
}
