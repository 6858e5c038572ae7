import { z } from "zod";
import { measures } from "../data/dataset.ts";
import { dataKinds } from "../data/reading.ts";
import { InputError } from "../errors.ts";
import { latentSpaces } from "../models/names.ts";

/** The training data by their content, and what is needed to read others like them and to give numbers back in their units. */
const dataSchema = z.object({
  checksum: z.string(),
  examples: z.number(),
  shape: z.array(z.number()),
  measure: z.enum(measures),
  /** What the data were: a folder of images, one image's tiles, a table, an array. */
  kind: z.enum(dataKinds),
  /** The smallest and the largest number of the training part: what a picture shows as black and as white. */
  range: z.tuple([z.number(), z.number()]),
  /** Of a table: its columns, and how the training part standardises each; the model does so inside. */
  columns: z.array(z.string()).optional(),
  standardisation: z.object({ means: z.array(z.number()), deviations: z.array(z.number()) }).optional(),
  /** What class numbers mean, and which column of a table they are of. */
  labelNames: z.array(z.string()).optional(),
  labelColumn: z.string().optional(),
  testChecksum: z.string().optional(),
  moduleChecksum: z.string().optional(),
});

const modelSchema = z.object({
  latents: z.number(),
  /** Where latents lie: R^k where it is left out, [0, 1]^k, or zeros and ones. */
  space: z.enum(latentSpaces).optional(),
  likelihood: z.string(),
  /** The families of q(z|x) and p(z). */
  posterior: z.string().optional(),
  prior: z.string().optional(),
  parameters: z.number(),
  /** What 1 of what is modelled is in the data's own units. */
  unit: z.number(),
  /** The networks of a built-in model as options write them. */
  encoder: z.string().optional(),
  decoder: z.string().optional(),
});

const factsSchema = z.object({
  data: dataSchema,
  model: modelSchema,
  environment: z.record(z.string(), z.union([z.string(), z.number()])),
});

/** What a trained run knows of itself: all that its ONNX files need beside them. */
export type RunFacts = z.infer<typeof factsSchema>;

/**
 * The facts in what config.json holds.
 * @throws InputError where they are not what this version writes; `file` names it.
 */
export function parseFacts(config: unknown, file: string): RunFacts {
  const parsed = factsSchema.safeParse(config);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new InputError(`${file}: ${path.join(".")}: ${message}; the file was changed, or another version wrote it`);
}
