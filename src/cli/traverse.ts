import { Command } from "commander";
import type { TraversalPoint } from "../trained/traversal.ts";
import { addConditionFlags, type ConditionFlags, statedOf } from "./condition-flags.ts";
import { addOutFlags, addRunFlags, integerFlag, numberFlag, type OutFlags, type RunFlags } from "./flags.ts";

interface TraverseFlags extends RunFlags, ConditionFlags, OutFlags {
  readonly latents?: string;
  readonly steps: string;
  readonly range?: string;
  readonly split?: string;
}

const example = `
Examples:
  reparam traverse runs/fashion-1                            each latent from −3 to 3, from the prior's mean
  reparam traverse runs/photos-1 face.jpg --latents 0,5 --steps 11
  reparam traverse runs/table-1 12 --out traversal.csv`;

/** `reparam traverse RUN [EXAMPLE]` */
export function traverseCommand(): Command {
  const command = new Command("traverse")
    .description("one latent at a time moved, the others kept, decoded")
    .argument("<run>", "run folder")
    .argument("[example]", "where to start: an image file, or the number of a held-out example; by default z = 0")
    .option("--latents <list>", "which, by number from 0 with commas; by default the first ten")
    .option("--steps <number>", "values of each", "9")
    .option("--range <number>", "from minus this to this; 3 by default, and latents in [0, 1] go from 0 to 1")
    .option("--split <name>", "which of the run's own examples the number is of: test, validation or train");
  addConditionFlags(command);
  addOutFlags(
    command,
    "FILE.png (a row a latent), a folder, FILE.npy, FILE.csv or FILE.json; traversal.png or .csv by default",
  );
  return addRunFlags(command)
    .addHelpText("after", example)
    .action(async (path: string, start: string | undefined, flags: TraverseFlags) => {
      const [
        { useRun },
        { encodeOne },
        { showExamples, targetOf },
        { latentCentre, latentSpan, traversal },
        { InputError },
        { formatNumber },
        { conditionWords, usualCondition },
        { statedValues },
      ] = await Promise.all([
        import("./use-run.ts"),
        import("./one-example.ts"),
        import("./show-examples.ts"),
        import("../trained/traversal.ts"),
        import("../errors.ts"),
        import("../report/numbers.ts"),
        import("../data/condition-draws.ts"),
        import("../data/conditions.ts"),
      ]);
      const steps = integerFlag("steps", flags.steps, 2) ?? 9;
      const range = numberFlag("range", flags.range, [0, 100]);
      await useRun(path, flags, ["encode", "decode"], async (place) => {
        const { model, watch } = place;
        const target = targetOf(flags, model.facts, "traversal");
        const { latents: k } = model.facts.model;
        const wanted = flags.latents?.split(",").map((text) => integerFlag("latents", text.trim(), 0) ?? 0);
        const stray = wanted?.find((latent) => latent >= k);
        if (stray !== undefined) throw new InputError(`--latents: this model has latents 0 to ${k - 1}, got ${stray}`);
        const { space = "real" } = model.facts.model;
        if (range !== undefined && space !== "real") {
          throw new InputError(
            `--range: the latents of this model lie in [0, 1], all of which is gone through; leave it out`,
          );
        }
        if (model.facts.model.prior === undefined && range === undefined) {
          throw new InputError(
            "--range: this model has no prior p(z) that says how far its latents go; give a range in units of its codes, which reparam encode shows",
          );
        }
        const span = range === undefined ? latentSpan(model.facts) : { from: -range, to: range };
        const { condition: fields } = model.facts.data;
        const stated = statedValues(fields, statedOf(flags));
        const origin =
          start === undefined
            ? { code: latentCentre(model.facts), given: stated }
            : await encodeOne(model, place, start, flags);
        const condition = fields && usualCondition(fields, origin.given);
        const chosen = wanted ?? Array.from({ length: Math.min(k, 10) }, (_, j) => j);
        const choice = space === "oneHot"; // a latent that chooses a component is there or not
        const path = choice ? componentsOf(chosen, k) : traversal(origin.code, chosen, { steps, ...span });
        const values = await model.decode(
          path.map(({ z }) => z),
          { condition, ...watch("decoding", "examples") },
        );
        const before = { latent: path.map(({ latent }) => latent), value: path.map(({ value }) => value) };
        const words = fields ? `, ${conditionWords(fields, origin.given, "one condition")}` : "";
        const shown = model.facts.model.prior === undefined ? "decoded codes" : "means of p(x|z)";
        const what = choice
          ? `the means of ${chosen.length} components`
          : `${shown}, a row a latent, from ${formatNumber(span.from)} to ${formatNumber(span.to)}${words}`;
        await showExamples(target, { values, columns: choice ? 1 : steps, before }, model.facts, { what });
      });
    });
}

/** Each component alone: a 1 in its place. */
function componentsOf(chosen: readonly number[], k: number): readonly TraversalPoint[] {
  return chosen.map((latent) => ({ latent, value: 1, z: Array.from({ length: k }, (_, j) => Number(j === latent)) }));
}
