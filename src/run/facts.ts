import { z } from "zod";
import { measures } from "../data/dataset.ts";
import { dataKinds } from "../data/reading.ts";
import { InputError } from "../errors.ts";
import { DEQUANTISED, densityModels, fittedModels, latentSpaces, modelNames } from "../models/names.ts";

/** The programs that a trained model is made of; each lies in NAME.onnx. */
export const programNames = ["encoder", "decoder", "likelihood", "prior", "density"] as const;
export type ProgramName = (typeof programNames)[number];

const conditionSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("category"),
    name: z.string(),
    values: z.array(z.string()).readonly(),
    /** Of the training part. */
    shares: z.array(z.number()).readonly(),
  }),
  z.object({ kind: z.literal("number"), name: z.string(), mean: z.number(), deviation: z.number() }),
]);

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
  /** How many numbers are missing, of data in which such are kept. */
  missing: z.number().optional(),
  standardisation: z.object({ means: z.array(z.number()), deviations: z.array(z.number()) }).optional(),
  /** What class numbers mean, and which column of a table they are of. */
  labelNames: z.array(z.string()).optional(),
  labelColumn: z.string().optional(),
  /** What is given with each example, in the order in which the model takes it. */
  condition: z.array(conditionSchema).readonly().optional(),
  testChecksum: z.string().optional(),
  moduleChecksum: z.string().optional(),
});

const modelSchema = z.object({
  latents: z.number(),
  /** Where latents lie: R^k where it is left out, [0, 1]^k, or zeros and ones. */
  space: z.enum(latentSpaces).optional(),
  /** The built-in model; undefined of a module's. */
  family: z.enum(modelNames).optional(),
  /** What x is distributed by, given z or by itself; undefined of a model without a density. */
  likelihood: z.string().optional(),
  /** What x is to a density, as it came from the data: "uniform dequantisation". Densities of other things are not compared. */
  observation: z.string().optional(),
  /** The families of q(z|x) and p(z). */
  posterior: z.string().optional(),
  prior: z.string().optional(),
  parameters: z.number(),
  /** Which programs the model has; all of them where it is left out. */
  programs: z.array(z.enum(programNames)).optional(),
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
 * What log p(x) is of where it is no estimate, as q(z|x) is p(z|x) itself: of models that are fitted to their likelihood. Of x, or of
 * x + u at one draw of u.
 */
export function exactOf({
  family,
  observation,
}: Pick<RunFacts["model"], "family" | "observation">): "x" | "x + u" | undefined {
  if (family === undefined || !fittedModels.includes(family) || !densityModels.includes(family)) return undefined;
  return observation === DEQUANTISED ? "x + u" : "x";
}

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
