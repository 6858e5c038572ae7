import { z } from "zod";
import { InputError } from "../errors.ts";
import type { LikelihoodEstimate } from "../evaluation/likelihood.ts";
import { quantile } from "../evaluation/quantiles.ts";
import type { RunFiles } from "../run/run-files.ts";
import type { ReferenceScores, Scores } from "./trained-model.ts";

const SCORES = "scores.json";

/** Why a run cannot score, and what to do. */
export const NO_REFERENCE =
  "it holds no scores.json, the validation scores that others are compared with; make it with: reparam report RUN";

const schema = z.object({ samples: z.int().positive(), logLikelihood: z.array(z.number()).min(1) });

/** What a run keeps of its validation scores: the text of scores.json. */
export function referenceOf({ samples, perExample }: LikelihoodEstimate): ReferenceScores {
  return { samples, logLikelihood: Array.from(perExample.logLikelihood.toSorted()) };
}

/** The validation scores of a run, undefined where it has none. */
export async function readReference(files: RunFiles): Promise<ReferenceScores | undefined> {
  const bytes = await files.read(SCORES);
  if (bytes === undefined) return undefined;
  const parsed = schema.safeParse(parseJson(new TextDecoder().decode(bytes)));
  if (parsed.success) return parsed.data;
  throw new InputError(`${files.name}/${SCORES}: is not what this version writes; make it again with: reparam report`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The scores beside the validation examples'. */
export function compareScores({ perExample, samples }: LikelihoodEstimate, reference: ReferenceScores): Scores {
  const { logLikelihood: known } = reference;
  const mean = known.reduce((total, value) => total + value, 0) / known.length;
  const distances = known.map((value) => Math.abs(value - mean)).sort((a, b) => a - b);
  return {
    ...perExample,
    samples,
    percentile: perExample.logLikelihood.map((value) => countBelow(known, value) / known.length),
    typicality: perExample.logLikelihood.map(
      (value) => 1 - countBelow(distances, Math.abs(value - mean)) / known.length,
    ),
  };
}

/** The log-likelihood that a share of the validation examples lies below: the threshold of what counts as strange. */
export function scoreThreshold({ logLikelihood }: ReferenceScores, share: number): number {
  return quantile(logLikelihood, share);
}

/** How many of the ascending values are below this one. */
function countBelow(ascending: readonly number[], value: number): number {
  let [from, to] = [0, ascending.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (ascending[middle] < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
