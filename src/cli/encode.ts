import { Command } from "commander";
import { addConditionFlags, type ConditionFlags } from "./condition-flags.ts";
import { addExampleFlags, addOutFlags, addRunFlags, type ExampleFlags, type OutFlags, type RunFlags } from "./flags.ts";

const example = `
Examples:
  reparam encode runs/fashion-1 --out codes.csv             mean and scale of q(z|x), with source and label
  reparam encode runs/photos-1 my-photos --out codes.npy    the means alone, [n, k]`;

/** `reparam encode RUN [DATA]` */
export function encodeCommand(): Command {
  const command = new Command("encode")
    .description("examples to latents: the parameters of q(z|x)")
    .argument("<run>", "run folder")
    .argument("[data]", "images, table or array; the run's held-out examples by default");
  addExampleFlags(command);
  addConditionFlags(command);
  addOutFlags(command, "FILE.csv or FILE.json (all parameters), FILE.npy (means); codes.csv by default");
  return addRunFlags(command)
    .addHelpText("after", example)
    .action(
      async (path: string, data: string | undefined, flags: RunFlags & ExampleFlags & ConditionFlags & OutFlags) => {
        const [
          { useRun },
          { chooseExamples },
          { codeKinds, labelColumn, writeCodes },
          { outputKind },
          { counted },
          { valuesByName },
        ] = await Promise.all([
          import("./use-run.ts"),
          import("./examples.ts"),
          import("./codes.ts"),
          import("./outputs.ts"),
          import("./terminal.ts"),
          import("../data/conditions.ts"),
        ]);
        const out = flags.out ?? "codes.csv";
        outputKind({ ...flags, out }, codeKinds);
        await useRun(path, flags, ["encode"], async (place) => {
          const { model, watch } = place;
          const { dataset, split } = await chooseExamples(place, data, flags);
          const codes = await model.encode(dataset, watch("encoding", "examples"));
          const before = {
            ...(dataset.sources ? { source: dataset.sources } : {}),
            ...labelColumn(dataset),
            ...valuesByName(dataset.given),
          };
          writeCodes({ ...flags, out }, codes, before);
          const what = `${counted(dataset.length, "example")} of ${split} in ${counted(model.facts.model.latents, "latent")}`;
          process.stdout.write(
            flags.json ? `${JSON.stringify({ out, count: dataset.length, split })}\n` : `${out}  ${what}\n`,
          );
        });
      },
    );
}
