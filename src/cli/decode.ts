import { Command } from "commander";
import { addConditionFlags, type ConditionFlags, statedOf } from "./condition-flags.ts";
import { addOutFlags, addRunFlags, type OutFlags, type RunFlags } from "./flags.ts";

const example = `
Examples:
  reparam decode runs/fashion-1 codes.csv --out decoded.png
  reparam decode runs/table-1 latents.npy --out rows.csv`;

/** `reparam decode RUN LATENTS` */
export function decodeCommand(): Command {
  const command = new Command("decode")
    .description("latents to examples: the mean of p(x|z)")
    .argument("<run>", "run folder")
    .argument("<latents>", "FILE.npy, FILE.csv or FILE.json of rows z, such as encode writes");
  addConditionFlags(command);
  addOutFlags(
    command,
    "FILE.png (a grid), a folder of images, FILE.npy, FILE.csv or FILE.json; decoded.png or .csv by default",
  );
  return addRunFlags(command)
    .addHelpText("after", example)
    .action(async (path: string, latents: string, flags: RunFlags & ConditionFlags & OutFlags) => {
      const [{ useRun }, { readCodes }, { showExamples, targetOf }, { counted }, { statedValues }] = await Promise.all([
        import("./use-run.ts"),
        import("./codes.ts"),
        import("./show-examples.ts"),
        import("./terminal.ts"),
        import("../data/conditions.ts"),
      ]);
      await useRun(path, flags, ["decode"], async ({ model, watch }) => {
        const target = targetOf(flags, model.facts, "decoded");
        const { model: about, data } = model.facts;
        const { z, given } = await readCodes(latents, about.latents, data.condition);
        const condition = { ...given, ...statedValues(data.condition, statedOf(flags)) };
        const values = await model.decode(z, { condition, ...watch("decoding", "examples") });
        const what = `${counted(z.shape[0], "mean")} of p(x|z), z of ${latents}`;
        await showExamples(target, { values }, model.facts, { what });
      });
    });
}
