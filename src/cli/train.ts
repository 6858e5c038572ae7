import { Command, Option } from "commander";
import { z } from "zod";
import { type OptionName, optionsSchema } from "../run/options.ts";
import { kebab } from "./gather-options.ts";
import { optionGroups } from "./option-groups.ts";

interface TrainFlags {
  readonly out?: string;
  readonly resume?: string;
  readonly force?: boolean;
  readonly config?: string;
  readonly json?: boolean;
  readonly [option: string]: unknown;
}

/** The values of an option that has few. */
function choicesOf(schema: z.ZodType): readonly string[] {
  const given = givenOf(schema);
  return given instanceof z.ZodEnum ? given.options.map(String) : [];
}

/** What an option expects where it is given. */
function givenOf(schema: z.ZodType): unknown {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ? schema.unwrap() : schema;
}

/** A flag for every option of the schema: its words are the schema's. */
function flagFor(name: OptionName): Option {
  const schema: z.ZodType = optionsSchema.shape[name];
  const start: unknown = schema.safeParse(undefined).data;
  const choices = choicesOf(schema);
  const description = `${schema.description ?? ""}${choices.length > 0 ? ` (${choices.join(", ")})` : ""}`;
  if (givenOf(schema) instanceof z.ZodBoolean) return new Option(`--${kebab(name)}`, description);
  return new Option(
    `--${kebab(name)} <value>`,
    start === undefined ? description : `${description} (default: ${start})`,
  ).argParser((text: string): unknown => {
    const number = Number(text);
    const isNumber = text.trim() !== "" && !Number.isNaN(number);
    return isNumber && !(givenOf(schema) instanceof z.ZodString) ? number : text;
  });
}

const example = `
Examples:
  reparam train                                      the embedded Fashion-MNIST images, under a minute
  reparam train images-idx3-ubyte.gz --epochs 20 --out runs/mine
  reparam train --resume runs/mine                   go on where it stopped
  reparam train --config runs/mine/config.json       make the same run again
  reparam train data.npy --model ./mine.ts           a model of your own`;

/** `reparam train [DATA]` */
export function trainCommand(): Command {
  const command = new Command("train")
    .description("train a variational autoencoder, or another model by --model, on images or a table of numbers")
    .argument(
      "[data]",
      "folder of images, one image, CSV or TSV table, IDX or .npy file; the embedded Fashion-MNIST images by default",
    )
    .option("--out <folder>", "where the run goes; runs/NAME-1, -2, … by default")
    .option("--resume <folder>", "go on with a run that was stopped")
    .option("--force", "replace the run that is in --out")
    .option("--config <file>", "JSON file of options, or the config.json of a run; flags override it")
    .option("--json", "print the result as JSON");
  for (const [heading, names] of optionGroups()) {
    for (const name of names) command.addOption(flagFor(name).helpGroup(heading));
  }
  command.addHelpText("after", example);
  return command.action(async (data: string | undefined, flags: TrainFlags) => {
    const { trainFromFlags } = await import("./train-action.ts");
    const { out, resume, force, config, json, ...given } = flags;
    const options = { ...given, ...(data === undefined ? {} : { data }) };
    await trainFromFlags({ out, resume, force, config, json, given: options });
  });
}
