import { readFileSync } from "node:fs";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { parseFacts, type RunFacts } from "./facts.ts";
import type { Run } from "./folder.ts";
import { parseOptions, type TrainOptions } from "./options.ts";

/** What config.json holds: the options, with which `--config` makes the run again, and what they met. */
export type RunConfig = RunFacts & { readonly options: TrainOptions };

const optionsOf = z.object({ options: z.record(z.string(), z.unknown()) });

/**
 * The config of an open run.
 * @throws InputError where it is not what this version writes.
 */
export function runConfig(run: Run): RunConfig {
  const file = `${run.path}/config.json`;
  const facts = parseFacts(run.config, file);
  const given = optionsOf.safeParse(run.config).data?.options ?? {};
  return { ...facts, options: parseOptions(given, (option) => `${file}: ${option}`) };
}

/**
 * Options from a JSON file: the user's own, or the config.json of a run that is to be made again.
 * @throws InputError where the file cannot be read or is no object.
 */
export function readOptionsFile(file: string): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new InputError(`${file}: cannot be read; --config expects a JSON file of options`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${file}: is not JSON: ${cause instanceof Error ? cause.message : cause}`);
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  if (!parsed.success) throw new InputError(`${file}: an object of options is expected, such as {"latents": 8}`);
  if ("schema" in parsed.data && !("options" in parsed.data)) {
    throw new InputError(`${file}: is an exported model's, which has no options; give the config.json of its run`);
  }
  return optionsOf.safeParse(parsed.data).data?.options ?? parsed.data;
}
