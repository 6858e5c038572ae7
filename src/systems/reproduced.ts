import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Measurement } from "./row.ts";

/** By row: published numbers that took hours to run again. */
const schema = z.record(
  z.string(),
  z.array(
    z.strictObject({
      what: z.string(),
      /** Where it is published. */
      source: z.string(),
      published: z.number(),
      measured: z.number(),
      tolerance: z.number().positive(),
      /** Where the tolerance comes from. */
      because: z.string(),
      command: z.string(),
      date: z.iso.date(),
    }),
  ),
);

/** What docs/reproductions.json holds of a row: one entry for each number, which docs/reproductions.md tells more of. */
export function reproduced(row: number): readonly Measurement[] {
  const file = new URL("../../docs/reproductions.json", import.meta.url);
  const all = schema.parse(JSON.parse(readFileSync(file, "utf8")));
  return (all[row] ?? []).map(({ what, source, published, measured, tolerance, because, command, date }) => ({
    what: `${what}, against ${source}; ${command}, ${date}`,
    measured,
    expected: published,
    error: Math.abs(measured - published),
    tolerance,
    because,
  }));
}
