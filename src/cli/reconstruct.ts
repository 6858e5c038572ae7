import { Command } from "commander";
import { missingRemedy } from "../data/reading.ts";
import { InputError } from "../errors.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { addConditionFlags, type ConditionFlags } from "./condition-flags.ts";
import { addExampleFlags, addOutFlags, addRunFlags, type ExampleFlags, type OutFlags, type RunFlags } from "./flags.ts";

const example = `
Examples:
  reparam reconstruct runs/fashion-1 --limit 20            held-out images above, reconstructions below
  reparam reconstruct runs/photos-1 my-photos --out rebuilt
  reparam reconstruct runs/table-1 new.csv --out rebuilt.csv
  reparam reconstruct runs/gaps-1 gaps.csv --fill          what is there as it is, what is missing by the model`;

type ReconstructFlags = RunFlags & ExampleFlags & ConditionFlags & OutFlags & { readonly fill?: boolean };

/** The numbers that are there, and others in the place of NaN. */
function filled({ data, shape }: NdArray, others: NdArray): NdArray<Float32Array> {
  return { data: Float32Array.from(data, (value, i) => (Number.isNaN(value) ? others.data[i] : value)), shape };
}

/** Originals above their reconstructions, so many in a row. */
const PER_ROW = 10;

/** `reparam reconstruct RUN [DATA]` */
export function reconstructCommand(): Command {
  const command = new Command("reconstruct")
    .description("examples through the model: the mean of p(x|z) at the posterior's mean")
    .argument("<run>", "run folder")
    .argument("[data]", "images, table or array; the run's held-out examples by default");
  command.option("--fill", "keep the numbers that are there: only what is missing comes from the model");
  addExampleFlags(command);
  addConditionFlags(command);
  addOutFlags(
    command,
    "FILE.png (pairs), a folder of images, FILE.npy, FILE.csv or FILE.json; reconstructions.png or .csv by default",
  );
  return addRunFlags(command)
    .addHelpText("after", example)
    .action(async (path: string, data: string | undefined, flags: ReconstructFlags) => {
      const [{ useRun }, { chooseExamples }, { pairs, readAll }, { showExamples, targetOf }, { counted }] =
        await Promise.all([
          import("./use-run.ts"),
          import("./examples.ts"),
          import("./pairs.ts"),
          import("./show-examples.ts"),
          import("./terminal.ts"),
        ]);
      await useRun(path, flags, ["reconstruct"], async (place) => {
        const { model, watch } = place;
        if (flags.fill && model.facts.data.missing === undefined) {
          throw new InputError(`--fill: ${path} was trained on data that lack nothing; ${missingRemedy}`);
        }
        const target = targetOf(flags, model.facts, "reconstructions");
        const picture = /\.png$/i.test(target.out);
        // A picture of everything would be too large to look at.
        const chosen = { ...flags, limit: flags.limit ?? (picture ? String(4 * PER_ROW) : undefined) };
        const { dataset, split } = await chooseExamples(place, data, chosen);
        const rebuilt = await model.reconstruct(dataset, watch("reconstructing", "examples"));
        const values = flags.fill ? filled(readAll(dataset), rebuilt) : rebuilt;
        const columns = Math.min(PER_ROW, dataset.length);
        const [, white] = model.facts.data.range;
        const output = picture
          ? { values: pairs(readAll(dataset), values, { width: columns, blank: white }), columns }
          : { values, names: dataset.sources, before: dataset.sources && { source: dataset.sources } };
        const done = flags.fill ? "filled in" : "reconstructed";
        const what = `${counted(dataset.length, "example")} of ${split}, ${picture ? "reconstructions below" : done}`;
        await showExamples(target, output, model.facts, { count: dataset.length, what });
      });
    });
}
