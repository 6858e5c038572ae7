import { evaluationDraws } from "../run/defaults.ts";
import { evaluateRun } from "./evaluation-run.ts";
import type { RunFlags } from "./flags.ts";
import { openOwnData } from "./own-data.ts";
import { writeResults } from "./results.ts";
import { useRun } from "./use-run.ts";

/** Evaluates the run again and writes its results: the same numbers and the same page, where nothing has changed. */
export async function rebuildReport(path: string, flags: RunFlags): Promise<void> {
  await useRun(path, flags, [], async (place) => {
    const { config, engine, watch, writable } = place;
    const data = await openOwnData(place);
    const [dataset, split] = data.test ? [data.test, "test"] : [data.validation, "validation"];
    const samples = evaluationDraws(config.options);
    const { seed } = config.options;
    const run = writable();
    const evaluation = await evaluateRun(engine, run, {
      dataset,
      split,
      samples,
      seed,
      ownData: data,
      ...watch("evaluating", "examples"),
    });
    await writeResults({ engine, run, evaluation, dataset, data, watch });
    const report = `${path}/report.html`;
    process.stdout.write(flags.json ? `${JSON.stringify({ report })}\n` : `${report}\n`);
  });
}
