import { readFileSync } from "node:fs";
import { z } from "zod";
import { arrayDataset, type Dataset, numbersOf, split } from "../data/dataset.ts";
import { openDigits } from "./linear-vae.ts";

/** Of 1,797. */
const HELD_OUT = 397;
/** The pixels' largest value. */
const TOP = 16;

const labelSchema = z.object({ labels: z.string().regex(/^\d+$/) });

/** The 8×8 digits as real numbers from 0 to 1 with their classes: 1,400 to train on and 397 held out, of each class its share. */
export async function splitDigits(seed: number): Promise<{ readonly train: Dataset; readonly test: Dataset }> {
  const file = new URL("../../test/golden/values/digits_labels.json", import.meta.url);
  const { labels } = labelSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const digits = await openDigits();
  const data = numbersOf(digits).map((value) => value / TOP);
  const whole = arrayDataset(
    { data, shape: [digits.length, ...digits.shape] },
    { name: "digits 8×8", measure: "real", labels: Uint8Array.from(labels, Number) },
  );
  const { train, validation } = split(whole, { seed, fraction: HELD_OUT / whole.length });
  return { train, test: validation };
}
