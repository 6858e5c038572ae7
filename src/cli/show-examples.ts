import { isImage } from "../report/image.ts";
import type { RunFacts } from "../run/facts.ts";
import type { OutFlags } from "./flags.ts";
import { type Output, writeExamples } from "./outputs.ts";

/** Writes examples where `--out` says, or under a name that tells what they are, and says so. */
export async function showExamples(
  flags: OutFlags & { readonly json?: boolean },
  output: Output,
  facts: RunFacts,
  what: string,
  name: string,
): Promise<void> {
  const out = flags.out ?? `${name}.${isImage(facts.data.shape) ? "png" : "csv"}`;
  await writeExamples({ ...flags, out }, output, facts);
  const [count] = output.values.shape;
  process.stdout.write(flags.json ? `${JSON.stringify({ out, count, what })}\n` : `${out}  ${what}\n`);
}
