import { isImage } from "../data/pixels.ts";

import type { RunFacts } from "../run/facts.ts";
import type { OutFlags } from "./flags.ts";
import { exampleKinds, type Output, outputKind, writeExamples } from "./outputs.ts";

/** Where examples are going to be written: where `--out` says, or under a name that tells what they are. */
export interface Target extends OutFlags {
  readonly out: string;
  readonly json?: boolean;
}

/** @throws InputError before any work is done, where nothing can be written in that way. */
export function targetOf(flags: OutFlags & { readonly json?: boolean }, { data }: RunFacts, name: string): Target {
  const target = { ...flags, out: flags.out ?? `${name}.${isImage(data.shape) ? "png" : "csv"}` };
  outputKind(target, exampleKinds(data.shape));
  return target;
}

/** Writes examples and says so: how many, and in words what they are. */
export async function showExamples(
  target: Target,
  output: Output,
  facts: RunFacts,
  { what, count = output.values.shape[0] }: { readonly what: string; readonly count?: number },
): Promise<void> {
  const { out, json } = target;
  await writeExamples(target, output, facts);
  process.stdout.write(json ? `${JSON.stringify({ out, count, what })}\n` : `${out}  ${what}\n`);
}
