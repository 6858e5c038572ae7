import { readFileSync } from "node:fs";
import { z } from "zod";
import { measures } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import type { Run } from "./folder.ts";
import { parseOptions, type TrainOptions } from "./options.ts";

/** What config.json holds: the options, resolved, with which `--config` makes the run again, and what they met. */
export type RunConfig = {
  readonly options: TrainOptions;
  /** The training data and the model's module, by their content. */
  readonly data: z.infer<typeof dataSchema>;
  readonly model: z.infer<typeof modelSchema>;
  readonly environment: Readonly<Record<string, string | number>>;
};

const dataSchema = z.object({
  checksum: z.string(),
  examples: z.number(),
  shape: z.array(z.number()),
  measure: z.enum(measures),
  testChecksum: z.string().optional(),
  moduleChecksum: z.string().optional(),
});
const modelSchema = z.object({ latents: z.number(), likelihood: z.string(), parameters: z.number() });
const configSchema = z.object({
  options: z.record(z.string(), z.unknown()),
  data: dataSchema,
  model: modelSchema,
  environment: z.record(z.string(), z.union([z.string(), z.number()])),
});

/**
 * The config of an open run.
 * @throws InputError where it is not what this version writes.
 */
export function runConfig(run: Run): RunConfig {
  const file = `${run.path}/config.json`;
  const parsed = configSchema.safeParse(run.config);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw new InputError(`${file}: ${path.join(".")}: ${message}; the file was changed, or another version wrote it`);
  }
  return { ...parsed.data, options: parseOptions(parsed.data.options, (option) => `${file}: ${option}`) };
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
  const fromRun = configSchema.safeParse(parsed.data);
  return fromRun.success ? fromRun.data.options : parsed.data;
}
